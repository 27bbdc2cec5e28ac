# SPDX-License-Identifier: Apache-2.0
"""What a victim says about itself, and how it is built.

A victim is one C file. Comment lines at its top, `// key: value (why)`, say what
differs from the usual; every deviation carries its reason in brackets:

    // journeys: resume revert (restore: needs X; chain: needs X)
    // start: attach | run             else the two take turns
    // cflags: -static -no-pie
    // snaps: 300 every 20 ms          of the resume journey, else 5 at once
    // delay: 1000 ms                  between ready and the first snapshot
    // away: 500 ms                    between leaving a state and going back to it
    // varies: maps status.VmSize (threads allocate)    not compared
    // rebuilt: children (...)         not compared after a restore only
    // stopped: yes                    held by SIGSTOP while snapshots are taken
    // at-once: yes (why)              verified before a lazy restore has brought all memory
    // dry: harm | none (why)          how a dry run proves that the check can fail
    // refuse: REGEX                   this one must be refused; matches the reason
    // may-refuse: REGEX               refused by such a name: a skip, no failure
"""

import os
import re
import subprocess

JOURNEYS = ("resume", "restore", "revert", "chain")
EXTRA = ("burst", "stop")
KEYS = {"journeys", "start", "cflags", "at-once", "snaps", "delay", "away", "varies", "rebuilt",
        "stopped", "dry", "refuse", "may-refuse"}
CFLAGS = ("-std=gnu11 -O1 -g -pthread -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror").split()


class Victim:
    def __init__(self, source):
        self.source = source
        self.name = os.path.splitext(os.path.basename(source))[0]
        self.raw = self._read()
        self.skips = {}
        self.journeys = self._journeys()
        self.start = self._word("start")
        self.cflags = self._word("cflags", "").split()
        self.snaps, self.every_ms = self._snaps()
        self.delay_ms = self._ms("delay")
        self.away_ms = self._ms("away")
        self.varies = self._word("varies", "").split()
        self.rebuilt = self._word("rebuilt", "").split()
        self.stopped = self._word("stopped") == "yes"
        self.at_once = self._word("at-once") == "yes"
        self.dry = self._word("dry", "generations")
        self.refuse = self.raw.get("refuse")
        self.may_refuse = self.raw.get("may-refuse")

    def _read(self):
        raw = {}
        with open(self.source, encoding="utf-8") as file:
            for line in file:
                if not line.startswith(("//", "/*", " *")):
                    break
                match = re.match(r"// ([a-z-]+): (.*)$", line)
                if not match:
                    continue
                key, value = match.groups()
                if key not in KEYS:
                    raise SystemExit(f"{self.source}: unknown marker '{key}'")
                raw[key] = value.strip()
        return raw

    def _word(self, key, default=None):
        """The value without the reason in brackets."""
        if key not in self.raw:
            return default
        return re.sub(r"\s*\(.*\)$", "", self.raw[key]).strip()

    def _ms(self, key):
        return int(self._word(key, "0").split()[0])

    def _snaps(self):
        words = self._word("snaps", "5 every 0 ms").split()
        return int(words[0]), int(words[2]) if len(words) > 2 else 0

    def _journeys(self):
        if "refuse" in self.raw:
            return ["refuse"]
        if "journeys" not in self.raw:
            return list(JOURNEYS)
        named = self._word("journeys").split()
        reasons = re.search(r"\((.*)\)$", self.raw["journeys"])
        for part in (reasons.group(1).split(";") if reasons else ()):
            journey, _, why = part.partition(":")
            self.skips[journey.strip()] = why.strip()
        for journey in list(named) + list(self.skips):
            if journey not in JOURNEYS + EXTRA:
                raise SystemExit(f"{self.source}: unknown journey '{journey}'")
        for journey in JOURNEYS:
            if journey not in named and journey not in self.skips:
                raise SystemExit(f"{self.source}: says neither how nor why not '{journey}'")
        return named

    def build(self, out_dir, cc):
        """Compiles when a source is newer; returns the program's path."""
        program = os.path.join(out_dir, self.name)
        here = os.path.dirname(self.source)
        sources = [self.source] + [os.path.join(here, name) for name in sorted(os.listdir(here))
                                   if name.endswith(".h")]
        if os.path.exists(program):
            built = os.stat(program).st_mtime_ns
            if all(os.stat(path).st_mtime_ns < built for path in sources):
                return program
        done = subprocess.run(cc.split() + CFLAGS + self.cflags + ["-o", program, self.source],
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{self.source}: does not compile\n{done.stderr}")
        return program


def load(directory):
    return [Victim(os.path.join(directory, name)) for name in sorted(os.listdir(directory))
            if name.endswith(".c")]
