# SPDX-License-Identifier: Apache-2.0
"""The programs that are looked into, and what is asked of each."""

# name, source, how it is built, options of the program
BUILDS = [
    ("deep-O0", "deep.c", ["-g", "-O0"], []),
    ("deep-O2", "deep.c", ["-g", "-O2"], []),
    ("deep-dwarf4", "deep.c", ["-gdwarf-4", "-O0"], []),
    ("deep-static", "deep.c", ["-g", "-O0", "-static"], []),
    ("deep-nopie", "deep.c", ["-g", "-O1", "-no-pie"], []),
    ("deep-stripped", "deep.c", ["-O1", "-s"], []),
    ("deep-symbols", "deep.c", ["-O1"], []),
    ("deep-very", "deep.c", ["-g", "-O0"], ["3000"]),
]

# source: commands that are the same words here and in gdb
ASKED = {
    "deep.c": [
        "bt", "bt 3", "bt -2",
    ],
}
