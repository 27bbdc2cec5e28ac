# SPDX-License-Identifier: Apache-2.0
"""Tests side by side, each in a process of its own: most of their time they wait."""

import os
import signal
import sys


def run_all(work, jobs):
    """work: (function, arguments...), each of which returns 0 or 1. Whether one failed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    running, failed = set(), False
    try:
        while work or running:
            while work and len(running) < jobs:
                running.add(_fork(*work.pop(0)))
            pid, status = os.wait()
            failed |= status != 0 and pid in running
            running.discard(pid)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)
    return failed


def _end(number, _frame):
    """Once: what is cleaned up on the way must not be interrupted by the next."""
    for every in (signal.SIGTERM, signal.SIGINT):
        signal.signal(every, signal.SIG_IGN)
    sys.exit(128 + number)


def _fork(function, *args):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        status = function(*args)
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.stdout.flush()
        os._exit(status)
