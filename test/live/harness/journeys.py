# SPDX-License-Identifier: Apache-2.0
"""The journeys: what a victim goes through. Each takes a Trial that is not started.

    resume   snapshots, again and again, and going on
    restore  a snapshot, kill -9, restore
    revert   a snapshot, a change, revert in place, undo, revert again
    chain    three snapshots with changes between them, each gone back to, out of
             order, some after kill -9, filled at once or lazily
    burst    signals sent while the victim is frozen
    dry      no snapsh: the victim's own check must be able to fail

A state is named by the generation the victim holds. Every way back is followed by
a look at /proc and by the victim's own verification, and then by a further
snapshot: going back must leave the application and its tracking usable.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

from harness import procfs
from harness.client import Failure, Refused, Skip, one_line

BURSTS = 12
BURST_SIGNALS = 20


def resume(trial):
    trial.start()
    before = trial.look()
    trial.attach()
    trial.same(before, "after attach")
    for number in range(trial.victim.snaps):
        begun = time.monotonic()
        trial.snap()
        if number == 0:
            trial.same(before, "after the first snap")
        time.sleep(max(0.0, trial.victim.every_ms / 1000 - (time.monotonic() - begun)))
    trial.same(before, "after the last snap")
    trial.verify(0, "after snaps")
    trial.change()
    trial.verify(1, "change after snaps")
    trial.snap()
    trial.verify(1, "after a snap of the change")
    if trial.start_mode == "attach":
        before = trial.look()
        trial.detach()
        trial.same(before, "after detach")
        trial.verify(1, "after detach")
    trial.finish()


def restore(trial):
    if trial.options.no_restore:
        raise Skip("as an ordinary user: a restore takes CAP_CHECKPOINT_RESTORE")
    trial.start()
    trial.attach()
    held = trial.snap()
    before = trial.look() if not trial.victim.stopped else None
    trial.kill9()
    trial.restore(held)
    if before:
        trial.same(before, "after restore", "rebuilt")
    trial.verify(0, "after restore")
    trial.snap()
    trial.verify(0, "snap after restore")
    trial.change()
    trial.verify(1, "change after restore")
    trial.finish()


def revert(trial):
    trial.start()
    trial.attach()
    held = trial.snap()
    taken_at = trial.snap_at
    before = trial.look() if not trial.victim.stopped else None
    trial.change()
    trial.verify(1, "before revert")
    done = trial.revert(held, taken_at)
    trial.log(f"mode {done['mode']}")
    if before:
        trial.same(before, "after revert", "reverted")
    trial.verify(0, "after revert")
    trial.undo()
    trial.verify(1, "after undo")
    trial.change()
    trial.verify(2, "change after undo")
    trial.revert(held, taken_at)
    if before:
        trial.same(before, "after the second revert", "reverted")
    trial.verify(0, "after the second revert")
    trial.snap()
    trial.verify(0, "snap after revert")
    trial.finish()


def chain(trial):
    trial.start()
    trial.attach()
    states = []
    for generation in range(3):
        if generation:
            trial.change()
            trial.verify(generation, "going forward")
        ident = trial.snap()
        states.append((ident, trial.snap_at, None if trial.victim.stopped else trial.look()))
    trial.change()

    def back(generation, how):
        ident, taken_at, view = states[generation]
        when = f"{how.__name__} to state {generation}"
        if how in (restored, lazily):
            trial.kill9()
            trial.restore(ident, taken_at, lazy=how is lazily)
            if how is lazily and trial.victim.at_once:
                trial.verify(generation, f"right after {when}")
            if how is lazily:
                trial.fill(ident)
        if how is reverted:
            trial.revert(ident, taken_at)
        if view:
            trial.same(view, f"after {when}", "rebuilt")
        trial.verify(generation, f"after {when}")

    def reverted():
        pass

    def restored():
        pass

    def lazily():
        pass

    back(1, reverted)
    back(2, reverted)
    if not trial.options.no_restore and "restore" not in trial.victim.skips:
        back(0, restored)
        trial.change()
        trial.snap()
        back(2, reverted)
        back(1, lazily if trial.options.lazy else restored)
    back(0, reverted)
    trial.finish()


def burst(trial):
    """SIGRTMIN + 1 and SIGUSR1 while frozen: each queued one is delivered once."""
    trial.start()
    trial.attach()
    frozen = 0
    for number in range(BURSTS):
        trial.change()  # dirties enough memory for the stop to last
        snapper = threading.Thread(target=trial.snap)
        snapper.start()
        deadline = time.monotonic() + 2
        while tracer_of(trial.pid) == 0 and snapper.is_alive() and time.monotonic() < deadline:
            pass
        for _ in range(BURST_SIGNALS):
            os.kill(trial.pid, signal.SIGRTMIN + 1)
            os.kill(trial.pid, signal.SIGUSR1)
        frozen += tracer_of(trial.pid) != 0
        snapper.join()
        trial.log(f"burst {number}: frozen so far {frozen}")
        trial.verify(number + 1, f"after burst {number + 1}")
    if frozen == 0:
        raise Failure("no burst met the victim frozen")
    trial.finish()


def tracer_of(pid):
    return int(re.search(r"TracerPid:\s*(\d+)", procfs.read(f"/proc/{pid}/status"))[1])


def refuse(trial):
    """Must be refused by name, with one line, and the victim unharmed."""
    trial.start()
    before = trial.look()
    refusal = refused_line(trial)
    if not re.search(trial.victim.refuse, refusal):
        raise Failure(f"refused, but not by name: '{refusal}' lacks /{trial.victim.refuse}/")
    trial.same(before, "after the refusal")
    trial.verify(0, "after the refusal")
    trial.finish()


def refused_line(trial, pid=None):
    try:
        trial.snapsh.run("attach", str(pid or trial.pid), "-n", trial.name)
        trial.managed = True
        trial.snap()
    except Refused as refused:
        return refused.line
    raise Failure("was not refused")


def under_debugger(trial, argv, name):
    trial.start()
    with open(trial.path("debugger"), "w", encoding="utf-8") as out:
        debugger = subprocess.Popen(argv + [str(trial.pid)], stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=out, cwd=trial.path("work"))
    try:
        deadline = time.monotonic() + 20
        while tracer_of(trial.pid) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        if tracer_of(trial.pid) == 0:
            raise Skip(f"{name} does not trace here")
        line = refused_line(trial)
        if not re.search(rf"trac|debug|{name}|{debugger.pid}", line):
            raise Failure(f"refused, but not by name: '{line}'")
        if tracer_of(trial.pid) != debugger.pid:
            raise Failure(f"{name} has lost its target")
    finally:
        debugger.terminate()
        debugger.wait(timeout=10)
    trial.verify(0, "after the refusal")
    trial.finish()


def under_strace(trial):
    under_debugger(trial, ["strace", "-f", "-o", "/dev/null", "-p"], "strace")


def under_gdb(trial):
    under_debugger(trial, ["gdb", "-nx", "-batch", "-ex", "shell sleep 5", "-ex", "detach", "-p"],
                   "gdb")


def no_such_pid(trial):
    """A pid that was just there and is not now."""
    with subprocess.Popen(["true"]) as child:
        gone = child.pid
    line = refused_line(trial, gone)
    if not re.search(rf"{gone}.*(No such process|no such process|not there|gone)", line):
        raise Failure(f"refused, but not by name: '{line}'")
    trial.check_left()


def unknown_reference(trial):
    trial.start()
    trial.attach()
    trial.snap()
    before = trial.look()
    for command, ref in (("revert", f"{trial.name}@99"), ("restore", f"{trial.name}@nothing"),
                         ("show", "nobody@1"), ("snap", "nobody")):
        try:
            trial.snapsh.run(command, ref)
        except Refused as refused:
            if ref.split("@")[-1] not in refused.line and "nobody" not in refused.line:
                raise Failure(f"{command} {ref}: does not name it: '{refused.line}'") from refused
            continue
        raise Failure(f"{command} {ref}: was not refused")
    trial.same(before, "after bad references")
    trial.verify(0, "after bad references")
    trial.finish()


def pid_taken(trial):
    """A restore while the original lives must say who holds the pid."""
    if trial.options.no_restore:
        raise Skip("as an ordinary user: a restore takes CAP_CHECKPOINT_RESTORE")
    trial.start()
    trial.attach()
    held = trial.snap()
    before = trial.look()
    try:
        trial.snapsh.run("restore", f"{trial.name}@{held}", "-d")
    except Refused as refused:
        if str(trial.pid) not in refused.line and trial.name not in refused.line:
            raise Failure(f"does not say who holds it: '{refused.line}'") from refused
    else:
        raise Failure("was not refused")
    trial.same(before, "after the refusal")
    trial.verify(0, "after the refusal")
    trial.finish()


def no_capability(trial):
    """An ordinary user's restore says what it lacks."""
    if not trial.options.no_restore:
        raise Skip("this user may restore")
    trial.start()
    trial.attach()
    held = trial.snap()
    trial.kill9()
    try:
        trial.restore(held)
    except Refused as refused:
        if "CAP_CHECKPOINT_RESTORE" not in refused.line:
            raise Failure(f"does not name what it takes: '{refused.line}'") from refused
    else:
        raise Failure("was not refused")
    trial.managed = False
    trial.check_left()


def own_program(trial):
    """The victim runs from a program of the trial's own, which may then be changed."""
    if trial.options.no_restore:
        raise Skip("as an ordinary user: a restore takes CAP_CHECKPOINT_RESTORE")
    program = trial.path("work", "program")
    shutil.copy(trial.program, program)
    trial.program = program
    trial.start()
    trial.attach()
    held = trial.snap()
    trial.kill9()
    return program, held


def restore_refused(trial, held, program):
    try:
        trial.restore(held)
    except Refused as refused:
        if program not in refused.line:
            raise Failure(f"does not name the program: '{refused.line}'") from refused
    else:
        raise Failure("was not refused")
    if trial.left_processes_of_victim():
        raise Failure("a half-built process is left")


def missing_executable(trial):
    program, held = own_program(trial)
    os.unlink(program)
    restore_refused(trial, held, program)
    trial.managed = False
    trial.check_left()


def changed_executable(trial):
    """Another build of the program: its pages are not what the snapshot leans on."""
    program, held = own_program(trial)
    with open(program, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"more")
    restore_refused(trial, held, program)
    trial.managed = False
    trial.check_left()


def dies_in_the_middle(trial):
    """kill -9 during a snapshot: one line, status 1, nothing left; or it was in time."""
    trial.start()
    trial.attach()
    trial.snap()
    result = []
    snapper = threading.Thread(target=lambda: result.append(trial.snapsh.call("snap", trial.name)))
    snapper.start()
    deadline = time.monotonic() + 2
    while tracer_of(trial.pid) == 0 and snapper.is_alive() and time.monotonic() < deadline:
        pass
    os.kill(trial.pid, signal.SIGKILL)
    snapper.join()
    status, _, err = result[0]
    if status not in (0, 1):
        raise Failure(f"snap: exit status {status}: {err.strip()[:200]}")
    if status == 1:
        one_line("snap", err)
    trial.wait_end()
    snapshots = trial.snapsh.run("list", trial.name)
    count = len(snapshots if isinstance(snapshots, list) else snapshots.get("snapshots", []))
    if count != 2 - status:
        raise Failure(f"snap ended with {status}, and {count} snapshots are listed")
    trial.managed = False
    trial.check_left()


def dry(trial):
    """Without snapsh: passes when held, fails when what it checks is not so."""
    trial.start()
    before = trial.look()
    how = trial.victim.dry
    if how not in ("harm", "none", "generations"):
        raise Failure(f"unknown marker 'dry: {how}'")
    time.sleep(0.1)
    trial.same(before, "with nothing done")
    trial.verify(0, "as set up")
    trial.verify(0, "a second time")
    for generation in (1, 2):
        trial.change()
        trial.verify(generation, f"in generation {generation}")
    if how == "generations":
        must_fail(trial, trial.tell("disprove", 1))
    if how == "harm":
        must_fail(trial, trial.tell("harm", 2, 0, 0))
        try:
            os.unlink(trial.path("chan", "fault"))
        except FileNotFoundError:
            pass
    trial.finish()


def must_fail(trial, answer):
    deadline = time.monotonic() + 3
    while answer == "PASS" and trial._link("fault") is None:
        if time.monotonic() > deadline:
            raise Failure("the check does not fail on a wrong state")
        time.sleep(0.01)
    if answer != "PASS" and not answer.startswith("FAIL: "):
        raise Failure(f"answered {answer!r}")


ALL = {"resume": resume, "restore": restore, "revert": revert, "chain": chain, "burst": burst,
       "refuse": refuse, "dry": dry}

# Refusals and failures that are not a property of the victim; on the plainest one.
REFUSALS = {"missing-executable": missing_executable, "changed-executable": changed_executable,
            "dies-in-the-middle": dies_in_the_middle, "strace": under_strace, "gdb": under_gdb,
            "no-such-pid": no_such_pid, "no-capability": no_capability,
            "bad-reference": unknown_reference, "pid-taken": pid_taken}
PLAIN_VICTIM = "mem_anon"
