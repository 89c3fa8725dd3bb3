"""How the two hosts of a pair talk with each other: one JSON value a line, over the bare wire."""
import json
import os
import socket
import time

import vm

HOST = os.environ.get("QZ_HOST", "a")
WIRE, PEER = os.environ["QZ_WIRE_IP"], os.environ["QZ_PEER_IP"]
CONTROL = 7100
SECONDS = 120 * vm.SLOW


class Line:
    def __init__(self, connection):
        connection.settimeout(3 * SECONDS)
        self.stream = connection.makefile("rw")

    def say(self, value):
        self.stream.write(json.dumps(value) + "\n")
        self.stream.flush()

    def hear(self):
        line = self.stream.readline()
        if not line:
            raise RuntimeError("the other host is gone")
        return json.loads(line)


def listen():
    server = socket.create_server((WIRE, CONTROL))
    server.settimeout(SECONDS)
    return server


def accept(server=None):
    return Line((server or listen()).accept()[0])


def connect():
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return Line(socket.create_connection((PEER, CONTROL)))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
