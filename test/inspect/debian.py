# SPDX-License-Identifier: Apache-2.0
"""Debian's own programs, stripped and optimised, with Debian's debug packages of them."""

import os
import socket

import debug_files
import kit

PYTHON, REDIS = "/usr/bin/python3", "/usr/bin/redis-server"
BUILDS = [
    ("debian-python", PYTHON, ["-g"], [os.path.join(debug_files.HERE, "busy.py")]),
    ("debian-redis", REDIS, ["-g"], ["--bind", "127.0.0.1", "--save", "", "--hz", "1",
                                     "--enable-debug-command", "local"]),
]
PACKAGES = {PYTHON: "python3.11-dbg", REDIS: "redis-server-dbgsym, of the archive debian-debug"}

STACKS = ["thread apply all bt 4", "bt", "bt -3", "bt full 4", "info threads",
          "info sharedlibrary", "info registers rip rsp rbx", "info source"]

# source: what is asked of the first thread
ASKED = {
    PYTHON: STACKS + [
        "print _PyRuntime.gilstate", "print _PyRuntime.interpreters.main->id",
        "print *_PyRuntime.interpreters.main->threads.head->cframe",
        "print PyType_Type.tp_name", "print *PyDict_Type.tp_as_mapping",
        "print /x PyLong_Type.tp_flags",
        "whatis _PyRuntime", "ptype PyObject",
        "ptype struct _ts", "ptype PyTypeObject", "print sizeof(_PyRuntime)",
        "print &_PyRuntime.ceval", "info symbol PyLong_Type", "print PyObject_Call",
        "print encoder_listencode_obj", "x/4xg &PyLong_Type", "print _PyRuntime.main_thread",
    ],
    REDIS: STACKS + [
        "print server.port", "print server.db[0]", "print *server.db[0].dict",
        "print server.commands", "print *server.current_client->cmd", "print server.clients->len",
        "print server.current_client->argc", "print (char *)server.current_client->argv[0]->ptr",
        "print server.hz", "print shared.ok", "print *shared.crlf", "ptype struct redisServer",
        "ptype client", "whatis server.el", "print *server.el", "print server.el->events[5]",
        "print dbDictType", "print sizeof(server)", "info symbol server", "info line main",
        "print processCommand", "x/4xg &server", "info functions ^debugCommand",
    ],
}
# source: a frame, and what is asked there
IN_FRAME = {
    PYTHON: (12, ["info locals", "info args"]),
    REDIS: (3, ["info locals", "info args", "frame", "print c->cmd->fullname", "print *c->argv@2"]),
}


def find(program):
    """The file, where there is debug information of it."""
    program.path = os.path.realpath(program.source)
    if not os.path.exists(program.path):
        raise kit.Skip(f"there is no {program.path}")
    debug = debug_files.by_id("/usr/lib/debug", program.path)
    if not os.path.exists(debug):
        raise kit.Skip(f"there is no {debug}: {PACKAGES[program.source]}")
    if program.source == REDIS:
        program.port = debug_files.free_port()
        program.args = ["--port", str(program.port), "--dir", program.world.dir, *program.args]


def sleeps(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] in ("35", "230")  # nanosleep, clock_nanosleep


def begin(program):
    """Redis: has some keys of several types, and is in the middle of a command."""
    if program.source != REDIS:
        return
    address = ("127.0.0.1", program.port)
    kit.wait_for("redis", lambda: socket.socket().connect_ex(address) == 0)
    program.client = socket.create_connection(address)
    program.client.sendall(b"SET one 1\r\nRPUSH list a b c\r\nHSET hash field value\r\n"
                           b"ZADD sorted 1 x 2 y\r\nDEBUG SLEEP 1000\r\n")
    pid = program.world.app(program.name)["pid"]
    kit.wait_for("DEBUG SLEEP", lambda: sleeps(pid))
