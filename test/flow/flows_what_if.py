# SPDX-License-Identifier: Apache-2.0
"""Flows about `set var`: snapshots of what never was, and lives that go on from them."""

import os
import re
import signal
import subprocess

from kit import BUILD, SNAPSH, Flow, check, flow, wait_for

MUTABLE = os.path.join(BUILD, "test", "flow", "mutable")


class Mutable:
    """The application test/flow/mutable.c."""

    FIRST = "5 7 1 2 0.50 9 11 11 12 0 73 1.50\n"

    def __init__(self, world: Flow):
        self.world, self.path = world, world.path("told")
        self.pid = world.json("run", "-d", "-n", "myapp", "--", MUTABLE, self.path)["pid"]
        console = os.path.join(world.catalog, "apps", "myapp.console")
        wait_for("ready", lambda: "ready" in open(console, encoding="utf-8").read())

    def tell(self, want):
        if os.path.exists(self.path):
            os.unlink(self.path)
        os.kill(self.pid, signal.SIGUSR1)
        wait_for("its line", lambda: os.path.exists(self.path))
        with open(self.path, encoding="ascii") as file:
            said = file.read()
        check(said == want, f"it says {said!r}, not {want!r}")

    def frame_of(self, function):
        rows = self.world.json("bt", "-r", "myapp@1")["frames"]
        return next(str(row["level"]) for row in rows if row["function"] == function)


def main_frame(world):
    return str(world.json("bt", "-r", "1")["frames"][-1]["level"])


@flow()
def set_var_and_revert(world):
    """A snapshot beside the life of the application, which goes on from it when reverted to."""
    app = world.run_counter("myapp")
    world.json("snap")
    app.count(1)
    world.json("snap")
    frame = main_frame(world)
    made = world.json("set", "-r", "1", "-f", frame, "-m", "what if", "--tag", "rich", "var",
                      "*number = 41")
    check((made["id"], made["parent"], made["message"], made["tag"]) == (3, 1, "what if", "rich"),
          f"{made}")
    check(made["assigned"] == [{"name": "*number", "was": "0", "is": "41"}], f"{made}")
    check(made["text"] == "myapp@3  parent 1  *number: 0 -> 41\n", f"{made}")
    check((made["automatic"], made["dirty_pages"], made["stop_ns"], made["threads"])
          == (False, 1, 0, 1), f"{made}")
    rows = world.json("list")
    check(made["resident_pages"] == rows[0]["resident_pages"], f"{made} of {rows[0]}")
    check([row["current"] for row in rows] == [False, True, False], f"{rows}")
    check(world.app("myapp")["current"] == 2, "where it stands has changed")
    differ = world.json("diff", "1", "rich", status=1)
    check((differ["pages"], differ["differences"]) == (1, []), f"{differ}")
    # It has heard nothing of it, and neither has its keeper.
    app.count(2)
    after = world.json("snap")
    check((after["id"], after["parent"]) == (4, 2), f"{after}")
    world.json("revert", "rich")
    app.count(42)
    after = world.json("snap")
    check((after["id"], after["parent"]) == (6, 3), f"{after}")
    world.json("revert", "2")
    app.count(2)
    world.expect("verify", out=re.compile("^7 of 7 snapshots good"))


@flow()
def convenience_variables(world):
    """$foo is the session's: no snapshot is made for it, and the next one looked into knows it."""
    app = world.run_counter("myapp")
    world.json("snap")
    app.count(1)
    world.json("snap")
    frame = main_frame(world)
    given = (f"at 1\nframe {frame}\nset $was = *number\nset $step = 3, $at = number\n"
             "print $step++\nshow conv\nat 2\nprint *$at - $was\nwhatis $at\n"
             f"set -f {frame} var *number = $step\nset $nothing\n"
             "when *$at == $step\nprint $step\n")
    shell = world.expect(given=given, err=re.compile("nothing is assigned"))
    out = [line for line in shell.out.splitlines() if "0x" not in line and "=>" not in line]
    for want in ("$1 = 3", "$step = 4", "$was = 0", "$1 = 1", "type = volatile unsigned long *",
                 "myapp@3  parent 2  *number: 1 -> 4"):
        check(want in out, f"no {want!r} in {out}")
    check([row["id"] for row in world.json("list")] == [1, 2, 3], "snapshots for nothing")


@flow()
def set_var_in_the_shell(world):
    """Several assignments build on each other; the history stays what it was."""
    app = world.run_counter("myapp")
    world.json("snap")
    frame = main_frame(world)
    given = (f"at 1\nframe {frame}\nprint *number\nset var *number = 7\nset var *number += 1\n"
             "print *number\nprint $1\nprint *number = *number * 2\nset variable ++*number, argc\n"
             f"at\nset -r 1 -f {frame} var *number = 100\nat\n")
    out = world.expect(given=given).out.splitlines()[3:]
    want = ["$1 = 0", "myapp@2  parent 1  *number: 0 -> 7", "myapp@3  parent 2  *number: 7 -> 8",
            "$2 = 8", "$3 = 0", "$4 = 16", "myapp@4  parent 3  *number: 8 -> 16",
            "myapp@5  parent 4  *number: 16 -> 17", "looking into myapp@5"]
    check(out[:len(want)] == want, f"{out} is not {want}")
    check(out[-1] == "looking into myapp@5", f"-r has moved it: {out}")
    check([row["parent"] for row in world.json("list")] == [0, 1, 2, 3, 4, 1], "parents")
    check([row["message"] for row in world.json("list")][1:3] == ["*number = 7", "*number += 1"],
          "messages")
    app.count(1)


@flow(needs=("root",))
def set_var_and_restore(world):
    """An application that is gone comes back as it would be; at once, and lazily."""
    app = world.run_counter("myapp")
    world.json("snap", "--then", "kill")
    frame = main_frame(world)
    world.json("set", "-f", frame, "var", "*number = 9")
    for options in ((), ("--lazy",)):
        app.pid = world.json("restore", "latest", "-d", *options)["pid"]
        check(world.app("myapp")["current"] == 2, "where it stands")
        app.count(10)
        world.expect("kill", out=None)
    app.pid = world.json("restore", "1", "-d")["pid"]
    app.count(1)


@flow()
def set_var_of_all_places(world):
    """Private, shared, read-only and untouched memory, locals and registers of frames."""
    app = Mutable(world)
    app.tell(app.FIRST)
    world.json("snap")
    serve = app.frame_of("serve")
    shell = [
        "at 1", "set var global = 50, *(int *)&constant = 70", "set var own = 90",
        "set var mixed.low = 7, mixed.high++, mixed.real = 2.25L", "set var twin[0] = 110",
        "set var shared[0] *= 10", "set var far[60 * 1024] = 6", f"frame {serve}",
        "set var local = 30", "set var kept = 700", "set var real = -real"]
    world.expect(given="\n".join(shell) + "\n", out=re.compile(r"myapp@10  parent 9 .*\n$"))
    app.tell(app.FIRST)
    world.json("revert", "myapp@10")
    changed = "50 70 7 3 2.25 90 110 110 120 6 730 -1.50\n"
    app.tell(changed)
    after = world.json("snap")
    check(after["parent"] == 10, f"{after}")
    world.json("revert", "1")
    app.tell(app.FIRST)
    world.json("revert", str(after["id"]))
    app.tell(changed)
    world.expect("verify", out=re.compile("14 of 14 snapshots good"))


@flow()
def set_var_of_registers(world):
    """The result of a system call, and another place to go on at."""
    app = Mutable(world)
    world.json("snap")
    serve = app.frame_of("serve")
    # Of a call that is waited in there is a result without an event: a line is told, unasked.
    world.json("set", "-r", "1", "var", "$rax = 10")
    os.path.exists(app.path) and os.unlink(app.path)
    world.json("revert", "2")
    wait_for("a line of its own accord", lambda: os.path.exists(app.path))
    app.tell(app.FIRST)
    # rbx of the frame is saved by a function within it, or still there.
    world.json("set", "-r", "1", "-f", serve, "var", "$rbx += 5")
    world.json("revert", "latest")
    app.tell(app.FIRST.replace(" 73 ", " 78 "))


@flow()
def set_var_refusals(world):
    app = Mutable(world)
    world.refuse("set", "var", "global = 1", why="has 0 snapshots")
    world.json("snap")
    refused = (
        ("5 = 6", "Left operand of assignment is not an lvalue.$"),
        ("global", "nothing is assigned"), ("nosuch = 5", 'No symbol "nosuch" in current'),
        ("global = nosuch", 'No symbol "nosuch" in current'),
        ("*(int *)0 = 5", "Cannot access memory at address 0x0"),
        ("mixed = 5", "Invalid cast."), ("global = mixed", "Invalid cast."),
        ("main = 5", "Invalid cast."), ("&global = 5", "not an lvalue"),
        ("global = 1, *(int *)0 = 5", "Cannot access memory at address 0x0"),
        ("global = 1/0", "Division by zero"), ("global =", "syntax error"),
        ("sealed[0] = 1", "closed is sealed against writing"),
        ("file[0] = 1", "told.disk, of which a snapshot has nothing"),
        ("global = 2 = 3", "not an lvalue"), ("$sp = 0, $cs = 1", "not an lvalue"),
        ("$fs_base = -1", "0xffffffffffffffff cannot be the base of a segment"),
        ("global = 5 " * 3000, "more than 16384 characters"))
    given = "at 1\n" + "".join(f"set var {expression}\n" for expression, _ in refused)
    result = world.expect(given=given, status=1, out="looking into myapp@1\n", err=None)
    said = result.err.splitlines()
    check(len(said) == len(refused), f"{result}")
    for line, (expression, why) in zip(said, refused):
        check(re.search(f"^snapsh: .*{why}", line), f"{expression}: {line}, wanted {why}")
    world.refuse("set", "var", why="set var EXPR = VALUE", status=2)
    world.refuse("set", "-r", "7", "var", "global = 1", why="no snapshot 7")
    world.refuse("set", "--tag", "a b", "var", "global = 1", why="a tag has no blanks")
    world.refuse("set", "-f", "99", "var", "global = 1", why="No frame at level 99")
    world.refuse("x", "global = 5", why="only `set var` and `print` can assign")
    check(len(world.json("list")) == 1, "a refused assignment has made a snapshot")
    # What a failing expression has assigned is taken back.
    given = "at 1\nset var global = 8, *(int *)0 = 1\nprint global\nprint $rip == 5\n" \
            "set var $rip = 5, *(int *)0 = 1\nprint $rip == 5\n"
    result = world.call(given=given)
    check(result.out.endswith("\n$1 = 5\n$2 = 0\n$3 = 0\n"), f"{result}")
    world.expect("whatis", "global = 7", out="type = int\n")
    world.expect("print", "sizeof(global = 7)", out="$1 = 4\n")
    app.tell(app.FIRST)


@flow()
def set_var_survives_its_parent(world):
    """Drop, gc and retention treat it as one that a person took."""
    app = world.run_counter("myapp")
    world.json("snap")
    frame = main_frame(world)
    app.count(1)
    world.json("snap")
    world.json("set", "-r", "1", "-f", frame, "var", "*number = 20")  # 3
    world.json("set", "-r", "3", "-f", frame, "var", "*number += 1")  # 4
    world.expect("drop", "1", out=None)
    world.expect("gc", out=None)
    rows = world.json("list")
    check([(r["id"], r["parent"]) for r in rows] == [(2, 0), (3, 0), (4, 3)], f"{rows}")
    world.expect("drop", "3", out=None)
    world.expect("gc", out=None)
    world.expect("verify", out=re.compile("^2 of 2 snapshots good"))
    world.refuse("drop", "2", why="stands on")
    # A timer's snapshots go, a person's stay.
    world.json("auto", "myapp", "20ms", "--keep", "2")
    wait_for("snapshots of the timer", lambda: len(world.json("list")) >= 4)
    wait_for("a dropped one", lambda: world.json("list")[-1]["id"] > 8)
    world.json("auto", "myapp", "off")
    check([r["id"] for r in world.json("list")][:2] == [2, 4], "it was dropped")
    world.json("revert", "4")
    app.count(22)
    told = world.json("forget", "--keep-last", "1")
    check(4 in [row["id"] for row in told["stays"]], f"what it stands on: {told}")
    world.expect("verify", out=re.compile("snapshots good"))
    world.json("revert", "4")
    app.count(22)


@flow()
def set_var_of_what_is_held(world):
    """Another shell cannot drop the snapshot that is looked at."""
    world.run_counter("myapp")
    world.json("snap")
    world.json("snap")
    frame = main_frame(world)
    shell = subprocess.Popen([SNAPSH], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=world.env, cwd=world.dir,
                             **world.as_user())
    shell.stdin.write(f"at 1\nframe {frame}\n".encode())
    shell.stdin.flush()
    wait_for("it looks", lambda: b"looking into" in os.read(shell.stdout.fileno(), 4096))
    world.refuse("drop", "1", why="somebody looks into snapshot 1")
    out, err = shell.communicate(b"set var *number = 5\nprint *number\n", timeout=20)
    check(out.endswith(b" = 5\n"), f"{out} {err}")
    check(len(world.json("list")) == 3, "no snapshot of it")
    world.expect("drop", "1", out=None)
