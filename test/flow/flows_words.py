# SPDX-License-Identifier: Apache-2.0
"""Flows about the command line itself: help, wrong usage, names, JSON of errors."""

import json
import os
import re
import subprocess

from kit import ROOT, SNAPSH, check, flow

# Arguments of each command that are wrong whatever there is, and a word of the answer.
WRONG = (
    (["nonsense"], 'no command "nonsense"'),
    (["--nonsense"], 'no option --nonsense; "snapsh help" says'),
    (["info", "threads", "-r", "a@1"], "info threads takes no words behind it"),
    (["-C"], "needs a value"),
    (["run"], "run needs"),
    (["run", "-n"], "-n needs a value"),
    (["run", "--nope", "true"], "no option --nope"),
    (["attach"], "attach needs PID"),
    (["attach", "x"], '"x" is not a process id'),
    (["attach", "0"], '"0" is not a process id'),
    (["attach", "-5"], '"-5" is not a process id'),
    (["attach", "1", "2"], "one word too many"),
    (["attach", "99999999999999999999"], "not a process id"),
    (["detach", "a", "b"], "one word too many"),
    (["kill", "a", "b"], "one word too many"),
    (["kill", "--term=yes", "a"], "--term takes no value"),
    (["apps", "a"], "one word too many"),
    (["console", "a", "b"], "one word too many"),
    (["snap", "a", "b"], "one word too many"),
    (["snap", "-m"], "-m needs a value"),
    (["snap", "--tracker", "magic"], 'no tracker "magic"'),
    (["snap", "--then", "dance"], "run, stop or kill"),
    (["list", "a", "b"], "one word too many"),
    (["show"], "show needs REF"),
    (["show", "1", "2"], "one word too many"),
    (["revert"], "revert needs REF"),
    (["undo", "a", "b"], "one word too many"),
    (["restore"], "restore needs REF"),
    (["restore", "1", "--pidfile"], "--pidfile needs a value"),
    (["drop"], "drop needs REF"),
    (["verify", "1", "2"], "one word too many"),
    (["check", "it"], "one word too many"),
    (["help", "nonsense"], 'no command "nonsense"; "snapsh help" lists them'),
    (["use", "a"], "in the shell only"),
    (["quit"], "in the shell only"),
    (["diff"], "diff needs REF"),
    (["diff", "1", "2", "3"], "one word too many"),
)


def command_names(world):
    return [row["name"] for row in world.json("help")]


@flow()
def help_of_everything(world):
    names = command_names(world)
    for name in ("run", "attach", "detach", "kill", "apps", "snap", "list", "show", "diff",
                 "revert", "undo", "restore", "drop", "check", "help"):
        check(name in names, f"help lists no {name}")
    general = world.expect("help", out=re.compile("usage: snapsh")).out
    world.expect("--help", out=general)
    world.expect("-h", out=general)
    for name in names:
        check(re.search(rf"^  {name} +\w", general, re.M), f"help says nothing of {name}")
        text = world.expect(name, "--help", out=re.compile(rf"^usage: snapsh {name}\b")).out
        check("--json" in text and "--help" in text, f"{name} --help does not list its options")
        world.expect("help", name, out=text)
        world.expect(name, "-h", out=text)
        row = world.json("help", name)
        check(row == world.json(name, "--help"), f"{name}: two answers")
        check(set(row) == {"name", "aliases", "usage", "help", "keeper", "shell_only", "options",
                           "group", "text", "examples", "see"}, f"{name}: keys {sorted(row)}")
        words = "".join(text.split())
        for key in "help", "usage", "text", "see", "examples":
            check(row[key], f"{name}: {key} is missing")
            check("".join(row[key].split()) in words, f"{name}: {key} is not its JSON's")
        check(set(row["see"].split()) <= set(names), f"{name}: sees also {row['see']}")
        check(row["group"] in general, f"{name}: {row['group']}")
        check(all(len(line) <= 80 for line in text.splitlines()), f"help {name} is wider than 80")
        for alias in row["aliases"].split():
            check(world.json(alias, "--help") == row, f"{alias} is not {name}")


@flow()
def every_command_is_documented(world):
    with open(os.path.join(ROOT, "doc", "commands.md"), encoding="utf-8") as file:
        text = file.read()
    for name in command_names(world):
        check(re.search(rf"^#+ .*\b{name}\b", text, re.M), f"doc/commands.md has no {name}")


@flow()
def wrong_usage_is_status_2(world):
    for args, word in WRONG:
        world.refuse(*args, why=re.escape(word), status=2)
    check(not os.path.exists(world.catalog), "wrong usage made a catalog")


@flow()
def errors_as_json(world):
    for args, status in ((["snap", "--nope"], 2), (["list", "nobody"], 1), (["show", "1"], 1),
                         (["nonsense"], 2)):
        for line in (["--json", *args], *([[*args, "--json"]] if args != ["nonsense"] else [])):
            result = world.expect(*line, status=status, out="", err=None)
            check(result.err.count("\n") == 1, f"{result}; wanted one line")
            error = json.loads(result.err)
            check(list(error) == ["error"] and error["error"], f"{result}; wanted an error")
            check("\n" not in error["error"], f"{result}; wanted one line in it")


@flow()
def unknown_names_and_references(world):
    """With no application, one, and two."""
    for command in ("snap", "undo", "detach", "kill", "list", "console"):
        world.refuse(command, why="no application")
        world.refuse(command, "nobody", why="nobody")
    world.refuse("show", "nobody@1", why="nobody")
    app = world.run_counter("one")
    for command in ("show", "diff", "revert", "restore", "drop"):
        world.refuse(command, "1", why="one", status=2 if command == "diff" else 1)
    world.expect("snap", out=re.compile("^one@1 "))
    for ref in ("one@7", "7", "one@nosuchtag", "one@~5", "one@", "one@0", "one@-1", "one@1x",
                "nobody@1", "@9", "one@99999999999999999999", "one@1@1"):
        for command in ("show", "diff", "revert", "restore", "drop"):
            world.refuse(command, ref, why=".", status=2 if command == "diff" else 1)
    world.run_counter("two")
    for command in ("snap", "undo", "detach", "list"):
        world.refuse(command, why="one.*two|which|several|NAME|name")
    world.refuse("show", "1", why="one.*two|which|several|NAME|name")
    app.count(1)
    check(len(world.json("list", "one")) == 1, "a wrong reference changed the list")


@flow()
def names_of_applications(world):
    for name in ("", "-x", "a/b", "../a", "a b", "a@b", "x" * 64, "\u00e4"):
        world.refuse("run", "-d", f"--name={name}", "--", "sleep", "100", why="name")
    world.refuse("run", "-n", "a/b", "-d", "--", "sleep", "100", why="a/b")
    check(world.json("apps") == [], "a wrong name was taken")
    for want in ("sleep", "sleep-2", "sleep-3"):
        check(world.json("run", "-d", "sleep", "100")["name"] == want, f"no {want}")
    world.refuse("run", "-n", "sleep", "-d", "sleep", "100", why="sleep is running.*-n")
    long_name = "n" * 63
    check(world.json("run", "-d", "-n", long_name, "sleep", "100")["name"] == long_name, "63")
    world.expect("kill", "sleep-2", out="sleep-2 killed by SIGKILL\n")
    check(world.json("run", "-n", "sleep-2", "-d", "sleep", "100")["name"] == "sleep-2", "again")


@flow()
def the_catalogs_place(world):
    """-C, then $SNAPSH_CATALOG, then $XDG_DATA_HOME, then the home directory; 0700."""
    env = dict(world.env)
    wanted = {}
    wanted["-C"] = world.path("deep/er/c")
    world.expect("-C", wanted["-C"], "apps", out=re.compile("no applications"))
    world.expect("apps", out=re.compile("no applications"))
    wanted["SNAPSH_CATALOG"] = world.catalog
    del env["SNAPSH_CATALOG"]
    env["XDG_DATA_HOME"] = world.path("xdg")
    world.expect("apps", env=env, out=re.compile("no applications"))
    wanted["XDG_DATA_HOME"] = world.path("xdg/snapsh")
    del env["XDG_DATA_HOME"]
    env["HOME"] = world.path("home")
    world.expect("apps", env=env, out=re.compile("no applications"))
    wanted["HOME"] = world.path("home/.local/share/snapsh")
    for what, path in wanted.items():
        check(os.path.exists(os.path.join(path, "catalog.db")), f"{what}: no catalog in {path}")
        check(os.stat(path).st_mode & 0o777 == 0o700, f"{path} may be read by others")
    # A relative place, and a path longer than a socket's address holds.
    long_dir = world.path("/".join(["x" * 60] * 3))
    for place in ("here", long_dir):
        started = world.json("-C", place, "run", "-d", "-n", "far", "sleep", "100")
        check(world.json("-C", place, "apps")[0]["keeper_pid"] == started["keeper_pid"], place)
        world.expect("-C", place, "kill", "far", out="far killed by SIGKILL\n")
    world.refuse("-C", "/dev/null/x", "apps", why="/dev/null/x")


@flow()
def check_says_what_is_there(world):
    rows = world.json("check")
    check(len(rows) > 20, "few rows")
    for row in rows:
        check(set(row) == {"name", "present", "detail", "cost"}, f"keys {sorted(row)}")
        check(isinstance(row["present"], bool) and row["detail"] and row["cost"], f"{row}")
    by_name = {row["name"]: row["present"] for row in rows}
    check(by_name["ptrace"] and by_name["pidfd_open"], "without these nothing would work")
    text = world.expect("check", out=re.compile("pagemap_scan")).out
    for row in rows:
        line = next((l for l in text.splitlines() if l.split()[1:2] == [row["name"]]), None)
        check(line and line.startswith("yes" if row["present"] else "no"), f"{row} but {line!r}")
    check(not os.path.exists(world.catalog), "check made a catalog")


@flow()
def output_that_cannot_be_written(world):
    with open("/dev/full", "wb") as full:
        child = subprocess.run([SNAPSH, "help"], stdout=full, stderr=subprocess.PIPE,
                               env=world.env, check=False)
    check(child.returncode == 1 and b"No space left" in child.stderr, f"{child}")
