# SPDX-License-Identifier: Apache-2.0
"""Stands still in re, which json has called, with threads beside it: in functions of the C library
that are called, not jumped to, for of jumps only gdb knows from where."""

import json
import re
import select
import threading
import time

started = threading.Barrier(3)


def wait(number):
    kept = {"number": number, "text": f"thread {number}"}
    started.wait()
    select.select([], [], [], 1000)
    return kept


def stop(match):
    started.wait()
    print("ready", flush=True)
    time.sleep(1000)
    return match.group().upper()


def describe(thing):
    return re.sub("[aeiou]", stop, f"a complex number: {thing}")


for at in range(2):
    threading.Thread(target=wait, args=(at,), daemon=True).start()
json.dumps([1, 2.5, [[None, 3 + 4j]]], default=describe)
