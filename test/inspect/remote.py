# SPDX-License-Identifier: Apache-2.0
"""What gdb says of a snapshot by `target remote`, held to what it says of the snapshot's core."""

import os
import re
import shutil
import signal
import subprocess

import kit

# name, source, how it is built, options of the program: looked at by gdb only
BUILDS = [
    ("remote-O0", "remote.c", ["-g", "-O0"], []),
    ("remote-O2", "remote.c", ["-g", "-O2"], []),
    ("remote-static", "remote.c", ["-g", "-O0", "-static-pie"], []),
    ("remote-cc", "remote.cc", ["-g", "-O0"], []),
]

# (the stacks first: it is then that gdb warns of what it does not know in the core)
STATE = ["thread apply all bt", "bt", "bt -2", "bt full 3", "info threads", "info registers",
         "info registers eflags rip orig_rax", "info float", "info sharedlibrary", "info auxv",
         "print $mxcsr", "print $xmm0", "print $xmm2", "print $st0", "print $st1", "print $fs_base",
         "print $gs_base", "print $orig_rax", "x/4i $pc", "x/8xg $sp", "x/2i main", "x/xw 0",
         "print $_siginfo", "info symbol $pc", "print $_thread"]

# source: frame, what is asked of the first thread, what of the third
ASKED = {
    "deep.c": (2, STATE + ["print jobs", "print *jobs@2", "print mine", "print label",
                           "info locals", "info args", "frame", "up", "info frame"],
               ["bt", "print mine", "print label", "info registers", "print &mine"]),
    "values.c": (1, STATE + ["info locals", "info args", "print head", "print *list",
                             "print matrix", "print long_text", "print function", "x/s long_text",
                             "x/4xw numbers", "ptype head", "print &head", "info line main"], []),
    "remote.c": (0, STATE + ["print history", "print mine", "print label"],
                 ["bt", "print mine", "print label"]),
    "remote.cc": (0, STATE + ["print *some", "set print object on", "print *some", "print ages",
                              "print shapes::numbers", "info vtbl some", "frame 2", "info locals"],
                  ["bt", "print shapes::numbers"]),
}

# What is asked of the programs of corpus.py.
ALSO = ("deep-O0", "deep-O2", "deep-static", "deep-nopie", "deep-stripped", "values-O2")

NO_THREAD_DB = "gdb has no libthread_db for static programs"
EXCEPT = {(name, command): NO_THREAD_DB for name in ("deep-static", "remote-static")
          for command in ("print mine", "print label", "print &mine")}

# Of libraries that come by the protocol gdb loads no pretty-printers: here it takes the files.
SYSROOT = {"remote.cc": ("-ex", "set sysroot /")}

# How gdb calls threads and files; what it says of the way to them.
SAME = [(re.compile(r"Thread 0x[0-9a-f]+ \(LWP (\d+)\)"), r"LWP \1"),
        (re.compile(r"Thread \d+\.(\d+)( \"[^\"]*\")?"), r"LWP \1"),
        (re.compile(r"target:/"), "/"), (re.compile(r" +"), " ")]
CHATTER = re.compile(r"^Reading /|^warning: File transfers from remote|^\[Inferior 1 .* detached")


def same(lines):
    for line in lines:
        if CHATTER.search(line):
            continue
        for pattern, text in SAME:
            line = pattern.sub(text, line)
        yield line


def compare(program, differences):
    """Yields (command, why it failed or ""). differences: of two lists of lines, in words."""
    frame, first, third = ASKED[program.source]
    pipe = f"target remote | {kit.SNAPSH} gdbserver {program.name}@1 -"
    for begin, commands in ((f"frame {frame}", first), ("thread 3", third)):
        theirs = program.gdb(commands, begin)
        ours = program.gdb(commands, begin, *SYSROOT.get(program.source, ()), "-ex", pipe)
        for command in commands:
            if (program.name, command) not in EXCEPT:
                yield f"remote/{begin}/{command}", " | ".join(list(differences(
                    list(same(ours.get(command, []))), list(same(theirs.get(command, [])))))[:2])


# ---- two moments, beside one another in one gdb ----

def serve(world, ref):
    child = subprocess.Popen([kit.SNAPSH, "gdbserver", ref], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, env=world.env, cwd=world.dir)
    world.children.append(child)
    return child, re.search(r":(\d+)'", child.stdout.readline().decode()).group(1)


MOMENTS = {
    "inferior 1": None, "print round_number": "$ = 1",
    "print history": "$ = {0.5, 0, 0, 0}",
    "inferior 2": None, "print round_number ": "$ = 2",
    "print history ": "$ = {0.5, 1.5, 0, 0}",
    "thread 2.5": None, "print mine": "$ = 103", "print (char *)label": '"thread 103"',
    "thread 1.3": None, "print mine ": "$ = 101", "print round_number  ": "$ = 1",
    "print round_number = 7": "Cannot access memory at address",
    "set var $rax = 1": "a snapshot cannot be changed",
    "thread 1.1": None, "stepi": "a snapshot does not run",
    "print round_number   ": "$ = 1",
}
AVX = {"thread 1.1": None, "print $ymm1.v8_int32": "$ = {1, 2, 3, 4, 5, 6, 7, 8}"}


def moments(program):
    """The program was snapshotted twice, the second time one round later."""
    world = program.world
    (one, port1), (two, port2) = (serve(world, f"{program.name}@{number}") for number in (1, 2))
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        asked = {**MOMENTS, **(AVX if " avx " in file.read() else {})}
    begin = ["-ex", f"target remote :{port1}", "-ex", "add-inferior -no-connection",
             "-ex", "inferior 2", "-ex", f"target remote :{port2}"]
    got = program.gdb(list(asked), "inferior 1", *begin)
    for command, want in asked.items():
        lines = "\n".join(got.get(command, ["nothing"]))
        if want is not None:
            yield f"moments/{command.strip()}", "" if want in lines else f"{lines}, wanted {want}"
    ended = [child.wait(10) for child in (one, two)]
    yield "moments/end", "" if ended == [0, 0] else f"the servers ended with {ended}"


# ---- a program that is gone ----

def gone(program):
    """What is known of it comes out of the third snapshot."""
    got = program.gdb(["bt -1", "print mine", "info proc"], "thread 1", "-ex",
                      f"target remote | {kit.SNAPSH} gdbserver {program.name}@3 -")
    for command, want in (("bt -1", "main () at"), ("print mine", "$ = 7"),
                          ("info proc", f"exe = '{program.path}'")):
        lines = "\n".join(got.get(command, ["nothing"]))
        yield f"gone/{command}", "" if want in lines else f"{lines}, wanted {want}"


def snap_more(program):
    """One round more, and a snapshot of it; another one while the program's file is gone."""
    pid = program.world.app(program.name)["pid"]
    os.kill(pid, signal.SIGUSR1)
    kit.wait_for("sleep", lambda: kit.stat_fields(pid)[0] == "S")
    program.world.json("snap", program.name)
    shutil.copy2(program.path, program.path + ".kept")
    os.unlink(program.path)
    program.world.json("snap", program.name)
    os.rename(program.path + ".kept", program.path)  # as old as it was: the same file, it says


# ---- what is done with which program ----

# source: what is done behind the first snapshot. These are looked at by gdb only.
THEN = {"remote.c": snap_more, "remote.cc": None}


def ask(program, differences):
    """Yields (command, why it failed or "")."""
    if program.source in THEN or program.name in ALSO:
        yield from compare(program, differences)
    if program.source == "remote.c":
        yield from moments(program)
        yield from gone(program)
