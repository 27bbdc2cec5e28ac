# SPDX-License-Identifier: Apache-2.0
"""Flows of `gdbserver`, by clients that speak the protocol themselves (test/inspect has gdb)."""

import json
import encodings.idna  # noqa: F401  what a name of a host needs: no more to be had as nobody
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess

from kit import COUNTER, ORDINARY_UID, SNAPSH, Terminal, check, flow, wait_for


# of a client that was gone before it was accepted: its socket is nobody's
LEFT = "warning: refused a connection: it is not known whose it is"


def packet(text):
    return b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255)


class Server:
    """snapsh gdbserver as a process beside the flow."""

    def __init__(self, world, *args):
        self.child = subprocess.Popen([SNAPSH, "gdbserver", *args], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env=world.env, cwd=world.dir, **world.as_user())
        world.children.append(self.child)
        self.line = self.child.stdout.readline().decode()
        match = re.fullmatch(r"(\S+): gdb -ex 'target remote :(\d+)'\n", self.line)
        check(match, f"gdbserver said {self.line!r}")
        self.ref, self.port = match.group(1), int(match.group(2))

    def end(self):
        """What it said on stderr, when it has ended well."""
        check(self.child.wait(10) == 0, f"gdbserver ended with status {self.child.returncode}")
        return self.child.stderr.read().decode()


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def ask(self, text):
        """What is answered to a packet."""
        self.socket.sendall(packet(text))
        got = b""
        while not re.fullmatch(rb"\+\$([^#]*)#[0-9a-f]{2}", got, re.S):
            more = self.socket.recv(65536)
            check(more, f"no answer to {text}")
            got += more
        self.socket.sendall(b"+")
        text = got[2:-3].decode("latin-1")
        return re.sub(r"(.)\*(.)", lambda run: run[1] * (ord(run[2]) - 28), text, flags=re.S)

    def gone(self):
        """The other side closes."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()


def counter_at_1(world):
    app = world.run_counter("myapp")
    world.json("snap", "myapp")
    return app


@flow()
def gdbserver_refusals(world):
    app = counter_at_1(world)
    for port in ("80", ":", ":x", ":65536", ":-1", "localhost:80", ":8 0", "--", ""):
        world.refuse("gdbserver", "myapp@1", "--", port, status=2, why="neither :PORT")
    world.refuse("gdbserver", status=2, why="gdbserver needs REF")
    world.refuse("gdbserver", "myapp@1", ":0", "more", status=2, why="one word too many")
    world.refuse("gdbserver", "--once", "--stay", "myapp@1", status=2, why="exclude each other")
    world.refuse("gdbserver", "myapp@7", why="myapp@7|no snapshot")
    world.refuse("gdbserver", "nobody@1", ":0", why="nobody")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        world.refuse("gdbserver", "myapp@1", f":{port}", why=f"listen at port {port}: .*in use")
    app.count(1)


@flow()
def gdbserver_answers(world):
    app = counter_at_1(world)
    app.count(1)
    server = Server(world, "myapp@1")
    check(server.ref == "myapp@1", f"it serves {server.ref}")
    client = Client(server.port)
    check("qXfer:features:read+" in client.ask("qSupported:multiprocess+"), "qSupported")
    thread = f"p{app.pid:x}.{app.pid:x}"
    check(client.ask("?") == f"T00thread:{thread};", "?")
    check(client.ask("qC") == f"QC{thread}", "qC")
    mapping = next(m for m in world.json("show", "myapp@1")["image"]["tasks"][0]["mappings"]
                   if m["path"] == COUNTER)
    start = int(mapping["start"], 16)
    check(client.ask(f"m{start:x},4") == "7f454c46", "the program's first bytes")
    for write in (f"M{start:x},1:00", f"X{start:x},1:0", "G00", "P0=00"):
        check(client.ask(write) == "E.a snapshot cannot be changed", write)
    for run in ("vCont;c", "c", "s"):
        check(client.ask(run).startswith("E.a snapshot does not run"), run)
    check(client.ask("nosuchpacket") == "", "an unknown packet")
    check(client.ask("D;1") == "OK", "D")
    check(client.gone(), "it does not close after D")
    client.close()
    check(server.end() == "", "it said something")
    app.count(2)


@flow()
def gdbserver_rubbish(world):
    """A client that sends anything and leaves, with and without reading what is answered."""
    app = counter_at_1(world)
    server = Server(world, "--stay", "myapp@1")
    source = random.Random(1)
    for length in (0, 1, 10, 1000, 200000):
        client = Client(server.port)
        try:
            client.socket.sendall(source.randbytes(length))
            client.socket.sendall(b"$" + b"a" * length)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a k or D among it
        client.close()
    client = Client(server.port)
    client.socket.sendall(packet("qXfer:features:read:target.xml:0,3fff") * 2000)
    client.close()
    client = Client(server.port)
    check(client.ask("qAttached") == "1", "an answer after all that")
    other = Client(server.port)
    check(other.gone(), "a second client is not turned away")
    check(client.ask("qAttached") == "1", "an answer to the first")
    server.child.send_signal(signal.SIGINT)
    check(client.gone(), "Ctrl-C does not end it")
    check(set(server.end().splitlines()) <= {LEFT}, "it said something")
    app.count(1)


@flow()
def gdbserver_once(world):
    counter_at_1(world)
    server = Server(world, "--once", "myapp@1")
    client = Client(server.port)
    check(client.ask("qAttached") == "1", "qAttached")
    client.close()
    check(server.end() == "", "it said something")
    server = Server(world, "myapp@1", f":{server.port}")
    client = Client(server.port)
    check(client.ask("qAttached") == "1", "qAttached")
    try:
        check(Client(server.port).gone(), "a second client is served")
    except ConnectionRefusedError:
        pass
    client.socket.sendall(packet("k"))
    check(client.socket.recv(1) == b"+" and client.gone(), "it does not close after k")
    check(server.end() == "", "it said something")


@flow()
def gdbserver_beside(world):
    """Two snapshots of one application at the same time: each with its own stack and registers."""
    app = counter_at_1(world)
    app.count(1)
    world.json("snap", "myapp")
    servers = [Server(world, f"myapp@{number}") for number in (1, 2)]
    clients = [Client(server.port) for server in servers]
    states = set()
    for client in clients:
        registers = client.ask("g")
        stack = int.from_bytes(bytes.fromhex(registers[7 * 16:8 * 16]), "little")
        states.add(registers + client.ask(f"m{stack:x},200"))
    check(len(states) == 2, "both have the same stack and registers")
    check([server.ref for server in servers] == ["myapp@1", "myapp@2"], "references")
    for client, server in zip(clients, servers):
        client.close()
        check(server.end() == "", "it said something")


@flow()
def gdbserver_pipe(world):
    counter_at_1(world)
    given = (packet("qAttached") + packet("vCont?") + packet("D")).decode()
    world.expect("gdbserver", "myapp@1", "-", given=given,
                 out="+$1#31+$vCont;c;C;s;S#62+$OK#9a")
    world.expect("gdbserver", "myapp@1", "-", given="", out="")


@flow()
def gdbserver_in_the_shell(world):
    """Ctrl-C ends the serving, with a client or without, and not the shell."""
    app = counter_at_1(world)
    terminal = Terminal(world)
    for connected in (False, True):
        port = int(terminal.say("gdbserver --stay myapp@1", r"target remote :(\d+)'").group(1))
        if connected:
            client = Client(port)
            check(client.ask("qAttached") == "1", "qAttached")
        terminal.type("\x03")
        terminal.say("apps", "myapp")
    check(client.gone(), "the client is still connected")
    terminal.type("quit\r")
    terminal.end()
    app.count(1)


@flow()
def gdbserver_json(world):
    counter_at_1(world)
    child = subprocess.Popen([SNAPSH, "--json", "gdbserver", "myapp@1"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             env=world.env, **world.as_user())
    world.children.append(child)
    text = ""
    while not text.endswith("}\n"):
        text += child.stdout.readline().decode()
    said = json.loads(text)
    check(said["ref"] == "myapp@1", f"it says {said}")
    client = Client(said["port"])
    check(client.ask("D") == "OK", "D")
    client.close()
    check(child.wait(10) == 0, "its status")


def connect_as(uid, port, answers):
    os.setgid(uid)
    os.setuid(uid)
    client = Client(port)
    try:
        client.socket.sendall(packet("qAttached"))
        answers.put(client.socket.recv(100))
    except OSError:
        answers.put(b"")


@flow(needs=("root",))
def gdbserver_other_user(world):
    """The server is root's: an ordinary user gets nothing of it."""
    counter_at_1(world)
    server = Server(world, "--stay", "myapp@1")
    answers = multiprocessing.Queue()
    other = multiprocessing.Process(target=connect_as, args=(ORDINARY_UID, server.port, answers))
    other.start()
    check(answers.get(timeout=10) == b"", "another user is answered")
    other.join()
    elsewhere = socket.create_connection(("127.0.0.1", server.port), 10, ("127.0.0.2", 0))
    check(elsewhere.recv(100) == b"", "another address is answered")
    elsewhere.close()
    client = Client(server.port)
    check(client.ask("qAttached") == "1", "an answer to the same user")
    client.close()
    server.child.send_signal(signal.SIGINT)
    said = server.end()
    check(f"refused a connection of user {ORDINARY_UID}\n" in said and "not 127.0.0.1" in said,
          f"it said {said!r}")
    wait_for("no process", lambda: not other.is_alive())
