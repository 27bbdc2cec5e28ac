# SPDX-License-Identifier: Apache-2.0
"""Flows about the history of an application: tags, the graph, what is kept and what goes."""

import re

from kit import Terminal, check, flow


@flow()
def tag_and_untag(world):
    app = world.run_counter("myapp")
    for _ in range(3):
        world.json("snap")
    done = world.json("tag", "2", "boss")
    check(done == {"name": "myapp", "id": 2, "tag": "boss", "was": ""}, f"{done}")
    check(world.json("show", "boss")["id"] == 2, "the tag names another")
    world.expect("tag", "myapp@boss", "door", out="myapp@2 is tagged door, no more boss\n")
    world.expect("tag", "latest", "boss", out="myapp@3 is tagged boss\n")
    world.expect("tag", "latest", "boss", out="myapp@3 is tagged boss\n")
    world.refuse("tag", "1", "boss", why="the tag boss is taken by snapshot 3")
    world.expect("untag", "boss", out="myapp@3 is tagged boss no more\n")
    world.refuse("untag", "boss", why="no snapshot boss")
    world.refuse("untag", "3", why="untag myapp@3: it has no tag")
    world.expect("tag", "1", "boss", out=None)
    check([row["tag"] for row in world.json("list")] == ["boss", "door", ""], "list")
    for tag in ("3", "latest", "~1", "a b", "a@b", "x" * 64):
        for command in (("tag", "3", tag), ("snap", "-t", tag)):
            world.refuse(*command, why="tag")
    world.refuse("tag", "3", "--", "-x", why="no tag")
    world.refuse("tag", "3", "", why="untag", status=2)
    world.refuse("tag", "3", why="REF TAG", status=2)
    world.refuse("tag", "9", "nine", why="no snapshot 9")
    world.refuse("tag", "nobody@1", "nine", why="nobody")
    check(len(world.json("list")) == 3, "a refused snapshot is listed")
    app.count(1)
    world.expect("kill", out=None)
    world.expect("tag", "3", "end", out="myapp@3 is tagged end\n")


@flow()
def log_draws_branches(world):
    app = world.run_counter("myapp")
    world.expect("log", out=re.compile("no snapshots yet"))
    world.json("snap", "-m", "start")
    app.count(1)
    world.json("snap", "-t", "boss", "-m", "a \x1b[31m name that is so long that no terminal has "
               "room for it on a line with all the figures that stand before it")
    world.json("revert", "1")  # takes 3
    app.count(1)
    world.json("snap")  # 4, on 1
    rows = world.json("log")
    check([(r["id"], r["parent"]) for r in rows] == [(4, 1), (3, 2), (2, 1), (1, 0)], f"{rows}")
    check([r["id"] for r in rows if r["current"]] == [4], "where it is")
    check(rows == world.json("list")[::-1], "log and list disagree")
    lines = world.expect("log", "myapp").out.splitlines()
    figures = r"[\d.]+ \w+ changed, [\d.]+ \w+ stored, stopped [\d.]+ \w+$"
    for line, want in zip(lines, (r"^@ 4  \d+s ago  \(here\)  " + figures,
                                  r"^\| o 3  \d+s ago  \(auto\)  " + figures,
                                  r"^\| \* 2  .*\(boss\)  a \?\[31m name.*it  " + figures,
                                  r"^\|/$", r"^\* 1  \d+s ago  start  " + figures)):
        check(re.search(want, line), f"{line!r} is not {want}")
    check(len(lines) == 5, f"{lines}")
    # A dropped middle leaves the drawing whole.
    world.expect("drop", "2", out=None)
    rows = world.json("log")
    check([(r["id"], r["parent"]) for r in rows] == [(4, 1), (3, 1), (1, 0)], f"{rows}")
    world.json("revert", "3")
    app.count(2)


@flow()
def log_on_a_terminal(world):
    """No line is longer than the terminal is wide; colours only where they are wanted."""
    world.run_counter("myapp")
    world.json("snap", "-t", "boss", "-m", "\u00e4" * 200)
    world.env["TERM"] = "xterm"
    for no_color in ("", "1"):
        world.env["NO_COLOR"] = no_color
        terminal = Terminal(world, "--", "log", cols=70)
        text = terminal.wait(r"(?s)^.*\n").group()
        check(terminal.end() == 0, "log failed")
        check(("\x1b[33m" in text) == (not no_color), f"colours with NO_COLOR={no_color!r}")
        plain = re.sub(r"\x1b\[[\d;]*m", "", text).rstrip("\r\n")
        check(len(plain) == 70 and plain.endswith("\u00e4"), f"{len(plain)} characters: {plain!r}")
    check("\x1b" not in world.expect("log").out, "colours in a pipe")
