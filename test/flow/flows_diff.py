# SPDX-License-Identifier: Apache-2.0
"""diff: the two states of test/flow/states.c, whose differences are known."""

import json
import os
import re
import signal

import kit
from kit import check, flow, wait_for

STATES = os.path.join(kit.BUILD, "test", "flow", "states")
BOARD = 'game.board[1][2]: 0 -> 7'
KNOWN = [
    "game.player.hp: 5 -> 100", 'game.player.name: "first" -> "second"',
    "game.player.mood: CALM -> ANGRY", "game.player.lives: 3 -> 9",
    "game.player.signed_bits: -2 -> -5", "game.others[1].hp: 2 -> 22",
    "game.number.whole: 1 -> 2", 'game.number.bytes: "\\001" -> "\\002"', BOARD,
    re.compile(r"game\.self: 0x0 -> 0x\w+ <game>"),
    re.compile(r"game\.cursor: 0x0 -> 0x\w+ <table\+16>"),
    re.compile(r"game\.action: 0x\w+ <act_one> -> 0x\w+ <act_two>"),
    "table[3..7]: {0, 0, 0, 0, 0} -> {33, 44, 55, 66, 77}",
    *[f"scattered[{i}]: 0 -> 1" for i in range(0, 64, 2)],
    "big[77777]: 0 -> 1", 'text: "before" -> "after"', "long_text[500]: 120 'x' -> 122 'z'",
    "raw[3]: 0 '\\000' -> 255 '\\377'", "ratio: 0.5 -> 0.25", "flag: false -> true",
    "hidden: 1 -> 2", re.compile(r'word: 0x\w+ "one" -> 0x\w+ "two"'),
    "change_globals::calls: 3 -> 4", "total: 0 -> 4", "mine: 10 -> 11",
]
# of the C library's own: its semaphore
IGNORED = re.compile(r"^(go|there)\.")


class States:
    """The program in its first state."""

    def __init__(self, world, name="states"):
        self.world, self.name, self.told = world, name, world.path(f"told-{name}")
        if os.path.exists(self.told):
            os.unlink(self.told)
        self.pid = world.json("run", "-d", "-n", name, "--", STATES, self.told)["pid"]
        self.wait("0")

    def wait(self, state):
        def stands():
            return os.path.exists(self.told) and open(self.told, encoding="ascii").read() == state

        wait_for(f"state {state}", stands)
        wait_for("sleep", lambda: all(self.state_of(tid) == "S"
                                      for tid in os.listdir(f"/proc/{self.pid}/task")))

    def state_of(self, tid):
        with open(f"/proc/{self.pid}/task/{tid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]

    def go_on(self):
        os.kill(self.pid, signal.SIGUSR1)
        self.wait("1")


def lines_of(done):
    """The program's own variables as lines."""
    return [f"{change['name']}: {change['from']} -> {change['to']}"
            for variable in done["variables"] if not variable.get("module")
            for change in variable["changes"] if not IGNORED.match(change["name"])]


def check_known(done, known=KNOWN):
    lines = lines_of(done)
    for want in known:
        fits = [line for line in lines
                if (want.fullmatch(line) if isinstance(want, re.Pattern) else want == line)]
        check(len(fits) == 1, f"{want!r} is {len(fits)} times among {lines}")
        lines.remove(fits[0])
    check(not lines, f"besides: {lines}")


def two_states(world):
    app = States(world)
    world.json("snap")
    app.go_on()
    world.json("snap")
    return app


@flow()
def diff_variables(world):
    two_states(world)
    done = world.json("diff", "-n", "0", "1", "2", status=1)
    check_known(done)
    rows = {row["name"]: row for row in done["variables"]}
    check(rows["table"]["type"] == "int [20]" and rows["table"]["size"] == 80, f"{rows['table']}")
    check(rows["mine"]["thread"] == 1, f"{rows['mine']}")
    # At most so many of each.
    done = world.json("diff", "--only", "variables", "-n", "3", "1", "2", status=1)
    row = next(row for row in done["variables"] if row["name"] == "scattered")
    check(len(row["changes"]) == 3 and row["more"] == 29, f"{row}")
    check("memory" not in done and "frames" not in done, f"keys {sorted(done)}")
    out = world.expect("diff", "1", "2", status=1, out=None).out
    check("\n  game.player.hp: 5 -> 100\n" in out and "\n  ... 24 more\n" in out, out)
    check("\033" not in out, "colours without a terminal")


@flow()
def diff_an_expression(world):
    two_states(world)
    world.expect("diff", "--var", "game.player", "--only", "variables", "1", "2", status=1,
                 out="--- states@1\n+++ states@2\nvariables\n"
                     "  game.player.hp: 5 -> 100\n"
                     '  game.player.name: "first" -> "second"\n'
                     "  game.player.mood: CALM -> ANGRY\n"
                     "  game.player.lives: 3 -> 9\n"
                     "  game.player.signed_bits: -2 -> -5\n")
    done = world.json("diff", "--var", "scattered", "1", "2", status=1)
    check(len(done["variables"][0]["changes"]) == 32, f"{done['variables']}")
    world.expect("diff", "--var", "untouched", "1", "2", out="states@1 and states@2 are the same\n")
    world.expect("diff", "--var", "*filler@100", "1", "2", out=re.compile("are the same"))
    done = world.json("diff", "--var", "filler[5 * 4096]@20", "1", "2", status=1)
    check(len(done["variables"][0]["changes"]) == 1, f"{done['variables']}")
    world.refuse("diff", "--var", "nothing_such", "1", "2", status=2,
                 why='No symbol "nothing_such" in current context')
    world.refuse("diff", "--var", "game.", "1", "2", status=2, why=".")


@flow()
def diff_stacks(world):
    app = two_states(world)
    done = world.json("diff", "--only", "threads,stacks", "1", "2", status=1)
    stack = done["frames"][0]
    check(len(done["frames"]) == 1 and stack["tid"] == app.pid, f"{done['frames']}")
    check(stack["same"].startswith("main ("), f"{stack}")
    play = stack["frames"][0]
    check(play["what"] == "changed" and "play at " in play["from"], f"{play}")
    check([(c["name"], c["from"], c["to"]) for c in play["locals"]] ==
          [("step", "1", "2"), ("seen[2]", "3", "33")], f"{play}")
    gone = [f["from"] for f in stack["frames"] if f["what"] == "removed"]
    new = [f["to"] for f in stack["frames"] if f["what"] == "added"]
    check(gone[0].startswith("wait_for_go at "), f"{gone}")
    check([text.split(" at ")[0] for text in new[:5]] ==
          ["descend (depth=3)", "descend (depth=2)", "descend (depth=1)", "descend (depth=0)",
           "sleep_on"], f"{new}")
    threads = {row["thread"]: row for row in done["threads"]}
    check(set(threads) == {1, 3} and threads[3]["what"] == "added", f"{threads}")
    check("pause" in threads[1]["to"] and "pause" not in threads[1]["from"], f"{threads}")
    # The other way round what came has gone.
    done = world.json("diff", "--only", "threads,stacks", "2", "1", status=1)
    check(any(row["what"] == "removed" for row in done["threads"]), f"{done['threads']}")
    gone = [f["from"] for f in done["frames"][0]["frames"] if f["what"] == "removed"]
    check(gone[3].startswith("descend (depth=0)"), f"{gone}")


@flow()
def diff_the_rest(world):
    two_states(world)
    done = world.json("diff", "1", "2", status=1)
    check(done["moved"] is False and done["pages"] >= 5, f"{done['pages']}")
    memory = {row["where"]: row for row in done["memory"]}
    check("states: data" in memory and "stack of thread 1" in memory, f"{sorted(memory)}")
    check(sum(row["pages"] for row in done["memory"]) <= done["pages"], f"{memory}")
    protected = [row for row in done["mappings"] if row["what"] == "protected"]
    check(len(protected) == 1 and (protected[0]["from"], protected[0]["to"]) ==
          ("rw- anonymous", "r-- anonymous"), f"{protected}")
    check(any(row["what"] == "came" and row["to"] == "rw- stack of thread 3"
              for row in done["mappings"]), f"{done['mappings']}")
    rows = {(row["section"], row["name"]): row for row in done["structure"]}
    check(rows["descriptors", "fd 3"]["to"] == 'chardev "/dev/null"', f"{sorted(rows)}")
    check(("signals", "SIGUSR2 action") in rows, f"{sorted(rows)}")
    check(any(section == "timers" for section, _ in rows), f"{sorted(rows)}")
    out = world.expect("diff", "--stat", "1", "2", status=1, out=None).out
    check(re.search(r"^ states: data +\| \d+ pages?, \d+ bytes?$", out, re.M), out)
    check(re.search(r"^ descriptors +\| 1 descriptor$", out, re.M), out)
    for section in ("descriptors", "timers", "signals"):
        out = world.expect("diff", "--only", section, "1", "2", status=1, out=None).out
        check(out.splitlines()[2] == section, out)
    world.expect("diff", "--only", "credentials", "1", "2", out=re.compile("are the same"))


@flow()
def diff_bytes(world):
    two_states(world)
    done = world.json("diff", "--mem", "1", "2", status=1)
    check(all(len(row["from"]) == 32 and row["from"] != row["to"] for row in done["dump"]),
          f"{done['dump'][:3]}")
    at = world.json("print", "-r", "1", "(long)&big[77777]")["value"]
    at = int(at) & ~15
    row = next(row for row in done["dump"] if int(row["from_address"], 16) == at)
    check(row["from"] == "0" * 32 and row["to"].count("1") == 1, f"{row}")
    done = world.json("diff", "-x", f"{at:#x},32", "1", "2", status=1)
    check(len(done["dump"]) == 2 and done["dump"][0] == row, f"{done['dump']}")
    out = world.expect("diff", "-x", f"{at + 16:#x},16", "1", "2", out=None).out
    check(out.splitlines()[2].startswith(f"  {at + 16:#014x}  00 00"), out)
    world.refuse("diff", "-x", "16", "1", "2", status=2,
                 why="Cannot access memory at address 0x10")
    for wrong in ("x", "1,", "1,0", ",5", "", "1,2,3"):
        world.refuse("diff", "-x", wrong, "1", "2", status=2, why="is not ADDR")


VIEWS = """
import mmap, os, signal, sys
fd = os.memfd_create("board")
os.ftruncate(fd, 4 * 4096)
both = [mmap.mmap(fd, 0, flags=how) for how in (mmap.MAP_SHARED, mmap.MAP_PRIVATE)]
both[1][0] = 1  # a copy: what the other writes there is not seen
open(sys.argv[1], "w").write("0")
signal.sigwait([signal.SIGUSR1])
both[0][:4096] = b"a" * 4096
both[0][2 * 4096] = 7
open(sys.argv[1], "w").write("1")
signal.pause()
"""


@flow()
def diff_a_private_view(world):
    """What a private mapping of shared memory shows without having written it is a difference."""
    told = world.path("told-views")
    def state():
        return os.path.exists(told) and open(told, encoding="ascii").read()

    pid = world.json("run", "-d", "-n", "board", "--", "python3", "-c",
                     "import signal; signal.pthread_sigmask(0, [signal.SIGUSR1])\n" + VIEWS,
                     told)["pid"]
    wait_for("it maps", lambda: state() == "0")
    world.json("snap", "board")
    os.kill(pid, signal.SIGUSR1)
    wait_for("it has written", lambda: state() == "1")
    world.json("snap", "board")
    rows = {row["where"]: (row["pages"], row["bytes"])
            for row in world.json("diff", "board@1", "board@2", "--only", "memory",
                              status=1)["memory"]
            if "memory board" in row["where"]}
    check(rows == {"shared memory board": (2, 4097), "copied memory board": (1, 1)}, f"{rows}")


@flow()
def diff_the_living(world):
    app = States(world)
    world.json("snap")
    before = world.json("list")
    done = world.json("diff", "1")
    check(done["same"] is True and done["pages"] == 0 and done["to"] == "states", f"{done}")
    app.go_on()
    done = world.json("diff", "-n", "0", "1", status=1)
    check_known(done)
    check(0 < done["stop_ns"] < 10 ** 10, f"{done['stop_ns']}")
    check(any(f["to"] and f["to"].startswith("descend (depth=0)")
              for f in done["frames"][0]["frames"]), f"{done['frames']}")
    # Nothing of it stays, and the next snapshot is as without.
    check(world.json("list") == before, "the list is another one")
    check(world.app("states")["current"] == 1, f"{world.app('states')}")
    taken = world.json("snap")
    check((taken["id"], taken["parent"]) == (2, 1), f"{taken}")
    check_known(world.json("diff", "-n", "0", "1", "2", status=1))
    # No snapshot to count from: a keeper that has just adopted it reads all.
    world.json("detach")
    world.json("attach", str(app.pid))
    done = world.json("diff", "-n", "0", "--only", "variables", "1", status=1)
    check_known(done)
    world.expect("diff", "--only", "variables,memory,stacks", "2",
                 out=re.compile("are the same"))


@flow()
def diff_two_lives(world):
    """Another start of the program: other addresses, the same names."""
    app = States(world)
    world.json("snap")
    world.expect("kill", out=None)
    app = States(world)
    world.json("snap")
    app.go_on()
    world.json("snap")
    first, second = (world.json("print", "-r", ref, "&game")["value"] for ref in ("1", "2"))
    if first == second:
        raise kit.Skip("addresses are not by chance here")
    done = json.loads(world.call("--json", "diff", "--only", "variables,mappings", "1", "2").out)
    check(done["moved"] is True, f"{done}")
    # `told` and `filler` point to what was matched
    check(lines_of(done) == [], f"{lines_of(done)}")
    done = world.json("diff", "-n", "0", "--only", "variables,stacks", "1", "3", status=1)
    # of its mapping, which is two by now, nothing is the same size
    check_known(done, [*KNOWN, re.compile(r'filler: 0x\w+ "" -> 0x\w+ ""')])
    play = next(f for f in done["frames"][0]["frames"] if "play" in (f["from"] or ""))
    check([c["name"] for c in play["locals"]] == ["step", "seen[2]"], f"{play}")
    out = world.expect("diff", "1", "3", status=1, out=None).out
    check("\ntwo lives with other addresses: matched by file and name\n" in out, out)


@flow()
def diff_reads_what_differs(world):
    """Of 32 MiB two pages, and of one snapshot nothing."""
    counter = os.path.join(kit.BUILD, "test", "flow", "counter")
    path = world.path("number")
    pid = world.json("run", "-d", "-n", "large", "--", counter, path, "32")["pid"]
    app = kit.Counter(world, "large", pid, path)
    world.json("snap")
    app.count(1)
    world.json("snap")
    done = world.json("diff", "--only", "variables,memory", "1", "2", status=1)
    check(0 < done["pages"] < 16 and done["read_pages"] < 200, f"{done}")
    done = world.json("diff", "2", "2")
    check(done["same"] is True and done["read_pages"] == 0 and done["pages"] == 0, f"{done}")
    # The living one likewise: only what changed is handed over.
    app.count(2)
    done = world.json("diff", "--only", "variables,memory", "2", status=1)
    check(0 < done["pages"] < 16 and done["read_pages"] < 200, f"{done}")


@flow()
def diff_words(world):
    world.run_counter("myapp")
    world.json("snap")
    for words, why in ((["--only", "stack", "1", "1"], 'there is no section "stack"'),
                       (["--only", "", "1", "1"], 'there is no section ""'),
                       (["-n", "x", "1", "1"], '"x" is not a number'),
                       (["-t", "0", "1", "1"], "threads count from 1"),
                       (["-t", "9", "--var", "number", "1"], "Unknown thread 9"),
                       (["-f", "99", "--var", "number", "1"], "No frame at level 99")):
        world.refuse("diff", *words, why=why, status=2)
