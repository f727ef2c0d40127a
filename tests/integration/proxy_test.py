#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher behind a real nginx: below a path, TLS at the proxy, credentials that the proxy adds, who is who."""
import base64
import http.client
import json
import re
import sys
from pathlib import Path
from urllib.parse import urljoin, urlparse

for place in ("e2e", "support"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / place))
# pylint: disable=wrong-import-position
from api import JSON, OFFER, cameras, contains, equal  # noqa: E402
from churn import Watchers  # noqa: E402
from harness import BASIC, PASSWORD, Camera, Sluice, Suite, any_certificate, until  # noqa: E402
from nginx import TELLS, UPGRADE, Nginx  # noqa: E402
from socket_client import Refused, WebSocket  # noqa: E402

suite = Suite()
case = suite.case
S = N = None
SITE, EVENTS = "/site-7", ("/api/v1/events", "sluice.events.v1")
SIGNALLING = ("/ws", "sluice.v1")


def ask(path, method="GET", body=None, headers=None, source="127.0.0.1", port=None):
    """(status, headers, body); with a port: the launcher itself, in clear text."""
    where = ("127.0.0.1", port or N.port)
    options = {"timeout": 10, "source_address": (source, 0)}
    connection = (http.client.HTTPConnection(*where, **options) if port else
                  http.client.HTTPSConnection(*where, context=any_certificate(), **options))
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def below(url, at):
    """The path that a link leads to; it stays with this site."""
    full = urlparse(urljoin(N.base + at, url))
    equal(full.netloc, f"127.0.0.1:{N.port}", url)
    assert full.path.startswith(SITE + "/"), f"{url} at {at} leads to {full.path}"
    return full.path


def log_in(prefix=SITE, origin=True, source="127.0.0.1", password=PASSWORD, headers=None):
    return ask(prefix + "/api/v1/login", "POST", json.dumps({"user": "admin", "password": password}),
               {**JSON, **({"Origin": N.base} if origin else {}), **(headers or {})}, source=source)


def connect(prefix, what, headers=None):
    with WebSocket(N.port, prefix + what[0], what[1], {"Host": f"127.0.0.1:{N.port}", **(headers or {})},
                   tls=any_certificate()) as ws:
        if what is EVENTS:
            equal(ws.expect("cameras")["cameras"][0]["name"], "front")
        else:
            ws.send({"type": "ping"})
            assert ws.receive() is not None, ws.closed


def refused(prefix, what, headers=None):
    try:
        connect(prefix, what, headers)
    except Refused as e:
        return e.status
    raise AssertionError("it was let in")


@case
def it_starts_behind_nginx():
    global S, N
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15"))
    S = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}},
                          server={"trusted-proxies": ["127.0.0.1"], "allowed-origins": ["https://hq.example"]}))
    prefix = "\n            proxy_set_header X-Forwarded-Prefix /site-7;"
    N = suite.keep(Nginx(suite.directory, S.base, {
        SITE + "/": TELLS + prefix,
        "/inject/": TELLS + f'\n            proxy_set_header Authorization "{BASIC["Authorization"]}";',
        "/strip/": TELLS + '\n            proxy_set_header Authorization "";',
        "/bare/": UPGRADE,
        "/rfc/": UPGRADE + """
            proxy_set_header Host $http_host;
            proxy_set_header Forwarded "for=$remote_addr;proto=$scheme;host=\\"$http_host\\"";""",
    }))
    until(lambda: cameras(S)["front"]["state"] == "streaming", 20, "it streams")
    equal(ask(SITE + "/healthz")[0], 200)
    equal(ask(SITE + "/readyz")[2], b"ready\n")


@case
def every_link_of_the_pages_stays_below_the_prefix():
    status, fields, _ = ask(SITE + "/")
    equal(status, 303)
    login = below(fields["Location"], SITE + "/")
    equal(login, SITE + "/login")
    status, fields, body = log_in()
    equal(status, 200, body)
    cookie = fields["Set-Cookie"]
    for part in ("; Path=/site-7/;", "; Secure", "; HttpOnly", "; SameSite=Strict"):
        contains(cookie, part)
    mine = {"Cookie": cookie.split(";")[0]}
    seen = set()
    for page in (login, SITE + "/"):
        status, _, body = ask(page, headers=mine)
        equal(status, 200, page)
        links = re.findall(r'(?:src|href)="([^"#]+)"', body.decode())
        assert links, page
        seen |= {below(link, page) for link in links}
    for path in set(seen):
        status, fields, body = ask(path, headers=mine)
        equal(status, 200, path)
        if path.endswith(".js"):
            seen |= {below(link, path) for link in re.findall(r'from "([^"]+)"', body.decode())}
    for path in seen:
        equal(ask(path, headers=mine)[0], 200, path)
    assert len(seen) > 6, seen
    status, fields, _ = ask(SITE + "/api/v1/logout", "POST", headers={**mine, "Origin": N.base})
    equal(status, 204)
    contains(fields["Set-Cookie"], "; Path=/site-7/;")


@case
def viewers_come_through_it():
    sdp = {**BASIC, "Content-Type": "application/sdp"}
    status, fields, body = ask(SITE + "/whep/front", "POST", OFFER, sdp)
    equal(status, 201, body)
    session = below(fields["Location"], SITE + "/whep/front")
    equal(ask(session, "DELETE", headers=BASIC)[0], 200)
    N.base += SITE
    try:
        watchers = suite.keep(Watchers(N, "front", 2))
        watchers.wait_for(10)
        suite.close(watchers)
    finally:
        N.base = N.base.removesuffix(SITE)


@case
def websockets_take_the_credentials_that_the_proxy_adds():
    for what in (EVENTS, SIGNALLING):
        connect("/inject", what)
        connect("/inject", what, {"Origin": N.base})
        equal(refused("/strip", what, BASIC), 401, "a proxy that takes them away")
        equal(refused(SITE, what), 401)
        connect(SITE, what, BASIC)


@case
def pages_of_this_site_and_of_allowed_ones_may_connect():
    mine = {"Cookie": log_in()[1]["Set-Cookie"].split(";")[0]}
    for what in (EVENTS, SIGNALLING):
        connect(SITE, what, {**mine, "Origin": N.base})
        connect(SITE, what, {**mine, "Origin": "https://hq.example"})
        connect("/inject", what, {"Origin": "https://hq.example", "Sec-Fetch-Site": "cross-site"})
        for evil in ("https://evil.example", "https://hq.example.evil", "null", "http://hq.example",
                     "https://evil.example, https://hq.example"):
            equal(refused(SITE, what, {**mine, "Origin": evil}), 403, evil)
            equal(refused("/inject", what, {"Origin": evil}), 403, evil)
    equal(log_in(headers={"Origin": "https://evil.example"})[0], 403)
    # Nothing is told of the name by which the browser knows us, but the browser itself knows that it is one site.
    equal(log_in("/bare")[0], 403)
    equal(log_in("/bare", headers={"Sec-Fetch-Site": "same-origin"})[0], 200)
    equal(log_in("/rfc")[0], 200)
    contains(log_in("/rfc")[1]["Set-Cookie"], "; Secure")


def blamed():
    found = re.findall(r"wrong user or password from (\S+)", S.news())
    return found[-1] if found else None


def guess(path, source, headers=None, port=None):
    S.news()
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:guess-" + source.encode()).decode()}
    status = ask(path + "/api/v1/cameras", headers={**wrong, **(headers or {})}, source=source, port=port)[0]
    return status, blamed()


@case
def who_is_blamed_is_the_client_and_nobody_it_names():
    equal(guess(SITE, "127.0.0.11"), (401, "127.0.0.11"))
    equal(guess(SITE, "127.0.0.11", {"X-Forwarded-For": "192.0.2.1"}), (401, "127.0.0.11"))
    equal(guess("/rfc", "127.0.0.12"), (401, "127.0.0.12"))
    equal(guess("/rfc", "127.0.0.12", {"X-Forwarded-For": "192.0.2.1"}), (401, "127.0.0.1"), "neither is believed")
    equal(guess(SITE, "127.0.0.12", {"Forwarded": "for=192.0.2.1"}), (401, "127.0.0.1"))
    for name, value in (("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1")):
        equal(guess("", "127.0.0.13", {name: value}, S.port), (401, "127.0.0.13"), "no proxy")
    status, fields, _ = ask("/api/v1/login", "POST", json.dumps({"user": "admin", "password": PASSWORD}),
                            {**JSON, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https",
                             "X-Forwarded-Prefix": "/x"}, source="127.0.0.14", port=S.port)
    equal(status, 200)
    assert "Secure" not in fields["Set-Cookie"] and "Path=/;" in fields["Set-Cookie"], fields["Set-Cookie"]


@case
def one_clients_guesses_do_not_close_the_door_for_others():
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:guess").decode()}

    def shut():
        """For longer than the next looks take."""
        status, fields, _ = ask(SITE + "/api/v1/cameras", headers=wrong, source="127.0.0.21")
        return status == 429 and int(fields["Retry-After"]) >= 4

    until(shut, 60, "the door closes")
    equal(ask(SITE + "/api/v1/cameras", headers=BASIC, source="127.0.0.22")[0], 200)
    equal(ask(SITE + "/api/v1/cameras", headers=BASIC, source="127.0.0.21")[0], 429)


@case
def viewers_are_listed_with_their_own_address():
    status, _, body = ask(SITE + "/whep/front", "POST", OFFER, {**BASIC, "Content-Type": "application/sdp"}, source="127.0.0.31")
    equal(status, 201, body)
    listed = json.loads(ask(SITE + "/api/v1/viewers", headers=BASIC)[2])["viewers"]
    assert "127.0.0.31" in [v["peer"] for v in listed], listed


@case
def a_prefix_that_the_proxy_does_not_say_can_be_configured():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="configured",
                          server={"trusted-proxies": ["127.0.0.1"], "path-prefix": "/yard"}))
    body = json.dumps({"user": "admin", "password": PASSWORD})
    for source, path in (("127.0.0.1", "/yard/"), ("127.0.0.41", "/")):
        status, fields, _ = ask("/api/v1/login", "POST", body, JSON, source=source, port=s.port)
        equal(status, 200)
        contains(fields["Set-Cookie"], f"; Path={path};")


if __name__ == "__main__":
    sys.exit(suite.main())
