# SPDX-License-Identifier: Apache-2.0
"""Damaged programs: whatever their ELF headers, symbols, unwind tables and DWARF say by chance,
each command ends soon, by an answer or by an error.

A sound program is snapshotted; then bytes of its file are changed in place and its time is set
back, for a file that shows that it changed is not looked into at all.
"""

import os
import random
import resource
import shutil
import signal
import struct
import subprocess

import kit

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = range(1, 61)
LIMIT_S = 30
MOST_BYTES = 4 << 30  # of address space: who believes any length runs into it

ASKED = """bt full
thread apply all bt
frame 2
info locals
info args
up
print head
print *pointer
print *list
print matrix
ptype struct node
whatis apply_one
ptype list
print hidden_static
x/4xw numbers
x/2a &head
info symbol main
info line main
info sharedlibrary
info scope main
info source
info variables numb
info functions apply
info types node
src main
src
diff 1 2
diff --var head 1 2
print $pc
print 1 + 1
"""

PARTS = (".debug_info", ".debug_abbrev", ".debug_str", ".debug_line", ".debug_line_str",
         ".debug_loclists", ".debug_rnglists", ".debug_aranges", ".eh_frame", ".eh_frame_hdr",
         ".symtab", ".strtab", ".dynsym", ".shstrtab", "section headers", "program headers",
         "ELF header")


def places(data):
    """{part: (offset, bytes)} of a sound ELF file; elf(5)."""
    (phoff, shoff) = struct.unpack_from("<QQ", data, 32)
    (phsize, phnum, shsize, shnum, names) = struct.unpack_from("<HHHHH", data, 54)
    found = {"ELF header": (16, 48), "program headers": (phoff, phsize * phnum),
             "section headers": (shoff, shsize * shnum)}
    headers = [struct.unpack_from("<IIQQQQ", data, shoff + shsize * i) for i in range(shnum)]
    for name, _, _, _, offset, size in headers:
        at = headers[names][4] + name
        found[data[at:data.index(b"\0", at)].decode()] = (offset, size)
    return found


def damage(sound, rng):
    """(which part, the file with some bytes of it changed)"""
    found = places(sound)
    part = rng.choice([part for part in PARTS if part in found and found[part][1]])
    offset, size = found[part]
    data = bytearray(sound)
    for _ in range(rng.choice((1, 3, 20))):
        at = offset + rng.randrange(size)
        data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
    return part, bytes(data)


class Damaged:
    def __init__(self):
        self.world = kit.Flow("damage")
        self.path = self.world.path("deep")

    def prepare(self):
        shutil.copy(os.path.join(HERE, "deep.c"), self.world.dir)
        self.world.do(os.environ.get("CC") or "gcc", "-g", "-O1", "-o", self.path, "deep.c",
                      "-pthread", "-lm")
        console = os.path.join(self.world.catalog, "apps", "deep.console")
        for depth in ("40", "20"):
            self.world.json("run", "-d", "-n", "deep", "--", self.path, depth)
            kit.wait_for("ready", lambda: "ready" in open(console, encoding="utf-8").read())
            kit.wait_for("sleep",
                         lambda: kit.stat_fields(self.world.app("deep")["pid"])[0] == "S")
            self.world.json("snap", "deep")
            self.world.expect("kill", "deep", out=None)

    def ask(self, data, when):
        """"": every command has ended by itself."""
        with open(self.path, "r+b") as file:
            file.write(data)
            file.truncate(len(data))
        os.utime(self.path, ns=when)
        script = ASKED + f"core deep@1 -o {self.world.path('core')}\n"
        try:
            done = subprocess.run(
                [kit.SNAPSH], input=script.encode(), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, cwd=self.world.dir, env=self.world.env, check=False,
                timeout=LIMIT_S, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES)))
        except subprocess.TimeoutExpired as late:
            return f"no end: {(late.stdout or b'').decode(errors='replace')[-200:]!r}"
        if done.returncode < 0:
            said = done.stdout.decode(errors="replace")[-200:]
            return f"{signal.Signals(-done.returncode).name} after {said!r}"
        return "" if b"= 2\n" in done.stdout else f"nothing works: {done.stdout[-200:]!r}"


def ask_all(seeds=SEEDS):
    """Yields (name, why it failed or "")."""
    damaged = Damaged()
    try:
        damaged.prepare()
        with open(damaged.path, "rb") as file:
            sound = file.read()
        stat = os.stat(damaged.path)
        when = (stat.st_atime_ns, stat.st_mtime_ns)
        yield "sound", damaged.ask(sound, when)
        for length in (0, 10, 64, len(sound) // 2, len(sound) - 1):
            yield f"{length * 100 // len(sound)}_%_of_it", damaged.ask(sound[:length], when)
        for seed in seeds:
            part, data = damage(sound, random.Random(seed))
            yield f"{part.replace(' ', '_')}/{seed}", damaged.ask(data, when)
        damaged.world.finish()
    finally:
        damaged.world.clean()
