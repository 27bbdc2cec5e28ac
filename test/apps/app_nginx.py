# SPDX-License-Identifier: Apache-2.0
"""nginx as a single process, serving files.

Its state is the number of requests it has answered, which stub_status tells; every telling is
one more. Files and logs are on the disk, and stay as they are.
"""

import http.client
import os

from kit import check
from world import ASK_S, Application, free_port, program

CONFIG = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    keepalive_requests 1000000;
    open_file_cache max=16;
    server {{
        listen 127.0.0.1:{port};
        root {dir}/www;
        location = /status {{ stub_status; }}
    }}
}}
"""
PAGES = 20


def page(number):
    return f"page {number}\n" * (number * number * 50 + 1)


class Nginx(Application):
    name = "nginx"
    needs = ("nginx",)

    def __init__(self, world):
        super().__init__(world)
        self.port = free_port()
        self.held, self.next = None, 0
        os.mkdir(world.path("www"))
        for number in range(PAGES):
            with open(world.path(f"www/{number}.txt"), "w", encoding="ascii") as file:
                file.write(page(number))
        with open(world.path("nginx.conf"), "w", encoding="ascii") as file:
            file.write(CONFIG.format(dir=world.dir, port=self.port))

    def command(self):
        return [program("nginx"), "-p", self.world.dir, "-e", self.world.path("error.log"),
                "-c", self.world.path("nginx.conf")]

    def get(self, path, held=None):
        peer = held or http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
        peer.request("GET", path)
        answer = peer.getresponse()
        text = answer.read().decode()
        if not held:
            peer.close()
        check(answer.status == 200, f"GET {path}: {answer.status} {answer.reason}")
        return text

    def requests(self):
        """Answered, this one included. The third of three numbers in a line of their own."""
        return int(self.get("/status").splitlines()[2].split()[2])

    def ready(self):
        try:
            return self.requests() > 0
        except (OSError, http.client.HTTPException):
            return False

    def fetch(self, number, held=None):
        path = f"/{number % PAGES}.txt"
        check(self.get(path, held) == page(number % PAGES), f"GET {path}: other contents")

    def change(self):
        for number in range(PAGES):
            self.fetch(number)

    def state(self):
        return self.requests()

    def check(self, wanted, when):
        found = self.requests()
        check(found == wanted + 1, f"{when}: it has answered {found} requests, not {wanted + 1}")
        self.fetch(3)
        self.fetch(19)
        check(self.requests() == wanted + 4, f"{when}: it counts requests no more")

    def turn(self):
        """One connection, over which everything goes."""
        if not self.held:
            self.held = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
            self.held.connect()
            self.held.auto_open = 0  # what was cut off stays so
        self.next += 1
        self.fetch(self.next, self.held)

    def finish(self):
        if self.held:
            self.held.close()


APPLICATIONS = (Nginx,)
