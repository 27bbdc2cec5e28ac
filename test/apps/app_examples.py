# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/, as their pages say."""

import os
import re

import journeys
import kit
from kit import Skip, check, wait_for
from world import Application, ConsoleApplication

LIMIT, PRIMES = 4000000000, 189961812


def example(name):
    path = os.path.join(kit.BUILD, "examples", name)
    check(os.path.exists(path), f"no program {path}: make programs")
    return path


class Game(ConsoleApplication):
    name = "game"

    def command(self):
        return [example("game")]

    def say(self, word):
        """What it answers: the room, or the end."""
        return self.talk().say(word, rf"{word}\r?\n(?:.*\n)*?(room.*|you are dead.*|the dungeon is "
                               r"yours.*)\r?\n")[1].strip()

    def ready(self):
        return self.say("look").startswith("room 1,")

    def state(self):
        return self.say("look")

    def change(self):
        """Whoever is there is fought to the end, and left behind."""
        while re.search(r"with hp \d", self.say("fight")):
            pass
        self.say("go")

    def turn(self):
        told = self.say("look")
        strong = int(re.search(r"hp (\d+)", told)[1]) > 6
        if " with hp " not in told:
            self.say("go")
        elif strong and "dragon" not in told:
            self.say("fight")
        check(self.say("look").startswith("room "), "the game does not go on")


def before_the_dragon(app):
    """Dead, and back, and dead in the same way: what happens follows from the state alone."""
    app.start()
    while not app.state().startswith("room 10,"):
        app.change()
    held, ends = app.snap(), []
    with_restore = journeys.may_restore(app.world)
    for _ in range(2):
        told = app.say("fight")
        while told.startswith("room 10"):
            told = app.say("fight")
        ends.append(told)
        check("dead" in told or "yours" in told, told)
        wait_for("the end is recorded", lambda: app.world.app("game")["state"] == "ended")
        if not with_restore:
            raise Skip(journeys.NEEDS_CAPABILITY)
        app.restore(held)
    check(ends[0] == ends[1], f"it ended as '{ends[0]}', then as '{ends[1]}'")
    app.finish()


Game.journeys = (journeys.resume, journeys.revert, journeys.restore, before_the_dragon)


class Primes(Application):
    name = "primes"

    def command(self):
        return [example("primes"), str(LIMIT)]

    def ready(self):
        return True

    def printed(self):
        with open(os.path.join(self.world.catalog, "apps", "primes.console"),
                  encoding="utf-8") as file:
            return file.read()

    def start(self, attach=False):
        super().start(attach)
        wait_for("some slices are done", lambda: " slices" in self.printed())

    def to_the_end(self):
        """It tells the right number, and ends well."""
        wait_for("it has counted", lambda: self.world.app("primes")["state"] == "ended", 60)
        app, told = self.world.app("primes"), self.printed().splitlines()[-1]
        check(app["exit_code"] == 0, f"exit code {app['exit_code']}")
        check(told == f"{PRIMES} primes up to {LIMIT}", f"it says '{told}'")


def counted_in_pieces(app):
    """Snapshots, back and forth, a kill -9 or two; and the right number in the end."""
    app.start()
    first = app.snap()
    wait_for("it gets on", lambda: app.printed().count(" slices") > 1)
    second = app.snap()
    app.revert(first)
    app.revert(second)
    app.revert(first)
    if journeys.may_restore(app.world):
        app.kill9()
        app.restore(second)
        app.kill9()
        app.restore(first)
    app.to_the_end()


Primes.journeys = (counted_in_pieces,)
APPLICATIONS = (Game, Primes)
