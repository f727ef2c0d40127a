# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the attacks have in common: a launcher under attack, requests of any bytes, and a table of what was expected and
what came. A wrong line fails its case; all lines of a case are tried."""
import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from harness import BUILD, PASSWORD, Camera, Sluice, Suite, note  # noqa: E402

SLUICE = BUILD / "launcher/sluice"
ROOT_PATHS = ("js", "css", "svg", "html") # endings of the page's files


class Table:
    """Lines of (case, expected, got); also in the build directory, where tests/run finds them."""

    def __init__(self, suite):
        self.lines = []
        self.wrong = []
        suite.keep(self)

    def line(self, case, expected, got, ok):
        self.lines.append((case, expected, got, ok))
        if not ok:
            self.wrong.append(f"{case}: expected {expected}, got {got}")
        return ok

    def equal(self, case, expected, got):
        return self.line(case, str(expected), str(got), expected == got)

    def settle(self):
        """At the end of a case."""
        wrong, self.wrong = self.wrong, []
        assert not wrong, f"{len(wrong)} wrong:\n  " + "\n  ".join(wrong[:40])

    def stop(self):
        text = [f"{'':6} {'case':64} {'expected':34} got"]
        text += [f"{'ok' if ok else 'WRONG':6} {case[:64]:64} {expected[:34]:34} {got[:100]}"
                 for case, expected, got, ok in self.lines]
        for line in text:
            note(line)
        directory = BUILD / "attack-tables"
        directory.mkdir(exist_ok=True)
        (directory / f"{Path(sys.argv[0]).stem}.txt").write_text("\n".join(text) + "\n")


class AttackSuite(Suite):
    """As Suite; each case ends with a look at its lines of the table."""

    def __init__(self):
        super().__init__()
        self.table = Table(self)

    def case(self, function):
        def judged():
            try:
                function()
            finally:
                self.table.settle()

        judged.__name__ = function.__name__
        self.cases.append(judged)
        return function


def basic(user, password):
    both = user + ":" + password
    return "Basic " + base64.b64encode(both.encode() if isinstance(both, str) else both).decode()


ADMIN = basic("admin", PASSWORD)


class Answer:
    """Of one request: status 0 is no answer at all, the connection was closed."""

    def __init__(self, data, took=0.0):
        self.data = data
        self.took = took
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.[01] (\d{3})", lines[0])
        self.status = int(match[1]) if match else 0
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]

    def field(self, name):
        return ", ".join(v for k, v in self.fields if k.lower() == name.lower())

    def answers(self):
        """How many answers there are in what came."""
        return len(re.findall(rb"HTTP/1\.[01] \d{3}", self.data))


def raw(port, data, seconds=5, address="127.0.0.1", end=False, source=None):
    """Sends these bytes and reads until the server closes; pieces of a list are sent one by one."""
    began = time.monotonic()
    out = b""
    try:
        with socket.create_connection((address, port), seconds, (source, 0) if source else None) as s:
            for piece in data if isinstance(data, list) else [data]:
                s.sendall(piece)
            if end:
                s.shutdown(socket.SHUT_WR)
            while time.monotonic() < began + seconds:
                more = s.recv(65536)
                if not more:
                    break
                out += more
    except OSError:
        pass
    return Answer(out, time.monotonic() - began)


def request(port, method, path, fields=(), body=b"", **options):
    """fields: (name, value) or a dictionary; nothing is added but Host and, with a body, Content-Length."""
    fields = list(fields.items() if isinstance(fields, dict) else fields)
    names = {k.lower() for k, _ in fields}
    if "host" not in names:
        fields.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body and not {"content-length", "transfer-encoding"} & names:
        fields.append(("Content-Length", str(len(body))))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields) + "\r\n"
    return raw(port, head.encode("latin-1") + body, **options)


UPGRADE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", base64.b64encode(b"0123456789abcdef").decode())]


def upgrade(port, path, fields=(), seconds=3, source=None):
    """The status of an opening of a WebSocket; the connection is closed again. Both protocols of ours are offered."""
    protocol = "sluice.events.v1" if path.startswith("/api/v1/events") else "sluice.v1"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n" if "host" not in {k.lower() for k, _ in fields} \
        else f"GET {path} HTTP/1.1\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in [*UPGRADE, ("Sec-WebSocket-Protocol", protocol), *fields]) + "\r\n"
    data = b""
    try:
        with socket.create_connection(("127.0.0.1", port), seconds, (source, 0) if source else None) as s:
            s.sendall(head.encode("latin-1"))
            while b"\r\n\r\n" not in data:
                more = s.recv(65536)
                if not more:
                    break
                data += more
            if not data.startswith(b"HTTP/1.1 101"):
                while more := s.recv(65536):
                    data += more
    except OSError:
        pass
    return Answer(data)


def tool(*arguments, text="", env=None, seconds=30):
    """A command of sluice, run to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([SLUICE, *map(str, arguments)], input=text, text=True, capture_output=True, timeout=seconds,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


def all_routes():
    """What the program says it answers."""
    status, out, err = tool("routes", "--json")
    assert status == 0, err
    return json.loads(out)["routes"]


def small_camera(suite, name="camera"):
    return suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15", name=name))


def launcher(suite, name="target", camera=None, cameras=None):
    """One with the cameras front and back; without a camera they cannot be reached."""
    url = camera.url() if camera else "rtsp://127.0.0.1:1/x"
    return suite.keep(Sluice(suite.directory, cameras or {"front": {"main": url}, "back": {"main": url}}, name=name))


class Toll:
    """Threads, descriptors and memory of a launcher before and after an attack."""

    def __init__(self, sluice):
        self.sluice = sluice
        self.before = self.now()

    def now(self):
        return self.sluice.threads(), self.sluice.descriptors(), self.sluice.resident()

    def left(self, seconds=40, threads=4, descriptors=6):
        """What is left when it has settled: (text, whether that is near the start)."""
        end = time.monotonic() + seconds
        while True:
            now = self.now()
            more = [b - a for a, b in zip(self.before, now)]
            fine = more[0] <= threads and more[1] <= descriptors
            if fine or time.monotonic() > end:
                return f"{more[0]:+d} threads {more[1]:+d} fds {more[2]:+.0f} MB", fine
            time.sleep(0.2)
