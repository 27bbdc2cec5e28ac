# SPDX-License-Identifier: Apache-2.0
"""What the journeys of real applications are written with.

An Application is one program with data of its own, in the world of a flow (test/flow/kit.py:
a catalog, a directory, an end after which nothing is left). It is asked for its state in its
own way (redis-cli, HTTP, its terminal), never by looking into it.
"""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time

import kit
from harness import procfs
from kit import Failure, Skip, check, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
ASK_S = 20
SBIN = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))


def program(name):
    """Its path, or None."""
    return shutil.which(name) or shutil.which(name, path=SBIN)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Application:
    """To be overridden: name, needs, command, ready, state, change, and what else differs."""

    name = "?"
    needs = ()        # programs
    rebuilt = ()      # of /proc (procfs.differences) that may differ after a restore: why
    by_console = False

    def __init__(self, world):
        for need in self.needs:
            if not program(need):
                raise Skip(f"there is no {need}")
        self.world = world
        self.pid, self.ticks = 0, None
        self.console = None

    # ---- what each has to say ----

    def command(self):
        raise NotImplementedError

    def ready(self):
        """True when it answers."""
        raise NotImplementedError

    def fill(self):
        """What is there before the first snapshot."""

    def change(self):
        """Goes on to a state that it was in never before."""
        raise NotImplementedError

    def state(self):
        """As it tells itself."""
        raise NotImplementedError

    def check(self, wanted, when):
        """It is in this state, and well."""
        found = self.state()
        check(found == wanted, f"{when}: the state is {kit.shorten(found)}, "
              f"not {kit.shorten(wanted)}")

    def turn(self):
        """A bit of the work that goes on during snapshots; a fault is a Failure."""
        self.change()

    def came_back(self):
        """After a restore: connections of ours are gone."""

    def finish(self):
        """Before its end."""

    # ---- its life ----

    def start(self, attach=False):
        """Under snapsh from the beginning, or adopted."""
        if attach:
            self.pid = self.world.start(self.command()).pid
        else:
            self.pid = self.world.json("run", "-d", "-n", self.name, "--", *self.command())["pid"]
        self.ticks = procfs.start_ticks(self.pid)
        wait_for(f"{self.name} answers", self.ready, ASK_S)
        self.fill()

    def attach(self):
        self.world.json("attach", str(self.pid), "-n", self.name)

    def is_same_process(self):
        return procfs.start_ticks(self.pid) == self.ticks

    def snap(self):
        return self.world.json("snap", self.name)["id"]

    def revert(self, ident):
        done = self.world.json("revert", f"{self.name}@{ident}")
        check(done["mode"] == "in-place", f"the revert's mode is {done['mode']}")
        check(self.is_same_process(), "said in-place, but the process is another")

    def kill9(self):
        os.kill(self.pid, signal.SIGKILL)
        for child in self.world.children:
            child.wait(timeout=10)
        self.world.children.clear()
        wait_for("the end", lambda: not os.path.exists(f"/proc/{self.pid}"))
        wait_for("its keeper saw the end", lambda: self.world.app(self.name)["state"] == "ended")

    def restore(self, ident):
        back = self.world.json("restore", f"{self.name}@{ident}", "-d")
        check(back["pid"] == self.pid, f"restored as {back['pid']}, not {self.pid}")
        self.ticks = procfs.start_ticks(self.pid)
        self.came_back()

    def look(self):
        """/proc/PID when it has come to rest: two looks that agree, if there are any."""
        end = time.monotonic() + 0.5
        view = procfs.look(self.pid)
        while time.monotonic() < end:
            time.sleep(0.01)
            last, view = view, procfs.look(self.pid)
            if not procfs.differences(last, view):
                break
        return view

    def same_proc(self, before, when, mode):
        varies = self.rebuilt if mode == "rebuilt" else ()
        found = procfs.differences(before, self.look(), mode, varies)
        check(not found, f"{when} /proc/PID differs: {'; '.join(found[:3])}")

    def close(self):
        """Whatever happened. Some write over their environment: kit.clean knows them not, but
        all of them work in the flow's directory."""
        with contextlib.suppress(OSError):
            if self.pid and os.readlink(f"/proc/{self.pid}/cwd") == self.world.dir:
                os.kill(self.pid, signal.SIGKILL)


class ConsoleApplication(Application):
    """One that is talked to on its terminal."""

    def talk(self):
        if not self.console:
            self.console = kit.Terminal(self.world, "console", self.name)
        return self.console

    def start(self, attach=False):
        """To be adopted it has to have a terminal of snapsh's: it is started and let go."""
        super().start()
        if attach:
            self.world.json("detach", self.name)

    def came_back(self):
        """The console of the killed one has ended; the next has a new terminal."""
        if self.console:
            self.console.end()
            self.console = None

    def finish(self):
        if self.console:
            self.console.type("\x1d")  # Ctrl-]
            self.console.end()
            self.console = None

    def close(self):
        super().close()
        if self.console:
            with contextlib.suppress(OSError, Failure):
                os.kill(self.console.pid, signal.SIGKILL)
                self.console.end(5)


class Load:
    """Turns of work, one after the other, while something else happens.

        with Load(app.turn) as load: ...
    """

    def __init__(self, turn):
        self.turn, self.turns, self.longest_s = turn, 0, 0.0
        self.fault = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                self.turn()
            except Exception as fault:  # told by the one who waits
                self.fault = fault
                return
            self.turns += 1
            self.longest_s = max(self.longest_s, time.monotonic() - begun)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        self.thread.join(ASK_S + 10)
        if kind is None:
            check(not self.thread.is_alive(), "the work stands still")
            if self.fault:
                raise Failure(f"while snapshots were taken: {type(self.fault).__name__}: "
                              f"{self.fault}") from self.fault
