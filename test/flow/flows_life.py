# SPDX-License-Identifier: Apache-2.0
"""Flows about the life of an application: run, apps, kill, its surroundings."""

import os
import re
import signal
import time

from kit import Counter, COUNTER, alive, check, flow, wait_for

APP_KEYS = {"auto_interval_ns", "auto_keep", "name", "state", "pid", "keeper_pid", "console_pid",
            "current", "undo", "created_ns", "command"}


@flow()
def run_apps_kill(world):
    world.expect("apps", out=re.compile("no applications"))
    check(world.json("apps") == [], "apps of nothing")
    number = world.path("n")
    text = world.expect("run", "-d", "-n", "myapp", "--", COUNTER, number,
                        out=re.compile(r"^myapp runs as pid \d+\n$")).out
    app = Counter(world, "myapp", int(re.search(r"\d+", text).group()), number)
    row = world.app("myapp")
    check(set(row) == APP_KEYS, f"keys {sorted(row)}")
    check(row["state"] == "running" and row["pid"] == app.pid, f"{row}")
    check(row["command"] == f"{COUNTER} {number}", f"{row}")
    check(row["current"] == 0 and row["undo"] == 0, f"{row}")
    check(alive(row["keeper_pid"]) and alive(row["console_pid"]), f"{row}")
    world.expect("apps", out=re.compile(rf"^myapp +{app.pid} +running +- +\S*counter", re.M))
    app.count(1)
    os.kill(app.pid, signal.SIGSTOP)
    wait_for("stopped", lambda: world.app("myapp")["state"] == "stopped")
    os.kill(app.pid, signal.SIGCONT)
    wait_for("running", lambda: world.app("myapp")["state"] == "running")
    world.expect("kill", "myapp", out="myapp killed by SIGKILL\n")
    check(not alive(app.pid), "kill returned before its end")
    row = world.app("myapp")
    check(set(row) == APP_KEYS | {"exit_code", "exit_signal"}, f"keys {sorted(row)}")
    check((row["state"], row["pid"], row["keeper_pid"], row["exit_code"], row["exit_signal"]) ==
          ("ended", 0, 0, None, 9), f"{row}")
    world.expect("apps", out=re.compile(r"^myapp +- +killed by SIGKILL", re.M))
    world.refuse("kill", "myapp", why=r"kill myapp: it has ended already \(killed by SIGKILL\)")
    world.refuse("snap", "myapp", why="myapp: the application is gone")


@flow()
def kill_with_sigterm(world):
    world.run_counter("polite")
    done = world.json("kill", "polite", "--term")
    check((done["state"], done["exit_code"], done["exit_signal"]) == ("ended", 5, None), f"{done}")
    world.json("run", "-d", "-n", "deaf", "sh", "-c", "trap '' TERM; echo x >deaf; "
               "while :; do sleep 0.1; done")
    wait_for("deaf", lambda: os.path.exists(world.path("deaf")))
    done = world.json("kill", "deaf", "--term")
    check(done["exit_signal"] == 9, f"{done}")
    # One that is stopped could not hear it.
    world.run_counter("stopped")
    world.json("snap", "stopped", "--then", "stop")
    done = world.json("kill", "stopped", "--term")
    check((done["exit_code"], done["exit_signal"]) == (5, None), f"{done}")


@flow()
def kill_with_sigterm_without_a_keeper(world):
    """As with one: asked first, killed when it does not hear."""
    for name, trap in (("polite", "trap 'exit 3' TERM"), ("deaf", "trap '' TERM")):
        pid = world.json("run", "-d", "-n", name, "sh", "-c", f"{trap}; echo x >{name}; "
                         "while :; do sleep 0.1; done")["pid"]
        wait_for(name, lambda name=name: os.path.exists(world.path(name)))
        os.kill(world.app(name)["keeper_pid"], signal.SIGKILL)
        wait_for("no keeper", lambda name=name: world.app(name)["keeper_pid"] == 0)
        begun = time.monotonic()
        done = world.json("kill", name, "--term")
        check(done["state"] == "ended" and not alive(pid), f"{done}")
        check((time.monotonic() - begun > 4) == (name == "deaf"), f"{name}: asked")


@flow()
def an_application_ends_by_itself(world):
    app = world.run_counter("brief")
    keeper = world.app("brief")["keeper_pid"]
    os.kill(app.pid, signal.SIGTERM)
    wait_for("its keeper ends", lambda: not alive(keeper))
    row = world.app("brief")
    check((row["state"], row["exit_code"]) == ("ended", 5), f"{row}")
    world.refuse("snap", "brief", why="brief: the application is gone .ended with status 5")


@flow()
def run_waits_and_gives_the_status(world):
    for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)):
        world.expect("run", "sh", "-c", script, status=status, out="")
    world.expect("run", "echo", "hi", out="hi\r\n")
    world.expect("run", "--", "echo", "-n", "--json", out="--json")
    world.expect("run", "cat", given="typed\n", out="typed\r\ntyped\r\n")
    world.expect("run", "sh", "-c", "cat >/dev/null; echo end", given="",
                 out=re.compile("end\r\n$"))
    # All of it, though the application is gone by the time it is read.
    for _ in range(5):
        out = world.expect("run", "seq", "1", "30000").out
        check(out == "".join(f"{i}\r\n" for i in range(1, 30001)), f"{len(out)} bytes of output")


@flow()
def what_cannot_be_run(world):
    os.mkdir(world.path("dir"), 0o755)
    for command, why in (("/no/such/file", "No such file"),
                         ("nosuchcommand", "No such file|denied"),
                         (world.path("dir"), "denied|directory"), ("", "No such file")):
        for options in ([], ["-d"]):
            world.refuse("run", *options, "-n", "never", command, why=f"run .*{why}")
    check(world.json("apps") == [], "a name was left")
    check(os.listdir(os.path.join(world.catalog, "apps")) == [], "files were left")


@flow()
def what_an_application_inherits(world):
    """Directory, environment, umask, limits, signals are the starter's; descriptors are not."""
    script = "pwd; echo $GIVEN; umask; ulimit -n; tty; ps -o sid=,tpgid= -p $$; echo $$"
    starter = world.path("starter.py")
    with open(starter, "w", encoding="ascii") as file:
        file.write("import os, resource, signal, sys\n"
                   "os.umask(0o27)\n"
                   "resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))\n"
                   "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
                   "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
                   "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
                   "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
                   "signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2])\n"
                   "os.set_inheritable(os.open('/dev/null', os.O_RDONLY), True)\n"
                   "os.execv(sys.argv[1], sys.argv[1:])\n")
    env = dict(world.env, GIVEN="a gift")
    from kit import SNAPSH

    def given(*command):
        return world.expect(starter, SNAPSH, "run", *command, program="/usr/bin/python3",
                            env=env).out.split("\r\n")

    lines = given("sh", "-c", script)
    check(lines[0] == os.path.realpath(world.dir), f"directory {lines[0]}")
    check(lines[1] == "a gift", f"environment {lines[1]}")
    check(lines[2] == "0027", f"umask {lines[2]}")
    check(lines[3] == "77", f"soft limit of descriptors {lines[3]}")
    check(lines[4].startswith("/dev/pts/"), f"terminal {lines[4]}")
    sid, foreground = lines[5].split()
    check(sid == lines[6], f"session {sid} of process {lines[6]}")
    check(foreground == sid, f"foreground group {foreground}")
    held = given("sh", "-c", "ls /proc/$$/fd; :")
    check(" ".join(held).split() == ["0", "1", "2"], f"descriptors {held}")
    # A shell would set its mask anew.
    for line, numbers in zip(given("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"),
                             ([signal.SIGUSR2], [signal.SIGHUP, signal.SIGCHLD])):
        # 32 and 33 are the C library's own, and nobody's to reset.
        given_mask = int(line.split()[1], 16) & ~(3 << 31)
        check(given_mask == sum(1 << (n - 1) for n in numbers), line)


@flow()
def two_applications(world):
    """Each with its own keeper, console and snapshots."""
    one, two = world.run_counter("one"), world.run_counter("two")
    one.count(1)
    two.count(1)
    two.count(2)
    check(world.json("snap", "one")["id"] == 1, "one@1")
    check(world.json("snap", "two")["id"] == 1, "two@1")
    check(world.json("snap", "two")["id"] == 2, "two@2")
    check([s["id"] for s in world.json("list", "one")] == [1], "list of one")
    check([s["id"] for s in world.json("list", "two")] == [1, 2], "list of two")
    rows = world.json("apps")
    check([row["name"] for row in rows] == ["one", "two"], f"{rows}")
    check(rows[0]["keeper_pid"] != rows[1]["keeper_pid"], "one keeper for both")
    one.count(2)
    world.expect("revert", "one@1", out=re.compile("^one is at 1 again"))
    one.count(2)
    two.count(3)
    world.expect("kill", "one", out=None)
    check(alive(two.pid), "killed both")
    two.count(4)
    # An ended one is still there, so a name is needed.
    world.refuse("snap", why="one.*two|which|several|NAME|name")
    world.expect("snap", "two", out=re.compile("^two@3 "))
