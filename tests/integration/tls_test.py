#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher over TLS: certificates of its own and from files, what comes over it, what does not."""
import hashlib
import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import JSON, cameras, contains, equal, hup, log_in  # noqa: E402
from churn import Watchers  # noqa: E402
from harness import BASIC, PASSWORD, Camera, Sluice, Suite, any_certificate, until  # noqa: E402
from socket_client import WebSocket  # noqa: E402

suite = Suite()
case = suite.case
HERE = Path(suite.directory)
S = CAMERA = None


def shown(port):
    """SHA-256 of the certificate that a new connection sees, as people write it."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain, any_certificate().wrap_socket(plain) as s:
        digits = hashlib.sha256(s.getpeercert(binary_form=True)).hexdigest().upper()
    return ":".join(digits[i:i + 2] for i in range(0, len(digits), 2))


def make(name, *options):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                    "-subj", f"/CN={name}", "-keyout", HERE / f"{name}.key", "-out", HERE / f"{name}.crt", *options],
                   check=True, capture_output=True)
    return HERE / f"{name}.crt", HERE / f"{name}.key"


def place(pair):
    """As the files that the launcher has been given; each appears as a whole, one after the other."""
    for source, name in zip(pair, ("cert.pem", "key.pem")):
        draft = HERE / (name + ".new")
        draft.write_bytes(source.read_bytes())
        draft.chmod(0o600)
        draft.rename(HERE / name)


@case
def a_certificate_of_its_own_is_made_printed_and_kept():
    global S, CAMERA
    CAMERA = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15"))
    described = {"front": {"main": CAMERA.url()}}
    S = suite.keep(Sluice(suite.directory, described, server={"tls": "self-signed"}))
    equal(stat.S_IMODE((S.state / "tls.pem").stat().st_mode), 0o600)
    print_ = shown(S.port)
    until(lambda: "certificate: SHA-256 " in S.output(), 5, "the fingerprint is printed")
    contains(S.output(), f"certificate: SHA-256 {print_} (self-signed)")
    contains(S.output(), f"on https://127.0.0.1:{S.port}/")
    port, state = S.port, S.state
    equal(suite.close(S), 0)
    S = suite.keep(Sluice(suite.directory, described, port=port, state=state, server={"tls": "self-signed"}))
    equal(shown(S.port), print_, "after a restart")


@case
def everything_comes_over_tls():
    until(lambda: cameras(S)["front"]["state"] == "streaming", 20, "it streams")
    watchers = suite.keep(Watchers(S, "front", 2))
    watchers.wait_for(10)
    suite.close(watchers)
    cookie = log_in(S)
    for path, protocol in (("/api/v1/events", "sluice.events.v1"), ("/ws", "sluice.v1")):
        for headers in (BASIC, {**cookie, "Origin": f"https://127.0.0.1:{S.port}"}):
            with WebSocket(S.port, path, protocol, headers, tls=any_certificate()) as ws:
                if path != "/ws":
                    equal(ws.expect("cameras")["cameras"][0]["name"], "front")
                else:
                    ws.send({"type": "ping"})
                    assert ws.receive() is not None, ws.closed


@case
def the_cookie_goes_over_tls_only():
    status, fields, body = S.get("/api/v1/login", auth=None, method="POST", headers=JSON,
                                 body=json.dumps({"user": "admin", "password": PASSWORD}).encode())
    equal(status, 200, body)
    for flag in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/;"):
        contains(fields["Set-Cookie"], flag)


@case
def plain_http_is_told_what_to_do():
    with socket.create_connection(("127.0.0.1", S.port), 10) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    contains(answer, "400 Bad Request")
    contains(answer, "https://")
    equal(S.get("/healthz", auth=None)[0], 200)


@case
def silent_handshakes_hold_up_nobody():
    threads = S.threads()
    silent = [socket.create_connection(("127.0.0.1", S.port), 10) for _ in range(50)]
    for i, s in enumerate(silent):
        s.sendall(b"\x16\x03\x01\x02\x00\x01"[:i % 7])
    equal(S.get("/healthz", auth=None)[0], 200)
    assert S.threads() <= threads + 2, (threads, S.threads())
    for s in silent:
        s.close()


@case
def files_are_taken_over_while_it_runs():
    a, b = make("a"), make("b")
    place(a)
    s = suite.keep(Sluice(suite.directory, {"front": {"main": CAMERA.url()}}, name="files",
                          server={"tls": {"cert": "cert.pem", "key": "key.pem"}}))
    first = shown(s.port)
    with WebSocket(s.port, "/api/v1/events", "sluice.events.v1", BASIC, tls=any_certificate()) as ws:
        ws.expect("cameras")
        place(b)
        until(lambda: shown(s.port) != first, 15, "the new certificate is shown")
        second = shown(s.port)
        contains(s.output(), f"the certificate is another now, SHA-256 {second}")
        s.news()
        place((a[0], b[1]))
        until(lambda: "the key does not belong to the certificate; the certificate stays as it was" in s.output(), 15,
              "the broken pair is told")
        equal(shown(s.port), second)
        place(a)
        hup(s)
        until(lambda: shown(s.port) == first, 3, "SIGHUP takes it at once")
        equal(ws.closed, None)
        ws.send_frame(9, b"still there")
        ws.receive(0.5)
        equal(ws.closed, None, "the connection that was there goes on")
    equal(s.output().count("does not belong"), 1)
    assert "PRIVATE" not in s.output()
    equal(suite.close(s), 0)


@case
def a_pair_that_cannot_be_used_is_an_error_at_the_start():
    (HERE / "cert.pem").write_text("nothing")
    s = suite.keep(Sluice(suite.directory, {"front": {"main": CAMERA.url()}}, name="broken", wait=False,
                          server={"tls": {"cert": "cert.pem", "key": "key.pem"}}))
    until(lambda: not s.running(), 10, "it ends")
    equal(suite.close(s), 78)
    contains(s.output(), f"{HERE}/cert.pem, {HERE}/key.pem: no certificate in PEM can be read")


@case
def clear_text_is_told_once_where_others_can_listen():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": CAMERA.url()}}, name="clear", server={"address": "0.0.0.0"}))
    until(lambda: "in clear text" in s.output(), 5, "the warning")
    equal(s.output().count("in clear text"), 1)
    equal(suite.close(s), 0)
    equal(suite.close(S), 0, "SIGTERM ends in order")
    assert "in clear text" not in S.output()


if __name__ == "__main__":
    sys.exit(suite.main())
