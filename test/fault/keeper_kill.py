# SPDX-License-Identifier: Apache-2.0
"""A keeper killed with -9 in the middle of its work; the application killed in the
middle of a snapshot.

The victim (keeper_kill_victim.c) watches itself: what a stop must not do to a thread,
it would count as an error. It is adopted, not started, by snapsh, so that it is ours
to wait for.
"""

import json
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import time

import kit
from kit import Failure, check, wait_for

ROUNDS = 1000
USER_ROUNDS = 200
DEATHS = 60
# signal(7) lets epoll_wait say EINTR after any stop. snapsh hides it unless it is killed
# between the stop and its first look at the registers, some microseconds later; more where
# others want the processor, too. One in so many kills is let pass, or so few in any case.
EPOLL_EINTR_ONE_IN, EPOLL_EINTR_FEW = 50, 10
SPAN_S = (0.005, 0.050)  # least and most that a kill comes later than the request


class Victim:
    """The program, and what it says of itself."""

    THREADS_MAX, HEAD = 16, struct.Struct("<4Q16Q")

    def __init__(self, world, name="victim"):
        self.world, self.name = world, name
        self.file = world.path(f"report-{name}")
        program = os.path.join(kit.BUILD, "test", "fault", "keeper_kill_victim")
        self.pid = world.start([program, self.file]).pid
        wait_for("every thread of the victim at work", lambda: self.ready())

    def report(self):
        with open(self.file, "rb") as file:
            data = file.read()
        ready, threads, errors, eintr, *beats = self.HEAD.unpack_from(data)
        names = [data[at:at + 16].rstrip(b"\0").decode()
                 for at in range(self.HEAD.size, self.HEAD.size + threads * 16, 16)]
        first = data[self.HEAD.size + self.THREADS_MAX * 16:].split(b"\0")[0].decode()
        return {"ready": ready, "errors": errors, "eintr": eintr, "first": first,
                "beats": dict(zip(names, beats))}

    def ready(self):
        try:
            report = self.report()
        except (OSError, struct.error):
            return False
        return report["ready"] and all(report["beats"].values())

    def check(self, when):
        """Alive, without an error, and every thread of it gets on."""
        before = self.report()["beats"]
        check(kit.alive(self.pid), f"{when}: the victim has ended")
        try:
            wait_for("all beat", lambda: not self.still(before), 5)
        except Failure as late:
            raise Failure(f"{when}: these threads stand still: {self.still(before)}") from late
        report = self.report()
        check(report["errors"] == 0, f"{when}: {report['errors']} errors, the first: "
              f"{report['first']}")

    def still(self, before):
        return [name for name, beat in self.report()["beats"].items() if beat == before[name]]

    def maps(self):
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as file:
            return file.read().splitlines()

    def fds(self):
        base = f"/proc/{self.pid}/fd"
        return sorted((int(fd), os.readlink(f"{base}/{fd}")) for fd in os.listdir(base))

    def status(self):
        """Of every thread, what a stop or a call of somebody else's could have left."""
        wanted = re.compile(r"(TracerPid|Threads|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt):.*")
        lines = []
        for tid in sorted(os.listdir(f"/proc/{self.pid}/task"), key=int):
            with open(f"/proc/{self.pid}/task/{tid}/status", encoding="utf-8") as file:
                lines += [f"{tid} {match[0]}" for match in map(wanted.match, file) if match
                          and match[1] not in ("SigPnd", "ShdPnd")]
        return lines

    def frozen(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return not re.search(r"TracerPid:\s0\n", file.read())


class Request:
    """A snap on its way, straight to the keeper, without the time a client takes."""

    def __init__(self, world, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        here = os.open(os.path.join(world.catalog, "apps"), os.O_PATH)
        try:  # a socket's path has room for 107 bytes only
            self.socket.connect(f"/proc/self/fd/{here}/{name}.sock")
        finally:
            os.close(here)
        self.socket.sendall(b'{"command": "snap", "args": {}}\n')

    def answer(self):
        """The reply, or None when there was nobody to give one."""
        data = b""
        try:
            while not data.endswith(b"\n"):
                more = self.socket.recv(65536)
                if not more:
                    return None
                data += more
        except ConnectionError:
            return None
        except TimeoutError as late:
            raise Failure("the keeper neither answers nor ends") from late
        finally:
            self.socket.close()
        return json.loads(data)


def kill_and_wait(pid):
    """kill -9 of what is no child of ours."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        check(select.select([handle], [], [], 10)[0], f"process {pid} does not end")
    finally:
        os.close(handle)


def reap(world):
    """Our children, which have been killed. A tracer that holds on to one of its threads
    keeps the process from being reaped."""
    for child in world.children:
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{child.pid} was killed 10 s ago and cannot be reaped") from late
    world.children.clear()


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def one_round(world, victim, keeper, told):
    """A snapshot whose keeper is killed at a random moment; the next keeper's pid."""
    request = Request(world, victim.name)
    spin(random.uniform(0, told["span_s"]))
    told["frozen"] += victim.frozen()
    kill_and_wait(keeper)
    answer = request.answer()
    if answer is None:
        told["cut off"] += 1
    elif answer["ok"]:
        told["ids"].append(answer["result"]["id"])
    else:
        raise Failure(f"snap failed: {answer['error']}")
    # so that one in four comes to its end, however quick this machine is today
    span_s = told["span_s"] * (1.01 if answer is None else 0.97)
    told["span_s"] = min(max(span_s, SPAN_S[0]), SPAN_S[1])
    return world.json("attach", str(victim.pid), "-n", victim.name)["keeper_pid"]


def check_snapshots(world, victim, told):
    """Every snapshot that was reported is there and whole, and so is every other."""
    listed = [row["id"] for row in world.json("list", victim.name)]
    lost = sorted(set(told["ids"]) - set(listed))
    check(not lost, f"reported, but not in the catalog: {lost[:10]}")
    for ident in listed:
        image = world.json("show", f"{victim.name}@{ident}")["image"]
        check(image["tasks"][0]["pid"] == victim.pid, f"show {ident}: another process")
    return listed


def check_restore(world, victim, ident, maps):
    kill_and_wait(victim.pid)
    reap(world)
    wait_for("the keeper sees the end", lambda: world.app(victim.name)["state"] == "ended")
    world.json("restore", f"{victim.name}@{ident}", "-d")
    victim.check(f"after a restore of {ident}")
    world.json("snap", victim.name)
    check_same("maps", maps, victim.maps(), f"after a restore of {ident}")


def check_same(what, before, after, when):
    gone = [line for line in before if line not in after]
    come = [line for line in after if line not in before]
    check(before == after, f"{when} {what} differ: -{gone[:3]} +{come[:3]}")


def may_restore(world):
    return any(row["name"] == "clone3_set_tid" and row["present"] for row in world.json("check"))


def keeper_kill(world, rounds=None):
    """1,000 snapshots, each with its keeper killed somewhere in it."""
    rounds = rounds or (ROUNDS if world.uid is None else USER_ROUNDS)
    victim = Victim(world)
    maps, fds, status = victim.maps(), victim.fds(), victim.status()
    keeper = world.json("attach", str(victim.pid), "-n", victim.name)["keeper_pid"]
    told = {"ids": [], "cut off": 0, "frozen": 0, "span_s": SPAN_S[0]}
    for number in range(1, rounds + 1):
        keeper = one_round(world, victim, keeper, told)
        if number % 50 == 0:
            victim.check(f"after {number} kills")
    world.json("snap", victim.name)
    victim.check("after the last snapshot")
    check_same("maps", maps, victim.maps(), "after the last snapshot")
    check_same("threads", status, victim.status(), "after the last snapshot")
    world.json("detach", victim.name)
    check_same("descriptors", fds, victim.fds(), "after detach")
    check_same("maps", maps, victim.maps(), "after detach")
    listed = check_snapshots(world, victim, told)
    eintr = victim.report()["eintr"]
    print(f"  {rounds} keepers killed 0 to {told['span_s'] * 1000:.0f} ms into a snapshot, "
          f"{told['frozen']} while the victim was frozen, {told['cut off']} before they answered; "
          f"{len(listed)} snapshots are whole; EINTR from epoll_wait: {eintr}", flush=True)
    check(eintr <= max(EPOLL_EINTR_FEW, rounds // EPOLL_EINTR_ONE_IN),
          f"epoll_wait said EINTR {eintr} times in {rounds}")
    check(told["frozen"] and told["cut off"], "no keeper was killed in the middle")
    world.json("attach", str(victim.pid), "-n", victim.name)
    if may_restore(world):
        check_restore(world, victim, random.choice(told["ids"] or listed), maps)
    victim.check("at the end")


def snap_of_the_dying(world, victim, span_s):
    """As a person types it; the victim is killed meanwhile. The snapshot's id, or None."""
    command = [kit.SNAPSH, "--json", "snap", victim.name]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=world.env, cwd=world.dir,
                          **world.as_user()) as client:
        spin(span_s)
        os.kill(victim.pid, signal.SIGKILL)
        try:
            out, err = client.communicate(timeout=10)
        except subprocess.TimeoutExpired as late:
            client.kill()
            raise Failure("snap does not end") from late
    if client.returncode == 0:
        return json.loads(out)["id"]
    told = json.loads(err)["error"]
    check(client.returncode == 1, f"exit status {client.returncode}: {told}")
    check(re.search(r"ended|died|killed|is gone|is not running|No such process", told),
          f"this does not say that it ended: {told}")
    return None


def victim_killed(world):
    """The application dies in the middle of a snapshot: one clear line, only snapshots that
    are whole, and a keeper that records the end and ends itself."""
    reported = []
    for number in range(DEATHS):
        victim = Victim(world)
        keeper = world.json("attach", str(victim.pid), "-n", victim.name)["keeper_pid"]
        try:
            ident = snap_of_the_dying(world, victim, random.uniform(0, 0.015))
            reap(world)
            wait_for(f"keeper {keeper} ends", lambda: not kit.alive(keeper))
            check(world.app(victim.name)["state"] == "ended", "not recorded as ended")
        except Failure as failure:
            raise Failure(f"death {number + 1}: {failure}") from failure
        reported += [ident] if ident else []
    listed = [row["id"] for row in world.json("list", "victim")]
    check(listed == reported, f"{reported} were reported, {listed} are there")
    for ident in listed:
        world.json("show", f"victim@{ident}")
    print(f"  {DEATHS} deaths, {len(listed)} snapshots were complete before", flush=True)
    check(len(listed) < DEATHS, "no death met a snapshot")


TESTS = (keeper_kill, victim_killed)
