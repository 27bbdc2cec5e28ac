# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: one function a row, or a few that belong together. M(x) is copying x bytes, S one
read-only scan of the target's page tables, both in the same run."""

import os
import re
import signal
import statistics
import subprocess
import time

from kit import (BUILD, GIB, MS, PAGE, TIMEOUT_S, CannotMeasure, at_most, figure, limit_ns, tool)


def idle(bench):
    """A small process that sleeps."""
    bench.start("idle", "hold", 10)
    for _ in range(3):
        bench.call("snap", "idle")
    stops = [bench.call("snap", "idle")["stop_ns"] / MS for _ in range(25)]
    yield at_most("stop, 10 MiB idle", stops, "ms", 2, 0.5)
    bench.end("idle")


def crowd(bench):
    """Many threads and mappings."""
    bench.start("crowd", "hold", 10, 100, 1000)
    for _ in range(2):
        bench.call("snap", "crowd")
    stops = [bench.call("snap", "crowd")["stop_ns"] / MS for _ in range(15)]
    yield at_most("stop, 100 threads, 1,000 mappings", stops, "ms", 20)
    bench.end("crowd")


def stop_of_one_percent(bench, pid, tells, options):
    bench.write_some(pid, tells)
    taken = bench.call("snap", "dirty", *options)
    if taken["dirty_pages"] > 2 * GIB // PAGE // 100:
        raise CannotMeasure(f"{taken['dirty_pages']} pages changed by {taken['tracker']}")
    return taken["stop_ns"]


def against(name, values_ns, parts, must, stretch):
    """Values beside a sum of parts: {letter: (ns, factor of must, factor of stretch)}."""
    limit = sum(ns * most for ns, most, _ in parts.values())
    far = sum(ns * few for ns, _, few in parts.values())
    median = statistics.median(values_ns)
    says = ", ".join(f"{letter} = {ns / MS:.2f}" for letter, (ns, _, _) in parts.items())
    return figure(name, [v / MS for v in values_ns], "ms", limit / MS, says, median / limit,
                  must, stretch, median <= limit, median <= far)


def dirty(bench):
    """1 GiB, of which 1 % changes between snapshots."""
    pid, tells = bench.start("dirty", "hold", 1024)
    first = bench.call("snap", "dirty")["stop_ns"]
    whole = limit_ns("copy", 1024)
    yield figure("stop, 1 GiB, first snapshot", [first / MS], "ms", whole / MS, "M", first / whole)
    stops = {}
    for name, options in (("frozen", ["--no-precopy"]), ("ahead", [])):
        stops[name] = [stop_of_one_percent(bench, pid, tells, options) for _ in range(9)]
    scan, copy = limit_ns("scan", pid), limit_ns("copy", 1024, 1)
    yield against("stop, 1 GiB, 1 % written, no pre-copy", stops["frozen"],
                  {"S": (scan, 3, 2), "M": (copy, 3, 1.8)}, "3 S + 3 M", "2 S + 1.8 M")
    # hold rests meanwhile: nothing is left when it is frozen, and it has one thread
    yield against("stop, 1 GiB, 1 % written, pre-copy", stops["ahead"],
                  {"S": (scan, 3, 1.5), "thread": (15e3, 1, 1)}, "3 S + 15 us", "1.5 S")
    cycle = statistics.median(bench.call("snap", "dirty", "--no-precopy")["stop_ns"]
                              for _ in range(9))
    hashed = limit_ns("hash", 1024)
    yield figure("tracking cycle: stop, nothing written", [cycle / MS], "ms", hashed / MS,
                 "reading and hashing it all", cycle / hashed, "1/150", "1/400",
                 cycle * 150 <= hashed, cycle * 400 <= hashed)
    bench.end("dirty")


def restored(bench, name, snapshot, *how):
    """Nanoseconds the application is away, and what restore says."""
    begun = time.monotonic_ns()
    bench.call("kill", name)
    said = bench.call("restore", "-d", f"{name}@{snapshot}", before=how)
    return time.monotonic_ns() - begun, said


def revert(bench):
    """1 GiB, of which 1 % has changed: back in place, and by kill and restore."""
    pid, tells = bench.start("revert", "hold", 1024)
    bench.call("snap", "revert")
    goal = bench.call("snap", "revert")["id"]
    stops, walls, away = [], [], []
    for _ in range(9):
        bench.write_some(pid, tells)
        begun = time.monotonic_ns()
        said = bench.call("revert", f"revert@{goal}")
        walls.append(time.monotonic_ns() - begun)
        stops.append(said["stop_ns"])
        if said["mode"] != "in-place":
            raise CannotMeasure(f"revert was {said['mode']}")
    scan, copy = limit_ns("scan", pid), limit_ns("copy", 1024, 1)
    yield against("stop, revert of 1 % of 1 GiB", stops,
                  {"S": (scan, 4, 2), "M": (copy, 4, 2.5)}, "4 S + 4 M", "2 S + 2.5 M")
    for _ in range(3):
        bench.write_some(pid, tells)
        away.append(restored(bench, "revert", goal)[0])
    bench.write_some(pid, tells)  # it is what it was
    gone = statistics.median(away)
    for name, ours, limit_is in (("stop of that revert, beside kill and restore", stops, ""),
                                 ("... the whole command, undo snapshot included", walls, "")):
        ratio = statistics.median(ours) / gone
        yield figure(name, [v / MS for v in ours], "ms", gone / MS, limit_is or "kill and restore",
                     ratio, "1/20", "1/50", ratio <= 1 / 20, ratio <= 1 / 50)
    bench.end("revert")


def restore(bench):
    """1 GiB, its pages in the page cache."""
    _, tells = bench.start("restore", "hold", 1024)
    goal = bench.call("snap", "restore")["id"]
    for name, how, must, stretch in (
            ("restore of 1 GiB, one processor", ["taskset", "-c", "0"], 2.5, None),
            ("restore of 1 GiB, all of them", [], None, 5)):
        walls = [restored(bench, "restore", goal, *how)[1] for _ in range(5)]
        pid = walls[-1]["pid"]
        rates = [GIB / said["wall_ns"] for said in walls]
        rate = statistics.median(rates)
        yield figure(name, rates, "GB/s", GIB / limit_ns("fresh", 1024), "memcpy to fresh memory",
                     rate * limit_ns("fresh", 1024) / GIB, f"{must} GB/s" if must else "",
                     f"{stretch} GB/s" if stretch else "", None if not must else rate >= must,
                     None if not stretch else rate >= stretch)
    bench.write_some(pid, tells)
    bench.end("restore")


def many(bench):
    """10,000 snapshots of one application: the last against the first."""
    bench.start("many", "work", 64, 20)
    first = bench.call("snap", "many")["id"]
    last = bench.snap_many("many", 10000)
    away = {first: [], last: []}
    for _ in range(5):
        for snapshot in away:
            away[snapshot].append(restored(bench, "many", snapshot)[1]["wall_ns"])
    ours, limit = (statistics.median(away[s]) for s in (last, first))
    yield figure("restore of snapshot 10,000, 64 MiB", [v / MS for v in away[last]], "ms",
                 limit / MS, "restore of snapshot 1", ours / limit, "1.3 x", "1.1 x",
                 ours <= 1.3 * limit, ours <= 1.1 * limit)
    bench.end("many")


def maps(_):
    """The page map of the last of 10,000 snapshots of 1 GiB, 600 pages changed in each."""
    done = subprocess.run([os.path.join(BUILD, "test", "bench", "catalog_bench"), "maps"],
                          capture_output=True, text=True, timeout=10 * TIMEOUT_S, check=False)
    found = re.search(r"last 64 of 10,000 snapshots +([\d.]+) ms mean", done.stdout)
    if not found:
        raise CannotMeasure(done.stderr.strip() or "catalog_bench says nothing")
    yield at_most("page map of snapshot 10,000, 1 GiB", [float(found.group(1))], "ms", 5, 2)


def heap(bench, name, command, change):
    """Stored bytes a changed page, beside the page."""
    bench.run(name, *command)
    change(0)
    bench.call("snap", name)
    shares = []
    for step in range(1, 9):
        change(step)
        taken = bench.call("snap", name)
        if not taken["dirty_pages"]:
            raise CannotMeasure(f"{name} has changed nothing")
        shares.append(taken["stored_bytes"] / taken["dirty_pages"] / PAGE)
    share = statistics.median(shares)
    yield figure(f"stored bytes a changed page, {name}", [s * PAGE for s in shares], "B", PAGE,
                 "a page", share, "1/15", "1/40", share <= 1 / 15, share <= 1 / 40)
    bench.end(name)


def heaps(bench):
    """Real heaps at work between snapshots."""
    port = str(20000 + os.getpid() % 20000)

    def redis(step):
        for command in (["SET", "key:__rand_int__", "value-" + "x" * 60],
                        ["INCR", "n:__rand_int__"],
                        ["LPUSH", "list:__rand_int__", "entry"]):
            subprocess.run(["redis-benchmark", "-p", port, "-q", "-n", "20000" if step == 0
                            else "500", "-r", "20000", "-c", "1", *command], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)

    asked = os.path.join(bench.work, "step")

    def python(step):
        with open(asked, "w", encoding="ascii") as file:
            file.write(str(step))
        while open(asked, encoding="ascii").read() != f"{step} done":
            time.sleep(0.01)

    script = ("import random, sys, time\n"
              "random.seed(1); path = sys.argv[1]; table = {}; last = None\n"
              "while True:\n"
              "    try: step = open(path).read()\n"
              "    except OSError: step = ''\n"
              "    if not step.isdigit(): time.sleep(0.01); continue\n"
              "    for _ in range(200000 if step == '0' else 2000):\n"
              "        key = random.randrange(200000)\n"
              "        table[key] = (key, table.get(key), str(random.random()))[:3:2]\n"
              "    open(path, 'w').write(step + ' done')\n")
    yield from heap(bench, "redis-server", ["redis-server", "--port", port, "--save", ""],
                    redis)
    yield from heap(bench, "python3", ["python3", "-c", script, asked], python)


def sparse(bench):
    """64 GiB of address space, of which 64 pages are there."""
    pid, tells = bench.start("sparse", "hold", 1, 1, 0, 1, 64)
    before = table_bytes(pid)
    for _ in range(3):
        bench.call("snap", "sparse")
    stops = []
    for _ in range(15):
        bench.write_some(pid, tells)
        stops.append(bench.call("snap", "sparse")["stop_ns"] / MS)
    yield at_most("stop, 64 GiB sparse, 64 pages there", stops, "ms", 2)
    grown = (table_bytes(pid) - before) / (1 << 20)
    yield at_most("... page tables that this made", [grown], "MiB", 1)
    bench.end("sparse")


def table_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return 1024 * int(re.search(r"VmPTE:\s+(\d+)", file.read()).group(1))


def pieces_in(bench, tells, seconds, name=None):
    """How much `work` gets done, with a snapshot a second of `name`."""
    begun, end = int(bench.lines(tells)[-1]), time.monotonic() + seconds
    while time.monotonic() < end:
        next_one = time.monotonic() + 1
        if name:
            bench.call("snap", name)
        time.sleep(max(0, next_one - time.monotonic()))
    return int(bench.lines(tells)[-1]) - begun


def slowdown(bench):
    """A snapshot a second of 1 GiB of which 1 % a second changes."""
    _, tells = bench.start("work", "work", 1024, 1)
    bench.wait_lines(tells, 5)
    bench.call("snap", "work")
    shares = []
    for _ in range(4):  # side by side: what else the machine does changes
        alone = pieces_in(bench, tells, 5)
        shares.append(100 * (1 - pieces_in(bench, tells, 5, "work") / alone))
    yield at_most("slowdown by 1 snapshot a second", shares, "%", 2, 0.7)
    bench.end("work")


def criu_call(program, *args):
    try:
        done = subprocess.run([program, *args], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
    except OSError as why:
        raise CannotMeasure(f"CRIU={program}: {why.strerror}") from why
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it does not say why"]
        raise CannotMeasure(f"{program} {args[0]}: {said[-1]}")


def criu(bench):
    """Dump and restore of 256 MiB by CRIU=PATH, a black box."""
    program = os.environ.get("CRIU", "")
    if not program:
        raise CannotMeasure("CRIU names no program")
    criu_call(program, "check")
    tells, images = os.path.join(bench.work, "criu"), os.path.join(bench.work, "images")
    os.mkdir(images)
    victim = subprocess.Popen([tool("hold"), tells, "256"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)
    dumps, restores = [], []
    try:
        bench.wait_lines(tells, 1)
        for _ in range(4):
            begun = time.monotonic_ns()
            criu_call(program, "dump", "-t", str(victim.pid), "-D", images)
            dumps.append(time.monotonic_ns() - begun)
            if len(dumps) == 1:
                victim.wait(TIMEOUT_S)  # only the first life is a child of ours
            begun = time.monotonic_ns()
            criu_call(program, "restore", "-d", "-D", images)
            restores.append(time.monotonic_ns() - begun)
    finally:
        try:
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if not restores:
            victim.wait()
    yield figure("CRIU: dump of 256 MiB", [d / MS for d in dumps], "ms")
    yield figure("CRIU: restore of 256 MiB", [r / MS for r in restores], "ms")


ALL = (idle, crowd, dirty, revert, restore, many, maps, heaps, sparse, slowdown, criu)
