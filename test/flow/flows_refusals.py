# SPDX-License-Identifier: Apache-2.0
"""Flows of bad input that is not the command line's: each one clear line, status 1, the
application untouched."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from kit import BUILD, COUNTER, ORDINARY_UID, Counter, Skip, alive, check, flow, wait_for


def unused_pid():
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        top = int(file.read())
    return next(pid for pid in range(top - 1, 1, -1) if not os.path.exists(f"/proc/{pid}"))


@flow()
def attach_what_is_not_there(world):
    world.refuse("attach", str(unused_pid()), why=r"attach \d+: no such process")
    zombie = subprocess.Popen(["true"], stdout=subprocess.DEVNULL)
    wait_for("a zombie", lambda: not alive(zombie.pid))
    world.refuse("attach", str(zombie.pid), why=str(zombie.pid))
    zombie.wait()
    check(world.json("apps") == [], "a name was left")


@flow()
def restore_without_the_capability(world):
    """It says which one, and how to come by it."""
    if world.uid is None and os.geteuid() == 0:
        raise Skip("root has it")
    world.run_counter("myapp")
    world.json("snap", "--then", "kill")
    world.refuse("restore", "-d", "1", why="it takes CAP_CHECKPOINT_RESTORE: root has it, or the "
                 r"program after `setcap cap_checkpoint_restore\+ep`$")


@flow()
def attach_what_is_not_ours(world):
    """A kernel thread, the first process; as an ordinary user one of root's."""
    with open("/proc/2/stat", encoding="ascii", errors="replace") as file:
        if "(kthreadd)" in file.read():
            world.refuse("attach", "2", why="2.*kernel thread|2.*denied|2.*user")
    if world.uid is not None:
        other = subprocess.Popen([COUNTER, world.path("others")], stdout=subprocess.DEVNULL)
        try:
            wait_for("it runs", lambda: os.path.exists(world.path("others")))
            app = Counter(world, None, other.pid, world.path("others"))
            world.refuse("attach", str(other.pid), why=str(other.pid))
            app.count(1)
        finally:
            other.kill()
            other.wait()
    check(world.json("apps") == [], "a name was left")


@flow()
def attach_its_own_keeper(world):
    app = world.run_counter("myapp")
    row = world.app("myapp")
    for who in ("keeper", "console"):
        world.refuse("attach", str(row[f"{who}_pid"]), "-n", "strange", why=f"{who} of myapp")
    app.count(1)
    check(len(world.json("apps")) == 1, "a name was left")


def trace(pid):
    """A debugger: a child that holds the process seized. Ends when its input does."""
    script = ("import ctypes, os, sys\n"
              "libc = ctypes.CDLL(None, use_errno=True)\n"
              "libc.ptrace.argtypes = [ctypes.c_long] * 4\n"
              "pid = int(sys.argv[1])\n"
              "if libc.ptrace(0x4206, pid, 0, 0) != 0:\n"
              "    sys.exit(f'seize: {os.strerror(ctypes.get_errno())}')\n"
              "print('seized', flush=True)\n"
              "sys.stdin.read()\n")
    return subprocess.Popen(["python3", "-c", script, str(pid)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


@flow()
def a_process_under_a_debugger(world):
    app = world.start_counter()
    kept = world.run_counter("kept")
    for pid in (app.pid, kept.pid):
        debugger = trace(pid)
        try:
            if debugger.stdout.readline() != "seized\n":
                raise Skip("no debugger of ours may attach here")
            if pid == app.pid:
                world.refuse("attach", str(pid), "-n", "other", why=f"{debugger.pid}|debug|traced")
                check(len(world.json("apps")) == 1, "a name was left")
            else:
                world.refuse("snap", "kept", why=f"{debugger.pid}|debug|traced")
                check(world.json("list", "kept") == [], "a snapshot was left")
        finally:
            debugger.communicate("")
    app.count(1)
    kept.count(1)
    check(world.json("snap", "kept")["id"] == 1, "it does not work afterwards")


@flow()
def a_process_dies_in_the_middle(world):
    """Killed while snapshots are taken: one line at most, an end that is recorded, no trace."""
    for i in range(8):
        name = f"mortal-{i}"
        started = world.json("run", "-d", "-n", name, "--", COUNTER, world.path(name), "64")
        app = Counter(world, name, started["pid"], world.path(name))
        keeper = world.app(name)["keeper_pid"]
        late = threading.Timer(0.002 + 0.006 * i, os.kill, [app.pid, signal.SIGKILL])
        late.start()
        while True:
            result = world.call("snap", name, "--tracker", "compare")
            if result.status:
                break
        late.join()
        check(result.status == 1 and result.out == "" and result.err.count("\n") == 1, f"{result}")
        wait_for("its keeper ends", lambda gone=keeper: not alive(gone))
        row = world.app(name)
        check((row["state"], row["exit_signal"]) == ("ended", 9), f"{row}")
        for snapshot in world.json("list", name):
            world.json("show", f"{name}@{snapshot['id']}")


@flow(needs=("root",))
def restore_on_a_taken_pid(world):
    """Says who holds it; the holder is left alone; afterwards it works."""
    app = world.run_counter("myapp")
    app.count(1)
    world.json("snap", "--then", "kill")
    with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
        file.write(str(app.pid - 1))
    holder = None
    for _ in range(50):
        child = subprocess.Popen(["sleep", "1000"])
        if child.pid == app.pid:
            holder = child
            break
        child.kill()
        child.wait()
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(app.pid - 1))
    if not holder:
        raise Skip("the pid could not be taken: others are quicker")
    try:
        world.refuse("restore", "myapp@1", "-d", why=rf"{app.pid}.*sleep|sleep.*{app.pid}")
        check(holder.poll() is None, "the holder was ended")
        check(world.app("myapp")["state"] == "ended", "it is said to run")
        check(not world.sockets() or wait_for("no socket", lambda: not world.sockets()), "sockets")
    finally:
        holder.kill()
        holder.wait()
    world.json("restore", "myapp@1", "-d")
    app.count(2)


@flow(needs=("root",))
def restore_of_a_changed_program(world):
    """Missing, then another; put back, it works."""
    program, kept = world.path("program"), world.path("kept")
    shutil.copy2(COUNTER, program)
    started = world.json("run", "-d", "-n", "myapp", "--", program, world.path("n"))
    app = Counter(world, "myapp", started["pid"], world.path("n"))
    app.count(1)
    world.json("snap", "--then", "kill")
    os.rename(program, kept)
    world.refuse("restore", "myapp@1", "-d", why=program)
    shutil.copy2("/bin/sleep", program)
    world.refuse("restore", "myapp@1", "-d", why=rf"{program}.*changed|changed.*{program}")
    wait_for("nothing is left under its pid", lambda: not alive(app.pid))
    os.rename(kept, program)
    world.json("restore", "myapp@1", "-d")
    app.count(2)


@flow(needs=("root",))
def restore_that_cannot_be_recorded(world):
    """The last that is written of it is not, as on a full disk: nothing is left of it."""
    app = world.run_counter("myapp")
    world.json("snap")
    world.json("snap", "--then", "kill")
    base = sqlite3.connect(os.path.join(world.catalog, "catalog.db"))
    base.execute("CREATE TRIGGER full BEFORE UPDATE ON apps WHEN NEW.current IS NOT OLD.current "
                 "BEGIN SELECT RAISE(ABORT, 'it is full'); END")
    base.commit()
    for options in ((), ("--lazy",), ("-n", "other"), ("-n", "other", "--lazy")):
        world.refuse("restore", "myapp@1", "-d", *options, why="restore myapp@1.*it is full")
        check(not alive(app.pid), f"it runs on: {options}")
        check(world.app("myapp")["current"] == 2, "it stands where it did not get to")
    base.execute("DROP TRIGGER full")
    base.commit()
    base.close()
    world.json("restore", "myapp@1", "-d")
    app.count(1)


@flow(needs=("root",))
def restore_lazy_of_damaged_pages(world):
    """It runs at once, and ends when the damage is met; why is in the keeper's log. When that
    comes before it runs it is restore that says so."""
    number = world.path("number")
    spread = os.path.join(BUILD, "test", "flow", "spread")
    pid = world.json("run", "-d", "-n", "myapp", "--", spread, number, "32", "10")["pid"]
    Counter(world, "myapp", pid, number)
    world.json("snap", "--then", "kill")
    pack = os.path.join(world.catalog, "packs", "1.pages")
    with open(pack, "r+b") as file:
        file.seek(os.path.getsize(pack) * 2 // 3)
        file.write(b"\xff" * 4096)
    said = world.call("restore", "myapp@1", "-d", "--lazy")
    wait_for("its end", lambda: world.app("myapp")["state"] == "ended")
    if said.status:
        check("restore myapp@1: fill its memory: " in said.err, f"{said}")
        return
    log = os.path.join(world.catalog, "apps", "myapp.log")
    wait_for("the reason in the log", lambda: "attend myapp: finish the restore of myapp: fill its "
             "memory: " in open(log, encoding="utf-8").read())


@flow(needs=("root",))
def restore_lazy_that_is_cut_short(world):
    """Its demands cannot be stored; it ends while it is filled; its keeper is killed then."""
    number, go = world.path("number"), world.path("number.go")
    spread = os.path.join(BUILD, "test", "flow", "spread")
    pid = world.json("run", "-d", "-n", "myapp", "--", spread, number, "256", "100")["pid"]
    app = Counter(world, "myapp", pid, number)
    world.json("snap", "--then", "kill")

    def restore():
        os.unlink(number)
        world.do("touch", go)
        restored = world.json("restore", "myapp@1", "-d", "--lazy")
        wait_for("it has looked", lambda: app.number() is not None)
        return restored

    with sqlite3.connect(os.path.join(world.catalog, "catalog.db")) as base:
        base.execute("CREATE TRIGGER full BEFORE INSERT ON demands "
                     "BEGIN SELECT RAISE(ABORT, 'it is full'); END")
    check(restore()["demanded_pages"] == 0, "demands of nobody")
    world.json("snap")  # all is there
    world.expect("kill", "myapp", out=None)
    base.execute("DROP TRIGGER full")
    base.commit()
    base.close()
    check(restore()["demanded_pages"] == 0, "demands that were not stored")
    os.kill(pid, signal.SIGKILL)
    wait_for("its end", lambda: not alive(pid))
    wait_for("no keeper", lambda: not world.sockets())
    world.do("touch", go)
    restored = world.json("restore", "myapp@1", "-d", "--lazy")
    check(restored["demanded_pages"] > 0, "what was asked for before the end is not known")
    os.kill(restored["keeper_pid"], signal.SIGKILL)
    wait_for("no keeper", lambda: not alive(restored["keeper_pid"]))
    if os.path.exists(number):
        os.unlink(number)
    world.do("touch", go)
    wait_for("an end or a look", lambda: not alive(pid) or app.number() is not None)
    check(app.number() != -1, "it ran on without its memory")
    if alive(pid):
        world.json("attach", str(pid), "-n", "myapp")
    world.expect("verify", out=None)


@flow()
def a_catalog_of_a_newer_version(world):
    place = world.path("newer")
    world.expect("-C", place, "apps", out=None)
    path = os.path.join(place, "catalog.db")
    base = sqlite3.connect(path)
    tables = [row[0] for row in base.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    check("migrations" in tables, f"{tables}")
    columns = [row[1] for row in base.execute("PRAGMA table_info(migrations)")]
    number = next(name for name in columns if name in ("number", "id", "version"))
    base.execute(f"UPDATE migrations SET {number} = {number} + 1000")
    base.commit()
    base.close()
    for command in (["apps"], ["run", "-d", "sleep", "100"], ["list"], ["show", "1"]):
        world.refuse("-C", place, *command, why="newer")


@flow()
def a_catalog_that_is_none(world):
    for name, content in (("text", b"nothing of the kind\n" * 100), ("zeros", bytes(8192))):
        place = world.path(name)
        os.mkdir(place, 0o700)
        with open(os.path.join(place, "catalog.db"), "wb") as file:
            file.write(content)
        if world.uid is not None:
            os.chown(place, world.uid, world.uid)
            os.chown(os.path.join(place, "catalog.db"), world.uid, world.uid)
        world.refuse("-C", place, "apps", why="catalog")
    with open(world.path("file"), "wb"):
        pass
    world.refuse("-C", world.path("file"), "apps", why="file")


def change_blob(world, sql):
    """Flips one bit in the middle of a stored blob."""
    base = sqlite3.connect(os.path.join(world.catalog, "catalog.db"), timeout=10)
    table, row, column, where = sql
    blob = bytearray(base.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0])
    blob[len(blob) // 2] ^= 4
    base.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (bytes(blob),))
    base.commit()
    base.close()
    return row


@flow()
def a_damaged_record(world):
    """Found by its checksum wherever it is read; the others stay whole."""
    app = world.run_counter("myapp")
    for number in (1, 2, 3):
        world.json("snap", "--tracker", "compare")
        app.count(number)
    change_blob(world, ("images", 2, "bytes", "id = 2"))
    why = r"2.*damaged|damaged.*2|checksum"
    world.refuse("show", "2", why=why)
    world.refuse("revert", "2", why=why)
    world.refuse("diff", "1", "2", why=why, status=2)
    app.count(4)
    world.json("show", "1")
    world.json("diff", "1", "3", status=1)
    world.json("revert", "1")
    app.count(1)
    check(world.json("snap")["parent"] == 1, "no snapshot after that")


@flow()
def a_damaged_page(world):
    """The application is as before when what it should become cannot be read."""
    app = world.run_counter("myapp")
    world.json("snap")
    app.count(1)
    packs = os.path.join(world.catalog, "packs")
    pages = [os.path.join(packs, name) for name in os.listdir(packs) if name.endswith(".pages")]
    damaged = 0
    for path in pages:
        with open(path, "r+b") as file:
            content = bytearray(file.read())
            for at in range(0, len(content), 512):
                content[at] ^= 1
                damaged += 1
            file.seek(0)
            file.write(content)
    check(damaged, "there are no pages")
    world.refuse("revert", "1", why="damaged|checksum")
    app.count(2)
    check(alive(app.pid), "it ended")
    time.sleep(0.05)
    app.count(3)


@flow()
def a_catalog_that_takes_nothing(world):
    """No file may be written, by the file size limit: refused, the application runs on."""
    started = world.json("run", "-d", "-n", "big", "--", COUNTER, world.path("n"), "16")
    app = Counter(world, "big", started["pid"], world.path("n"))
    keeper = world.app("big")["keeper_pid"]
    world.do("prlimit", "--pid", str(keeper), "--fsize=1000000:")
    result = world.call("snap")
    check(result.status == 1 and result.err.count("\n") == 1, f"{result}")
    check(alive(keeper), "its keeper ended")
    check(world.json("list") == [], "a snapshot is listed")
    app.count(1)
    world.do("prlimit", "--pid", str(keeper), "--fsize=unlimited:")
    check(world.json("snap")["id"] == 1, "it does not work afterwards")
