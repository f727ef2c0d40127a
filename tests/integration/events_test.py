#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""State pushed to pages, GET /api/v1/events: who gets in, what is said, what ends it. The real program."""
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import NOWHERE, delete, put  # noqa: E402
from harness import BASIC, BUILD, PASSWORD, Camera, Sluice, Suite, until  # noqa: E402
from socket_client import Refused, WebSocket  # noqa: E402

suite = Suite()
case = suite.case
PROTOCOL = "sluice.events.v1"
camera = sluice = None


def login():
    status, fields, _ = sluice.get("/api/v1/login", auth=None, method="POST", headers={"Content-Type": "application/json"},
                                   body=json.dumps({"user": "admin", "password": PASSWORD}).encode())
    assert status == 200
    return {"Cookie": fields["Set-Cookie"].split(";")[0], "Origin": sluice.base}


def run_sluice(*arguments, text):
    return subprocess.run([BUILD / "launcher/sluice", *arguments], input=text, text=True, capture_output=True, timeout=20,
                          check=False).returncode


def events(headers=None, protocol=PROTOCOL, path="/api/v1/events", **options):
    return WebSocket(sluice.port, path, protocol, BASIC if headers is None else headers, **options)


def refused(status, **arguments):
    try:
        events(**arguments).stop()
    except Refused as e:
        assert e.status == status, e
        assert json.loads(e.body)["status"] == status
        return
    raise AssertionError(f"let in: {arguments}")


@case
def only_who_may_see_the_cameras_gets_in():
    global camera, sluice
    camera = suite.keep(Camera(suite.directory, "--width", "160", "--height", "96", "--fps", "5", "--gop", "1"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}, "none": {"main": "rtsp://127.0.0.1:1/x"}}))
    mine = login()
    refused(401, headers={})
    refused(401, headers={"Authorization": "Basic eDp5"})
    refused(401, headers={"Cookie": mine["Cookie"] + "x"})
    refused(403, headers={**mine, "Origin": "http://evil.example"})
    refused(403, headers={**mine, "Origin": "null"})
    refused(403, headers={**BASIC, "Origin": "http://evil.example"}) # a browser adds a password that it knows by itself
    refused(400, protocol="sluice.events.v2")
    assert sluice.get("/api/v1/events")[0] == 400, "no WebSocket"
    assert sluice.get("/api/v1/events", method="POST")[0] == 405
    for headers in (mine, BASIC):
        socket = events(headers)
        assert f"sec-websocket-protocol: {PROTOCOL}" in socket.head.lower()
        assert "connection: close" not in socket.head.lower()
        assert socket.receive()["type"] == "cameras"
        socket.stop()


@case
def the_list_comes_first_then_only_what_changes():
    def streaming():
        return {c["name"]: c["state"] for c in json.loads(sluice.get("/api/v1/cameras")[2])["cameras"]}

    until(lambda: streaming()["front"] == "streaming", 20, "the camera streams")
    socket = events()
    first = socket.receive()
    assert [c["name"] for c in first["cameras"]] == ["front", "none"], first
    assert set(first["cameras"][0]) == set(json.loads(sluice.get("/api/v1/cameras")[2])["cameras"][0])
    camera.stop(signal.SIGKILL)
    told = time.monotonic()
    lost = socket.expect("camera", 15, lambda m: m["camera"]["name"] == "front" and m["camera"]["state"] == "backoff")
    assert lost["camera"]["reason"], lost
    suite.close(camera)
    suite.keep(Camera(suite.directory, "--width", "160", "--height", "96", "--fps", "5", "--gop", "1", port=camera.port,
                      name="again"))
    seen = []
    until(lambda: (m := socket.receive(1)) and seen.append(m) or
          m and m["camera"]["name"] == "front" and m["camera"]["state"] == "streaming", 20, "told that it is back")
    # What changes is told each 250 ms, what does not each 2 s. When it was told is not when it is read here.
    took = time.monotonic() - told
    assert len([m for m in seen if m["camera"]["name"] == "front"]) <= 2 + took / 0.25 + took / 2, seen
    socket.stop()


@case
def a_wait_for_the_next_attempt_is_told_once():
    with events() as socket:
        put(sluice, "waits", NOWHERE)
        told, end = [], time.monotonic() + 6
        while time.monotonic() < end:
            message = socket.receive(0.5)
            if message and message.get("camera", {}).get("name") == "waits":
                stream = message["camera"]["streams"][0]
                if stream["next-attempt-seconds"]:
                    told.append((stream["attempts"], stream["next-attempt-seconds"]))
        assert len(told) >= 2, told
        assert len({attempts for attempts, _ in told}) == len(told), f"more than once: {told}"
    delete(sluice, "waits")


@case
def it_ends_with_the_login():
    mine = login()
    socket, other, tool = events(mine), events(login()), events()
    assert sluice.get("/api/v1/logout", auth=None, method="POST", headers=mine)[0] == 204
    assert socket.until_closed(15) == (1008, "the login has ended")
    assert other.receive(1) and other.closed is None
    assert sluice.get("/api/v1/cameras")[0] == 200
    sluice.get("/api/v1/logout", auth=None, method="POST", headers={**BASIC, "Origin": sluice.base})
    assert tool.receive(1) and tool.closed is None
    other.stop()
    tool.stop()


@case
def it_ends_with_the_credentials():
    socket = events()
    changed = run_sluice("passwd", "--state", sluice.state, text="another-password\n")
    assert changed == 0
    assert sluice.get("/api/v1/cameras")[0] == 401 # looks at the accounts
    assert socket.until_closed(5)[0] == 1008, socket.closed
    assert run_sluice("passwd", "--state", sluice.state, text=PASSWORD + "\n") == 0
    assert sluice.get("/api/v1/cameras")[0] == 200


@case
def who_talks_or_does_not_understand_is_closed():
    for act in (lambda s: s.send({"type": "hello"}), lambda s: s.send("x" * 100)):
        socket = events()
        act(socket)
        assert socket.until_closed(5)[0] == 1008, socket.closed
        socket.stop()
    socket = events()
    socket.s.sendall(b"\xff" * 64) # reserved bits, no such opcode
    assert socket.until_closed(10), "closed"
    socket.stop()


@case
def their_number_is_bounded_and_nothing_is_left():
    before = sluice.descriptors()
    sockets = []
    try:
        for _ in range(64):
            sockets.append(events())
        refused(429)
        assert sluice.get("/healthz", auth=None)[0] == 200
    finally:
        for socket in sockets:
            socket.stop()
    until(lambda: sluice.descriptors() <= before + 2, 10, "descriptors are back")
    socket = events()
    assert socket.receive()["type"] == "cameras"
    socket.stop()


@case
def who_reads_stays_connected_who_does_not_is_closed():
    reads, deaf = events(), events()
    end = time.monotonic() + 38 # longer than a request may take, and than a ping may stay without answer
    while time.monotonic() < end:
        reads.receive(1)
        assert reads.closed is None, reads.closed
    assert reads.pings, "a ping each 20 s"
    assert deaf.until_closed(10) == (1008, "the client does not read"), deaf.closed
    reads.stop()
    deaf.stop()


@case
def at_the_end_everybody_is_told():
    socket, silent = events(), events()
    assert suite.close(sluice) == 0, sluice.output()[-2000:]
    socket.expect("going-away", 5)
    assert socket.until_closed(5)[0] == 1001
    silent.stop()
    assert "CRITICAL" not in sluice.output() and "WARNING" not in sluice.output(), sluice.output()


if __name__ == "__main__":
    sys.exit(suite.main())
