# SPDX-License-Identifier: Apache-2.0
"""What the checks have in common: the files of the tree, and how to tell of faults."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = (".ci", "core", "parasite", "proto", "catalog", "snap", "shell", "test", "examples")
LIBRARY = ("core", "parasite", "proto", "catalog", "snap")


def files(*ends):
    """Paths from the root of files whose names end so, in order; all without ends."""
    found = ["Makefile"] if "Makefile".endswith(ends or "") else []
    for folder in FOLDERS:
        for where, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name != "__pycache__"]
            found += [os.path.relpath(os.path.join(where, name), ROOT)
                      for name in names if name.endswith(ends or "")]
    return sorted(found)


def read(path):
    """The text of a file; None when it is no text (a golden image, a damaged record)."""
    with open(os.path.join(ROOT, path), "rb") as file:
        data = file.read()
    try:
        return None if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return None


def script_of(path):
    """The interpreter a script names in its first line: "sh", "bash", "python3"; else None."""
    text = read(path)
    if not text or not text.startswith("#!"):
        return None
    return os.path.basename(text.splitlines()[0].split()[-1])


def is_test(path):
    """Test code: it may print, and speak to what it tests."""
    name = os.path.basename(path)
    return path.startswith(("test/", "examples/")) or name.endswith(("_test.c", "_test.h")) \
        or name.startswith("test_")


def verdict(name, faults):
    """Tells of (path, line, what) faults and ends the check."""
    for path, line, what in sorted(faults):
        print(f"{path}:{line}: {what}")
    if faults:
        print(f"FAIL lint/{name}: {len(faults)} faults, first {faults[0][0]}:{faults[0][1]}")
        sys.exit(1)
    print(f"PASS lint/{name}")
    sys.exit(0)
