# SPDX-License-Identifier: Apache-2.0
"""Stripped programs whose debug information is elsewhere: in directories by build-id, on a
debuginfod; and what is said where the server is down, silent, or does not have it.
"""

import http.server
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import kit

HERE = os.path.dirname(os.path.abspath(__file__))

BUILDS = [
    ("link-deep", "deep.c", ["-g", "-O0"], []),  # beside it, by .gnu_debuglink
    ("id-deep", "deep.c", ["-g", "-O2", "-Wl,--build-id"], []),
    ("id-values", "values.c", ["-g", "-O0", "-Wl,--build-id"], []),
    ("server-deep", "deep.c", ["-g", "-O0", "-Wl,--build-id"], []),
]
SILENCE_S = 5  # for how long a server may say nothing, debug_files.c
LOAD_S = 20    # what a busy machine may add


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, check=True).stdout
    return re.search(rb"Build ID: ([0-9a-f]+)", notes).group(1).decode()


def by_id(directory, path):
    number = build_id(path)
    return os.path.join(directory, ".build-id", number[:2], number[2:] + ".debug")


def take_apart(program):
    """Strips it, and puts its debug information where the program's name says."""
    how = program.name.split("-")[0]
    if how not in ("link", "id", "server"):
        return
    if how == "server" and not shutil.which("debuginfod"):
        raise kit.Skip("there is no debuginfod")
    world, away = program.world, program.world.path("debug")
    debug = by_id(away, program.path) if how == "id" else program.path + ".debug"
    os.makedirs(os.path.dirname(debug), exist_ok=True)
    world.do("objcopy", "--only-keep-debug", program.path, debug)
    world.do("strip", program.path)
    if how == "link":
        world.do("objcopy", f"--add-gnu-debuglink={debug}", program.path)
    elif how == "id":
        program.settings = [f"set debug-file-directory /nonexistent:{away}"]
    else:
        os.mkdir(away)
        os.rename(debug, os.path.join(away, "any.name"))
        program.gdb_settings = ["set debuginfod enabled on"]
        program.server = serve(program, away)


def look(program, commands):
    """(answers, errors, seconds) of a shell."""
    begun = time.monotonic()
    given = "\n".join([f"at {program.name}@1", *commands]) + "\n"
    shell = program.world.call(given=given)
    return shell.out, shell.err, time.monotonic() - begun


def said(out, err):
    return f"{kit.shorten(out)} {kit.shorten(err)}"


# ---- directories ----

def ask_directories(program):
    """Those set count for what is open, too, and for what goes over all snapshots."""
    name = {"deep.c": "jobs", "values.c": "numbers"}[program.source]
    for setting, found in (("info locals", False), (program.settings[0], True),
                           ("set debug-file-directory", False),
                           ("set debug-file-directory /nonexistent:debug", True)):
        for command in (f"print &{name}[0]", f"when &{name}[0]"):
            out, err, _ = look(program, [f"print sizeof({name})", setting, command])
            title = f"{setting.replace(program.world.dir, '')}: {command}"
            yield title, "" if (f"<{name}>" in out) == found else said(out, err)


# ---- servers ----

def has(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def ask_at(program, url):
    """From now on, with nothing in the cache."""
    cache = program.world.path("cache")
    shutil.rmtree(cache, ignore_errors=True)
    program.world.env.update(DEBUGINFOD_URLS=url, DEBUGINFOD_CACHE_PATH=cache)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(program, directory):
    """A debuginfod that has read the directory."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    child = program.world.start(["debuginfod", "-F", "-d", ":memory:", "-p", port, directory])
    kit.wait_for("debuginfod", lambda: has(f"{url}/buildid/{build_id(program.path)}/debuginfo"), 30)
    ask_at(program, url)
    return child


class NotThere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


def without(program, what, reason, most_s):
    """No names, but an answer, in time, and the reason once ("": none)."""
    out, err, took = look(program, ["bt", "print jobs", f"at {program.name}@1", "bt -1"])
    yield f"{what}/answers", "" if out.count(" in ?? ()") == 26 and "No symbol" in err \
        else said(out, err)
    warned = re.findall("^warning: debuginfod at .*", err, re.M)
    yield f"{what}/warns", "" if len(warned) == bool(reason) and reason in "".join(warned) \
        else f"{err!r}"
    yield f"{what}/soon", "" if took < most_s else f"it took {took:.0f} s"


def ask_servers(program):
    program.server.kill()
    program.server.wait()
    out, err, _ = look(program, ["print jobs[0].id"])
    yield "cached", "" if "$1 = 1\n" in out and not err else said(out, err)
    ask_at(program, program.world.env["DEBUGINFOD_URLS"])
    yield from without(program, "down", "refused; it is not asked again", LOAD_S)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(5)
        ask_at(program, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        yield from without(program, "silent", "silence; it is not asked again", SILENCE_S + LOAD_S)
    with http.server.HTTPServer(("127.0.0.1", 0), NotThere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        ask_at(program, f"http://127.0.0.1:{server.server_address[1]}")
        yield from without(program, "unknown", "", LOAD_S)
        server.shutdown()
        thread.join()


def ask(program):
    """Yields (command, why it failed or "")."""
    if program.name.startswith("id-"):
        yield from ask_directories(program)
    if program.name.startswith("server-"):
        yield from ask_servers(program)
