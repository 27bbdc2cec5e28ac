# SPDX-License-Identifier: Apache-2.0
"""Flows about one expression in many snapshots: when and bisect, on test/flow/walker.c."""

import os
import re
import signal

from kit import WALKER, Terminal, check, flow, stat_fields, wait_for

KEYS = {"id", "parent", "created_ns", "value", "error", "number", "changed", "read"}


class Walker:
    """The application: a step when it is told to."""

    def __init__(self, world, name="walker", program=WALKER):
        self.world, self.name, self.step = world, name, 0
        self.pid = world.json("run", "-d", "-n", name, "--", program)["pid"]
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
    for options, expression in (([], "/x hp"), ([], "pair"), ([], "*box"), ([], "own"),
                                ([], "$rip"), (["-f", "1"], "local"), (["-f", "2"], "step"),
                                (["-t", "2"], "hp"), (["-f", "1"], "signal")):
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


def looked(found):
    return [(look["id"], look["true"]) for look in found["looked"]]


@flow()
def bisect_finds_the_turn(world):
    app = eight(world)
    world.expect("bisect", "hp < 100", out="@8      true\n@1      false\n@4      true\n"
                 "@2      false\n@3      false\nfalse at @3, true at @4\n")
    found = world.json("bisect", "hp", "<", "50", "walker")
    check(looked(found) == [(8, True), (1, False), (4, False), (6, False), (7, True)], f"{found}")
    check(found["first"] == 7, f"{found}")
    check(found["turns"] == [{"from": 6, "to": 7, "true": True}], f"{found}")
    check((found["name"], found["oldest"], found["newest"]) == ("walker", 1, 8), f"{found}")
    # Their pages are those of 4 and 8.
    check([look["id"] for look in found["looked"] if not look["read"]] == [6, 7], f"{found}")
    # What cannot be evaluated is not true yet.
    found = world.json("bisect", "box->weight == 12")
    check(found["first"] == 5, f"{found}")
    errors = {look["id"]: look["error"] for look in found["looked"]}
    check(errors[1] == "Cannot access memory at address 0x0" and errors[8] is None, f"{errors}")
    world.expect("bisect", "-f", "1", "local > 20", out=re.compile(
        '@1      false  <No symbol "local" in current context.>\n(.|\n)*'
        "\nfalse at @3, true at @4\n$"))
    world.expect("bisect", "hp == 100", status=1, out="@8      false\nfalse at the newest, @8\n")
    world.expect("bisect", "hp > 0", out="@8      true\n@1      true\n"
                 "true at the oldest, @1, already\n")
    check(world.json("bisect", "-r", "3", "hp < 100", status=1)["newest"] == 3, "-r 3")
    check(world.json("bisect", "-r", "walker@6", "hp < 100")["first"] == 4, "-r walker@6")
    # Of a branch the way is its own.
    world.json("revert", "2")  # takes 9
    app.snap()
    found = world.json("bisect", "hp < 100", status=1)
    check((looked(found), found["newest"]) == ([(10, False)], 10), f"{found}")
    check(world.json("bisect", "-r", "9", "hp < 100")["first"] == 4, "the other branch")


@flow()
def bisect_all_finds_every_turn(world):
    eight(world)
    world.expect("bisect", "--all", "hp == 70", status=0,
                 out="false at @3, true at @4\ntrue at @6, false at @7\n"
                 "false at the newest, @8\n")
    found = world.json("bisect", "-a", "step % 3 == 0")
    check([(t["from"], t["to"], t["true"]) for t in found["turns"]] ==
          [(1, 2, False), (3, 4, True), (4, 5, False), (6, 7, True), (7, 8, False)], f"{found}")
    check((found["first"], found["all"], len(found["looked"])) == (1, True, 8), f"{found}")
    found = world.json("bisect", "--all", "hp == 70")
    check([look["id"] for look in found["looked"] if look["read"]] == [1, 4, 7], f"{found}")
    world.expect("bisect", "--all", "hp == 1", status=1,
                 out="false at the newest, @8, and at all before it\n")


@flow()
def bisect_cannot(world):
    world.refuse("bisect", "hp", why="no application")
    app = Walker(world)
    world.refuse("bisect", "hp", why="walker has 0 snapshots")
    app.snap()
    app.snap()
    world.refuse("bisect", "nosuch", why='^snapsh: No symbol "nosuch" in current context.$')
    world.refuse("bisect", "hp <", why="A syntax error in expression, near `'.$")
    world.refuse("bisect", "pair", why="^snapsh: it is no condition: ")
    world.refuse("bisect", "-r", "9", "hp", why="no snapshot 9")
    world.refuse("bisect", "-r", "other@1", "hp", why="no application other")
    world.refuse("bisect", why="bisect needs", status=2)
    Walker(world, "other").snap()
    world.refuse("bisect", "hp", why="which of 2 applications")
    world.refuse("bisect", "-r", "other@1", "hp walker", why="other@1 is no snapshot of walker")
    check(world.json("bisect", "hp", "other")["name"] == "other", "of other")
    out = world.expect(given="at walker@1\nbisect hp == 100\n", out=None).out
    check(out.endswith("true at the oldest, @1, already\n"), out)


@flow()
def when_over_two_lives(world):
    """The second has its memory elsewhere, and the first no program on the disk any more."""
    program = world.path("program")
    world.do("cp", WALKER, program)
    app = Walker(world, program=program)
    app.snap()
    app.snap()
    world.expect("kill", out=None)
    second = Walker(world, program=program)
    second.walk()
    second.snap()
    second.snap()
    rows = world.json("when", "step")
    check([(r["value"], r["changed"], r["read"]) for r in rows] ==
          [("0", "first", True), ("0", "same", False), ("1", "first", True),
           ("1", "same", False)], f"{rows}")
    values = column(world.json("when", "&step"), "value")
    check(values[0] == values[1] != values[2] == values[3], f"{values}")
    check(world.json("bisect", "step == 1")["oldest"] == 3, "the way of the second")
    world.expect("kill", out=None)
    world.do("cp", WALKER, program + ".new")
    world.do("mv", program + ".new", program)
    warning = "warning: .*/program changed since the snapshot: its names are not known\n"
    for command in ("when", "bisect"):
        world.expect(command, "hp", status=1, out="", err=re.compile(
            f'^({warning})+snapsh: No symbol "hp" in current context.\n$'))
    Walker(world, program=program).snap()
    text = world.expect("when", "hp", err=re.compile(f"^{warning}$")).out
    check(re.search(r'\n1\.\.2 .* <No symbol "hp" in current context.>\n3\.\.4 .* <No .*>\n'
                    r"5 .* 100\n", text), text)


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
