# SPDX-License-Identifier: Apache-2.0
"""python3 with ten threads that never rest (loop.py)."""

import os
import socket
import sys

from kit import check, wait_for
from world import ASK_S, HERE, Application


# Debian's, which any user may run; ours may be in somebody's home.
INTERPRETER = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


class Python(Application):
    name = "python"

    def __init__(self, world):
        super().__init__(world)
        self.words = 0
        self.path = world.path("loop.sock")
        self.held = None

    def command(self):
        return [INTERPRETER, os.path.join(HERE, "loop.py"), self.path]

    def connect(self):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(ASK_S)
        peer.connect(self.path)
        return peer

    def ask(self, line, peer=None):
        """Over a connection of its own, unless given one."""
        ours = peer or self.connect()
        with ours.makefile("rw", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            answer = file.readline()
        if not peer:
            ours.close()
        check(answer.endswith("\n"), f"{line}: no answer")
        return answer.rstrip("\n")

    def ready(self):
        try:
            return "=0" not in self.ask("turns") + " "
        except OSError:
            return False

    def change(self):
        self.words += 1
        self.ask(f"token word-{self.words}")

    def state(self):
        self.all_turn()
        told = self.ask("check")
        check(told == "ok", told)
        return self.ask("state").split()

    def all_turn(self):
        def still():
            now = dict(word.split("=") for word in self.ask("turns").split())
            return [name for name in now if now[name] == before[name]]

        before = dict(word.split("=") for word in self.ask("turns").split())
        wait_for("every thread turns", lambda: not still())

    def turn(self):
        """Over one connection, that lasts."""
        self.held = self.held or self.connect()
        self.words += 1
        check(self.ask(f"token word-{self.words}", self.held) == "done", "token")
        told = self.ask("state", self.held).split()
        check(len(told) == self.words and told[-1] == f"word-{self.words}", "a word was lost")
        told = self.ask("check", self.held)
        check(told == "ok", told)

    def look(self):
        """Threads that serve a connection take their time to end."""
        def settled():
            return len(os.listdir(f"/proc/{self.pid}/task")) == 10

        wait_for("connections have ended", settled)
        return super().look()

    def finish(self):
        if self.held:
            self.held.close()


APPLICATIONS = (Python,)
