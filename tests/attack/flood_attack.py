#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Floods, bounded in number and time: slow clients, silent ones, large bodies, guesses of passwords, sessions and WebSockets
without end. A viewer watches all the time, /healthz is asked ten times a second, and at the end nothing is left."""
import collections
import json
import os
import struct
import threading
import time

from attack import ADMIN, AttackSuite, launcher, raw, request, small_camera, tool
from api import OFFER, watching # found through attack
from flood import HEALTH, Bystanders, Crowd, Flood, more_descriptors, sources
from harness import PASSWORD, settled, until
from socket_client import Refused, WebSocket

suite = AttackSuite()
table = suite.table
T = BY = None
COOKIE = TOKEN = ""
FIRST = None # threads, descriptors and memory at the very beginning
SLEEPING_SINCE = 0.0


def begin():
    global T, BY, COOKIE, TOKEN, FIRST # pylint: disable=global-statement
    if T:
        return
    more_descriptors()
    T = launcher(suite, camera=small_camera(suite))
    BY = Bystanders(suite, T, table)
    answer = login("admin", PASSWORD, "127.0.0.1")
    COOKIE = answer.field("Set-Cookie").split(";")[0]
    how = ["create", "crowd"] if "create" in tool("token", "--help")[1] else ["crowd"]
    TOKEN = max(tool("token", *how, "--state", T.state)[1].split(), key=len)
    time.sleep(2.5) # the launcher has seen it; the viewer plays
    FIRST = settled(T.threads, 2), T.descriptors(), T.resident()


def login(user, password, source, seconds=10):
    return request(T.port, "POST", "/api/v1/login", {"Content-Type": "application/json"},
                   json.dumps({"user": user, "password": password}).encode(), source=source, seconds=seconds)


def at_once(function, count, threads=100):
    """function(i) for each, by so many threads; what they returned."""
    numbers, out = iter(range(count)), []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            value = function(i)
            with lock:
                out.append(value)

    all_threads = [threading.Thread(target=work) for _ in range(threads)]
    for t in all_threads:
        t.start()
    for t in all_threads:
        t.join()
    return out


def told(counter):
    return ", ".join(f"{n}x {status or 'closed'}" for status, n in sorted(counter.items()))


@suite.case
def sessions_without_end():
    """200 offers at once of one token, from many addresses; nobody ever comes to fetch the pictures."""
    global SLEEPING_SINCE # pylint: disable=global-statement
    begin()
    where = sources(20, 30)
    addresses = [next(where) for _ in range(200)]
    fields = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
    # They stay: what they leave behind is looked at by the last case.
    with Flood(BY, "200 sessions that never connect", memory=400, settle=0, threads=5000, descriptors=20000):
        answers = at_once(lambda i: request(T.port, "POST", "/whep/front", fields, OFFER, source=addresses[i], seconds=20), 200)
    SLEEPING_SINCE = time.monotonic()
    statuses = collections.Counter(a.status for a in answers)
    table.line("200 sessions at once", "201 or 429, with Retry-After", told(statuses),
               set(statuses) <= {201, 429, 503} and statuses[201] > 0
               and all(a.field("Retry-After") for a in answers if a.status in (429, 503)))
    table.line("... as many as were told so", str(statuses[201]), str(len(watching(T)) - 1), len(watching(T)) - 1 <= statuses[201])


@suite.case
def slow_clients():
    """A byte now and then, of the headers or of a body: the time for a whole request is what counts."""
    begin()
    with Flood(BY, "slow clients"):
        crowd = Crowd(T.port)
        crowd.connect(400, sources(10), b"GET /api/v1/cameras HTTP/1.1\r\nHost: x\r\nX: ")
        crowd.connect(200, sources(5, 21), b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 9000\r\n\r\n{")
        crowd.connect(100, sources(5, 22), b"POST /whep/front HTTP/1.1\r\nHost: x\r\nAuthorization: " + ADMIN.encode() +
                      b"\r\nContent-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n")
        began = time.monotonic()
        while crowd.listen(0.5) and time.monotonic() < began + 25:
            crowd.trickle(b"1")
        took, left = time.monotonic() - began, len(crowd.all)
        crowd.close()
    table.line("700 slow clients", "all closed after 15 s", f"{left} open after {took:.1f} s", left == 0 and took < 20)


@suite.case
def silent_connections():
    begin()
    with Flood(BY, "10,000 silent connections", memory=100, settle=60):
        crowd = Crowd(T.port)
        where = sources(400)
        most, before = 0, T.descriptors()
        for _ in range(50):
            crowd.connect(200, where)
            crowd.listen(0.05)
            most = max(most, T.descriptors())
        table.line("descriptors while they come", "<= 2048 and those before", str(most), most <= 2048 + before + 200)
        answer = request(T.port, "GET", "/api/v1/cameras", {"Cookie": COOKIE})
        table.line("somebody with a login meanwhile", f"200 within {HEALTH:.0f} s", f"{answer.status} {answer.took:.2f} s",
                   answer.status == 200 and answer.took < HEALTH)
        crowd.close()


@suite.case
def large_bodies():
    begin()
    large = {"login": ("POST", "/api/v1/login"), "camera": ("PUT", "/api/v1/cameras/x"), "offer": ("POST", "/whep/front"),
             "candidates": ("PATCH", "/whep/front/nobody")}
    with Flood(BY, "large bodies", memory=60):
        for name, (method, path) in large.items():
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {ADMIN}\r\nContent-Type: application/json\r\n".encode()
            answer = raw(T.port, [head + b"Content-Length: 2000000000\r\n\r\n"] + [b"x" * 65536] * 300, seconds=3)
            table.line(f"{name}: 2 GB said, 20 MB sent", "413 or closed", f"{answer.status or 'closed'} {answer.took:.1f} s",
                       answer.status in (0, 413))
            chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            answer = raw(T.port, [head + b"Transfer-Encoding: chunked\r\n\r\n"] + [chunk] * 300, seconds=3)
            table.line(f"{name}: 20 MB in pieces", "413 or closed", f"{answer.status or 'closed'} {answer.took:.1f} s",
                       answer.status in (0, 413))
            answer = raw(T.port, head + b"Content-Length: 17000\r\n\r\n" + b"[" * 17000, seconds=10)
            table.line(f"{name}: 17,000 brackets", "refused", str(answer.status or "closed"), 400 <= answer.status < 500)
        answer = raw(T.port, [b"GET / HTTP/1.1\r\n"] + [b"X-Header-%d: " % i + b"y" * 8000 + b"\r\n" for i in range(2500)],
                     seconds=20)
        table.line("20 MB of headers", "refused or closed", f"{answer.status or 'closed'} {answer.took:.1f} s",
                   answer.status in (0, 400, 413, 431))


@suite.case
def guesses_of_passwords():
    """1,000 from 40 addresses. Who is in stays in; the owner's cookie, token and password go on opening."""
    begin()
    request(T.port, "GET", "/api/v1/cameras", {"Authorization": ADMIN}, source="127.0.0.9") # as on every other day
    with Flood(BY, "1,000 logins at once"):
        where = sources(40, 40)
        addresses = [next(where) for _ in range(1000)]
        meanwhile = []
        over = threading.Event()

        def owner():
            while not over.wait(0.2):
                meanwhile.extend(request(T.port, "GET", "/api/v1/cameras", fields, source="127.0.0.9") for fields in (
                    {"Cookie": COOKIE}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": ADMIN}))

        thread = threading.Thread(target=owner)
        thread.start()
        answers = at_once(lambda i: login("admin" if i % 2 else f"user-{i}", f"guess-{i}-Passw0rd", addresses[i]), 1000, 200)
        over.set()
        thread.join()
    statuses = collections.Counter(a.status for a in answers)
    table.line("1,000 wrong passwords", "401, most of them 429", told(statuses),
               set(statuses) <= {401, 429, 0} and statuses[429] > statuses[401])
    good = collections.Counter(a.status for a in meanwhile)
    table.line("the owner meanwhile", f"200 within {HEALTH:.0f} s", f"{told(good)}, slowest {max(a.took for a in meanwhile):.2f} s",
               set(good) == {200} and max(a.took for a in meanwhile) < HEALTH)
    again = login("admin", PASSWORD, "127.0.0.9")
    table.line("the owner logs in afterwards, from where they always do", "200", str(again.status), again.status == 200)
    # Where the account was never used its own door counts, too, and is closed for some seconds after so many guesses.
    again = login("admin", PASSWORD, "127.99.0.1")
    told_wait = int(again.field("Retry-After") or 0)
    if again.status == 429:
        time.sleep(min(told_wait, 31) + 1)
        later = login("admin", PASSWORD, "127.99.0.1")
    else:
        later = again
    table.line("... and from elsewhere", "200, or 429 and 200 when it says", f"{again.status} {later.status} after {told_wait} s",
               later.status == 200 and told_wait <= 31)


def frame(opcode, length=0, payload=b"", masked=True, first=0x80):
    """The head of a frame may say more than comes."""
    size = length or len(payload)
    head = bytes([first | opcode])
    mask = 0x80 if masked else 0
    head += struct.pack("!B", mask | size) if size < 126 else struct.pack("!BH", mask | 126, size) if size < 65536 else \
        struct.pack("!BQ", mask | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


@suite.case
def websocket_floods():
    begin()
    with Flood(BY, "WebSocket floods", memory=60):
        for path, protocol in (("/ws", "sluice.v1"), ("/api/v1/events", "sluice.events.v1")):
            opened, refused = [], collections.Counter()
            for _ in range(160):
                try:
                    opened.append(WebSocket(T.port, path, protocol, {"Authorization": f"Bearer {TOKEN}"}))
                except Refused as e:
                    refused[e.status] += 1
            table.line(f"160 sockets at {path}", "some, then 429", f"{len(opened)} and {told(refused)}",
                       0 < len(opened) < 160 and set(refused) == {429})
            for s in opened:
                s.stop()
            until(lambda p=path, q=protocol: opens(p, q), 10, "there is room again")
            for name, data in {
                    "a frame of 2^62 bytes": frame(1, 1 << 62, b"x" * 1000), "of 10 MB": frame(1, 10_000_000) + b"x" * 10_000_000,
                    "a frame without a mask": frame(1, payload=b"hello", masked=False),
                    "a reserved opcode": frame(3, payload=b"x"), "reserved bits": frame(1, payload=b"x", first=0xf0),
                    "a ping of 1,000 bytes": frame(9, payload=b"x" * 1000), "a ping in pieces": frame(9, payload=b"x", first=0),
                    "a close with one byte": frame(8, payload=b"x"), "text that is no UTF-8": frame(1, payload=b"\xff\xfe"),
                    "100,000 pieces of one text": frame(1, payload=b"x", first=0) + frame(0, payload=b"x", first=0) * 100_000,
                    "a piece of nothing": frame(0, payload=b"x"), "noise": os.urandom(5000),
                    "binary": frame(2, payload=b"x" * 100)}.items():
                closed = ends(path, protocol, data)
                table.line(f"{path}: {name}", "closed", "closed" if closed else "OPEN", closed)
        with WebSocket(T.port, "/ws", "sluice.v1", {"Authorization": f"Bearer {TOKEN}"}) as s:
            s.expect("hello")
            answered = 0
            try:
                for i in range(2000):
                    s.send({"type": "join", "id": f"n{i}", "camera": "front", "sdp": "v=0\r\n" * 200} if i % 2 else "{" * 500)
                while s.receive(3):
                    answered += 1
            except OSError:
                pass
            table.line("2,000 joins and texts that are none", "refused each, or closed", f"{answered} answers, {s.closed}",
                       answered > 0)
        with WebSocket(T.port, "/ws", "sluice.v1", {"Authorization": f"Bearer {TOKEN}"}, receive_buffer=4096) as s:
            try:
                for i in range(20000): # and none of the answers is read
                    s.send({"type": "join", "id": f"n{i}", "camera": "nowhere-" + "x" * 40, "sdp": "v=0"})
                fine = False
            except OSError:
                fine = True
            table.line("20,000 messages, no answer read", "closed", "closed" if fine else "taken", fine)


def opens(path, protocol):
    try:
        WebSocket(T.port, path, protocol, {"Authorization": f"Bearer {TOKEN}"}).stop()
        return True
    except Refused:
        return False


def ends(path, protocol, data):
    with WebSocket(T.port, path, protocol, {"Authorization": f"Bearer {TOKEN}"}) as s:
        try:
            s.s.sendall(data)
            s.s.settimeout(3)
            while more := s.s.recv(65536):
                if b"\x88" in more[-80:]: # it says so, and waits for our word
                    return True
            return True
        except TimeoutError:
            return False
        except OSError:
            return True


@suite.case
def nothing_is_left():
    """Also of those that never connected: their time is over after 30 s."""
    begin()
    if SLEEPING_SINCE:
        until(lambda: len(watching(T)) == 1, max(1.0, SLEEPING_SINCE + 60 - time.monotonic()), "sessions that never connect end")
        table.line("sessions that never connect", "ended after 30 s", f"seen after {time.monotonic() - SLEEPING_SINCE:.0f} s", True)
    until(lambda: T.threads() <= FIRST[0] + 4 and T.descriptors() <= FIRST[1] + 8, 30, f"from {T.threads()} to {FIRST}")
    more = T.threads() - FIRST[0], T.descriptors() - FIRST[1], T.resident() - FIRST[2]
    table.line("left by all floods", "near the start", "{:+d} threads {:+d} fds {:+.0f} MB".format(*more), more[2] < 120)
    bad = [line for line in T.output().splitlines() if "assertion" in line or "CRITICAL" in line]
    table.line("failed assertions", "none", bad[0] if bad else "none", not bad)
    table.line("lines of log", "< 2,000", str(len(T.output().splitlines())), len(T.output().splitlines()) < 2000)
    table.line("the honest viewer's session", "one, all the time", str(BY.viewer.closed or "one"), not BY.viewer.closed)


if __name__ == "__main__":
    raise SystemExit(suite.main())
