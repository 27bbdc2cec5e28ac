# SPDX-License-Identifier: Apache-2.0
"""Flows about find: what is looked for in all the memory of a snapshot, and what goes wrong."""

import os
import re
import time

from kit import BUILD, check, flow, wait_for

SPARSE = os.path.join(BUILD, "test", "flow", "sparse")


def snap_sparse(world):
    world.json("run", "-d", "-n", "sparse", "--", SPARSE)
    console = os.path.join(world.catalog, "apps", "sparse.console")
    wait_for("ready", lambda: "ready" in open(console, encoding="utf-8").read())
    world.json("snap")
    world.expect("kill", "sparse", out=None)


def addresses(world, *words):
    return [int(row["address"], 16) for row in world.json("find", *words)]


def value(world, expression):
    return int(world.json("print", "/d", expression)["value"])


@flow()
def find_in_sparse_memory(world):
    snap_sparse(world)
    reserve, shared, again = (value(world, name) for name in ("reserve", "shared", "again"))
    size, page = 64 << 30, 4096
    begun = time.monotonic()
    check(addresses(world, '"over-the-border"') == [reserve + size // 2 - 5], "across a border")
    check(addresses(world, '"at-the-edge"') == [reserve + size - 11], "at the end")
    check(addresses(world, "--in", "both", '"seen-twice"')
          == sorted([shared + 2 * page + 100, again + 2 * page + 100]), "shared memory")
    check(addresses(world, "/g", "0x3412cdab00000000") == [reserve + 8 * page - 4],
          "zeros of a hole, then a page")
    check(addresses(world, "/g", "0x00000000abcd1234") == [reserve + 16 * page - 4],
          "a page, then zeros of a hole")
    check(len(addresses(world, "--max", "3", "--in", "anon", "/g", "0")) == 3, "zeros")
    check(time.monotonic() - begun < 30, "64 GiB of holes were read")
    check(addresses(world, "reserve", ",", "+0x1000000000,", '"at-the-edge"') == [], "with a NUL")
    world.expect("find", "reserve + 0xfffff0000, +0x10000, 'a', 't', '-'",
                 out=f"{hex(reserve + size - 11)}\n1 pattern found.\n")


@flow()
def find_pointers(world):
    snap_sparse(world)
    things = value(world, "&things[0]")
    rows = world.json("find", "-p", "things[1]")
    check([row["symbol"] for row in rows if row["symbol"]] == ["into"], f"{rows}")
    rows = world.json("find", "--in", "anon", "-p", "things")
    check([int(row["address"], 16) for row in rows] == [value(world, "reserve") + 4 * 4096],
          f"into the object: {rows}")
    check(rows[0]["mapping"] == "[anon]" and rows[0]["symbol"] is None, f"{rows}")
    check(world.json("find", "-p", "--in", "sparse", "*into")[0]["symbol"]
          == "into", "what a pointer points to")
    rows = world.json("find", "--in", "sparse", '"second"')
    check([int(row["address"], 16) for row in rows if row["symbol"]] == [things + 28], f"{rows}")
    world.expect("find", "--in", "stack", "--pointer", "things[0]", out="Pattern not found.\n")
    world.expect("find", "--max", "1", "--in", "sparse", "/b", "0",
                 out=re.compile(r"1 pattern found; there are more, --max N shows N\.\n$"))


@flow()
def find_refuses(world):
    snap_sparse(world)
    for words, why in (
            ([], "Missing search parameters"), (["/x", "1"], "Invalid size granularity"),
            (["/b"], "Argument required"), (["nosuch"], 'No symbol "nosuch"'),
            (["1,2"], "Missing search pattern"), (["*into, +5, 1"], "can't be converted"),
            (["2, 1, 5"], "end precedes start"), (["1, +-1, 5"], "Invalid length"),
            (["-p", "1, +5, 5"], "for all memory"), (["--in", "heap", "1, +5, 5"], "all memory"),
            (["-p", "/w", "things"], "8 bytes"), (["--in", "nosuch", "1"], "no mapping has"),
            (['""'], "Missing search pattern"), (["1 +"], "syntax error"),
            (["0, -1, 5"], "Overflow"), (["'abc"], "Unmatched single quote")):
        world.refuse("find", *words, why=why)
    for bad in ("0", "x", "-1", "9999999999"):
        world.refuse("find", "--max", bad, "1", why="--max", status=2)
    world.expect("find", "0, +100, 1", out="warning: Unable to access 100 bytes of target memory "
                 "at 0x0, halting search.\nPattern not found.\n")
