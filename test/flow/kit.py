# SPDX-License-Identifier: Apache-2.0
"""What the flows are written with: a catalog of one's own, snapsh called and held to
its word, applications, and an end after which nothing is left.

Every process of a flow carries a mark in its environment, keepers, consoles and
restored applications included, since all of them inherit it. So what a flow left
behind is found whatever it calls itself.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("B") or os.path.join(ROOT, "build"))
SNAPSH = os.path.join(BUILD, "snapsh")
COUNTER = os.path.join(BUILD, "test", "flow", "counter")
WALKER = os.path.join(BUILD, "test", "flow", "walker")
TIMEOUT_S = 60
ORDINARY_UID = 65534

FLOWS = []  # (name, function, needs) in the order of definition


class Failure(Exception):
    """The flow went wrong; the text says how in one line."""


class Skip(Exception):
    """The flow cannot be done here; the text says why."""


def flow(needs=()):
    """Registers a function as the flow of its name. needs: "root"."""
    def register(function):
        FLOWS.append((function.__name__.replace("_", "-"), function, needs))
        return function
    return register


def check(truth, text):
    if not truth:
        raise Failure(text)


def wait_for(what, probe, timeout_s=10):
    """The first true value of probe(), or a failure that says what did not come."""
    end = time.monotonic() + timeout_s
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"after {timeout_s} s still not: {what}")
        time.sleep(0.01)


def shorten(text):
    text = text if isinstance(text, str) else str(text)
    return repr(text if len(text) < 300 else text[:300] + "...")


def matches(text, want):
    """want: a string that is all of it, a compiled pattern found in it, or None for anything."""
    if want is None:
        return True
    if isinstance(want, re.Pattern):
        return want.search(text) is not None
    return text == want


def stat_fields(pid):
    """Fields of /proc/PID/stat from the state on, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


class Result:
    def __init__(self, args, status, out, err):
        self.args, self.status, self.out, self.err = args, status, out, err

    def __str__(self):
        return (f"snapsh {' '.join(self.args)}: status {self.status}, "
                f"stdout {shorten(self.out)}, stderr {shorten(self.err)}")


class Flow:
    """One flow's world. `uid`: as whom snapsh and applications run."""

    def __init__(self, name, uid=None):
        self.name, self.uid = name, uid
        self.dir = tempfile.mkdtemp(prefix=f"snapsh-flow-{name}-")
        self.catalog = os.path.join(self.dir, "catalog")
        self.mark = f"SNAPSH_FLOW={self.dir}"
        self.env = dict(os.environ, SNAPSH_FLOW=self.dir, SNAPSH_CATALOG=self.catalog,
                        TERM="dumb", LC_ALL="C")
        self.children = []
        self.counters = 0
        if uid is not None:
            os.chmod(self.dir, 0o755)
            os.chown(self.dir, uid, uid)

    # ---- calling snapsh ----

    def as_user(self):
        """Keywords of subprocess for the flow's user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def call(self, *args, given="", env=None, program=None, timeout_s=TIMEOUT_S, cwd=None):
        """Runs snapsh; a Result."""
        child = subprocess.Popen([program or SNAPSH, *args], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=env or self.env, cwd=cwd or self.dir, **self.as_user())
        try:
            out, err = child.communicate(given.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired as late:
            child.kill()
            child.communicate()
            raise Failure(f"snapsh {' '.join(args)}: no end after {timeout_s} s") from late
        return Result(args, child.returncode, out.decode(errors="replace"),
                      err.decode(errors="replace"))

    def expect(self, *args, status=0, out=None, err="", **how):
        """The same, held to its exit status and what it prints (see matches)."""
        result = self.call(*args, **how)
        check(result.status == status, f"{result}; wanted status {status}")
        check(matches(result.out, out), f"{result}; wanted stdout {out!r}")
        check(matches(result.err, err), f"{result}; wanted stderr {err!r}")
        return result

    def refuse(self, *args, why, status=1, **how):
        """It fails with nothing on stdout and one line that matches `why` on stderr."""
        result = self.expect(*args, status=status, out="", err=None, **how)
        check(result.err.startswith("snapsh: ") and result.err.count("\n") == 1
              and result.err.endswith("\n"), f"{result}; wanted one line \"snapsh: ...\"")
        check(re.search(why, result.err), f"{result}; wanted /{why}/ on stderr")
        return result.err

    def json(self, *args, status=0, **how):
        """The JSON it prints with --json."""
        result = self.expect("--json", *args, status=status, **how)
        try:
            return json.loads(result.out)
        except ValueError as error:
            raise Failure(f"{result}: no JSON: {error}") from error

    # ---- applications ----

    def run_counter(self, name, *options):
        """Starts a counter under a keeper; a Counter."""
        path = self.path(f"number-{name}")
        started = self.json("run", "-d", "-n", name, *options, "--", COUNTER, path)
        return Counter(self, name, started["pid"], path)

    def start_counter(self, *args, **how):
        """Starts a counter of one's own, which snapsh knows nothing of."""
        self.counters += 1
        path = self.path(f"number-{self.counters}")
        child = self.start([COUNTER, path, *args], **how)
        return Counter(self, None, child.pid, path)

    def start(self, command, **how):
        how = {**self.as_user(), **how}
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=self.env, cwd=self.dir,
                                 start_new_session=True, **how)
        self.children.append(child)
        return child

    def do(self, *command):
        """A command that has to succeed, as the flow's user."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              env=self.env, cwd=self.dir, check=False, **self.as_user())
        check(done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}")

    def app(self, name):
        """Its row of `apps --json`."""
        for app in self.json("apps"):
            if app["name"] == name:
                return app
        raise Failure(f"apps does not list {name}")

    def path(self, name):
        return os.path.join(self.dir, name)

    # ---- the end ----

    def marked(self):
        """{pid: command line} of every process of this flow but ours."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if self.mark.encode() not in file.read().split(b"\0"):
                        continue
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    found[int(entry)] = file.read().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
        return found

    def sockets(self):
        try:
            names = os.listdir(os.path.join(self.catalog, "apps"))
        except OSError:
            return []
        return [name for name in names if name.endswith((".sock", ".tty"))]

    def finish(self):
        """Ends the applications as a person would; then nothing may be left."""
        for app in self.json("apps"):
            if app["state"] != "ended":
                self.expect("kill", app["name"], out=None)
        self.end_children()
        end = time.monotonic() + 15
        while self.marked() or self.sockets():
            if time.monotonic() > end:
                raise Failure(f"left behind: {self.marked()} {self.sockets()}")
            time.sleep(0.02)

    def end_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def clean(self):
        """Whatever happened: no process and no file."""
        for _ in range(50):
            left = self.marked()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.end_children()
            if not left:
                break
            time.sleep(0.02)
        shutil.rmtree(self.dir, ignore_errors=True)


class Counter:
    """The application test/flow/counter.c."""

    def __init__(self, world, name, pid, path):
        self.world, self.name, self.pid, self.path = world, name, pid, path
        self.wait(0)

    def number(self):
        try:
            with open(self.path, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def wait(self, number):
        wait_for(f"{self.name or self.pid} counts {number} (it says {self.number()})",
                 lambda: self.number() == number)

    def count(self, number):
        """One more, which has to be `number`. What was told before is taken away, so that
        it has to be told anew."""
        os.unlink(self.path)
        os.kill(self.pid, signal.SIGUSR1)
        self.wait(number)


class Terminal:
    """snapsh, or another program, in a terminal of its own."""

    def __init__(self, world, *args, rows=24, cols=80, program=SNAPSH):
        self.text, self.master = "", None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(world.dir)
                if world.uid is not None:
                    os.setgroups([])
                    os.setgid(world.uid)
                    os.setuid(world.uid)
                os.execve(program, [program, *args], world.env)
            finally:
                os._exit(127)
        self.resize(rows, cols)

    def resize(self, rows, cols):
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, timeout_s):
        """What comes next, "" when nothing does, None at the end."""
        if not select.select([self.master], [], [], timeout_s)[0]:
            return ""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return None
        self.text += data.decode(errors="replace")
        return data.decode(errors="replace") or None

    def wait(self, pattern, timeout_s=20):
        """Reads until the pattern is there; what is behind it stays for the next wait."""
        end = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            if time.monotonic() > end or self.read(0.1) is None:
                raise Failure(f"the terminal never showed /{pattern}/ but {shorten(self.text)}")

    def type(self, text):
        os.write(self.master, text.encode())

    def say(self, line, pattern):
        """A line, and what it brings."""
        self.type(line + "\r")
        return self.wait(pattern)

    def end(self, timeout_s=20):
        """Reads to the end; the exit status."""
        limit = time.monotonic() + timeout_s
        while self.read(0.1) is not None:
            if time.monotonic() > limit:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise Failure(f"snapsh did not end; its terminal shows {shorten(self.text)}")
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)
