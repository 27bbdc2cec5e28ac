# SPDX-License-Identifier: Apache-2.0
"""Flows about living with many snapshots: auto, forget, gc."""

import os
import re
import signal
import sqlite3
import time
from contextlib import closing

from kit import alive, check, flow, wait_for


def ids(world):
    return [row["id"] for row in world.json("list")]


def packs_bytes(world):
    folder = os.path.join(world.catalog, "packs")
    return sum(os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder))


def verify(world):
    found = world.json("verify")
    check(found["damaged"] == [], f"{found}")


@flow()
def auto_takes_and_keeps(world):
    app = world.run_counter("myapp")
    world.expect("auto", "myapp", out="myapp: no automatic snapshots\n")
    world.json("snap", "-m", "by hand")
    world.expect("auto", "myapp", "50ms", "--keep", "4",
                 out="myapp: a snapshot every 50ms, the last 4 stay\n")
    number = [0]

    def later():
        number[0] += 1
        app.count(number[0])
        return ids(world)[-1] > 12

    wait_for("a dozen automatic snapshots", later, 30)
    world.expect("auto", "off", out="myapp: no automatic snapshots\n")
    rows = world.json("list")
    timed = [row["id"] for row in rows if row["timer"]]
    check(rows[0]["message"] == "by hand" and not rows[0]["automatic"], f"{rows[0]}")
    check(4 <= len(timed) <= 6 and timed == list(range(timed[0], timed[-1] + 1)), f"{timed}")
    check(world.app("myapp")["auto_interval_ns"] == 0, "it is still set")
    time.sleep(0.3)
    check(ids(world)[-1] == timed[-1], "it goes on after off")
    verify(world)
    world.json("revert", str(timed[0]))
    number[0] += 1
    world.json("revert", "1")
    app.count(1)


@flow()
def auto_outlives_its_keeper(world):
    app = world.run_counter("myapp")
    setting = world.json("auto", "myapp", "100ms")
    check((setting["interval_ns"], setting["keep"], setting["failed"]) == (100000000, 0, ""),
          f"{setting}")
    wait_for("snapshots", lambda: len(ids(world)) > 1)
    keeper = world.app("myapp")["keeper_pid"]
    os.kill(keeper, signal.SIGKILL)
    wait_for("its end", lambda: not alive(keeper))
    last = ids(world)[-1]
    world.json("attach", str(app.pid), "-n", "myapp")
    wait_for("more snapshots", lambda: ids(world)[-1] > last + 1)
    world.expect("auto", "myapp", "off", out=None)
    verify(world)


@flow(needs=("root",))
def auto_goes_on_after_a_restore(world):
    world.run_counter("myapp")
    world.json("auto", "myapp", "100ms")
    wait_for("snapshots", lambda: len(ids(world)) > 1)
    world.expect("kill", "myapp", out=None)
    last = ids(world)[-1]
    world.refuse("auto", "myapp", "1s", why="myapp")
    world.json("restore", "myapp@latest", "-d")
    wait_for("more snapshots", lambda: ids(world)[-1] > last + 1)
    world.expect("auto", "myapp", "off", out=None)
    verify(world)


@flow()
def auto_wants_an_interval(world):
    world.run_counter("myapp")
    for wrong in ("1", "5x", "0s", "1ms", "-3s", "ms", "99999999s"):
        world.refuse("auto", "myapp", wrong, why="auto", status=2)
    world.refuse("auto", "myapp", "1s", "--keep", "0", why="--keep", status=2)
    world.refuse("auto", "myapp", "1s", "--keep", "many", why="--keep", status=2)
    check(world.json("auto", "myapp")["interval_ns"] == 0, "a wrong one was set")


@flow()
def forget_by_a_policy(world):
    app = world.run_counter("myapp")
    for number in range(1, 9):
        world.json("snap", *(("-t", "boss") if number == 3 else ()))
        app.count(number)
    world.refuse("forget", "myapp", why="nothing says what is to stay", status=2)
    world.refuse("forget", "myapp", "--keep-last", "x", why="--keep-last", status=2)
    world.expect("forget", "--keep-last", "2", "--keep-tagged", "--dry-run", out=re.compile(
        "^myapp@3 stays: tagged\nmyapp@7 stays: last\n"
        "myapp@8 stays: the application stands on it, last\n"
        "myapp@1 goes\nmyapp@2 goes\n(myapp@[456] goes\n){3}"
        "5 snapshots of myapp would go, 3 stay\n$"))
    check(ids(world) == list(range(1, 9)), "a dry run dropped something")
    told = world.json("forget", "myapp", "--keep-last", "2", "--keep-tagged")
    check(told["goes"] == [1, 2, 4, 5, 6] and not told["dry_run"], f"{told}")
    rows = world.json("list")
    check([(r["id"], r["parent"]) for r in rows] == [(3, 0), (7, 3), (8, 7)], f"{rows}")
    world.json("revert", "boss")
    app.count(3)
    # The state before that revert is what undo goes back to.
    told = world.json("forget", "--keep-hourly", "1", "--dry-run")
    reasons = {stay["id"]: stay["reasons"] for stay in told["stays"]}
    check(reasons == {3: ["the application stands on it"],
                      9: ["undo goes back to it", "hourly"]}, f"{told}")
    world.json("forget", "--keep-daily", "1")
    world.json("undo")
    app.count(9)
    verify(world)


@flow(needs=("root",))
def gc_gives_room_back(world):
    app = world.run_counter("myapp")
    for number in range(1, 31):
        world.json("snap", "--tracker", "compare")
        app.count(number)
    # Each of another process's life has pages of its own.
    world.expect("kill", "myapp", out=None)
    world.expect("gc", out=re.compile("given back"))
    before = packs_bytes(world)
    world.json("drop", *(str(id) for id in range(1, 30)))
    check(packs_bytes(world) == before, "drop gave room back by itself")
    collected = world.json("gc")
    check(set(collected) == {"freed_bytes", "moved_pages", "dropped_packs", "joined_snapshots"},
          f"{collected}")
    check(packs_bytes(world) < before, f"{collected}")
    verify(world)
    world.json("restore", "latest", "-d")
    app.count(30)
    world.json("snap")
    world.json("gc")
    app.count(31)
    verify(world)


def collections(world):
    with closing(sqlite3.connect(os.path.join(world.catalog, "catalog.db"))) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


@flow()
def gc_comes_by_itself(world):
    app = world.run_counter("myapp")
    for _ in range(70):
        world.json("snap")
    app.count(1)
    world.json("snap")
    rows = ids(world)
    told = world.json("forget", "--keep-last", "1")
    check(len(told["goes"]) == 70, f"{told}")

    wait_for("a gc in the background", lambda: collections(world), 20)
    check(ids(world) == rows[-1:], "it took a snapshot away")
    verify(world)
    app.count(2)


@flow()
def gc_joins_by_itself(world):
    app = world.run_counter("myapp")
    world.json("auto", "10ms")
    wait_for("100 snapshots", lambda: len(ids(world)) > 100, 60)
    check(not collections(world), "a gc of next to nothing")
    wait_for("a gc in the background", lambda: collections(world), 60)
    world.json("auto", "off")
    verify(world)
    app.count(1)
