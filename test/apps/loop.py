#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""loop.py SOCKET - threads that keep each other in balance, for ever.

Some move money between accounts, one makes a chain of hashes, two pass numbers through a
queue, two echo over a socket pair, one sleeps and looks at the clock. Each checks what it can;
the first fault is kept. Over connections to SOCKET, a line each way:

    token WORD    remembers a word
    state         the words, as many as there are
    check         "ok" or the first fault
    turns         of each thread
"""

import hashlib
import queue
import random
import select
import socket
import sys
import threading
import time

ACCOUNTS, EACH = 50, 1000
MARK_EVERY = 1000


class Loop:
    def __init__(self):
        self.words, self.faults = [], []
        self.turns = {}
        self.lock = threading.Lock()
        self.accounts = [EACH] * ACCOUNTS
        self.chain_lock = threading.Lock()
        self.links, self.digest = 0, b"begin"
        self.mark = (0, b"begin")
        self.queue = queue.Queue(16)
        self.sent = self.received = 0
        self.pair = socket.socketpair()
        self.near = 0

    def move(self):
        one, other = random.sample(range(ACCOUNTS), 2)
        with self.lock:
            amount = random.randint(0, self.accounts[one])
            self.accounts[one] -= amount
            self.accounts[other] += amount
            if sum(self.accounts) != ACCOUNTS * EACH:
                raise ValueError(f"the accounts hold {sum(self.accounts)}")

    def hash(self):
        with self.chain_lock:
            self.digest = hashlib.sha256(self.digest).digest()
            self.links += 1
            if self.links % MARK_EVERY == 0:
                self.mark = (self.links, self.digest)

    def send(self):
        self.queue.put(self.sent)
        self.sent += 1

    def receive(self):
        number = self.queue.get()
        if number != self.received:
            raise ValueError(f"{number} came out of the queue, not {self.received}")
        self.received += 1

    def call(self):
        self.near += 1
        self.pair[0].sendall(b"%8d" % self.near)
        if not select.select([self.pair[0]], [], [], 30)[0]:
            raise ValueError("no echo")
        number = int(self.pair[0].recv(8))
        if number != self.near:
            raise ValueError(f"the echo of {self.near} was {number}")

    def echo(self):
        self.pair[1].sendall(self.pair[1].recv(8))

    def sleep(self):
        begun = time.monotonic()
        time.sleep(0.003)
        if time.monotonic() - begun < 0.003:
            raise ValueError("woke up too early")

    def run(self, name, function):
        while True:
            try:
                function()
            except Exception as fault:
                self.faults.append(f"{name}: {fault!r}")
                return
            self.turns[name] += 1
            if name in ("move", "hash"):
                time.sleep(0.0005)  # leaves some of the processor to others

    def start(self):
        for name in ("move", "move", "move", "hash", "send", "receive", "call", "echo", "sleep"):
            self.turns[name] = 0
            threading.Thread(target=self.run, args=(name, getattr(self, name)),
                             daemon=True).start()

    def check(self):
        with self.chain_lock:
            at, digest = self.mark
            while at < self.links:
                digest, at = hashlib.sha256(digest).digest(), at + 1
            if digest != self.digest:
                return f"hash: the chain of {self.links} links is broken"
        if threading.active_count() < 10:
            return f"only {threading.active_count()} threads are left: {self.faults[:1]}"
        return self.faults[0] if self.faults else "ok"

    def answer(self, line):
        word, _, rest = line.partition(" ")
        if word == "token":
            self.words.append(rest)
            return "done"
        if word == "state":
            return " ".join(self.words)
        if word == "check":
            return self.check()
        return " ".join(f"{name}={turns}" for name, turns in self.turns.items())

    def serve(self, peer):
        with peer, peer.makefile("rw", encoding="utf-8") as file:
            for line in file:
                file.write(self.answer(line.rstrip("\n")) + "\n")
                file.flush()


def main(path):
    loop = Loop()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    loop.start()
    while True:
        peer = listener.accept()[0]
        threading.Thread(target=loop.serve, args=(peer,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
