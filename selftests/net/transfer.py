#!/usr/bin/env python3
"""Bytes over TCP, or datagrams cut by the network device, checked where they arrive.

    transfer.py tcp receive PORT               prints the SHA-256 of what came
    transfer.py tcp send ADDRESS PORT BYTES    prints that of what it sent
    transfer.py udp receive PORT COUNT         waits for COUNT good datagrams of SEGMENT bytes
    transfer.py udp send ADDRESS PORT COUNT    sends them in one call, with UDP_SEGMENT
"""
import hashlib
import os
import random
import socket
import sys

SECONDS = 50 * int(os.environ.get("QZ_USER_TIME_FACTOR", 1))
SEGMENT = 1000
UDP_SEGMENT = 103
IPPROTO_UDP = socket.IPPROTO_UDP


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(kind, port):
    server = socket.socket(socket.AF_INET6, kind)
    server.settimeout(SECONDS)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(("::", int(port)))
    return server


def tcp_receive(port):
    server, seen = listen(socket.SOCK_STREAM, port), hashlib.sha256()
    server.listen(1)
    print("listening", flush=True)
    peer, _ = server.accept()
    peer.settimeout(SECONDS)
    while data := peer.recv(1 << 18):
        seen.update(data)
    print(seen.hexdigest())


def tcp_send(address, port, count):
    data = random.Random(int(port)).randbytes(int(count))
    peer = socket.socket(family(address), socket.SOCK_STREAM)
    peer.settimeout(SECONDS)
    peer.connect((address, int(port)))
    peer.sendall(data)
    print(hashlib.sha256(data).hexdigest())


def datagrams(count):
    return [random.Random(number).randbytes(SEGMENT) for number in range(int(count))]


def udp_receive(port, count):
    server, wanted = listen(socket.SOCK_DGRAM, port), set(datagrams(count))
    print("listening", flush=True)
    while wanted:
        data = server.recv(65536)
        if data not in wanted:
            raise SystemExit(f"a datagram of {len(data)} bytes that nobody sent, or came before")
        wanted.remove(data)
    print("all")


def udp_send(address, port, count):
    peer = socket.socket(family(address), socket.SOCK_DGRAM)
    peer.setsockopt(IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
    peer.connect((address, int(port)))
    peer.send(b"".join(datagrams(count)))


if __name__ == "__main__":
    protocol, verb, *words = sys.argv[1:]
    {"tcp": {"receive": tcp_receive, "send": tcp_send},
     "udp": {"receive": udp_receive, "send": udp_send}}[protocol][verb](*words)
