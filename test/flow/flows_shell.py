# SPDX-License-Identifier: Apache-2.0
"""Flows of living in the shell: what it remembers, repeats, completes, and says of itself."""

import fcntl
import os
import re
import signal
import stat
import subprocess
import time

from kit import BUILD, ROOT, SNAPSH, Skip, Terminal, alive, check, flow, wait_for


def run_deep(world):
    """An application with debug information, "deep", with one snapshot."""
    source = os.path.join(ROOT, "test", "inspect", "deep.c")
    subprocess.run([os.environ.get("CC") or "gcc", "-g", "-O0", "-pthread", "-o",
                    world.path("deep"), source], check=True)
    world.json("run", "-d", "-n", "deep", world.path("deep"))
    time.sleep(0.3)
    world.json("snap", "deep")


@flow()
def shell_prompt_says_where(world):
    world.run_counter("one")
    world.run_counter("two")
    world.json("snap", "one")
    world.json("snap", "two")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("use one", r"\none> $")
    term.say("at 1", r"\none@1> $")
    term.say("use two", r"\ntwo \(one@1\)> $")
    term.say("at 1", r"\ntwo@1> $")
    term.say("use", r"\ntwo@1> $")
    term.say("at off", r"looking into two@1 no longer\r\nsnapsh> $")
    term.say("at off", r"snapsh: no snapshot is selected: at REF\r\nsnapsh> $")
    term.type("quit\r")
    check(term.end() == 0, "quit")


@flow()
def shell_history_is_kept(world):
    """Across shells, for the owner only; what begins with a blank is not."""
    path = os.path.join(world.catalog, "history")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("help quit", r"usage: snapsh quit")
    term.wait("snapsh> $")
    term.say(" help use", r"usage: snapsh use")
    term.wait("snapsh> $")
    term.say("help at", r"usage: snapsh at")
    term.say("help at", r"usage: snapsh at")
    term.wait("snapsh> $")
    with open(path, encoding="utf-8") as file:
        check(file.read() == "help quit\nhelp at\n", "what is kept")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others can read it")
    term.type("\x04")
    check(term.end() == 0, "Ctrl-D")
    world.env["XDG_STATE_HOME"] = world.path("state")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("help drop", r"usage: snapsh drop")
    term.wait("snapsh> $")
    term.type("\x04")
    check(term.end() == 0, "Ctrl-D")
    check(stat.S_IMODE(os.stat(world.path("state/snapsh/history")).st_mode) == 0o600, "mode")
    del world.env["XDG_STATE_HOME"]
    term = Terminal(world)
    term.wait("snapsh> $")
    term.type("\x10\x10")
    term.wait("quit$")
    term.type("\r")
    term.wait("usage: snapsh quit")
    term.wait("snapsh> $")
    term.type("\x04")
    check(term.end() == 0, "Ctrl-D")


@flow()
def shell_prefixes_and_several_on_a_line(world):
    two = world.run_counter("two")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("s", r'ambiguous command "s": snap, show')
    term.say("app", r"two +\d+ +running")
    term.say("sna two; undo; tag 1 ';a'", r"two@1 .*\r\nsnapsh: undo.*\r\nsnapsh> $")
    term.say("tag 1 ';a' ; list # ; nothing", r"\*.* 1 .*;a")
    term.type("quit\r")
    check(term.end() == 0, "quit")
    check(alive(two.pid), "it ended")
    # Only in the shell: scripts of other shells are not to break when a command is added.
    world.refuse("app", why='no command "app"', status=2)


@flow()
def shell_empty_line_repeats(world):
    run_deep(world)
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("at 1", "deep@1> $")
    term.say("up", r"#1 (.*\r\n)+.*> $")
    term.say("", r"#2 (.*\r\n)+.*> $")
    term.say("down 2", r"#0 (.*\r\n)+.*> $")
    term.say("", r"#0 (.*\r\n)+.*> $")
    term.say("down", r"snapsh: .*\r\n.*> $")
    term.say("frame 1", r"#1 (.*\r\n)+.*> $")
    term.say("src", r"\n22\t(.*\r\n)+31\t.*\r\n.*> $")
    term.say("", r"\n32\t(.*\r\n)+41\t.*\r\n.*> $")
    first = int(term.say("x/4xw $sp", r"\n(0x\w+):(\t0x\w{8}){4}\r\n.*> $").group(1), 16)
    match = term.say("", r"\n(0x\w+):(\t0x\w{8}){4}\r\n.*> $")
    check(int(match.group(1), 16) == first + 16, "x does not go on")
    term.say("print 1", r"\$1 = 1\r\n.*> $")
    term.type("\r\r")
    term.say("print 2", r"\$2 = 2\r\n.*> $")
    # A line that was dropped is no empty line.
    term.say("up", r"#2 (.*\r\n)+.*> $")
    term.type("down\x03")
    term.wait(r"\ndeep@1> $")
    term.say("frame", r"#2 (.*\r\n)+.*> $")
    term.type("quit\r")
    check(term.end() == 0, "quit")


@flow()
def shell_ctrl_c_ends_the_command(world):
    """And neither the shell, nor keeper, nor application."""
    counter = world.run_counter("one")
    keeper = world.app("one")["keeper_pid"]
    term = Terminal(world)
    term.wait("snapsh> $")
    os.kill(keeper, signal.SIGSTOP)
    term.type("snap\r")
    time.sleep(0.3)
    term.type("\x03")
    term.wait(r"snapsh: one: snap: interrupted; its keeper goes on\r\nsnapsh> $")
    os.kill(keeper, signal.SIGCONT)
    term.say("snap", r"one@2 .*\r\nsnapsh> $")
    counter.count(1)
    term.type("quit\r")
    check(term.end() == 0, "quit")
    check(alive(keeper), "the keeper ended")


@flow()
def what_is_looked_into_stays(world):
    """drop says why not, forget and auto leave it; gc runs, and takes nothing away that is read."""
    run_deep(world)
    for _ in range(3):
        world.json("snap", "deep")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("at 2", "deep@2> $")
    world.refuse("drop", "deep@1", "deep@2", why=r"deep: drop: somebody looks into snapshot 2")
    check(len(world.json("list")) == 4, "one of them went")
    term.say("drop 2", r"snapsh: deep: drop: somebody looks into snapshot 2 .*\r\n.*> $")
    world.expect("forget", "--keep-last", "1", "--dry-run",
                 out=re.compile("^deep@2 stays: somebody looks into it$", re.M))
    world.expect("forget", "--keep-last", "1", out="2 snapshots of deep gone, 2 stay\n")
    world.expect("gc", out=None)
    term.say("print jobs[1].weight", r"\$1 = 1.5\r\n.*> $")
    term.say("bt", r"#0 .*\r\n(.*\r\n)*.*> $")
    world.json("auto", "deep", "20ms", "--keep", "1")
    wait_for("the timer's", lambda: world.json("list")[-1]["id"] > 8)
    held = int(term.say("at latest", r"deep@(\d+)> $").group(1))
    wait_for("some more", lambda: world.json("list")[-1]["id"] > held + 8)
    check(held in [row["id"] for row in world.json("list")], f"{held} went")
    check(world.json("auto", "deep")["failed"] == "", "auto failed")
    term.say("at off", r"no longer\r\nsnapsh> $")
    wait_for("it goes", lambda: held not in [row["id"] for row in world.json("list")])
    world.json("auto", "deep", "off")
    world.expect("drop", "deep@2", out="dropped deep@2\n")
    world.expect("verify", out=re.compile("snapshots good"))
    term.type("quit\r")
    check(term.end() == 0, "quit")


@flow()
def an_interrupt_ends_gc_and_diff(world):
    """With a clear word, and nothing is lost: what is dropped, and compared, can be so again."""
    app = world.run_counter("one")
    for number in (1, 2, 3):
        world.json("snap")
        app.count(number)

    def interrupted(*args):
        def pending():  # as the shell has it: blocked, and sent; exec changes neither
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.kill(os.getpid(), signal.SIGINT)
        done = subprocess.run([SNAPSH, *args], env=world.env, capture_output=True, text=True,
                              check=False, preexec_fn=pending, **world.as_user())
        check(done.stdout == "", f"{args}: {done.stdout}")
        return done.returncode, done.stderr

    check(interrupted("diff", "1", "2") == (2, "snapsh: diff: interrupted\n"), "diff")
    world.expect("drop", "1", out=None)
    code, said = interrupted("gc")
    check((code, said) == (1, "snapsh: gc: interrupted; the 0 B given back so far stay so\n"), said)
    world.expect("diff", "2", "3", status=1, out=None)
    world.expect("gc", out=None)
    world.expect("verify", out=re.compile("^2 of 2 snapshots good"))
    # In the shell, while it waits for a snapshot that is under way.
    term = Terminal(world)
    term.wait("snapsh> $")
    with open(os.path.join(world.catalog, "lease"), "rb") as lease:
        fcntl.flock(lease, fcntl.LOCK_SH)
        term.type("gc\r")
        time.sleep(0.3)
        term.type("\x03")
        term.wait(r"snapsh: gc: interrupted; .*\r\nsnapsh> $")
        fcntl.flock(lease, fcntl.LOCK_EX)
        term.type("diff 2 3\r")
        time.sleep(0.3)
        term.type("\x03")
        term.wait(r"snapsh: diff: interrupted\r\nsnapsh> $")
    term.say("gc", r"given back.*\r\nsnapsh> $")
    term.type("quit\r")
    check(term.end() == 0, "quit")
    app.count(4)


@flow()
def shell_completes(world):
    """Commands, options, values, applications, references, names of the program, files."""
    run_deep(world)
    world.json("tag", "deep@1", "boss")
    for name in ("some-file", "other file"):
        with open(world.path(name), "w", encoding="utf-8"):
            pass
    term = Terminal(world)
    term.wait("snapsh> $")

    def completes(typed, pattern):
        term.type(typed)
        term.wait(pattern)
        term.type("\x15")
        time.sleep(0.05)
        term.read(0.1)
        term.text = ""

    completes("ver\t", "^verify $")
    completes("help unt\t", "^help untag $")
    completes("snap --th\tki\t", "^snap --then kill $")
    completes("snap --then=st\t", "^snap --then=stop $")
    completes("list d\t", "^list deep $")
    completes("show d\tb\t", "^show deep@boss $")
    completes("apps; show bo\t", "^apps; show boss $")
    completes("diff deep@\t\t", r"\n1 +boss +latest *\r\n.*> diff deep@$")
    completes("print job\t", "^print jobs$")
    completes("core -o some-f\t", "^core -o some-file $")
    term.say("at 1", "deep@1> $")
    term.say("frame 1", r"#1 (.*\r\n)+.*> $")
    completes("print rea\t\t\t", r"rea.*\r\n(.*\r\n)*.*ready")
    completes("print jobs[1].we\t", r"^print jobs\[1\]\.weight$")
    completes("x/2g &jobs->na\t", r"^x/2g &jobs->name$")
    completes("print sizeof(struct j\t", r"^print sizeof\(struct job$")
    completes("print $ri\t", r"^print \$rip$")
    completes("whatis 'a' + recur\t", r"^whatis 'a' \+ recurse$")
    completes("info sym\t reco\t", r"^info symbol ")
    completes("print nonsense.\t", "^print nonsense.\x07?$")
    # In quotes: what is one word for the shell; what is the expression's own is none.
    completes("show 'de\t", "^show 'deep@$")
    completes("show 'deep@bo\t", "^show 'deep@boss' $")
    completes('show "bo\t', '^show "boss" $')
    completes("list 'd\t", "^list 'deep' $")
    completes("snap 'deep' --then \"ki\t", "^snap 'deep' --then \"kill\" $")
    completes("core -o 'some-f\t", "^core -o 'some-file' $")
    completes("core -o other\t", "^core -o (other.*)?['\"]other file['\"] ?$")
    completes("print 'x' + recur\t", r"^print 'x' \+ recurse$")
    term.type("quit\r")
    check(term.end() == 0, "quit")


# What a shell that has the completion script shows of a line with TAB in it.
COMPLETED = [
    ("snapsh ver\t", "snapsh verify $"),
    ("snapsh snap --th\tki\t", "snapsh snap --then[\b ]* kill $"),
    ("snapsh snap --then=st\t", "snapsh snap --then=stop $"),
    ("snapsh -C catalog sho\tde\t", "snapsh -C catalog show[\b ]*deep@$"),
    ("snapsh show deep@bo\t", "snapsh show deep@(bo\b+)?boss $"),
    ("snapsh list d\t", "snapsh list deep $"),
    ("snapsh core -o some-f\t", "snapsh core -o some-file *$"),
    ("snapsh show 'deep@bo\t", "snapsh show 'deep@(bo\b+)?boss'? *$"),
    ("snapsh list \"d\t", "snapsh list \"deep\"? *$"),
    ("snapsh print '1 + jobs[1].we\t", r"snapsh print '1 \+ jobs\[1\]\.weight'? *$"),
]


def other_shell_completes(world, name, *args):
    import shutil
    program = shutil.which(name)
    if not program:
        raise Skip(f"there is no {name}")
    run_deep(world)
    world.json("tag", "deep@1", "boss")
    with open(world.path("some-file"), "w", encoding="utf-8"):
        pass
    world.env.update(PATH=f"{BUILD}:{world.env['PATH']}", PS1="ready> ", HOME=world.dir)
    term = Terminal(world, *args, program=program)
    term.wait("ready> .*$")
    if name == "zsh":
        term.say("autoload compinit; compinit -u -D", "ready> .*$")
    term.say(f". <(snapsh completion {name}); echo read{{}}", r"\nread{}\r\n.*ready> .*$")
    for typed, shown in COMPLETED:
        term.type(typed)
        term.wait(shown)
        term.type("\x15")
        time.sleep(0.05)
        term.read(0.1)
        term.text = ""
    term.type("\x04")
    term.end()


@flow()
def bash_completes(world):
    other_shell_completes(world, "bash", "--norc", "--noprofile", "-i")


@flow()
def zsh_completes(world):
    other_shell_completes(world, "zsh", "-f", "-i")


def shown(world, *args, **how):
    """All that snapsh shows in a terminal, and its exit status."""
    term = Terminal(world, *args, **how)
    text = ""
    while True:
        part = term.read(10)
        if not part:
            break
        text += part
    return text, term.end()


@flow()
def pager_for_long_results(world):
    """On a terminal that is too short, and only there."""
    world.env.update(TERM="xterm", SNAPSH_PAGER="sed s/^/paged:/")
    plain = world.expect("help").out
    lines = plain.count("\n")
    check(shown(world, "help", rows=lines + 1, cols=300) == (plain.replace("\n", "\r\n"), 0),
          "paged without need")
    text, status = shown(world, "help", rows=lines, cols=300)
    check(status == 0 and text.count("paged:") == lines, f"not paged: {text[:200]}")
    check("paged:" in shown(world, "help", "--json")[0], "JSON is not paged")
    check("paged:" not in shown(world, "--no-pager", "help")[0], "paged in spite of --no-pager")
    del world.env["SNAPSH_PAGER"]
    world.env["PAGER"] = "sed s/^/other:/"
    check("other:usage" in shown(world, "help")[0], "PAGER")
    for none in "", "cat", "false", "/nonexistent/pager":
        world.env["SNAPSH_PAGER"] = none
        text, status = shown(world, "help")
        check(status == 0 and "other:" not in text, f"{none}: {status}, {text[:200]}")
        check(("usage" in text) == (none != "false"), f"{none}: {text[:200]}")
    world.env["SNAPSH_PAGER"] = "head -n 1"
    text, status = shown(world, "--json", "help")
    check(status == 0 and text.count("\n") < 3, "what a pager leaves unread is a failure")
    world.env.update(TERM="dumb", SNAPSH_PAGER="sed s/^/paged:/")
    check("paged:" not in shown(world, "help")[0], "paged on a dumb terminal")


@flow()
def colours_on_a_terminal_only(world):
    world.run_counter("one")
    world.json("snap", "one", "-t", "boss")
    for args in (["log"], ["list"], ["list", "nobody"]):
        world.env["TERM"] = "xterm"
        check("\033[" in shown(world, *args)[0], f"{args}: no colours")
        result = world.call(*args)
        check("\033" not in result.out + result.err, f"{args}: colours in a pipe")
        world.env["NO_COLOR"] = "1"
        check("\033" not in shown(world, *args)[0], f"{args}: colours with NO_COLOR")
        del world.env["NO_COLOR"]
        world.env["TERM"] = "dumb"
        check("\033" not in shown(world, *args)[0], f"{args}: colours on a dumb terminal")


@flow()
def progress_while_one_waits(world):
    """After half a second, on a terminal, gone at the end."""
    world.run_counter("one")
    keeper = world.app("one")["keeper_pid"]
    for term_name, seen in ("xterm", True), ("dumb", False):
        world.env["TERM"] = term_name
        os.kill(keeper, signal.SIGSTOP)
        term = Terminal(world, "snap", "one")
        time.sleep(1.2)
        term.read(0.1)
        check(("snap one: 1 s" in term.text) == seen, f"{term_name}: {term.text}")
        os.kill(keeper, signal.SIGCONT)
        term.wait(r"\r\033\[Kone@\d.*\r\n" if seen else r"one@\d.*\r\n")
        check(term.end() == 0, "snap")
    world.env["TERM"] = "xterm"
    check("snap one:" not in shown(world, "snap", "one")[0], "shown too early")


@flow()
def scripts_stop_at_the_first_failure(world):
    world.run_counter("one")
    path = world.path("script")

    def script(text, *args, **how):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return world.expect(*args, "-f", path, **how)

    script("# a comment\n\nuse one\nsnap -m 'a;b'; sn=\n", status=2, out=re.compile(r"one@1"),
           err=f"snapsh: {path}:4: there is no command \"sn=\"; \"help\" lists them\n")
    script("use one\nsnap\nshow 9\nsnap\n", status=1, out=re.compile(r"^one@2 .*\n$"),
           err=re.compile(rf"^snapsh: {path}:3: .*9.*\n$"))
    script("snap 'open\n", status=2, err=re.compile(rf"^snapsh: {path}:1: .*partner"))
    script("-show 9 ; list --json\n- nonsense\nquit\nnonsense\n", status=0,
           out=re.compile(r'"id": 2'), err=re.compile(rf"{path}:1: .*\n.*{path}:2: "))
    script("\nshow 9", "--json", status=1, out="", err=re.compile(r'^{"error": ".*script:2: '))
    script("", out="")
    world.refuse("-f", world.path("no-such"), why="no-such: No such file")
    world.refuse("-f", world.dir, why="Is a directory")
    world.refuse("-f", path, "list", why='"list" behind the script', status=2)
    world.refuse("-e", "list", "-f", path, why="exclude each other", status=2)
    world.expect("-f", "-", given="list one --json\nnonsense\nlist", out=re.compile('"id": 2'),
                 status=2, err=re.compile("^snapsh: -:2: "))
    world.expect("-e", "use one; at 1; print ';' ; print 7; help quit", err=None,
                 out=re.compile(r"\$1 = 59 ';'\n\$2 = 7\nusage: snapsh quit"))
    world.expect("-e", "nonsense; list", status=2, out="", err=re.compile("^snapsh: -e:1: "))
    world.expect("-e", "", out="")


@flow()
def scripts_can_be_executed(world):
    path = world.path("script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!{BUILD}/snapsh -f\nhelp quit\nlist nobody\n")
    os.chmod(path, 0o755)
    world.expect(program=path, status=1, out=re.compile("^usage: snapsh quit"),
                 err=re.compile(r"^snapsh: .*script:3: .*nobody"))


@flow()
def list_at_a_glance(world):
    """What fits the width, the parent only where it says something, where the application is."""
    counter = world.run_counter("one")
    world.json("snap", "one", "-t", "boss", "-m", "before the boss, and a long story behind it")
    world.json("snap", "one")
    plain = world.expect("list").out.splitlines()
    check(re.fullmatch(r" +ID +TAKEN +CHANGED +STORED +STOPPED +\[TAG\] MESSAGE", plain[0]),
          plain[0])
    check(re.fullmatch(r"     1  .*ago .* ms  \[boss\] before the boss, and a long story.*it",
                       plain[1]), plain[1])
    check(plain[2].startswith("*    2  ") and
          plain[3] == f"one: running, pid {counter.pid}, at 2", f"{plain}")
    world.json("revert", "1")
    world.json("snap", "one")
    plain = world.expect("list").out.splitlines()
    check("  FROM  " in plain[0] and plain[3].endswith("  (auto) ") and
          plain[4].startswith("*    4     1  "), f"{plain}")
    for cols in (30, 40, 52, 60, 80, 120):
        lines = shown(world, "list", cols=cols)[0].split("\r\n")
        check(len(lines) == 7 and all(len(line) <= cols for line in lines), f"{cols}: {lines}")
        check(("STOPPED" in lines[0]) == (cols >= 80), f"{cols}: {lines[0]}")
        check("[boss]" in lines[1] or cols < 60, f"{cols}: {lines[1]}")
    world.expect("kill", "one", out=None)
    world.expect("list", "one", out=re.compile(r"\none: killed by SIGKILL, at 4\n$"))
