# SPDX-License-Identifier: Apache-2.0
"""One victim on one journey: its directory, its processes, its channel, its end.

    trial = Trial(...)
    try:
        trial.start() ... trial.finish()
    finally:
        trial.close()        # whatever happened, nothing is left

Directory of a trial, all of it under the runner's:

    chan/      the channel (victim.h)         work/  the victim's working directory
    catalog/   snapsh -C                      tmp/ home/ run/  where litter would show
    log        what was done                  out    the victim's stdout and stderr
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

from harness import procfs
from harness.client import Client, Failure, Refused, Skip

ANSWER_S = 30
MARK = "SNAPSH_LIVE"  # in the environment of all we start: MARK=RUN/TRIAL


class Trial:
    def __init__(self, victim, journey, options, start):
        self.victim, self.journey, self.start_mode = victim, journey, start
        self.options = options
        self.dir = os.path.join(options.work, f"{victim.name}.{journey}.{options.next_number()}")
        self.mark = f"{MARK}={os.path.basename(options.work)}/{os.path.basename(self.dir)}"
        for name in ("chan", "work", "tmp", "home", "run"):
            os.makedirs(os.path.join(self.dir, name), mode=0o700)
        for name in ("", "chan", "work"):  # victims that become another user
            os.chmod(os.path.join(self.dir, name), 0o777)
        self.lock = threading.Lock()
        self.log_file = open(self.path("log"), "w", encoding="utf-8")
        self.env = self._environment()
        self.snapsh = Client(options.snapsh, self.path("catalog"), self.env, self.path("work"),
                             self.log, options.timeout)
        self.program = victim.program
        self.popen = None
        self.pid = 0
        self.ticks = None
        self.seq = 0
        self.managed = False
        self.faults = []  # that do not keep the journey from going on
        self.snap_ms = self.away_ms = 0
        self.snap_at = self.reverted_at = 0.0
        self.generation = 0  # as the victim last said it was
        self.before_shm = set(os.listdir("/dev/shm"))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def _environment(self):
        key, value = self.mark.split("=", 1)
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", key: value,
                "HOME": self.path("home"), "TMPDIR": self.path("tmp"),
                "XDG_RUNTIME_DIR": self.path("run"), "XDG_DATA_HOME": self.path("home")}

    def log(self, text):
        with self.lock:
            self.log_file.write(f"{time.monotonic():.4f} {text}\n")
            self.log_file.flush()

    # ---- the victim ----

    def start(self):
        """Starts the victim, directly or under snapsh, and waits for "ready"."""
        argv = [self.program, self.path("chan")]
        if self.start_mode == "run":
            self.snapsh.run("run", "-d", "-n", self.name, "--", *argv)
            self.managed = True
        else:
            with open(self.path("out"), "ab") as out:
                self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                              stderr=out, env=self.env, cwd=self.path("work"),
                                              start_new_session=True)
        self.pid = int(self._wait_link("ready", ANSWER_S))
        self.ticks = procfs.start_ticks(self.pid)
        self.log(f"victim is {self.pid}")
        if self.victim.delay_ms:
            time.sleep(self.victim.delay_ms / 1000)

    @property
    def name(self):
        return self.victim.name

    def _wait_link(self, name, seconds):
        deadline = time.monotonic() + seconds
        while True:
            for word in (name, "skip", "broken"):
                text = self._link(word)
                if text is None:
                    continue
                if word == "skip":
                    raise Skip(text)
                if word == "broken":
                    raise Failure(f"the victim's set-up: {text}")
                return text
            if self.pid and procfs.start_ticks(self.pid) is None:
                raise Failure(f"the victim has ended ({self._how_ended()})")
            if self.popen and self.popen.poll() is not None:
                time.sleep(0.05)
                if self._link("skip") is None and self._link("broken") is None:
                    raise Failure(f"the victim has ended ({self._how_ended()})")
            if time.monotonic() > deadline:
                raise Failure(f"no '{name}' from the victim after {seconds} s"
                              f" ({self._where()})")
            time.sleep(0.003)

    def _link(self, name):
        try:
            return os.readlink(self.path("chan", name))
        except OSError:
            return None

    def _how_ended(self):
        if self.popen and self.popen.poll() is not None:
            code = self.popen.returncode
            return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return "how is unknown"

    def _where(self):
        try:
            return f"state {procfs.state_of(self.pid)}, " + \
                   ", ".join(procfs.read(f"/proc/{self.pid}/syscall").split()[:1])
        except OSError:
            return "not there"

    def tell(self, verb, *args):
        """Gives the victim a command, takes it away again, returns the answer."""
        self.seq += 1
        command, fresh = self.path("chan", "command"), self.path("chan", "command.new")
        os.symlink(" ".join(map(str, (self.seq, verb, *args))), fresh)
        os.rename(fresh, command)
        answer = self._wait_link(f"answer.{self.seq}", ANSWER_S)
        os.unlink(command)
        self.log(f"{verb} {args} -> {answer}")
        return answer

    def change(self):
        answer = self.tell("change")
        if answer != "DONE":
            raise Failure(f"change: {answer}")
        self.generation += 1

    def verify(self, generation, when):
        answer = self.tell("verify", generation, self.away_ms, self.snap_ms)
        if answer != "PASS":
            raise Failure(f"{when}: {answer.removeprefix('FAIL: ')}")
        fault = self._link("fault")
        if fault:
            raise Failure(f"{when}: {fault}")
        self.generation = generation

    def look(self):
        """A view of /proc that two looks agree on: new threads may still be settling."""
        deadline = time.monotonic() + 0.5
        view = procfs.look(self.pid)
        while time.monotonic() < deadline:
            time.sleep(0.01)
            last, view = view, procfs.look(self.pid)
            if not procfs.differences(last, view, "same", self.victim.varies):
                break
        return view

    def same(self, before, when, mode="same"):
        varies = list(self.victim.varies)
        if mode == "rebuilt":
            varies += self.victim.rebuilt
        found = procfs.differences(before, procfs.look(self.pid), mode, varies)
        if self.options.ignore:
            found = [line for line in found if not re.search(self.options.ignore, line)]
        if found:
            self.log("\n  ".join([f"/proc differs {when}:"] + found))
            self.faults.append(f"{when}: /proc/PID differs: {'; '.join(found[:3])}")

    # ---- snapsh ----

    def attach(self):
        if not self.managed:
            self.snapsh.run("attach", str(self.pid), "-n", self.name)
            self.managed = True

    def detach(self):
        self.snapsh.run("detach", self.name)
        self.managed = False

    def hold(self):
        """Victims that are stopped while they are looked at."""
        if self.victim.stopped:
            os.kill(self.pid, signal.SIGSTOP)
            self._wait_state("T", "stop")

    def release(self, when):
        if self.victim.stopped:
            self._wait_state("T", when)
            os.kill(self.pid, signal.SIGCONT)
            deadline = time.monotonic() + 3
            while procfs.pending(self.pid) and time.monotonic() < deadline:
                time.sleep(0.002)

    def _wait_state(self, wanted, when):
        deadline = time.monotonic() + 3
        while procfs.state_of(self.pid) != wanted:
            if time.monotonic() > deadline:
                raise Failure(f"{when}: state is {procfs.state_of(self.pid)}, not {wanted}")
            time.sleep(0.005)

    def snap(self, *options):
        """Takes a snapshot and checks what is said of it; returns its id."""
        self.hold()
        taken = self.snapsh.snap(self.name, *options)
        self.snap_at = time.monotonic()
        if taken["tasks"] != 1:
            raise Failure(f"snap: {taken['tasks']} tasks, not 1")
        self.release("after snap")
        return taken["id"]

    def _back(self, taken_at):
        """From now on the state is that of `taken_at`, on the monotonic clock."""
        self.away_ms = int((time.monotonic() - taken_at) * 1000)
        self.snap_ms = int(taken_at * 1000)

    def revert(self, ident, taken_at=None):
        if self.victim.away_ms:
            time.sleep(self.victim.away_ms / 1000)
        self.reverted_at = time.monotonic()
        try:
            done = self.snapsh.revert(f"{self.name}@{ident}")
        except Refused as refused:
            self._not_permitted(refused)
        if procfs.start_ticks(self.pid) is None:
            raise Failure(f"revert: the victim is gone (mode {done['mode']})")
        if done["mode"] == "in-place" and procfs.start_ticks(self.pid) != self.ticks:
            raise Failure("revert: said in-place, but the process is another")
        self._back(taken_at or self.snap_at)
        self.release("after revert")
        return done

    def undo(self):
        """Back to what the last revert left, which was not held."""
        taken_at = self.reverted_at
        try:
            self.snapsh.run("undo", self.name)
        except Refused as refused:
            self._not_permitted(refused)
        self._back(taken_at)

    def _not_permitted(self, refused):
        """An ordinary user cannot have it; the application must be as it was."""
        if os.geteuid() == 0 or "CAP_" not in refused.line:
            raise refused
        self.verify(self.generation, f"after '{refused.line}'")
        capability = re.search(r"CAP_\w+", refused.line)[0]
        raise Skip(f"as an ordinary user: this revert takes {capability}") from refused

    def kill9(self):
        os.kill(self.pid, signal.SIGKILL)
        self.wait_end()

    def wait_end(self):
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{self.pid}"):
            if self.popen:
                self.popen.poll()
            if time.monotonic() > deadline:
                raise Failure(f"{self.pid} is still there 10 s after its end")
            time.sleep(0.002)
        if self.popen:
            self.popen.wait()
            self.popen = None

    def restore(self, ident, taken_at=None, lazy=False):
        if self.victim.away_ms:
            time.sleep(self.victim.away_ms / 1000)
        taken_at = taken_at or self.snap_at
        self.snapsh.run("restore", f"{self.name}@{ident}", "-d", *["--lazy"] * lazy)
        self.managed = True
        self.ticks = procfs.start_ticks(self.pid)
        if self.ticks is None:
            raise Failure(f"restore: no process {self.pid}")
        self._back(taken_at)
        self.release("after restore")

    def fill(self, ident):
        """After a lazy restore: a look by snapsh itself waits until all memory is there."""
        self.snapsh.call("diff", f"{self.name}@{ident}")

    # ---- the end ----

    def all_faults(self, last):
        """The reasons so far, and the one that ended the journey."""
        return " | ".join(self.faults[:2] + [str(last)])

    def check_faults(self):
        """What was wrong on the way, now that the journey has come to its end."""
        faults, self.faults = self.faults, []
        if faults:
            raise Failure(" | ".join(faults[:3]))

    def finish(self):
        """Ends the victim in the ordinary way and checks that nothing is left."""
        fault = self._link("fault")
        if fault:
            raise Failure(f"at the end: {fault}")
        if self.managed:
            self.snapsh.run("kill", self.name)
            self.wait_end()
        elif self.pid:
            self.kill9()
        self.check_left()

    def left_processes_of_victim(self):
        return [pid for pid, words in self.left_processes().items()
                if words.startswith(self.program)]

    def left_processes(self):
        """Those that carry our mark in the environment or our directory in argv."""
        return procfs.marked((self.mark + "\0").encode(), self.dir.encode())

    def check_left(self):
        deadline = time.monotonic() + 5
        while self.left_processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        left = [f"process {pid} ({words[:100]})" for pid, words in self.left_processes().items()]
        for folder in ("tmp", "home", "run", "catalog"):
            for base, folders, files in os.walk(self.path(folder)):
                for name in files:
                    path = os.path.join(base, name)
                    if folder in ("tmp", "home") or stat.S_ISSOCK(os.lstat(path).st_mode):
                        left.append(f"file {path[len(self.dir) + 1:]}")
                if folder == "tmp":
                    left += [f"folder {os.path.join(base, name)}" for name in folders]
        for path, what in (("/proc/net/unix", "socket"), ("/proc/self/mountinfo", "mount")):
            left += [f"{what} {line.split()[-1]}" for line in procfs.read(path).splitlines()
                     if self.dir in line]
        left += [f"/dev/shm/{name}" for name in set(os.listdir("/dev/shm")) - self.before_shm
                 if re.search("snapsh", name)]
        if left:
            raise Failure(f"left behind: {'; '.join(left[:5])}")

    def describe(self):
        """What a person wants to see of a failed trial, into its directory."""
        with open(self.path("state.txt"), "w", encoding="utf-8") as file:
            for pid, words in self.left_processes().items():
                file.write(f"==== {pid} {words}\n")
                for tid in os.listdir(f"/proc/{pid}/task"):
                    for name in ("status", "syscall", "wchan", "stack"):
                        try:
                            text = procfs.read(f"/proc/{pid}/task/{tid}/{name}").strip()
                        except OSError as error:
                            text = error.strerror
                        file.write(f"-- {tid} {name}\n{text}\n")
                file.write(procfs.read(f"/proc/{pid}/maps"))

    def close(self, keep=False):
        """Ends what is left, whatever it is; keeps the directory of a failed trial."""
        if keep:
            try:
                self.describe()
            except OSError:
                pass
        for _ in range(50):
            left = self.left_processes()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not left:
                break
            time.sleep(0.02)
        if self.popen:
            self.popen.kill()
            self.popen.wait()
        cleanup = self._link("cleanup")
        if cleanup:
            subprocess.run(cleanup.split(), timeout=10, check=False)
        self.log_file.close()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
