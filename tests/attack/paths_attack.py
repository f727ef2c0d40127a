#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Paths and framing: what is spelled strangely is refused or means the same to the rule and to the handler; a connection
carries one request, so that nothing can be hidden behind another."""
import os

from attack import ADMIN, AttackSuite, launcher, raw, request
from harness import until

suite = AttackSuite()
table = suite.table
T = None
SECRET = (b'"cameras"', b"WebSocket", b"openapi", b"import ", b'"viewers"') # what only those who may would read
PROTECTED = "/api/v1/cameras"
CLOSED = (0, 400, 401, 404, 405, 414, 505)
AUTHORIZED = {"Authorization": ADMIN}


def begin():
    global T # pylint: disable=global-statement
    T = T or launcher(suite)


# The server takes dots out and decodes once (RFC 3986 section 6.2.2), before anybody asks what is allowed.
SAME = {"/%61pi/v1/cameras", "/api/v1%2fcameras", "/api/v1/cameras?x=/healthz", "/api/v1/cameras?", "/api/v1/cameras#/healthz",
        "/./api/v1/cameras", "/api/./v1/cameras", "/healthz/../api/v1/cameras", "/login/../api/v1/cameras",
        "/healthz/%2e%2e/api/v1/cameras", "/healthz/.%2e/api/v1/cameras", "/healthz;/../api/v1/cameras",
        "/healthz%00/../api/v1/cameras", "/./app.js", "/x/../app.js", "/ws/.."}
SPELLINGS = [(s, s in SAME) for s in (
                 *sorted(SAME),
                 "//api/v1/cameras", "/api//v1/cameras", "/api/v1//cameras", "/api/v1/cameras/", "/api/v1/cameras//",
                 
                 "/healthz%2f..%2fapi/v1/cameras",
                 "/healthz/..%2fapi/v1/cameras", "/healthz%2f%2e%2e%2fapi%2fv1%2fcameras", "/%2e%2e/%2e%2e/etc/passwd",
                 "/..%2f..%2f..%2fetc%2fpasswd", "/healthz/..;/api/v1/cameras", 
                 "/healthz;x=/api/v1/cameras", "/api/v1/cameras;x=1", "/api;x/v1/cameras", "/api/v1/cameras%3b",
                 "/api/v1/cameras%00", "/api/v1/cameras%00.svg", "/icon.svg%00/api",
                 "/api/v1/cameras%20", "/api/v1/cameras%09", "/api/v1/cameras%0a", "/api/v1/cameras%0d%0aX-A:%20b",
                 "/api/v1/cameras.svg", "/api/v1/cameras.", "/api/v1/cameras~", "/api/v1/cameras%3fx", "/api/v1/cameras%23",
                 "/API/v1/cameras", "/Api/V1/Cameras", "/api/v1x/cameras", "/api/v1cameras", "/api/v1", "/api/", "/apix",
                 "/healthz/api/v1/cameras", "/healthzz", "/login/x", "/loginx", "/icon.svg/", "/icon.svg/x",
                 "/api%252fv1%252fcameras", "/%252e%252e/api/v1/cameras", "/healthz/%c0%ae%c0%ae/api/v1/cameras",
                 "/api%c0%afv1%c0%afcameras", "/%e0%80%af", "/%ff%fe", "/%", "/%2", "/%zz", "/%u002fapi",
                 "/healthz\\..\\api\\v1\\cameras", "/healthz%5c..%5capi", "\\api\\v1\\cameras", "/wsb", "/wsx/front", "/ws//",
                 "/ws/front/", "/ws/front/x", "/whepx/front", "/whep", "/whep/", "/whep//front", "/whep/front/",
                 "/whep/front/x/y", "/whep/%66ront%2f..", "/whep/front%00/x", "/whep/..%2fapi", "/whepapi/v1/cameras",
                 "/api/v1/eventsx", "/api/v1/events/", "/app.js/", "/APP.JS", "/app.js%00", 
                 "/index.html", "/openapi.json", "/sluice/web/app.js", "/.git/config", "/server-status", "/~root")]


@suite.case
def strange_spellings_of_a_path():
    begin()
    for path, may_be_the_same in SPELLINGS:
        nobody = request(T.port, "GET", path)
        known = request(T.port, "GET", path, AUTHORIZED)
        found = any(s in nobody.body for s in SECRET)
        to_login = path == "/ws/.." and nobody.status == 303 # as of "/"
        fine = (nobody.status in CLOSED or to_login) and not found
        # As it would be read by whoever stands in front of us and has rules by path.
        fine &= known.status in (*CLOSED, *([200] if may_be_the_same else []))
        table.line(path, "refused" + ("; or as the plain one" if may_be_the_same else ""),
                   f"{nobody.status or 'closed'}; admin {known.status or 'closed'}", fine)


@suite.case
def forms_of_the_request_target():
    begin()
    host = f"127.0.0.1:{T.port}"
    for target in (f"http://{host}/api/v1/cameras", "http://evil.example/api/v1/cameras", f"https://{host}/api/v1/cameras",
                   "http://admin:x@evil.example/api/v1/cameras", "http://evil.example/healthz/../api/v1/cameras",
                   "file:///etc/passwd", "ftp://x/y", "//evil.example/api/v1/cameras", "api/v1/cameras", "*", "", "?", "#",
                   "http://", "http:///api/v1/cameras", "http://[::1/api", "http://[::1]:99999/api/v1/cameras"):
        answer = raw(T.port, f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        fine = answer.status in (*CLOSED, 303) and not any(s in answer.body for s in SECRET)
        table.line(f"GET {target or '(nothing)'}", "refused", f"{answer.status or 'closed'} {answer.field('Location')}",
                   fine and answer.field("Location") in ("", "login"))


def lines(*parts):
    return "\r\n".join(parts).encode("latin-1")


@suite.case
def hidden_requests():
    """One answer at most, and never that of the request behind."""
    begin()
    host = f"Host: 127.0.0.1:{T.port}"
    behind = lines(f"GET {PROTECTED} HTTP/1.1", host, f"Authorization: {ADMIN}", "", "")
    post = "POST /api/v1/login HTTP/1.1"
    kind = "Content-Type: application/json"
    cases = {
        "two requests at once": lines("GET /healthz HTTP/1.1", host, "", "") + behind,
        "100 requests at once": lines("GET /healthz HTTP/1.1", host, "", "") * 100,
        "Content-Length twice, unlike": lines(post, host, kind, "Content-Length: 2", f"Content-Length: {2 + len(behind)}", "",
                                              "{}") + behind,
        "Content-Length twice, alike": lines(post, host, kind, "Content-Length: 2", "Content-Length: 2", "", "{}") + behind,
        "Content-Length list": lines(post, host, kind, "Content-Length: 2, 2", "", "{}") + behind,
        "Content-Length and chunked": lines(post, host, kind, "Content-Length: 5", "Transfer-Encoding: chunked", "", "0", "", "")
        + behind,
        "chunked and Content-Length": lines(post, host, kind, "Transfer-Encoding: chunked", "Content-Length: 5", "", "0", "", "")
        + behind,
        "chunked, a blank before the colon": lines(post, host, kind, "Transfer-Encoding : chunked", "Content-Length: 5", "",
                                                   "0", "", "") + behind,
        "chunked spelled with a tab": lines(post, host, kind, "Transfer-Encoding:\tchunked", "", "0", "", "") + behind,
        "chunked with a vertical tab": lines(post, host, kind, "Transfer-Encoding:\x0bchunked", "", "0", "", "") + behind,
        "xchunked": lines(post, host, kind, "Transfer-Encoding: xchunked", "", "0", "", "") + behind,
        "identity, chunked": lines(post, host, kind, "Transfer-Encoding: identity, chunked", "", "0", "", "") + behind,
        "chunked in HTTP/1.0": lines(post.replace("1.1", "1.0"), host, kind, "Transfer-Encoding: chunked", "", "0", "", "")
        + behind,
        "Content-Length negative": lines(post, host, kind, "Content-Length: -1", "", "{}") + behind,
        "Content-Length +2": lines(post, host, kind, "Content-Length: +2", "", "{}") + behind,
        "Content-Length 0x2": lines(post, host, kind, "Content-Length: 0x2", "", "{}") + behind,
        "Content-Length of 2^64": lines(post, host, kind, "Content-Length: 18446744073709551616", "", "{}") + behind,
        "a chunk of 2^64": lines(post, host, kind, "Transfer-Encoding: chunked", "", "10000000000000000", "{}", "") + behind,
        "a chunk of -1": lines(post, host, kind, "Transfer-Encoding: chunked", "", "-1", "{}", "") + behind,
        "a chunk longer than said": lines(post, host, kind, "Transfer-Encoding: chunked", "", "2", "{}{}", "0", "", "") + behind,
        "a chunk with an extension": lines(post, host, kind, "Transfer-Encoding: chunked", "", "2;x=\n", "{}", "0", "", "")
        + behind,
        "a folded header": lines("GET /healthz HTTP/1.1", host, "X: y", f" Authorization: {ADMIN}", "", "") + behind,
        "a header before the first": lines("GET /healthz HTTP/1.1", " X: y", host, "", "") + behind,
        "lines that end with LF": b"GET /healthz HTTP/1.1\nHost: x\n\n" + behind,
        "lines that end with CR": b"GET /healthz HTTP/1.1\rHost: x\r\r" + behind,
        "NUL in a header": lines("GET /healthz HTTP/1.1", host, "X: a\0b", "", "") + behind,
        "NUL behind a header's name": lines("GET /healthz HTTP/1.1", host, "Transfer-Encoding\0: chunked", "", "") + behind,
        "a body on GET": lines("GET /healthz HTTP/1.1", host, f"Content-Length: {len(behind)}", "", "") + behind,
        "Upgrade that is none": lines("GET /healthz HTTP/1.1", host, "Connection: Upgrade", "Upgrade: h2c",
                                      "HTTP2-Settings: AAMAAABkAAQAAP__", "", "") + behind,
        "Upgrade to WebSocket elsewhere": lines("GET /healthz HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket",
                                                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
                                                "", "") + behind,
        "Expect: 100-continue": lines(post, host, kind, "Expect: 100-continue", "Content-Length: 2", "", "{}") + behind,
    }
    for name, data in cases.items():
        answer = raw(T.port, data, seconds=3, end=True)
        found = b'"cameras"' in answer.data
        interim = answer.data.startswith(b"HTTP/1.1 100")
        table.line(name, "one answer, not of the other", f"{answer.answers()}: {answer.status or 'closed'}",
                   answer.answers() <= 1 + interim and not found)
    table.equal("still there", 200, request(T.port, "GET", "/healthz").status)


@suite.case
def no_http_at_all():
    begin()
    for name, data in {
            "HTTP/0.9": b"GET /api/v1/cameras\r\n", "HTTP/1.0, no Host": b"GET /api/v1/cameras HTTP/1.0\r\n\r\n",
            "HTTP/1.1, no Host": b"GET /api/v1/cameras HTTP/1.1\r\n\r\n",
            "two Hosts": b"GET /api/v1/cameras HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "a Host that is none": b"GET /api/v1/cameras HTTP/1.1\r\nHost: a b\"><script>\r\n\r\n",
            "HTTP/9.9": b"GET /api/v1/cameras HTTP/9.9\r\nHost: x\r\n\r\n", "HTTP/-1": b"GET /api/v1/cameras HTTP/-1.-1\r\n\r\n",
            "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
            "TLS": bytes.fromhex("16030100a5010000a10303") + os.urandom(160), "SSH": b"SSH-2.0-x\r\n",
            "RTSP": b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", "zeros": bytes(4096), "noise": os.urandom(20000),
            "only line ends": b"\r\n" * 5000, "a method of 50 KB": b"A" * 50000 + b" / HTTP/1.1\r\n\r\n",
            "two blanks": b"GET  /api/v1/cameras  HTTP/1.1\r\nHost: x\r\n\r\n",
            "tabs": b"GET\t/api/v1/cameras\tHTTP/1.1\r\nHost: x\r\n\r\n"}.items():
        answer = raw(T.port, data, seconds=3, end=True)
        table.line(name, "refused", str(answer.status or "closed"),
                   answer.status in CLOSED and not any(s in answer.body for s in SECRET))
    table.equal("still there", 200, request(T.port, "GET", "/healthz").status)


@suite.case
def answers_do_not_grow():
    """By many ranges, or by what a header repeats."""
    begin()
    whole = request(T.port, "GET", "/app.js", AUTHORIZED)
    assert whole.status == 200, whole.data[:300]
    for name, fields in {"3000 ranges, all of it": {"Range": "bytes=" + ",".join(["0-"] * 3000)},
                         "5000 single bytes": {"Range": "bytes=" + ",".join(f"{2 * i}-{2 * i}" for i in range(5000))},
                         "one range beyond": {"Range": "bytes=99999999-"},
                         "a range backwards": {"Range": "bytes=9-3"},
                         "a range of 2^63": {"Range": "bytes=0-9223372036854775807"},
                         "two ranges of 2^63": {"Range": "bytes=0-9223372036854775807,9223372036854775807-"}}.items():
        answer = request(T.port, "GET", "/app.js", {**AUTHORIZED, **fields}, seconds=10)
        bound = 4 * len(whole.data) + 4096
        table.line(name, f"at most {bound} bytes, 1 s", f"{answer.status}, {len(answer.data)} bytes, {answer.took:.2f} s",
                   answer.status in (0, 200, 206, 400, 416) and len(answer.data) <= bound and answer.took < 1)
    open_one = request(T.port, "GET", "/style.css", {"Range": "bytes=" + ",".join(["0-"] * 3000)}, seconds=10)
    table.line("3000 ranges of what is open", "at most 100 KB", f"{len(open_one.data)} bytes", len(open_one.data) < 100_000)
    until(lambda: request(T.port, "GET", "/healthz").status == 200, 5, "/healthz")
    errors = [line for line in T.output().splitlines() if "assertion" in line]
    table.line("no assertion failed", "none", errors[0] if errors else "none", not errors)


if __name__ == "__main__":
    raise SystemExit(suite.main())
