# SPDX-License-Identifier: Apache-2.0
"""Flows about one expression in many snapshots: when and bisect, on test/flow/walker.c."""

import os
import re
import signal

from kit import WALKER, Terminal, check, flow, stat_fields, wait_for

KEYS = {"id", "parent", "created_ns", "value", "error", "number", "changed", "read"}


class Walker:
    """The application: a step when it is told to."""

    def __init__(self, world, name="walker"):
        self.world, self.name, self.step = world, name, 0
        self.pid = world.json("run", "-d", "-n", name, "--", WALKER)["pid"]
        self.wait()

    def wait(self):
        """Until it has done the step, and sleeps."""
        path = os.path.join(self.world.catalog, "apps", f"{self.name}.console")

        def ready():
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
            return f"ready {self.step}" in (line.strip() for line in lines[-2:])

        wait_for(f"step {self.step}", ready)
        wait_for("sleep", lambda: stat_fields(self.pid)[0] == "S")

    def walk(self):
        self.step += 1
        os.kill(self.pid, signal.SIGUSR1)
        self.wait()

    def snap(self):
        return self.world.json("snap", self.name)["id"]


def eight(world):
    """Snapshot i is of step i - 1."""
    app = Walker(world)
    app.snap()
    for _ in range(7):
        app.walk()
        app.snap()
    return app


def column(rows, key):
    return [row[key] for row in rows]


@flow()
def when_says_what_print_says(world):
    eight(world)
    for options, expression in (([], "hp"), ([], "/x hp"), ([], "pair"), ([], "ratio * 2"),
                                ([], "box"), ([], "*box"), ([], "box->label"), ([], "own"),
                                ([], "$rip"), ([], "main"), (["-f", "1"], "local"),
                                (["-f", "1"], "hp"), (["-f", "2"], "step"), (["-t", "2"], "hp"),
                                (["-f", "1"], "signal"), ([], "hp > 50 && step")):
        rows = world.json("when", *options, *expression.split())
        check(column(rows, "id") == list(range(1, 9)), f"{expression}: {column(rows, 'id')}")
        for row in (rows[0], rows[4], rows[7]):
            check(set(row) == KEYS, f"{sorted(row)}")
            asked = world.call("print", "-r", f"walker@{row['id']}", *options, expression)
            if asked.status:
                check(row["value"] is None and asked.err == f"snapsh: {row['error']}\n",
                      f"{row} but {asked}")
            elif row["error"]:
                check(asked.out == f"$1 = <{row['error']}>\n", f"{row} but {asked}")
            else:
                check(asked.out == f"$1 = {row['value']}\n", f"{row} but {asked}")
    check(column(world.json("when", "ratio"), "number") == [0.5] * 5 + [1.25] * 3, "ratio")
    check(column(world.json("when", "/x hp"), "number") == [100] * 3 + [70] * 3 + [40] * 2, "hp")
    check(column(world.json("when", "main"), "number") == [None] * 8, "main is no number")


@flow()
def when_reads_what_changed(world):
    """A page that was not written is not read again; one that was may have had another value."""
    app = eight(world)
    rows = world.json("when", "hp")
    check(column(rows, "read") == [i in (1, 4, 7) for i in range(1, 9)], f"{rows}")
    check(column(rows, "changed") == ["changed" if i in (4, 7) else "same" if i > 1 else "first"
                                      for i in range(1, 9)], f"{rows}")
    rows = world.json("when", "pair.quiet")
    check(column(rows, "value") == ["7"] * 8 and all(column(rows, "read")), f"{rows}")
    check(column(rows, "changed") == ["first"] + ["maybe"] * 7, f"{rows}")
    # Of the thread it needs where its variables are, not the registers: they differ.
    rows = world.json("when", "own")
    check(column(rows, "read") == [i in (1, 2, 4, 6, 8) for i in range(1, 9)], f"{rows}")
    # Nothing was read, and nothing may have been written.
    rows = world.json("when", "-f", "9", "hp")
    check(column(rows, "error") == ["No frame at level 9."] * 8, f"{rows}")
    check(column(rows, "changed") == ["first"] + ["same"] * 7, f"{rows}")
    # The other functions are looked through for the name.
    rows = world.json("when", "-f", "1", "local")
    check(column(rows, "value") == [None, "10", None, "30", None, "50", None, "70"], f"{rows}")
    app.snap()
    rows = world.json("when", "-f", "1", "local")
    check((rows[8]["value"], rows[8]["changed"]) == ("70", "same"), f"{rows[8]}")


@flow()
def when_as_a_table(world):
    eight(world)
    age = r" +\d+s ago +"
    text = world.expect("when", "hp", "walker").out
    check(re.match(rf"SNAPSHOTS +TAKEN +VALUE\n1\.\.3{age}100\n4\.\.6{age}70\n7\.\.8{age}40\n"
                   r"changed between @3 and @4\nchanged between @6 and @7\n\n"
                   r"100 \|#+\n    \|#+\n    \|#+\n    \|#+\n 40 \|#+\.+\n     @1 +@8\n$",
                   text), text)
    check(max(map(len, text.splitlines())) == 80, text)
    text = world.expect("when", "*", "box").out
    check(re.search(rf"\n1\.\.4{age}<Cannot access memory at address 0x0>\n5\.\.8{age}"
                    r'\{weight = 12, label = 0x\w+ "heavy"\}\nchanged between @4 and @5\n', text),
          text)
    check("|" not in text, "a plot of structs")
    text = world.expect("when", "pair . quiet").out
    check("may have changed and back between @7 and @8\n" in text, text)
    text = world.expect("when", "hp", env=dict(world.env, LC_ALL="C.UTF-8")).out
    check("100 |\u2588" in text and " 40 |\u2588" in text and "\u2581\n" in text, text)
    terminal = Terminal(world, "--", "when", "hp", cols=60)
    text = terminal.wait(r"(?s)^.*@8\r?\n").group()
    check(max(len(line.rstrip("\r")) for line in text.split("\n")) == 60, text)
    terminal.end()


@flow()
def when_behind_a_revert(world):
    """The parent is what a snapshot is compared with."""
    app = eight(world)
    world.json("revert", "3")  # takes 9
    app.snap()  # 10, on 3
    rows = world.json("when", "hp")
    check([(r["id"], r["parent"], r["value"]) for r in rows[7:]] ==
          [(8, 7, "40"), (9, 8, "40"), (10, 3, "100")], f"{rows}")
    check((rows[9]["changed"], rows[9]["read"]) == ("same", False), f"{rows[9]}")
    text = world.expect("when", "hp").out
    check(re.search(r"\n7\.\.9 .* 40\n10 \(from 3\) .* 100\nchanged between @3 and @4\n"
                    r"changed between @6 and @7\n\n", text), text)
    world.expect("drop", "3", "5", out=None)
    rows = world.json("when", "hp")
    check([(r["id"], r["parent"], r["changed"]) for r in rows] ==
          [(1, 0, "first"), (2, 1, "same"), (4, 2, "changed"), (6, 4, "same"), (7, 6, "changed"),
           (8, 7, "same"), (9, 8, "same"), (10, 2, "same")], f"{rows}")


@flow()
def when_cannot(world):
    world.refuse("when", "hp", why="no application")
    app = Walker(world)
    world.expect("when", "hp", out=re.compile("no snapshots yet"))
    check(world.json("when", "hp") == [], "rows")
    app.snap()
    app.snap()
    world.refuse("when", "nosuch", why='^snapsh: No symbol "nosuch" in current context.$')
    world.refuse("when", "hp +", why="^snapsh: A syntax error in expression, near `'.$")
    world.refuse("when", "hp nosuch", why="^snapsh: A syntax error in expression, near `nosuch'.$")
    world.refuse("when", "pair.nosuch", why="^snapsh: There is no member named nosuch.$")
    world.refuse("when", "/xx", "hp", why='letter "x" is meaningless in "when"')
    world.refuse("when", "/q", "hp", why='Undefined output format "q"')
    world.refuse("when", "-f", "x", "hp", why='"x" is not a number')
    world.refuse("when", "-t", "0", "hp", why="Unknown thread 0")
    world.refuse("when", why="when needs", status=2)
    world.refuse("when", "/x", why="when needs EXPR", status=2)
    rows = world.json("when", "-t", "7", "hp")
    check(column(rows, "error") == ["Unknown thread 7."] * 2, f"{rows}")
    # A name of two meanings: an expression that is whole is not gone on with.
    Walker(world, "hp")
    world.refuse("when", "hp", why="which of 2 applications")
    check(world.json("when", "hp", "hp") == [], "hp of hp")
    check(column(world.json("when", "hp + step", "walker"), "value") == ["100"] * 2, "of walker")
    world.refuse("when", "1 + hp", why="which of 2 applications")
    out = world.expect(given="use walker\nwhen hp + 1\nwhen/x hp walker\n", out=None).out
    check(re.search(r"1\.\.2 .* 101\n(.|\n)*1\.\.2 .* 0x64\n", out), out)
