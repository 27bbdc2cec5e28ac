# SPDX-License-Identifier: Apache-2.0
"""redis-server with 100,000 keys.

Its state is DEBUG DIGEST, one number that every key and value goes into, and DBSIZE, asked
with redis-cli as a person would; and a sample of keys, each with the value it has to have.
"""

import random
import socket
import subprocess
import threading

import journeys
from kit import Failure, check, wait_for
from world import ASK_S, Application, free_port, program

KEYS = 100000
BATCH = 64


class Client:
    """One connection, speaking RESP."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), ASK_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *commands):
        data = b""
        for words in commands:
            parts = [str(word).encode() for word in words]
            data += b"*%d\r\n" % len(parts)
            data += b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(data)

    def reply(self):
        line = self.file.readline()
        check(line.endswith(b"\r\n"), "the connection has ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        check(kind != b"-", f"redis says {rest.decode()}")
        return rest.decode()

    def ask(self, *words):
        self.send(words)
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


def value_of(key):
    return f"value-of-{key}-{key * 2654435761 % 1000003}"


class Redis(Application):
    name = "redis"
    needs = ("redis-server", "redis-cli")

    def __init__(self, world):
        super().__init__(world)
        self.port = free_port()
        self.changes = 0
        self.worker, self.counted = None, 0

    def command(self):
        return [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1",
                "--unixsocket", self.world.path("redis.sock"), "--save", "", "--dir",
                self.world.dir, "--enable-debug-command", "local"]

    def cli(self, *words, given=None):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], input=given or b"",
                              capture_output=True, timeout=ASK_S, check=False)
        check(done.returncode == 0, f"redis-cli {words[0]}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def ready(self):
        try:
            return self.cli("ping") == "PONG"
        except Failure:
            return False

    def fill(self):
        lines = (f"SET key:{key} {value_of(key)}\r\n" for key in range(KEYS))
        told = self.cli("--pipe", given="".join(lines).encode())
        check(f"errors: 0, replies: {KEYS}" in told, told)

    def change(self):
        """Some keys less, some of another kind, one of a new size."""
        self.changes += 1
        first = self.changes * 1000
        self.cli("eval", "for i = 1, 500 do redis.call('del', 'key:' .. (ARGV[1] + i)) "
                 "redis.call('hset', 'hash:' .. i, 'field', ARGV[1]) "
                 "redis.call('zadd', 'sorted', ARGV[1], i) end "
                 "redis.call('set', 'big', string.rep('x', ARGV[1] * 1000))", "0", str(first))

    def state(self):
        keys = random.sample([key for key in range(KEYS) if key < 1000 or key > 20000], 1000)
        values = self.cli("mget", *(f"key:{key}" for key in keys)).splitlines()
        check(values == [value_of(key) for key in keys], "a key has not the value it was given")
        return self.cli("dbsize"), self.cli("debug", "digest")

    def turn(self):
        """A pipeline over one connection, whose every answer is known before."""
        if not self.worker:
            self.worker = Client(self.port)
        commands, wanted = [], []
        for _ in range(BATCH):
            self.counted += 1
            commands += [("INCR", "counter"), ("SET", f"set:{self.counted % 5000}", self.counted),
                         ("GET", f"set:{self.counted % 5000}"), ("GET", "key:77")]
            wanted += [self.counted, "OK", str(self.counted), value_of(77)]
        self.worker.send(*commands)
        got = [self.worker.reply() for _ in commands]
        check(got == wanted, next((f"{command}: answered {answer!r}, not {want!r}"
                                   for command, answer, want in zip(commands, got, wanted)
                                   if answer != want), "?"))

    def close(self):
        super().close()
        if self.worker:
            self.worker.close()


def resume(app):
    """The pipelining client stays connected, and so does one that waits."""
    app.start(attach=True)
    waiting, got = Client(app.port), []
    blocked = threading.Thread(target=lambda: got.append(waiting.ask("BLPOP", "list", 60)),
                               daemon=True)
    blocked.start()
    app.turn()
    ident = app.worker.ask("CLIENT", "ID")
    journeys.under_snapshots(app)
    app.turn()
    check(app.worker.ask("CLIENT", "ID") == ident, "the client was connected anew")
    check(app.worker.ask("GET", "counter") == str(app.counted), "requests were lost")
    app.worker.ask("RPUSH", "list", "at last")
    blocked.join(10)
    check(got == [["list", "at last"]], f"the waiting client got {got}")
    waiting.close()


def revert_connections(app):
    """Who was connected at the snapshot is so after the revert; who came later is sent away."""
    app.start()
    before = Client(app.port)
    check(before.ask("INCR", "visits") == 1, "visits")
    held = app.snap()
    after = Client(app.port)
    check([before.ask("INCR", "visits"), after.ask("INCR", "visits")] == [2, 3], "visits")
    app.revert(held)
    check(before.ask("INCR", "visits") == 2, "the client of before meets another state")
    after.socket.settimeout(5)
    try:
        check(after.socket.recv(1) == b"", "a client from the future was answered")
    except ConnectionResetError:
        pass
    wait_for("a new client is served", lambda: Client(app.port).ask("GET", "visits") == "2")
    before.close()
    after.close()


Redis.journeys = (resume, journeys.revert, journeys.restore, journeys.chain, revert_connections)
APPLICATIONS = (Redis,)
