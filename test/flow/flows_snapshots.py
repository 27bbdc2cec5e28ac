# SPDX-License-Identifier: Apache-2.0
"""Flows about snapshots: snap, list, show, diff, revert, undo, restore, drop, verify."""

import os
import re
import signal
import time

from kit import BUILD, COUNTER, Counter, alive, check, flow, wait_for

SNAP_KEYS = {"name", "id", "parent", "created_ns", "message", "tag", "tracker", "automatic",
             "timer", "tasks", "threads", "stop_ns", "wall_ns", "resident_pages", "dirty_pages",
             "copied_bytes", "stored_bytes"}
REVERT_KEYS = {"name", "mode", "to", "undo", "stop_ns", "written_pages", "notes"}
RESTORE_KEYS = {"name", "from_name", "from", "pid", "keeper_pid", "wall_ns", "filled_pages",
                "lazy_pages", "demanded_pages", "notes"}


@flow()
def snap_and_list(world):
    app = world.run_counter("myapp")
    world.expect("list", out=re.compile("no snapshots yet"))
    check(world.json("list") == [], "list of nothing")
    before_ns = time.time_ns()
    world.expect("snap", "-m", "before the boss", "-t", "boss",
                 out=re.compile(r"^myapp@1  [\d.]+ [KM]iB changed  stopped [\d.]+ [um]s\n$"))
    app.count(1)
    world.expect("snap", "myapp", out=re.compile(
        r"^myapp@2  parent 1  [\d.]+ \w+ changed  stopped [\d.]+ [um]s\n$"))
    app.count(2)
    third = world.json("snap", "--message=third \u00e4")
    check(set(third) == SNAP_KEYS, f"keys {sorted(third)}")
    check((third["id"], third["parent"], third["tasks"], third["threads"]) == (3, 2, 1, 1),
          f"{third}")
    for key in ("stop_ns", "wall_ns", "resident_pages", "stored_bytes"):
        check(third[key] > 0, f"{key} of {third}")
    check(third["stop_ns"] <= third["wall_ns"], f"{third}")
    check(third["automatic"] is False and third["message"] == "third \u00e4", f"{third}")
    rows = world.json("list")
    check([row["id"] for row in rows] == [1, 2, 3], f"{rows}")
    check(all(set(row) == SNAP_KEYS | {"current"} for row in rows), f"{sorted(rows[0])}")
    check([row["current"] for row in rows] == [False, False, True], f"{rows}")
    check([row["parent"] for row in rows] == [0, 1, 2], f"{rows}")
    check(rows[0]["message"] == "before the boss" and rows[0]["tag"] == "boss", f"{rows[0]}")
    check(before_ns <= rows[0]["created_ns"] <= time.time_ns(), f"{rows[0]}")
    # What is listed was written before the snapshot was all done.
    check(rows[2]["wall_ns"] <= third["wall_ns"], f"{rows[2]} {third}")
    check({key: rows[2][key] for key in third if key != "wall_ns"} ==
          {key: third[key] for key in third if key != "wall_ns"}, f"{rows[2]} {third}")
    text = world.expect("ls", "myapp").out.splitlines()
    check(len(text) == 5, f"{text}")
    check(re.match(r"^ +1 .*s ago .* \[boss\] before the boss$", text[1]), f"{text[1]!r}")
    check(re.match(r"^\* +3 ", text[3]), f"{text[3]!r}")
    check(text[4].endswith("at 3"), f"{text[4]!r}")
    app.count(3)
    world.refuse("snap", "-t", "boss", why="boss")
    check(len(world.json("list")) == 3, "a refused snapshot is listed")
    app.count(4)


@flow()
def references(world):
    world.run_counter("myapp")
    for tag in ("a", "b", "c"):
        world.json("snap", "-t", tag)
    for ref, wanted in (("1", 1), ("myapp@1", 1), ("a", 1), ("myapp@b", 2), ("latest", 3),
                        ("myapp@latest", 3), ("~0", 3), ("~1", 2), ("myapp@~2", 1)):
        shown = world.json("show", ref)["id"]
        check(shown == wanted, f"{ref} is {shown}, not {wanted}")


@flow()
def show_a_snapshot(world):
    app = world.run_counter("myapp")
    world.json("snap", "-m", "look", "-t", "here")
    shown = world.json("show", "here")
    check(set(shown) == SNAP_KEYS | {"image"}, f"keys {sorted(shown)}")
    task = shown["image"]["tasks"][0]
    check(task["pid"] == app.pid, f"pid {task['pid']}")
    check(any(m["path"] == COUNTER for m in task["mappings"]), "no mapping of the program")
    text = world.expect("show", "1").out
    check(re.match(r"^myapp@1  \d{4}-\d\d-\d\d \d\d:\d\d  tag here  look\n", text), text[:80])
    check(f"tasks[{app.pid}]" in text and COUNTER in text, "no model in show")


@flow()
def diff_like_diff(world):
    app = world.run_counter("myapp")
    world.json("snap")
    app.count(1)
    world.json("snap")
    done = world.json("diff", "1", "1")
    check(done["same"] is True and done["differences"] == [] and done["pages"] == 0, f"{done}")
    check((done["from"], done["to"]) == ("myapp@1", "myapp@1"), f"{done}")
    world.expect("diff", "1", "1", out="myapp@1 and myapp@1 are the same\n")
    done = world.json("diff", "1", "2", status=1)
    check(done["same"] is False and done["pages"] > 0, f"{done}")
    world.expect("diff", "1", "2", status=1,
                 out=re.compile(r"\nmemory: \d+ pages?\n(  .*\n)*  heap: 1 page, "))
    # A limit is part of the structure: one line tells of it.
    world.do("prlimit", "--pid", str(app.pid), "--nofile=123:456")
    done = world.json("diff", "2", status=1)
    check(done["to"] == "myapp" and done["pages"] == 0, f"{done}")
    changed = [d for d in done["differences"] if "limits" in d["path"]]
    check(any(d["what"] == "changed" and d["to"] == "123" for d in changed), f"{changed}")
    check(set(changed[0]) == {"what", "path", "from", "to"}, f"{changed[0]}")
    world.expect("diff", "2", status=1, out=re.compile(r"limits\S*: \d+ -> 123\n"))
    app.count(2)
    # Trouble is 2, as with diff(1).
    world.refuse("diff", "1", "9", why="9", status=2)
    world.expect("kill", out=None)
    world.refuse("diff", "1", why="gone", status=2)
    world.json("diff", "1", "2", status=1)


@flow()
def revert_and_undo(world):
    app = world.run_counter("myapp")
    app.count(1)
    world.json("snap")
    app.count(2)
    app.count(3)
    world.expect("revert", "1", out=re.compile(
        r"^myapp is at 1 again \(in place, \d+ pages, stopped [\d.]+ [um]s\); "
        r"undo brings 2 back\n"))
    app.count(2)
    rows = world.json("list")
    check([(r["id"], r["automatic"]) for r in rows] == [(1, False), (2, True)], f"{rows}")
    check(rows[0]["current"], "the application does not stand on 1")
    check(world.app("myapp")["undo"] == 2, "no undo")
    done = world.json("undo")
    check(set(done) == REVERT_KEYS, f"keys {sorted(done)}")
    check((done["mode"], done["to"]) == ("in-place", 2), f"{done}")
    check(done["stop_ns"] > 0 and done["written_pages"] >= 0, f"{done}")
    app.count(4)
    # From a revert a branch grows.
    world.json("revert", "myapp@1")
    app.count(2)
    branch = world.json("snap")
    check(branch["parent"] == 1, f"{branch}")
    # Back and forth, out of order.
    for _ in range(3):
        world.json("revert", "2")
        app.count(4)
        world.json("revert", "1")
        app.count(2)
        world.json("revert", str(branch["id"]))
        app.count(3)


@flow()
def undo_of_nothing(world):
    app = world.run_counter("myapp")
    world.refuse("undo", why="undo")
    world.json("snap")
    world.refuse("undo", why="undo")
    app.count(1)


@flow()
def a_second_undo(world):
    app = world.run_counter("myapp")
    world.json("snap")
    app.count(1)
    world.json("revert", "1")
    world.json("undo")
    app.count(2)
    # What it then means is undoing the undo, or nothing: the application lives either way.
    second = world.call("undo")
    check(second.status in (0, 1), f"{second}")
    os.kill(app.pid, signal.SIGUSR1)
    app.wait(3 if second.status else 1)


@flow()
def snap_and_then(world):
    app = world.run_counter("myapp")
    world.json("snap", "--then", "run")
    app.count(1)
    world.json("snap", "--then", "stop")
    check(world.app("myapp")["state"] == "stopped", "it is not stopped")
    os.kill(app.pid, signal.SIGCONT)
    app.count(2)
    taken = world.json("snap", "--then", "kill")
    check(not alive(app.pid), "it lives on")
    row = world.app("myapp")
    check((row["state"], row["exit_signal"], row["current"]) == ("ended", 9, taken["id"]), f"{row}")


@flow()
def trackers_by_name(world):
    app = world.run_counter("myapp")
    for number, tracker in enumerate(("compare", "compare"), 1):
        taken = world.json("snap", "--tracker", tracker)
        # To compare is to read all of it.
        check(taken["tracker"] == tracker, f"{taken}")
        check(taken["copied_bytes"] == taken["resident_pages"] * 4096 > 0, f"{taken}")
        app.count(number)
    world.json("revert", "2")
    app.count(2)
    can = {row["name"]: row["present"] for row in world.json("check")}
    for tracker, feature in (("soft-dirty", "soft_dirty"), ("uffd", "uffd_wp_async")):
        if can[feature]:
            check(world.json("snap", "--tracker", tracker)["tracker"] == tracker, tracker)
        else:
            world.refuse("snap", "--tracker", tracker,
                         why=f"this kernel cannot track by {tracker}: see `snapsh check`")


@flow(needs=("root",))
def restore_what_is_gone(world):
    app = world.run_counter("myapp")
    app.count(1)
    world.json("snap")
    app.count(2)
    world.json("snap", "--then", "kill")
    pidfile = world.path("pid")
    text = world.expect("restore", "myapp@1", "-d", "--pidfile", pidfile).out
    check(re.match(rf"^myapp is back at myapp@1 as pid {app.pid} \(\d+ pages, [\d.]+ [um]s\)\n",
                   text), text)
    with open(pidfile, encoding="ascii") as file:
        check(file.read() == f"{app.pid}\n", "pidfile")
    row = world.app("myapp")
    check((row["state"], row["pid"], row["current"]) == ("running", app.pid, 1), f"{row}")
    app.count(2)
    # It is managed like any other.
    taken = world.json("snap")
    check(taken["parent"] == 1, f"{taken}")
    app.count(3)
    world.json("revert", str(taken["id"]))
    app.count(3)
    world.refuse("restore", "2", "-d", why=rf"myapp is alive \(pid {app.pid}\).*revert myapp@2")
    app.count(4)
    world.expect("kill", out="myapp killed by SIGKILL\n")
    done = world.json("restore", "2", "-d")
    check(set(done) == RESTORE_KEYS, f"keys {sorted(done)}")
    check((done["name"], done["from_name"], done["from"], done["pid"]) ==
          ("myapp", "myapp", 2, app.pid), f"{done}")
    check(done["filled_pages"] > 0 and done["wall_ns"] > 0, f"{done}")
    app.count(3)


@flow(needs=("root",))
def restore_under_another_name(world):
    app = world.run_counter("myapp")
    app.count(1)
    world.json("snap")
    world.expect("kill", "myapp", out=None)
    done = world.json("restore", "myapp@1", "-d", "-n", "twin")
    check((done["name"], done["from_name"], done["pid"]) == ("twin", "myapp", app.pid), f"{done}")
    app.count(2)
    check(world.app("myapp")["state"] == "ended", "the old name lives")
    check(world.app("twin")["pid"] == app.pid, "the new name does not live")
    check(world.json("list", "twin") == [], "it took snapshots along")
    check(world.json("snap", "twin")["id"] == 1, "twin@1")
    app.count(3)
    world.json("revert", "twin@1")
    app.count(3)
    # The same pid twice: says who has it.
    world.refuse("restore", "myapp@1", "-d", why=rf"{app.pid}.*counter|counter.*{app.pid}")
    app.count(4)
    world.refuse("restore", "myapp@1", "-d", "-n", "twin", why="twin is running")


@flow(needs=("root",))
def restore_a_python_program(world):
    script = world.path("loop.py")
    with open(script, "w", encoding="ascii") as file:
        file.write("import os, threading, time\n"
                   "held = {'ticks': 0}\n"
                   "def other():\n"
                   "    while True:\n"
                   "        held['ticks'] += 1\n"
                   "        time.sleep(0.01)\n"
                   "threading.Thread(target=other, daemon=True).start()\n"
                   "number = 0\n"
                   "while True:\n"
                   "    number += 1\n"
                   "    with open('told', 'w') as out:\n"
                   "        out.write(f\"{number} {held['ticks']}\\n\")\n"
                   "    time.sleep(0.01)\n")

    def told():
        words = []
        while len(words) < 2:  # it may be just writing them
            with open(world.path("told"), encoding="ascii") as file:
                words = file.read().split()
        return tuple(int(word) for word in words)

    started = world.json("run", "-d", "-n", "py", "python3", script)
    wait_for("it loops", lambda: os.path.exists(world.path("told")) and told()[0] > 10)
    at = told()
    taken = world.json("snap")
    check(taken["threads"] == 2, f"{taken}")
    wait_for("it loops on", lambda: told()[0] > at[0] + 200)
    far = told()
    world.json("revert", "1")
    wait_for("the number fell", lambda: told()[0] < far[0])
    check(at[0] <= told()[0] < far[0] and told()[1] < far[1], f"{at} {far} {told()}")
    world.expect("kill", out=None)
    world.json("restore", "1", "-d")
    os.unlink(world.path("told"))
    wait_for("it is back", lambda: os.path.exists(world.path("told")))
    begin = told()
    check(begin[0] < far[0], f"{begin} {far}")
    wait_for("both threads go on", lambda: told()[0] > begin[0] + 20 and told()[1] > begin[1] + 5)
    check(alive(started["pid"]), "another pid")


@flow()
def verify_what_is_stored(world):
    app = world.run_counter("myapp")
    for number in (1, 2):
        app.count(number)
        world.json("snap")
    whole = world.json("verify")
    check(set(whole) == {"snapshots", "pages", "good", "damaged"}, f"{sorted(whole)}")
    check(whole["good"] == ["myapp@1", "myapp@2"] and whole["damaged"] == [], f"{whole}")
    check(whole["snapshots"] == 2 and whole["pages"] > 2, f"{whole}")
    world.expect("verify", out=f"2 of 2 snapshots good, {whole['pages']} stored pages read\n")
    check(world.json("verify", "2")["good"] == ["myapp@2"], "verify of one")
    world.refuse("verify", "9", why="9")
    # The last page that was stored is of the second alone.
    with open(os.path.join(world.catalog, "packs", "1.index"), "r+b") as index:
        index.seek(-1, os.SEEK_END)
        byte = index.read(1)[0]
        index.seek(-1, os.SEEK_END)
        index.write(bytes([byte ^ 0xff]))
    found = world.json("verify", status=1)
    check(found["good"] == ["myapp@1"] and len(found["damaged"]) == 1, f"{found}")
    damage = found["damaged"][0]
    check(damage["what"] == "myapp@2" and damage["damaged_pages"] == 1, f"{damage}")
    check("packs/1.pages" in damage["damage"], f"{damage}")
    world.expect("verify", status=1, out=re.compile(
        r"^myapp@2: .* is damaged: .*\n1 of 2 snapshots good, .*\ngood: myapp@1\n$"))
    world.expect("verify", "1", out=re.compile("^1 of 1 snapshots good"))
    world.json("verify", "2", status=1)


@flow()
def drop_snapshots(world):
    app = world.run_counter("myapp")
    for number in range(1, 6):
        world.json("snap")
        app.count(number)
    world.refuse("drop", "5", why="myapp stands on it")
    world.refuse("drop", "1", "9", why="9")
    check(len(world.json("list")) == 5, "a wrong reference dropped something")
    world.expect("drop", "2", "myapp@3", out="dropped myapp@2\ndropped myapp@3\n")
    rows = world.json("list")
    check([(r["id"], r["parent"]) for r in rows] == [(1, 0), (4, 1), (5, 4)], f"{rows}")
    world.refuse("revert", "2", why="2")
    world.json("revert", "4")
    app.count(4)
    world.json("revert", "1")
    app.count(1)
    check(world.json("drop", "5") == {"dropped": ["myapp@5"]}, "drop --json")
    taken = world.json("snap")
    check(taken["id"] > 7 and taken["parent"] == 1, f"{taken}: a number came twice")
    world.json("revert", "4")
    app.count(4)


@flow(needs=("root",))
def restore_lazy_goes_by_what_was_asked_for(world):
    """A lazy restore fills first what earlier ones of the same snapshot were asked for."""
    path, pages = world.path("number"), 300
    spread = os.path.join(BUILD, "test", "flow", "spread")
    pid = world.json("run", "-d", "-n", "myapp", "--", spread, path, "256", str(pages))["pid"]
    app = Counter(world, "myapp", pid, path)
    world.json("snap", "--then", "kill")
    waited, recorded = [], []
    for _ in range(4):
        os.unlink(path)
        world.do("touch", path + ".go")
        recorded.append(world.json("restore", "myapp@1", "-d", "--lazy")["demanded_pages"])
        wait_for("it has looked", lambda: app.number() is not None)
        waited.append(app.number())
        world.call("diff", "myapp@1")  # waits until all is there
        world.expect("kill", "myapp", out=None)
    # What had come in time the first time may be late the second: then it is known, too.
    check(recorded[0] == 0 and recorded == sorted(recorded), f"recorded: {recorded}")
    check(recorded[1] >= waited[0] * 0.9, f"recorded {recorded}, waited for {waited}")
    check(0 <= min(waited[1:]) < pages / 3, f"waited for pages: {waited}")
    world.expect("verify", out=None)
    world.expect("drop", "myapp@1", out=None)
