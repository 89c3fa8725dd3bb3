#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What queztl exporter prints and serves, as a process on the simulated host; TAP."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("O", HERE.parent.parent / "build" / "userspace"))
PROGRAM = BUILD / "tests" / "queztl-fake"
NAME = 'evil"\\\n{}#\x1b[31m x'      # what a tenant may call a VM

METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({METRIC})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def parse(text):
    """{(metric, labels): value} and {metric: type} of a text in which nothing is out of order."""
    series, types, current = {}, {}, None
    assert text.endswith("\n") and "\r" not in text
    lines = text[:-1].split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("#"):
            current, help_text = re.fullmatch(rf"# HELP ({METRIC}) (\S.*)", line).groups()
            kind, = re.fullmatch(rf"# TYPE {current} (counter|gauge)", lines.pop(0)).groups()
            assert current not in types and not re.search(r"\\", help_text), line
            assert (kind == "counter") == current.endswith("_total"), line
            types[current] = kind
            continue
        found = SAMPLE.fullmatch(line)
        assert found and found[1] == current, line
        key = found[1], found[2] or ""
        assert key not in series, "twice: " + line
        series[key] = float(found[3])
        assert series[key] >= 0, line
    return series, types


def printed():
    done = subprocess.run([PROGRAM, "exporter", "--", "-name", NAME], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


class Server:
    def __init__(self, address):
        self.process = subprocess.Popen([PROGRAM, "exporter", "--listen", address], stdout=subprocess.PIPE, text=True)
        self.address = re.search(r"listening at (?:http://)?(.*?)(?:/metrics)?$", self.process.stdout.readline())[1]

    def connect(self):
        if "/" in self.address:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.address)
        else:
            host, port = self.address.rsplit(":", 1)
            connection = socket.create_connection((host.strip("[]"), int(port)))
        connection.settimeout(30)
        return connection

    def ask(self, request=b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def body_of(answer):
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.0 200 OK\r\n"), head
    assert b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in head
    assert int(re.search(rb"Content-Length: (\d+)", head)[1]) == len(body)
    return body.decode()


def text_is_strict():
    series, types = parse(printed())
    assert len(types) > 25 and types["queztl_port_drops_total"] == "counter"
    names = [labels for metric, labels in series if metric == "queztl_vm_vcpus"]
    assert r'vm="evil\"\\?{}#?[31m x"' in names[0], names


def promtool_accepts_it():
    done = subprocess.run(["promtool", "check", "metrics"], input=printed(), text=True, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def dashboard_uses_metrics_that_exist():
    types = parse(printed())[1]
    board = json.loads((HERE.parent / "grafana" / "queztl.json").read_text())
    used = set(re.findall(r"\bqueztl_\w+", json.dumps([board["templating"]] + [p["targets"] for p in board["panels"]])))
    assert len(used) > 8 and used <= set(types), used - set(types)
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for name in re.findall(r"rate\((\w+)", " ".join(expressions)):
        assert types[name] == "counter", name
    if shutil.which("promtool"):
        check_expressions(expressions)


def check_expressions(expressions):
    rules = [{"record": f"x{i}", "expr": e.replace("$__rate_interval", "5m")} for i, e in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:       # JSON is YAML
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def serves_by_tcp():
    for address in ("127.0.0.1:0", *(["[::1]:0"] if has_ipv6() else [])):
        with Server(address) as server:
            host, port = server.address.rsplit(":", 1)
            connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            series, types = parse(answer.read().decode())
            assert answer.status == 200 and ("queztl_up", "") in series
            assert any(metric == "queztl_vm_cpu_seconds_total" and 'thread="other"' in labels for metric, labels in series)
            assert server.stop() == 0


def serves_by_a_socket_of_its_owner():
    with tempfile.TemporaryDirectory() as directory:
        path = directory + "/exporter"
        with Server(path) as server:
            assert os.stat(path).st_mode & 0o777 == 0o600
            parse(body_of(server.ask()))
            assert server.stop() == 0 and not os.path.exists(path)


def refuses_what_is_no_get():
    with Server("127.0.0.1:0") as server:
        for request, status in ((b"GET / HTTP/1.0\r\n\r\n", b"404"), (b"PUT /metrics HTTP/1.0\r\n\r\n", b"405"),
                                (b"\r\n\r\n", b"400"), (b"\0" * 4096, b"431"), (b"\xff\n\n", b"400")):
            assert server.ask(request).startswith(b"HTTP/1.0 " + status), request
        head, body = server.ask(b"HEAD /metrics HTTP/1.0\r\n\r\n").split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.0 200") and not body
        parse(body_of(server.ask()))


def names_of_others_are_refused():
    request = b"GET /metrics HTTP/1.1\r\nAccept: */*\r\n%s\r\n\r\n"
    with tempfile.TemporaryDirectory() as directory, Server("127.0.0.1:0") as server, Server(directory + "/x") as by_path:
        for host in (b"evil.example", b"evil.example:9950", b"1.evil", b"localhost.evil", b"x\r\nHost: localhost", b"127.0.0.1x:1"):
            assert server.ask(request % (b"hOST:\t" + host)).startswith(b"HTTP/1.0 421 "), host
            parse(body_of(by_path.ask(request % (b"Host: " + host))))
        for host in (b"Host: LocalHost:1 ", b"Host:127.0.0.1", b"host: [::1]:9950", b"X: y", b"Host:"):
            parse(body_of(server.ask(request % host)))


def descriptors_do_not_grow():
    with Server("127.0.0.1:0") as server:
        server.ask()
        count = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        for i in range(1000):
            with server.connect() as connection:
                connection.sendall((b"GET /metrics HTTP/1.0\r\n\r\n", b"GET /", b"", b"x" * 5000)[i % 4])
        parse(body_of(server.ask()))
        end = time.monotonic() + 60     # those that were not closed yet have their time
        while len(os.listdir(f"/proc/{server.process.pid}/fd")) > count and time.monotonic() < end:
            time.sleep(0.1)
        assert len(os.listdir(f"/proc/{server.process.pid}/fd")) <= count
        assert server.stop() == 0


def answer_time_beside_slow_clients():
    with Server("127.0.0.1:0") as server:
        slow = [server.connect() for _ in range(120)]       # more than there are places
        for connection in slow[20:]:
            connection.sendall(b"GET /metr")
        began = time.monotonic()
        parse(body_of(server.ask()))
        took = time.monotonic() - began
        for connection in slow:
            connection.close()
        parse(body_of(server.ask()))
    return took


def slow_clients_do_not_keep_others_waiting():
    # Their time is 5 s. This machine may be slow, too: once is enough.
    assert any(answer_time_beside_slow_clients() < 4 for _ in range(3)), "had to wait until the time of others ended"


def a_client_has_its_time_in_total():
    with Server("127.0.0.1:0") as server, server.connect() as connection:
        end = time.monotonic() + 60
        try:
            while time.monotonic() < end:       # never silent for long
                connection.send(b"x")
                time.sleep(0.2)
            raise AssertionError("was never dropped")
        except ConnectionError:
            pass
        parse(body_of(server.ask()))


def clients_that_leave_do_no_harm():
    with tempfile.TemporaryDirectory() as directory:
        for address in ("127.0.0.1:0", directory + "/exporter"):
            with Server(address) as server:
                server.process.send_signal(signal.SIGSTOP)      # they leave before they are answered
                for i in range(4):
                    connection = server.connect()
                    connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                    if i % 2 and "/" not in address:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")    # by a reset
                    connection.close()
                server.process.send_signal(signal.SIGCONT)
                parse(body_of(server.ask()))
                assert server.process.poll() is None


def counters_are_read_once_a_second_at_most():
    with Server("127.0.0.1:0") as server:
        bodies, began, asked = set(), time.monotonic(), 0
        while time.monotonic() - began < 1.5:
            bodies.add(server.ask())
            asked += 1
        took = time.monotonic() - began
        assert asked > len(bodies) and len(bodies) <= took + 2, (asked, len(bodies))


def file_is_there_whole():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "queztl.prom"
        path.write_text("old")
        subprocess.run([PROGRAM, "exporter", "-o", path], check=True, timeout=30)
        parse(path.read_text())
        assert os.listdir(directory) == ["queztl.prom"] and path.stat().st_mode & 0o777 == 0o644


TESTS = [text_is_strict, promtool_accepts_it, dashboard_uses_metrics_that_exist, serves_by_tcp,
         serves_by_a_socket_of_its_owner, refuses_what_is_no_get, names_of_others_are_refused,
         descriptors_do_not_grow, slow_clients_do_not_keep_others_waiting,
         a_client_has_its_time_in_total, clients_that_leave_do_no_harm, counters_are_read_once_a_second_at_most,
         file_is_there_whole]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        if test is promtool_accepts_it and not shutil.which("promtool"):
            print(f"ok {number} - {test.__name__} # SKIP no promtool (package prometheus)")
            continue
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except (AssertionError, OSError, subprocess.SubprocessError, AttributeError, ValueError) as error:
            failed += 1
            print("# " + f"{type(error).__name__}: {error}".replace("\n", "\n# "))
            print(f"not ok {number} - {test.__name__}")
    return 1 if failed else 0


sys.exit(main())
