# SPDX-License-Identifier: Apache-2.0
"""Flows about `info` of the process itself: what gdb tells of a living one only, or not at all."""

import os
import re
import signal

from kit import BUILD, check, flow, wait_for


def snap_state(world):
    started = world.json("run", "-d", "-n", "state", "--", os.path.join(BUILD, "test/flow/state"))
    console = os.path.join(world.catalog, "apps", "state.console")
    wait_for("ready", lambda: "ready" in open(console, encoding="utf-8").read())
    world.json("snap")
    return started["pid"]


@flow()
def info_proc(world):
    pid = snap_state(world)
    program = os.path.join(BUILD, "test/flow/state")
    told = world.json("info", "proc")
    check(told["pid"] == pid and told["cwd"] == world.dir and told["exe"] == program
          and told["cmdline"] == program, f"{told}")
    check(told["text"] == f"process {pid}\ncmdline = '{program}'\ncwd = '{world.dir}'\n"
          f"exe = '{program}'\n", f"{told}")
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        maps = [line.split(maxsplit=5) for line in file if "[vsyscall]" not in line]
    rows = world.json("info", "proc", "mappings")["mappings"]
    check(len(rows) == len(maps), "another number of mappings")
    for row, want in zip(rows, maps):
        have = [f"{int(row['start'], 16):x}-{int(row['end'], 16):x}", row["prot"],
                f"{row['offset_bytes']:08x}", row["name"]]
        check(have == [want[0], want[1], want[2], want[5].strip() if len(want) > 5 else ""],
              f"{have} is {want}")
    world.expect("kill", "state", out=None)
    text = world.expect("info", "proc", "map", out=re.compile("Mapped address spaces:\n\n")).out
    check(text.count("\n") == len(maps) + 4, "not a line each")
    world.expect("info", "proc", "cwd", out=f"process {pid}\ncwd = '{world.dir}'\n")
    world.refuse("info", "proc", "nosuch", why="Too many parameters: nosuch")


@flow()
def info_signals(world):
    snap_state(world)
    rows = {row["name"]: row for row in world.json("info", "signals")["signals"]}
    check({"SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM"} <= set(rows), f"{sorted(rows)}")
    check(rows["SIGUSR1"]["action"] == "handled"
          and rows["SIGUSR1"]["handler"].endswith(" <on_user>"), f"{rows['SIGUSR1']}")
    check(rows["SIGPIPE"]["action"] == "ignored", f"{rows['SIGPIPE']}")
    check(rows["SIGUSR2"]["blocked_by"] == [1] and rows["SIGUSR2"]["action"] == "default"
          and (rows["SIGUSR2"]["pending"] or rows["SIGUSR2"]["pending_for"]), f"{rows}")
    check(rows["SIGALRM"]["blocked_by"] == [1] and not rows["SIGALRM"]["pending"], f"{rows}")
    world.expect("info", "signals", out=re.compile("^Signal +Action +Blocked by +Pending\n"))
    for word in ("SIGTERM", "term", "15"):
        world.expect("info", "signals", word, out=re.compile(r"\nSIGTERM +default +- +-\n$"))
    for word in ("nosuch", "65", "0", "SIG"):
        world.refuse("info", "signals", word, why="no signal is called")


@flow()
def info_timers(world):
    snap_state(world)
    rows = world.json("info", "timers")["timers"]
    kinds = [(row["kind"], row["clock"], row["then"]) for row in rows]
    check([kind[0] for kind in kinds] == ["posix", "interval", "timerfd", "timerfd"], f"{kinds}")
    posix, interval, once, disarmed = rows
    check(posix["clock"] == "monotonic" and posix["interval_ns"] == 7 * 10**9
          and 4000 * 10**9 < posix["remaining_ns"] <= 5000 * 10**9, f"{posix}")
    check(interval["clock"] == "real" and interval["then"] == "SIGALRM"
          and 6000 * 10**9 < interval["remaining_ns"] <= 7000 * 10**9, f"{interval}")
    check(once["clock"] == "boottime" and once["interval_ns"] == 0
          and 5000 * 10**9 < once["remaining_ns"] <= 6000 * 10**9, f"{once}")
    check(disarmed["clock"] == "realtime" and disarmed["remaining_ns"] == 0
          and disarmed["then"] == f"fd {disarmed['id']}", f"{disarmed}")
    world.expect("info", "timers", out=re.compile(r"disarmed +once +fd"))
    world.run_counter("plain")
    world.json("snap", "plain")
    world.expect("info", "-r", "plain@1", "timers", out="No timers.\n")


@flow()
def info_changed(world):
    program = os.path.join(BUILD, "test/flow/sparse")
    pid = world.json("run", "-d", "-n", "sparse", "--", program)["pid"]
    console = os.path.join(world.catalog, "apps", "sparse.console")

    def printed(word):
        return lambda: word in open(console, encoding="utf-8").read()
    wait_for("ready", printed("ready"))
    world.json("snap")
    world.refuse("info", "changed", why="sparse@1 has no parent")
    os.kill(pid, signal.SIGUSR1)
    wait_for("moved", printed("moved"))
    world.json("snap")
    told = world.json("info", "changed")
    check(told["from"] == "sparse@1" and told["to"] == "sparse@2", f"{told}")
    rows = told["rows"]
    check([row["changed_bytes"] for row in rows]
          == sorted((row["changed_bytes"] for row in rows), reverse=True), f"{rows}")
    check(rows[0]["changed_bytes"] == 2 * 4096 + 100 and rows[0]["pages"] == 3
          and rows[0]["symbol"] is None, f"{rows}")
    named = {row["symbol"]: row for row in rows if row["symbol"]}
    check(named["table"]["changed_bytes"] == 300 and named["table"]["size_bytes"] == 1000
          and named["counter"]["changed_bytes"] == 1 and named["counter"]["pages"] == 1, f"{named}")
    check("things" not in named, f"{named}")
    world.expect("info", "changed", out=re.compile(
        r"^sparse@1 to sparse@2: \d+ pages differ\n +Bytes +Pages +What\n +8292 +3 +anonymous.*"
        r"\n +300 +\d  table, of 1000 bytes, in sparse: data", re.S))
    less = world.json("info", "--max", "1", "changed", "1")
    check(less["rows"] == rows[:1], f"{less}")
    world.expect("info", "--max", "1", "changed", out=re.compile(r"\nand \d+ more; --max N"))
    check(world.json("info", "changed", "2")["rows"] == [], "it differs from itself")
    check(world.json("info", "-r", "1", "changed", "sparse@2")["rows"][0]["pages"] == 3, "back")
    world.refuse("info", "changed", "7", why="no snapshot 7")
    world.refuse("info", "--max", "0", "changed", why="--max", status=2)
