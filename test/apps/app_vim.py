# SPDX-License-Identifier: Apache-2.0
"""vim on a terminal, with a text that is on no disk."""

import os

from kit import check, wait_for
from world import ConsoleApplication, program


class Vim(ConsoleApplication):
    name = "vim"
    needs = ("vim",)

    def __init__(self, world):
        super().__init__(world)
        self.lines = 0
        world.env["TERM"] = "xterm"

    def command(self):
        return [program("vim"), "-u", "NONE", "-i", "NONE", "-n", "-N", self.world.path("text")]

    def text(self):
        """The buffer, as vim writes it when asked to; the second file says that the first is
        complete, without a child of vim's."""
        first, second = self.world.path("first"), self.world.path("second")
        self.talk().type(f"\x1b:w! {first}\r:w! {second}\r")
        wait_for("vim writes", lambda: self.talk().read(0.01) is None or os.path.exists(second))
        with open(first, encoding="utf-8") as file:
            text = file.read()
        os.unlink(first)
        os.unlink(second)
        return text

    def ready(self):
        return self.text() == ""

    def fill(self):
        self.talk().type("\x1bibegin\x1b")

    def change(self):
        self.lines += 1
        self.talk().type(f"\x1bGoline {self.lines}: the quick brown fox\x1b")

    def state(self):
        return self.text()

    def check(self, wanted, when):
        """The text; and its undo, which is in memory too, takes back a line of it."""
        super().check(wanted, when)
        self.talk().type("\x1bGothis goes again\x1bu")
        super().check(wanted, f"{when}, and undone")

    def turn(self):
        before = self.text()
        self.change()
        check(self.text() == before + f"line {self.lines}: the quick brown fox\n", "a line is lost")


APPLICATIONS = (Vim,)
