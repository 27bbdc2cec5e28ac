# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: figures, limits of the machine, applications to be measured."""

import collections
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("B", os.path.join(ROOT, "build")))
SNAPSH = os.path.join(BUILD, "snapsh")
TIMEOUT_S = 120
MS, GIB, PAGE = 1e6, 1 << 30, 4096

Figure = collections.namedtuple(
    "Figure", "name measured unit rounds best limit limit_is ratio must stretch ok reached")


def json_values(text):
    """One after another, as the shell prints them."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


class CannotMeasure(Exception):
    """The reason."""


def tool(name):
    return os.path.join(BUILD, "test", "bench", name)


def limit_ns(*args):
    done = subprocess.run([tool("measure"), *map(str, args)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise CannotMeasure(done.stderr.strip() or "measure failed")
    return float(done.stdout)


class Bench:
    """A catalog of its own, and the applications in it."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="snapsh-bench-")
        self.names = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in self.names:
            try:
                self.call("kill", name, may_fail=True)
            except subprocess.TimeoutExpired:
                pass
        shutil.rmtree(self.work, ignore_errors=True)

    def call(self, *args, may_fail=False, before=(), timeout_s=TIMEOUT_S, given=""):
        """One command, its JSON; `before` stands before it, `given` is what the shell reads."""
        command = [*before, SNAPSH, "-C", os.path.join(self.work, "catalog"), "--json",
                   *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s,
                              input=given, check=False)
        if done.returncode and not may_fail:
            raise CannotMeasure(f"snapsh {' '.join(map(str, args[:1]))}: {done.stderr.strip()}")
        if given:
            return list(json_values(done.stdout))
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, name, *command):
        self.names.append(name)
        self.call("run", "-d", "-n", name, "--", *command)

    def start(self, name, program, *args):
        """The application's pid and the file it tells in, when it stands."""
        tells = os.path.join(self.work, name)
        self.run(name, tool(program), tells, *args)
        self.wait_lines(tells, 1)
        time.sleep(0.1)
        return int(self.lines(tells)[0]), tells

    @staticmethod
    def lines(tells):
        try:
            with open(tells, encoding="ascii") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def wait_lines(self, tells, count):
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.lines(tells)) < count:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{os.path.basename(tells)} says nothing")
            time.sleep(0.005)

    def write_some(self, pid, tells):
        """Has `hold` write its part of its pages, and waits until it has."""
        count = len(self.lines(tells))
        os.kill(pid, signal.SIGUSR1)
        self.wait_lines(tells, count + 1)

    def snap_many(self, name, last):
        """Takes snapshots until there is number `last`, in one shell; its id."""
        taken = self.call("snap", name)["id"]
        while taken < last:
            lines = f"snap {name}\n" * min(500, last - taken)
            taken = self.call(given=lines, timeout_s=10 * TIMEOUT_S)[-1]["id"]
        return taken

    def end(self, name):
        self.call("kill", name)
        self.names.remove(name)


def figure(name, values, unit, limit=None, limit_is="", ratio=None, must="", stretch="", ok=None,
           reached=None):
    best = max if unit.endswith("/s") else min
    return Figure(name, statistics.median(values), unit, len(values), best(values), limit,
                  limit_is, ratio, must, stretch, ok, reached)


def at_most(name, values, unit, must, stretch=None):
    median = statistics.median(values)
    return figure(name, values, unit, must=f"{must} {unit}",
                  stretch=f"{stretch} {unit}" if stretch else "", ok=median <= must,
                  reached=median <= stretch if stretch else None)
