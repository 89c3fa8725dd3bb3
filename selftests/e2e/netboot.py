"""What firmware asks for on a network: DHCP (RFC 2131), TFTP (RFC 1350, 2347-2349) and HTTP. On an interface of L1, in
threads; only what is asked is told.

    server = Server("eth1", "10.3.0.1")
    server.files["boot.ipxe"] = b"#!ipxe..."
    server.lease(mac, "10.3.0.2", "boot.ipxe")
"""
import http.server
import socket
import struct
import threading

DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
COOKIE = b"\x63\x82\x53\x63"
RRQ, DATA, ACKED, ERROR, OACK = 1, 3, 4, 5, 6
BLOCK, TRIES = 512, 5


def options_of(packet):
    """DHCP's options by number."""
    found, at = {}, 240
    while at < len(packet) and packet[at] != 255:
        if packet[at]:
            found[packet[at]] = packet[at + 2:at + 2 + packet[at + 1]]
            at += 1 + packet[at + 1]
        at += 1
    return found


class Server:
    def __init__(self, interface, address):
        self.interface, self.address = interface, address
        self.files, self.leases, self.seen = {}, {}, []
        self.http = http.server.ThreadingHTTPServer((address, 80), self.handler())
        sockets = self.open(67), self.open(69)
        for run, *more in ((self.http.serve_forever,), (self.serve, sockets[0], self.answer_dhcp),
                           (self.serve, sockets[1], self.answer_tftp)):
            threading.Thread(target=run, args=more, daemon=True).start()

    def open(self, port):
        """Of this interface only: a broadcast goes out there."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface.encode())
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        made.bind(("", port))
        return made

    @staticmethod
    def serve(at, answer):
        while True:
            answer(at, *at.recvfrom(2048))

    def lease(self, mac, address, filename):
        self.leases[bytes.fromhex(mac.replace(":", ""))] = address, filename
        self.seen.clear()

    def count(self, *what):
        """How often something was done, as (protocol, thing) says."""
        return self.seen.count(what)

    # -- DHCP -------------------------------------------------------------------------------------------------------
    def answer_dhcp(self, at, packet, _):
        kind = options_of(packet).get(53, b"\0")[0]
        client = packet[28:34]
        if kind not in (DISCOVER, REQUEST) or client not in self.leases:
            return
        address, filename = self.leases[client]
        own, reply = socket.inet_aton(self.address), OFFER if kind == DISCOVER else ACK
        head = struct.pack("!BBBB4sHH4s4s4s4s16s64s128s", 2, 1, 6, 0, packet[4:8], 0, 0x8000, bytes(4),
                           socket.inet_aton(address), own, bytes(4), packet[28:44], b"", filename.encode())
        options = b"".join(bytes([number, len(value)]) + value for number, value in (
            (53, bytes([reply])), (54, own), (51, struct.pack("!I", 3600)), (1, bytes([255, 255, 255, 0])), (3, own)))
        at.sendto(head + COOKIE + options + b"\xff", ("255.255.255.255", 68))
        self.seen.append(("dhcp", {OFFER: "offer", ACK: "ack"}[reply]))

    # -- TFTP -------------------------------------------------------------------------------------------------------
    def answer_tftp(self, _, packet, client):
        words = packet[2:].split(b"\0")
        if struct.unpack("!H", packet[:2])[0] == RRQ and len(words) > 2:
            options = dict(zip(map(bytes.lower, words[2::2]), words[3::2]))
            name = words[0].decode().lstrip("/")
            threading.Thread(target=self.send_file, args=(name, options, client), daemon=True).start()

    def send_file(self, name, options, client):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.connect(client)
            to.settimeout(2)
            if name not in self.files:
                to.send(struct.pack("!HH", ERROR, 1) + b"no such file\0")
                return
            data, size = self.files[name], int(options.get(b"blksize", BLOCK))
            known = {b"blksize": b"%d" % size, b"tsize": b"%d" % len(data)}
            agreed = b"".join(b"%s\0%s\0" % (option, known[option]) for option in options if option in known)
            if agreed and not self.send_until_acked(to, struct.pack("!H", OACK) + agreed, 0):
                return
            for block in range(len(data) // size + 1):
                part = struct.pack("!HH", DATA, (block + 1) & 0xffff) + data[block * size:(block + 1) * size]
                if not self.send_until_acked(to, part, (block + 1) & 0xffff):
                    return
        self.seen.append(("tftp", name))

    @staticmethod
    def send_until_acked(to, packet, number):
        """False: the client has given up, or wants no more than to know the size."""
        for _ in range(TRIES):
            to.send(packet)
            try:
                while (answer := struct.unpack("!HH", to.recv(2048)[:4])) != (ACKED, number):
                    if answer[0] == ERROR:
                        return False
                return True
            except TimeoutError:
                pass
            except ConnectionError:
                return False
        return False

    # -- HTTP -------------------------------------------------------------------------------------------------------
    def handler(self):
        files, seen = self.files, self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.lstrip("/")
                if name not in files:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(files[name])))
                self.end_headers()
                self.wfile.write(files[name])
                seen.append(("http", name))

            def log_message(self, *_):
                pass

        return Handler
