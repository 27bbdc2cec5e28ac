# SPDX-License-Identifier: Apache-2.0
"""Flows in a real terminal: the shell, and an application's own terminal."""

import os
import re
import signal
import time

from kit import COUNTER, Terminal, alive, check, flow, wait_for


@flow()
def shell_in_a_terminal(world):
    world.run_counter("one")
    two = world.run_counter("two")
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("snap", r"snapsh: .*\r\n")
    term.say("use nobody", r"snapsh: .*nobody.*\r\n")
    term.say("use two", "two> $")
    term.say("snap -m 'with a blank'", r"two@1  .*\r\n")
    two.count(1)
    term.say("list", r"\*    1 .*with a blank\r\n")
    term.say("snap one", r"one@1  .*\r\n")
    term.say("diff 1", r"two> $")
    term.say("revert 1", r"two is at 1 again.*\r\n")
    two.count(1)
    term.say("list --json", r'"message": "with a blank"')
    term.say("nonsense", r'no command "nonsense"')
    term.say("snap 'open", r"without its partner")
    term.say("help", r"usage: snapsh")
    term.say("   # nothing", "two> $")
    # Ctrl-C drops the line, and ends nothing.
    term.type("kill two")
    term.wait("kill two$")
    term.type("\x03")
    term.wait(r"\ntwo> $")
    term.say("apps", r"two +\d+ +running")
    check(alive(two.pid), "Ctrl-C ended the application")
    two.count(2)
    term.say("use", "snapsh> $")
    term.say("snap", r"snapsh: .*\r\n")
    term.type("quit\r")
    check(term.end() == 0, "quit")
    check(alive(two.pid) and world.app("two")["keeper_pid"], "the shell's end ended the keeper")


@flow()
def shell_ends_with_its_terminal(world):
    """Started from the shell, an application is not the shell's, nor the terminal's."""
    term = Terminal(world)
    term.wait("snapsh> $")
    number = world.path("n")
    term.say(f"run -d -n mine -- {COUNTER} {number}", r"mine runs as pid \d+\r\n")
    row = world.app("mine")
    os.close(term.master)
    os.waitpid(term.pid, 0)
    time.sleep(0.1)
    check(alive(row["pid"]) and alive(row["keeper_pid"]) and alive(row["console_pid"]),
          "something ended with the terminal")
    check(world.json("snap")["id"] == 1, "it cannot be used any more")


@flow()
def shell_ctrl_d_and_status(world):
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("nonsense", r"nonsense")
    term.wait("snapsh> $")
    term.type("\x04")
    check(term.end() == 0, "Ctrl-D")
    # Lines of a file: no prompt, the last command's status.
    world.expect(given="help help\n", out=re.compile(r"^usage: snapsh help"))
    world.expect(given="nonsense\nhelp help\n", out=re.compile("^usage"), err=re.compile("no comm"))
    world.expect(given="help help\nnonsense\n", out=None, err=re.compile("no comm"), status=2)
    world.expect(given="list nobody", out="", err=re.compile("nobody"), status=1)
    world.expect(given="list nobody\nquit\nnonsense\n", out="", err=re.compile("nobody"))
    world.expect(given="", out="")


@flow()
def run_in_a_terminal(world):
    """What is typed goes there, what it prints comes here, Ctrl-] leaves, console is back."""
    term = Terminal(world, "run", "-n", "sh", "sh")
    prompt = r"[$#] $"
    term.wait(prompt)
    term.say("echo $((6*7))", r"\n42\r\n" + prompt)
    term.say("tty", r"/dev/pts/\d+\r\n" + prompt)
    # Ctrl-C is the application's own.
    term.say("sleep 100", r"sleep 100\r\n")
    time.sleep(0.2)
    term.type("\x03")
    term.wait(prompt)
    term.say("stty size", r"\n24 80\r\n" + prompt)
    term.resize(33, 99)
    time.sleep(0.3)
    term.say("stty size", r"\n33 99\r\n" + prompt)
    term.say("kept=here", r"kept=here\r\n" + prompt)
    term.type("\x1d")
    term.wait(r"sh runs on")
    check(term.end() == 0, "Ctrl-]")
    row = world.app("sh")
    check(row["state"] == "running", f"{row}")
    term = Terminal(world, "console", "sh", rows=30, cols=70)
    time.sleep(0.3)
    term.say("echo $kept `stty size`", r"\nhere 30 70\r\n")
    term.type("exit 9\r")
    check(term.end() == 0, "console")
    wait_for("its end is recorded", lambda: world.app("sh")["state"] == "ended")
    check(world.app("sh")["exit_code"] == 9, "exit 9")


@flow()
def a_full_screen_is_left_and_drawn_anew(world):
    """Ctrl-] gives the screen back from before; who comes finds the application's."""
    with open(world.path("full"), "w", encoding="ascii") as file:
        file.write("trap 'printf \"drawn $((n = n + 1)) \"' WINCH\n"
                   "printf '\\033[?1049hready\\n'\n"
                   "while :; do sleep 0.1; done\n")
    term = Terminal(world, "run", "-n", "full", "sh", "full")
    term.wait("ready")
    term.type("\x1d")
    term.wait(r"\x1b\[\?1049l[^\n]*\r\nfull runs on; \"snapsh console full\"")
    check(term.end() == 0, "Ctrl-]")
    for number in (1, 2):
        term = Terminal(world, "console", "full")
        term.wait(r"\x1b\[\?1049h(.|\n)*drawn \d")
        if number == 1:
            term.type("\x1d")
            term.wait(r"\x1b\[\?1049l[^\n]*\r\nfull runs on")
            check(term.end() == 0, "Ctrl-]")
    world.expect("kill", "full", out=None)
    term.wait(r"\x1b\[\?1049l[^\n]*\r\nfull killed by SIGKILL\r\n")
    check(term.end() == 0, "console")
    world.refuse("console", "full", why=r"the application is gone \(killed by SIGKILL\)")


@flow()
def run_gives_the_terminal_back(world):
    """As it was, also when a signal ends the wait."""
    term = Terminal(world)
    term.wait("snapsh> $")
    term.say("run -n sh sh", r"[$#] $")
    term.say("exit 4", r"snapsh> $")
    term.say("help quit", r"usage: snapsh quit")
    term.say("run -n sh sh", r"[$#] $")
    term.type("\x1d")
    term.wait(r"sh runs on.*\r\nsnapsh> $")
    term.say("kill sh", r"sh killed by SIGKILL")
    term.type("quit\r")
    check(term.end() == 0, "quit")
    term = Terminal(world, "run", "-n", "sh", "sh")
    term.wait(r"[$#] $")
    os.kill(term.pid, signal.SIGTERM)
    term.wait(r"sh runs on")
    check(term.end() == 0, "SIGTERM")
    check(world.app("sh")["state"] == "running", "the application ended with its watcher")


@flow()
def an_application_outlives_keeper_and_watcher(world):
    """No SIGHUP reaches it when its keeper is killed: the console holds the terminal."""
    world.json("run", "-d", "-n", "sh", "sh")
    row = world.app("sh")
    os.kill(row["keeper_pid"], signal.SIGKILL)
    wait_for("the keeper ends", lambda: not alive(row["keeper_pid"]))
    time.sleep(0.1)
    check(alive(row["pid"]) and alive(row["console_pid"]), "it ended with its keeper")
    term = Terminal(world, "console", "sh")
    time.sleep(0.2)
    term.say("echo $((6*7))", r"\n42\r\n")
    term.type("exit 3\r")
    check(term.end() == 0, "console without a keeper")
    check(world.app("sh")["state"] == "ended", "its end is not seen")
    wait_for("the console ends", lambda: not alive(row["console_pid"]))


@flow()
def the_console_keeps_the_end_of_the_output(world):
    world.expect("run", "-d", "-n", "talk", "sh", "-c", "seq 1 200000; echo at the end",
                 out=None)
    log = os.path.join(world.catalog, "apps", "talk.console")
    wait_for("it has talked", lambda: world.app("talk")["state"] == "ended")
    wait_for("the console ends", lambda: not world.sockets())
    with open(log, "rb") as file:
        text = file.read()
    check(text.endswith(b"199999\r\n200000\r\nat the end\r\n"), f"it ends with {text[-60:]}")
    check(256 << 10 <= len(text) <= 513 << 10, f"{len(text)} bytes are kept")
    numbers = [int(line) for line in text.split(b"\r\n")[1:-2]]
    check(numbers == list(range(numbers[0], 200001)), "lines are missing")


@flow()
def a_slow_watcher_loses_nothing(world):
    """The output waits for who watches, as a terminal does, and input is not lost either."""
    import subprocess
    from kit import SNAPSH
    child = subprocess.Popen([SNAPSH, "run", "-n", "slow", "sh", "-c",
                              "stty -echo raw; head -c 300000; seq 1 100000"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=world.env,
                             cwd=world.dir, **world.as_user())
    world.children.append(child)
    wait_for("raw", lambda: os.path.exists(os.path.join(world.catalog, "apps", "slow.sock")))
    time.sleep(0.5)
    given = b"".join(b"%07d\n" % i for i in range(37500))
    os.set_blocking(child.stdin.fileno(), False)
    out, sent = b"", 0
    os.set_blocking(child.stdout.fileno(), False)
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        if sent < len(given):
            try:
                sent += os.write(child.stdin.fileno(), given[sent:sent + 4096])
            except BlockingIOError:
                pass
        try:
            part = os.read(child.stdout.fileno(), 8192)
            if not part:
                break
            out += part
            if len(out) % 5 == 0:
                time.sleep(0.001)
        except BlockingIOError:
            time.sleep(0.001)
    check(sent == len(given), f"{sent} of {len(given)} bytes were taken")
    wanted = given + b"".join(b"%d\n" % i for i in range(1, 100001))
    check(out.replace(b"\r", b"") == wanted, f"{len(out)} bytes, wanted {len(wanted)}")
    child.stdin.close()
    check(child.wait(10) == 0, "status")


@flow(needs=("root",))
def restore_in_a_terminal(world):
    """A shell that is gone comes back on another terminal, with what it knew."""
    prompt = r"[$#] $"
    term = Terminal(world, "run", "-n", "sh", "sh")
    term.wait(prompt)
    term.say("kept=here", r"kept=here\r\n" + prompt)
    world.json("snap", "sh")
    term.say("kept=changed", r"kept=changed\r\n" + prompt)
    world.expect("kill", "sh", out=None)
    check(term.end() == 137, "the end of what was run")
    for _ in range(2):
        term = Terminal(world, "restore", "sh@1", rows=31, cols=71)
        term.wait(r"sh is back at sh@1 as pid \d+")
        time.sleep(0.2)
        term.say("echo $kept", r"\nhere\r\n" + prompt)
        term.say("tty; stty size", r"/dev/pts/\d+\r\n31 71\r\n" + prompt)
        # It is the terminal's session, and its keys work.
        term.say("sleep 100", r"sleep 100\r\n")
        time.sleep(0.2)
        term.type("\x03")
        term.wait(prompt)
        term.type("\x1d")
        term.wait(r"sh runs on")
        check(term.end() == 0, "Ctrl-]")
        world.json("revert", "1")
        term = Terminal(world, "console", "sh")
        time.sleep(0.2)
        term.say("echo $kept", r"\nhere\r\n" + prompt)
        term.type("exit 6\r")
        check(term.end() == 0, "console")
        wait_for("its end", lambda: world.app("sh")["state"] == "ended")
        check(world.app("sh")["exit_code"] == 6, "exit 6")
