# SPDX-License-Identifier: Apache-2.0
"""Flows about the keeper: detach, attach, its end at any moment, odd clients."""

import json
import os
import re
import signal
import socket
import threading
import time

from kit import Failure, alive, check, flow, stat_fields, wait_for

GONE = r"myapp: its keeper is gone \(pid {0}\): adopt it again with .snapsh attach {0} -n myapp"


def kill_keeper(world, name):
    keeper = world.app(name)["keeper_pid"]
    os.kill(keeper, signal.SIGKILL)
    wait_for("the keeper ends", lambda: not alive(keeper))


@flow()
def detach_and_attach(world):
    app = world.run_counter("myapp")
    world.json("snap")
    row = world.app("myapp")
    world.expect("detach", "myapp", out=re.compile(
        rf"^myapp runs on as pid {app.pid}; .snapsh attach {app.pid}. manages it again\n$"))
    check(not os.path.exists(os.path.join(world.catalog, "apps", "myapp.sock")), "a socket is left")
    wait_for("the keeper ends", lambda: not alive(row["keeper_pid"]))
    app.count(1)
    check(alive(row["console_pid"]), "the console went with the keeper")
    check(world.app("myapp")["keeper_pid"] == 0, "apps names a keeper")
    world.expect("apps", out=re.compile("myapp .* running, no keeper "))
    for command in (["snap", "myapp"], ["undo"], ["detach"], ["revert", "1"]):
        world.refuse(*command, why=GONE.format(app.pid))
    check(len(world.json("list", "myapp")) == 1, "the list needs a keeper")
    world.json("show", "1")
    world.expect("attach", str(app.pid), out=f"myapp is pid {app.pid}\n")
    taken = world.json("snap")
    check(taken["id"] == 2 and taken["parent"] == 1, f"{taken}")
    app.count(2)
    world.json("revert", "1")
    app.count(1)


@flow()
def a_keeper_is_killed(world):
    """-9 at rest: the application lives, is adopted again, its history goes on."""
    app = world.run_counter("myapp")
    app.count(1)
    world.json("snap")
    kill_keeper(world, "myapp")
    app.count(2)
    world.refuse("snap", why=GONE.format(app.pid))
    world.refuse("revert", "1", why=GONE.format(app.pid))
    world.refuse("diff", "1", why=GONE.format(app.pid), status=2)
    world.refuse("run", "-n", "myapp", "-d", "sleep", "9", why="myapp is running")
    world.refuse("restore", "1", "-d", why="myapp is alive")
    world.refuse("attach", str(app.pid), "-n", "other", why="known as myapp")
    world.json("attach", str(app.pid), "-n", "myapp")
    world.json("snap")
    world.json("revert", "1")
    app.count(2)
    # Without a keeper it is ended all the same.
    kill_keeper(world, "myapp")
    world.expect("kill", "myapp", out="myapp ended\n")
    check(not alive(app.pid), "kill without a keeper did nothing")


@flow()
def a_keeper_is_killed_while_it_works(world):
    """-9 at random moments of snapshots: the application counts on as if nothing were."""
    app = world.run_counter("myapp")
    number = 0
    for i in range(12):
        keeper = world.app("myapp")["keeper_pid"]
        late = threading.Timer(0.0005 + 0.0013 * i, os.kill, [keeper, signal.SIGKILL])
        late.start()
        while world.call("snap", "myapp").status == 0:
            pass
        late.join()
        wait_for("the keeper ends", lambda gone=keeper: not alive(gone))
        for _ in range(2):
            number += 1
            app.count(number)
        world.json("attach", str(app.pid), "-n", "myapp")
    # What was reported is there, whole.
    for row in world.json("list"):
        world.json("show", str(row["id"]))
    taken = world.json("snap")
    app.count(number + 1)
    world.json("revert", str(taken["id"]))
    app.count(number + 1)


@flow()
def a_keeper_is_told_to_end(world):
    app = world.run_counter("myapp")
    keeper = world.app("myapp")["keeper_pid"]
    for harmless in (signal.SIGHUP, signal.SIGPIPE):
        os.kill(keeper, harmless)
    check(world.json("snap")["id"] == 1, "it does not answer")
    os.kill(keeper, signal.SIGTERM)
    wait_for("the keeper ends", lambda: not alive(keeper))
    check(world.app("myapp")["keeper_pid"] == 0, "apps names a keeper")
    check(not os.path.exists(os.path.join(world.catalog, "apps", "myapp.sock")), "a socket is left")
    app.count(1)


@flow()
def attach_a_stranger(world):
    app = world.start_counter()
    world.expect("attach", str(app.pid), "-n", "stranger", out=f"stranger is pid {app.pid}\n")
    keeper = world.app("stranger")["keeper_pid"]
    for name in ([], ["-n", "stranger"], ["-n", "other"]):
        world.refuse("attach", str(app.pid), *name,
                     why=rf"{app.pid}.*managed already.*stranger.*{keeper}")
    world.json("snap", "-m", "as found")
    app.count(1)
    world.json("revert", "1")
    app.count(1)
    world.refuse("console", "stranger", why="no terminal")
    world.expect("detach", out=re.compile("^stranger runs on"))
    app.count(2)
    # Named by what it is called, made unique.
    world.expect("attach", str(app.pid), out=f"stranger is pid {app.pid}\n")
    other = world.start_counter()
    check(world.json("attach", str(other.pid))["name"] == "counter", "no name of its own")
    third = world.start_counter()
    check(world.json("attach", str(third.pid))["name"] == "counter-2", "no unique name")
    world.refuse("attach", str(world.start_counter().pid), "-n", "counter",
                 why="counter is running")


@flow()
def a_name_goes_on_with_another_process(world):
    app = world.start_counter()
    world.json("attach", str(app.pid), "-n", "svc")
    world.json("snap")
    app.count(1)
    world.expect("kill", "svc", out=re.compile("^svc "))
    row = world.app("svc")
    check(row["state"] == "ended", f"{row}")
    world.children[0].wait()
    second = world.start_counter()
    world.json("attach", str(second.pid), "-n", "svc")
    taken = world.json("snap")
    check((taken["id"], taken["parent"]) == (2, 0), f"{taken}: another life has no parent")
    check([row["id"] for row in world.json("list")] == [1, 2], "its history is lost")
    second.count(1)
    world.json("revert", "2")
    second.count(1)


@flow()
def an_attached_application_ends_by_itself(world):
    app = world.start_counter()
    world.json("attach", str(app.pid), "-n", "svc")
    keeper = world.app("svc")["keeper_pid"]
    os.kill(app.pid, signal.SIGTERM)
    world.children[0].wait()
    wait_for("its keeper ends", lambda: not alive(keeper))
    row = world.app("svc")
    # Its exit status is its parent's, not ours.
    check((row["state"], row["exit_code"], row["exit_signal"]) == ("ended", None, None), f"{row}")


def speak(world, name, lines):
    """Bytes to the keeper's socket; what it answers until it closes or falls silent."""
    os.chdir(os.path.join(world.catalog, "apps"))
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(2)
            sock.connect(f"{name}.sock")
            answer = b""
            try:
                sock.sendall(lines)
                while not answer.endswith(b"\n"):
                    part = sock.recv(65536)
                    if not part:
                        break
                    answer += part
            except (TimeoutError, ConnectionError):
                pass
            return answer
    finally:
        os.chdir("/")


@flow()
def odd_clients(world):
    """Nonsense is answered, silence harms nobody."""
    app = world.run_counter("myapp")
    for line in (b"\n", b"nonsense\n", b"[]\n", b"{}\n", b'{"command":7}\n', b"null\n", b"{\n",
                 b'{"command":"format"}\n', b'{"command":"revert"}\n', b"\xff\xfe\n",
                 b'{"command":"revert","args":{"id":"x"}}\n', b"[" * 5000 + b"\n"):
        answer = speak(world, "myapp", line)
        check(answer.endswith(b"\n"), f"{line[:40]}: {answer[:80]}")
        reply = json.loads(answer)
        check(reply["ok"] is False and reply["error"], f"{line[:40]}: {reply}")
    check(speak(world, "myapp", b"x" * (2 << 20)) == b"", "2 MiB without an end were accepted")
    check(json.loads(speak(world, "myapp", b'{"command":"snap","args":{"then":7}}\n'))["ok"],
          "a value of another type is none")
    os.chdir(os.path.join(world.catalog, "apps"))
    try:
        silent = []
        for _ in range(40):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect("myapp.sock")
            sock.sendall(b'{"command"')
            silent.append(sock)
        check(world.json("snap")["id"] == 2, "the silent ones keep others out")
        for sock in silent:
            sock.close()
    finally:
        os.chdir("/")
    check(world.json("snap")["id"] == 3, "it does not answer any more")
    app.count(1)


@flow()
def a_client_that_goes_away(world):
    """Its request is done all the same, once."""
    app = world.run_counter("myapp")
    os.chdir(os.path.join(world.catalog, "apps"))
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect("myapp.sock")
            sock.sendall(b'{"command":"snap","args":{}}\n')
    finally:
        os.chdir("/")
    wait_for("the snapshot", lambda: len(world.json("list")) == 1)
    app.count(1)
    check(world.json("snap")["id"] == 2, "it was done twice")


@flow(needs=("root",))
def another_user_asks(world):
    """A socket passed around opens no door: the kernel says who connects."""
    app = world.run_counter("myapp")
    apps = os.path.join(world.catalog, "apps")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(apps)  # got in while root, so only the check of the peer is left
            os.chmod(apps, 0o777)
            os.chmod("myapp.sock", 0o777)
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect("/proc/self/cwd/myapp.sock")
                sock.sendall(b'{"command":"kill","args":{}}\n')
                status = 0 if sock.recv(100) == b"" else 2
        except (BrokenPipeError, ConnectionResetError):
            status = 0
        except OSError:
            status = 3
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.chmod(apps, 0o700)
    check(status == 0, {1: "?", 2: "it was answered", 3: "it could not connect"}.get(status))
    app.count(1)


@flow()
def two_clients_at_once(world):
    """Requests of several clients are done one after the other."""
    app = world.run_counter("myapp")
    results = []

    def snap():
        try:
            results.append(world.json("snap")["id"])
        except Failure as failure:
            results.append(failure)
    threads = [threading.Thread(target=snap) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(sorted(results, key=str) == [1, 2, 3, 4, 5, 6], f"{results}")
    app.count(1)


@flow()
def two_starters_of_one_name(world):
    """One gets the name, the other is told; one application runs."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        world.call("run", "-d", "-n", "same", "sleep", "100"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [result for result in results if result.status == 0]
    check(len(won) == 1, "; ".join(str(result) for result in results))
    for result in results:
        check(result.status == 0 or result.err.count("\n") == 1, f"{result}")
    sleeping = [pid for pid, line in world.marked().items() if line == "sleep 100"]
    check(sleeping == [world.app("same")["pid"]], f"{sleeping}")


@flow()
def keepers_are_no_burden(world):
    """At rest neither keeper nor console wakes up, and they hold few descriptors."""
    app = world.run_counter("myapp")
    world.json("snap")
    row = world.app("myapp")
    for who in ("keeper_pid", "console_pid"):
        before = sum(int(x) for x in stat_fields(row[who])[11:13])
        time.sleep(0.5)
        check(sum(int(x) for x in stat_fields(row[who])[11:13]) - before <= 1, f"{who} is busy")
        held = len(os.listdir(f"/proc/{row[who]}/fd"))
        check(held < 32, f"{who} holds {held} descriptors")
        with open(f"/proc/{row[who]}/cmdline", "rb") as file:
            title = file.read().rstrip(b"\0").decode()
        check(title == f"snapsh: {who[:-4]} myapp", f"it is called {title}")
        check(stat_fields(row[who])[4] == "0", f"{who} has a controlling terminal")
    for fd in os.listdir(f"/proc/{app.pid}/fd"):
        check(os.readlink(f"/proc/{app.pid}/fd/{fd}").startswith("/dev/pts/"),
              f"the application holds descriptor {fd}")


@flow()
def a_keeper_tells_how_far_it_is(world):
    """Who asks for it is told in between, and so is who restores; the answer comes last."""
    world.json("run", "-d", "-n", "big", "python3", "-c",
               "import os, time; kept = os.urandom(256 << 20); open('ready', 'w'); time.sleep(999)")
    wait_for("ready", lambda: os.path.exists(world.path("ready")), 60)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.path.join(world.catalog, "apps", "big.sock"))
        begun = time.monotonic()
        sock.sendall(b'{"command":"snap","args":{},"progress":true}\n')
        lines = []
        with sock.makefile() as file:
            while not lines or "progress" in lines[-1]:
                lines.append(json.loads(file.readline()))
        took = time.monotonic() - begun
    check(lines[-1]["ok"] and lines[-1]["result"]["id"] == 1, f"{lines[-1]}")
    told = [line["progress"] for line in lines[:-1]]
    check(all(0 <= done <= total for done, total in told), f"{told}")
    check(told or took < 1, f"it took {took} s and told nothing")
    world.json("snap", "big")
