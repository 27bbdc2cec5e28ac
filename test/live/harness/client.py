# SPDX-License-Identifier: Apache-2.0
"""The runner's side of the command contract (DESIGN.md, section 4)."""

import json
import subprocess
import time

SNAP_COUNTS = ("id", "parent", "tasks", "threads", "stop_ns", "wall_ns", "resident_pages",
               "dirty_pages", "copied_bytes", "stored_bytes")
REVERT_COUNTS = ("stop_ns", "written_pages")


class Failure(Exception):
    """The test has failed; the text says why in one line."""


class Skip(Exception):
    """The test cannot be done here; the text says why."""


class Refused(Failure):
    """snapsh ended with status 1; .line is what it said."""

    def __init__(self, what, line):
        super().__init__(f"{what}: {line}")
        self.line = line


class Client:
    """Calls snapsh with a catalog of its own and a limit of time."""

    def __init__(self, program, catalog, env, cwd, log, timeout):
        self.program, self.catalog, self.env = program, catalog, env
        self.cwd, self.log, self.timeout = cwd, log, timeout

    def call(self, *args):
        """Returns (status, stdout, stderr)."""
        argv = [self.program, "-C", self.catalog, "--json", *args]
        begun = time.monotonic()
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.env, cwd=self.cwd,
                              errors="replace") as child:
            try:
                out, err = child.communicate(timeout=self.timeout)
            except subprocess.TimeoutExpired as late:
                child.kill()
                raise Failure(f"snapsh {args[0]}: no end after {self.timeout} s") from late
        took = (time.monotonic() - begun) * 1000
        self.log(f"snapsh {' '.join(args)} -> {child.returncode} in {took:.1f} ms\n"
                 f"  out: {out.strip()[:600]}\n  err: {err.strip()[:600]}")
        return child.returncode, out, err

    def run(self, *args):
        """A command that must succeed; returns its JSON."""
        status, out, err = self.call(*args)
        if status == 1:
            raise Refused(f"snapsh {args[0]}", one_line(args[0], err))
        if status != 0:
            raise Failure(f"snapsh {args[0]}: exit status {status}: {err.strip()[:300]}")
        try:
            return json.loads(out) if out.strip() else {}
        except ValueError as error:
            raise Failure(f"snapsh {args[0]}: stdout is not JSON: {out[:100]!r}") from error

    def snap(self, name, *options):
        taken = self.run("snap", name, *options)
        counts("snap", taken, SNAP_COUNTS)
        if not isinstance(taken.get("tracker"), str):
            raise Failure(f"snap: no tracker in {taken}")
        return taken

    def revert(self, ref):
        done = self.run("revert", ref)
        counts("revert", done, REVERT_COUNTS)
        if done.get("mode") not in ("in-place", "rebuild"):
            raise Failure(f"revert: mode is {done.get('mode')!r}")
        return done


def one_line(command, err):
    """The contract: a failure is one line on stderr; with --json, an object with "error"."""
    lines = err.strip().splitlines()
    if len(lines) != 1:
        raise Failure(f"snapsh {command}: failed with {len(lines)} lines on stderr, not one: "
                      f"{' | '.join(lines)[:300]}")
    try:
        return json.loads(lines[0])["error"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise Failure(f"snapsh {command}: stderr is no object with 'error': {lines[0]}") from wrong


def counts(command, reply, keys):
    for key in keys:
        value = reply.get(key)
        if key == "parent" and value is None and key in reply:
            continue
        if not isinstance(value, int) or value < 0:
            raise Failure(f"{command}: '{key}' is {value!r}, not a count")
