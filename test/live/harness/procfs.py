# SPDX-License-Identifier: Apache-2.0
"""What /proc shows of a process, in a form in which two moments can be compared.

look(pid) reads everything that must be the same after a snapshot, a revert and a
restore. differences(before, after, ...) lists what is not.

Explained differences, and where they are taken out:
  always    what counts by itself; the VmFlags uw, um and sd, which belong to the
            trackers; the order of an epoll's targets, which is that of addresses in
            the kernel
  reverted  inode numbers of pipes, sockets, files without a name, memfds and shared
            anonymous memory may be new (compared as "the same one as ..."), and the
            name that a file without a name had; mount ids of mounts inside the kernel;
            numbers of ptys; where tracking had kept neighbours from being joined they
            may be one, but there is never a border that was not there
  rebuilt   as reverted; and the parent
"""

import os
import re

STATUS = ("Name Umask Tgid PPid TracerPid Uid Gid Groups NStgid NSpid NSpgid NSsid VmLck VmPin "
          "VmSize VmData VmStk VmExe VmLib HugetlbPages CoreDumping THP_enabled untag_mask "
          "Threads SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb "
          "NoNewPrivs Seccomp Seccomp_filters Speculation_Store_Bypass "
          "SpeculationIndirectBranch Cpus_allowed_list Mems_allowed_list").split()
THREAD = "Name SigPnd SigBlk CapEff CapPrm Uid Gid Cpus_allowed_list NoNewPrivs".split()
# Fields of /proc/PID/stat after the name, counted as in proc_pid_stat(5).
STAT = {"pgrp": 5, "session": 6, "tty_nr": 7, "priority": 18, "nice": 19, "startcode": 26,
        "endcode": 27, "startstack": 28, "exit_signal": 38, "rt_priority": 40, "policy": 41,
        "start_data": 45, "end_data": 46, "start_brk": 47, "arg_start": 48, "arg_end": 49,
        "env_start": 50, "env_end": 51}
TRACKER_FLAGS = {"uw", "um", "sd"}


def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "backslashreplace")


def stat_fields(path):
    text = read(path)
    return text[text.rindex(")") + 2:].split()


def start_ticks(pid):
    """Tells a process from a later one with its pid; None when there is none."""
    try:
        fields = stat_fields(f"/proc/{pid}/stat")
    except (OSError, ValueError):
        return None
    ended = fields[0] in "ZX" and int(fields[17]) < 2  # else only its main thread
    return None if ended else fields[19]


def state_of(pid):
    return stat_fields(f"/proc/{pid}/stat")[0]


def marked(mark, words=None):
    """{pid: command line} of who has `mark` in the environment or `words` in argv."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                is_ours = mark in file.read() + b"\0"
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = file.read()
            ended = stat_fields(f"/proc/{name}/stat")[0] in "ZX"
        except (OSError, ValueError):
            continue
        if (is_ours or (words and words in argv)) and not ended:
            found[int(name)] = argv.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def pending(pid):
    """Whether a signal waits for the process as a whole."""
    return int(re.search(r"ShdPnd:\s*(\w+)", read(f"/proc/{pid}/status"))[1], 16) != 0


def _status(path, wanted):
    fields = dict(line.split(":", 1) for line in read(path).splitlines() if ":" in line)
    return [f"{key}: {fields[key].strip()}" for key in wanted if key in fields]


def _maps(pid):
    """Lines "start-end offset rest"."""
    lines = []
    for line in read(f"/proc/{pid}/maps").splitlines():
        head = line.split(None, 5)
        name = head[5] if len(head) > 5 else ""
        lines.append(f"{head[0]} {head[2]} {head[1]} {name} {head[3]} {head[4]}")
    return lines


O_TMPFILE = 0o20200000


def _vm_flags(pid):
    """Lines "start-end 0 flags name"."""
    lines, where = [], None
    for line in read(f"/proc/{pid}/smaps").splitlines():
        match = re.match(r"([0-9a-f]+-[0-9a-f]+) \S+ \S+ \S+ \S+\s*(.*)", line)
        if match:
            where = match
        elif line.startswith("VmFlags:"):
            flags = " ".join(flag for flag in line.split()[1:] if flag not in TRACKER_FLAGS)
            lines.append(f"{where[1]} 0 {flags} {where[2]}")
    return lines


def _join(lines):
    """Joins neighbours that differ in nothing but where they lie."""
    joined = []
    for line in lines:
        where, offset, rest = line.split(" ", 2)
        start, end = (int(part, 16) for part in where.split("-"))
        offset = int(offset, 16)
        last = joined[-1] if joined else None
        follows = last and last[1] == start and last[3] == rest
        if follows and offset in (0, last[2] + last[1] - last[0]):
            last[1] = end
        else:
            joined.append([start, end, offset, rest])
    return [f"{start:x}-{end:x} {offset:x} {rest}" for start, end, offset, rest in joined]


def _new_borders(before, after):
    """A border that was not there: mremap(2) does not reach over it any more."""
    old = {line.split("-")[0] for line in before}
    return [f"maps: a new border at {line}" for line in after if line.split("-")[0] not in old]


def _fdinfo(text):
    """Without what counts by itself."""
    lines = []
    periodic = re.search(r"it_interval: \((?!0, 0\))", text)
    for line in text.splitlines():
        if periodic and line.startswith("it_value:"):
            continue  # reads as 0 when it has just expired
        if line.startswith(("ticks:", "eventfd-id:", "mnt_id:", "Ngid:")):
            continue
        if line.startswith("it_value:"):
            line = "it_value: " + ("disarmed" if re.search(r"\(0, 0\)", line) else "armed")
        if line.startswith("flags:"):
            flags = int(line.split()[1], 8)
            if flags & O_TMPFILE == O_TMPFILE:
                # How it was made: a file without a name can only be opened again.
                line = f"flags: 0{flags & ~O_TMPFILE:o}"
        if line.startswith("tfd:"):
            line = re.sub(r"\s+ino:\S+\s+sdev:\S+", "", line)
            line = re.sub(r"\s+", " ", line)
        lines.append(re.sub(r"\s+", " ", line))
    targets = sorted(line for line in lines if line.startswith("tfd:"))
    return [line for line in lines if not line.startswith("tfd:")] + targets


def _fds(pid):
    rows = {}
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        names = []  # its main thread has ended, and /proc shows that one's
    for name in sorted(names, key=int):
        try:
            rows[int(name)] = (os.readlink(f"/proc/{pid}/fd/{name}"),
                               _fdinfo(read(f"/proc/{pid}/fdinfo/{name}")))
        except FileNotFoundError:
            continue  # it has just been closed
    return rows


def _threads(pid):
    lines = []
    for tid in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        base = f"/proc/{pid}/task/{tid}"
        try:
            fields = stat_fields(f"{base}/stat")
            status = "; ".join(_status(base + "/status", THREAD))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        sched = " ".join(fields[STAT[key] - 3] for key in ("nice", "rt_priority", "policy"))
        lines.append(f"{tid}: {status}; sched {sched}")
    return lines


def _misc(pid):
    fields = stat_fields(f"/proc/{pid}/stat")
    lines = [f"{key}: {fields[number - 3]}" for key, number in STAT.items()]
    for name in ("oom_score_adj", "coredump_filter", "personality", "timerslack_ns", "cmdline",
                 "environ", "auxv"):
        try:
            lines.append(f"{name}: {read(f'/proc/{pid}/{name}').strip()!r}")
        except OSError as error:
            lines.append(f"{name}: {error.strerror}")
    for name in ("exe", "cwd", "root"):
        try:
            lines.append(f"{name}: {os.readlink(f'/proc/{pid}/{name}')}")
        except FileNotFoundError:
            lines.append(f"{name}: none")  # its main thread has ended
    return lines


def look(pid):
    """What must not change; a dictionary of lists of lines (fds: a dictionary)."""
    return {
        "maps": _maps(pid),
        "vmflags": _vm_flags(pid),
        "status": _status(f"/proc/{pid}/status", STATUS),
        "limits": read(f"/proc/{pid}/limits").splitlines(),
        "timers": _timers(pid),
        "tasks": _threads(pid),
        "fds": _fds(pid),
        "misc": _misc(pid),
        "children": read(f"/proc/{pid}/task/{pid}/children").split(),
    }


def _timers(pid):
    try:
        text = read(f"/proc/{pid}/timers")
    except OSError:
        return []
    return [re.sub(r"^(signal: \d+/)\S+", r"\1value", line) for line in text.splitlines()]


def _number_links(fds):
    """Kernel-given numbers become 'the n-th of its kind', so that sharing is still seen."""
    seen, out = {}, {}
    for fd, (link, info) in fds.items():
        match = re.match(r"(pipe|socket):\[(\d+)\]$", link)
        if link.startswith("/") and link.endswith(" (deleted)") and "/memfd:" not in link:
            link = "(deleted)"  # made anew without a name
        made_here = bool(match) or "(deleted)" in link or \
            link.startswith(("/proc/", "/memfd:", "anon_inode"))
        if match:
            number = seen.setdefault(link, len(seen))
            link = f"{match[1]}:#{number}"
        link = re.sub(r"^/dev/pts/\d+", "/dev/pts/N", link)
        if made_here or link.startswith("/dev/pts/"):
            info = [line for line in info if not line.startswith("ino:")]
        out[fd] = (link, info)
    return out


def _renumber(view, mode):
    if mode == "same":
        return view
    view = dict(view)
    view["fds"] = _number_links(view["fds"])
    view["maps"] = [re.sub(r" [0-9a-f:]+ \d+$", " #", line)
                    if re.search(r"\(deleted\)|/memfd:|/SYSV|/dev/zero", line) else line
                    for line in view["maps"]]
    for part in ("maps", "vmflags"):
        view[part] = [re.sub(r" /(?!memfd:|dev/zero|SYSV).* \(deleted\)", " (deleted)", line)
                      for line in view[part]]
        view[part] = _join(view[part])
    if mode == "rebuilt":
        view["status"] = [line for line in view["status"] if not line.startswith("PPid:")]
        view["misc"] = [line for line in view["misc"] if not line.startswith("tty_nr:")]
    return view


def _flatten(view):
    flat = dict(view)
    flat["fds"] = [f"{fd} -> {link} {'; '.join(info)}"
                   for fd, (link, info) in view["fds"].items()]
    return flat


def differences(before, after, mode="same", varies=()):
    """Lines "what: -was"; `varies` names parts, or part.field, that may differ."""
    found = []
    if mode != "same" and "maps" not in varies:
        found += _new_borders(before["maps"], after["maps"])
    before = _flatten(_renumber(before, mode))
    after = _flatten(_renumber(after, mode))
    for part in before:
        if part in varies:
            continue
        loose = [name.split(".", 1)[1] for name in varies if name.startswith(part + ".")]
        was = [line for line in before[part] if not line.startswith(tuple(loose) or ("\0",))]
        now = [line for line in after[part] if not line.startswith(tuple(loose) or ("\0",))]
        gone = [line for line in was if line not in now]
        come = [line for line in now if line not in was]
        for line in gone[:4]:
            found.append(f"{part}: -{line}")
        for line in come[:4]:
            found.append(f"{part}: +{line}")
        if not gone and not come and was != now:
            found.append(f"{part}: other order or count")
    return found
