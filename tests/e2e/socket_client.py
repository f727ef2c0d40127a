# SPDX-License-Identifier: LGPL-2.1-or-later
"""A WebSocket client (RFC 6455) that does no more than the tests need: text, JSON, ping, close; it may also not read."""
import base64
import json
import os
import socket
import struct
import time


class Refused(Exception):
    """The server answered with plain HTTP."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:200]!r}")
        self.status = status
        self.body = body


class WebSocket:
    def __init__(self, port, path, protocol, headers=None, receive_buffer=None, tls=None):
        self.s = socket.socket()
        if receive_buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.s.settimeout(10)
        self.s.connect(("127.0.0.1", port))
        if tls: # a context
            self.s = tls.wrap_socket(self.s)
        fields = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
                  "Sec-WebSocket-Protocol": protocol, **(headers or {})}
        request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        self.s.sendall(request.encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self._more()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.closed = None  # (code, reason) of the server
        self.pings = 0
        status = int(self.head.split()[1])
        if status != 101:
            told = [int(line.split(":")[1]) for line in self.head.split("\r\n") if line.lower().startswith("content-length:")]
            try:
                while not told or len(self.data) < told[0]:
                    self._more()
            except (EOFError, OSError):
                pass
            self.s.close()
            raise Refused(status, self.data)

    def _more(self):
        new = self.s.recv(65536)
        if not new:
            raise EOFError
        self.data += new

    def _take(self, count):
        while len(self.data) < count:
            self._more()
        out, self.data = self.data[:count], self.data[count:]
        return out

    def send_frame(self, opcode, payload=b""):
        mask = os.urandom(4)
        size = len(payload)
        length = (struct.pack("!B", 0x80 | size) if size < 126 else
                  struct.pack("!BH", 0xfe, size) if size < 1 << 16 else struct.pack("!BQ", 0xff, size))
        self.s.sendall(bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def send(self, message):
        self.send_frame(1, (message if isinstance(message, str) else json.dumps(message)).encode())

    def receive(self, seconds=10):
        """The next message as JSON; None when the server has closed or nothing comes in time."""
        end = time.monotonic() + seconds
        while self.closed is None:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.s.settimeout(left)
            before = self.data
            try:
                first, second = self._take(2)
                length = second & 0x7f
                if length > 125:
                    length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
                payload = self._take(length)
            except TimeoutError:
                assert not before, "half a frame"
                return None
            except (EOFError, OSError):
                self.closed = (1006, "")
                return None
            if first & 15 == 1:
                return json.loads(payload)
            if first & 15 == 8:
                self.closed = (int.from_bytes(payload[:2], "big"), payload[2:].decode())
            if first & 15 == 9:
                self.pings += 1
            answer = {8: (8, payload[:2]), 9: (10, payload)}.get(first & 15)
            if answer:
                try:
                    self.send_frame(*answer)
                except OSError:
                    pass # gone already
        return None

    def expect(self, kind, seconds=10, condition=lambda m: True):
        """The next message of this type; others are skipped."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.receive(end - time.monotonic())
            if message is None:
                break
            if message["type"] == kind and condition(message):
                return message
        raise AssertionError(f"no {kind} within {seconds} s; closed: {self.closed}")

    def until_closed(self, seconds=10):
        end = time.monotonic() + seconds
        while self.closed is None and time.monotonic() < end:
            self.receive(end - time.monotonic())
        return self.closed

    def stop(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()
