#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages of other sites in a browser that has a login here: what they can send on its behalf, read, or frame."""
import json
import re

from attack import ADMIN, AttackSuite, all_routes, launcher, request, upgrade
from harness import PASSWORD

suite = AttackSuite()
table = suite.table
T = None
COOKIE = ""
ROUTES = []
OTHERS = { # what a browser says of pages that are not ours
    "another host": {"Origin": "http://evil.example"},
    "a sandboxed page": {"Origin": "null"},
    "another port of this host": {"Origin": "http://127.0.0.1:1"},
    "our name as a prefix": {"Origin": "http://127.0.0.1:{port}.evil.example"},
    "our name as a user": {"Origin": "http://127.0.0.1:{port}@evil.example"},
    "our name as a path": {"Origin": "http://evil.example/127.0.0.1:{port}"},
    "an origin without a scheme": {"Origin": "127.0.0.1:{port}"},
    "two origins": {"Origin": "http://127.0.0.1:{port}, http://evil.example"},
    "fetch: cross-site": {"Sec-Fetch-Site": "cross-site"},
    "fetch: same-site": {"Sec-Fetch-Site": "same-site"},
    "fetch: cross-site, our origin": {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
}


def begin():
    global T, COOKIE # pylint: disable=global-statement
    if T:
        return
    T = launcher(suite)
    ROUTES.extend(all_routes())
    COOKIE = log_in().field("Set-Cookie").split(";")[0]


def log_in(fields=(), kind="application/json", body=None):
    body = json.dumps({"user": "admin", "password": PASSWORD}).encode() if body is None else body
    return request(T.port, "POST", "/api/v1/login", {"Content-Type": kind, **dict(fields)}, body)


def of(fields):
    return {k: v.replace("{port}", str(T.port)) for k, v in fields.items()}


def filled(route):
    path = re.sub(r"{[a-z-]+}", "nobody-has-this", route["path"].replace("{camera}", "front"))
    return path + (f"?{route['query-camera']}=front" if "query-camera" in route else "")


@suite.case
def requests_that_change_something():
    """All of them: with a cookie, and with the Basic credentials a browser adds by itself as well."""
    begin()
    acting = [r for r in ROUTES if r["method"] not in ("GET", "OPTIONS") and r["access"] != "everybody"
              and r["path"] != "/api/v1/logout"]
    for who, credentials in {"cookie": {"Cookie": COOKIE}, "Basic": {"Authorization": ADMIN}}.items():
        for name, fields in OTHERS.items():
            wrong = []
            for route in acting:
                for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
                    if who == "Basic" and route["path"].startswith("/whep"):
                        continue # any page may, with credentials of its own: see players_of_other_pages
                    answer = request(T.port, route["method"], filled(route),
                                     {**credentials, **of(fields), "Content-Type": kind}, b"a=b")
                    if answer.status != 403:
                        wrong.append(f"{route['method']} {route['path']} {kind} {answer.status}")
            table.line(f"{who}, {name}, {len(acting)} routes", "403", "; ".join(wrong) or "403", not wrong)
    own = {"Cookie": COOKIE, "Origin": f"http://127.0.0.1:{T.port}", "Sec-Fetch-Site": "same-origin"}
    answers = {request(T.port, r["method"], filled(r), {**own, "Content-Type": "text/plain"}, b"a=b").status for r in acting}
    table.line("cookie, our own page", "not 403", str(sorted(answers)), not answers & {401, 403})
    answer = request(T.port, "POST", "/api/v1/logout", {"Cookie": COOKIE, "Origin": "http://evil.example"})
    table.equal("another site's page logs out", 403, answer.status)
    table.equal("... and the session is still there", 200, request(T.port, "GET", "/api/v1/cameras", {"Cookie": COOKIE}).status)


@suite.case
def logins_of_other_pages():
    """Somebody else's account, so that what is done afterwards is done in it."""
    begin()
    for name, fields in OTHERS.items():
        answer = log_in(of(fields))
        table.line(f"login, {name}", "403, no cookie", f"{answer.status} {answer.field('Set-Cookie')[:20]}",
                   answer.status == 403 and not answer.field("Set-Cookie"))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = log_in(kind=kind)
        table.line(f"login as '{kind}'", "415, no cookie", f"{answer.status}",
                   answer.status == 415 and not answer.field("Set-Cookie"))


@suite.case
def websockets_of_other_pages():
    begin()
    for path in [filled(r) for r in ROUTES if r["websocket"]]:
        for who, credentials in {"cookie": ("Cookie", COOKIE), "Basic": ("Authorization", ADMIN)}.items():
            for name, fields in OTHERS.items():
                answer = upgrade(T.port, path, [credentials, *of(fields).items()])
                # No browser says so of a WebSocket: without an Origin, or with ours.
                unreal = "fetch: " in name and who == "Basic" and answer.status == 101
                table.line(f"{path}, {who}, {name}", "403", str(answer.status), answer.status == 403 or unreal)
            answer = upgrade(T.port, path, [credentials, ("Origin", f"http://127.0.0.1:{T.port}")])
            table.equal(f"{path}, {who}, our own page", 101, answer.status)
        answer = upgrade(T.port, path, [("Origin", f"http://127.0.0.1:{T.port}")])
        table.equal(f"{path}, no credentials, our own page", 401, answer.status)


@suite.case
def another_name_for_this_host():
    """DNS rebinding: the page of evil.example reaches us by its own name. Its browser has no cookie and no password for
    that name, so all that comes is a stranger; names are not checked, since a box is reached by many."""
    begin()
    fields = {"Host": f"evil.example:{T.port}", "Origin": f"http://evil.example:{T.port}", "Sec-Fetch-Site": "same-origin"}
    for route in [r for r in ROUTES if r["access"] != "everybody" and not r["websocket"] and not r["path"].endswith(".js")]:
        answer = request(T.port, route["method"], filled(route), fields, b"" if route["method"] == "GET" else b"{}")
        table.line(f"{route['method']} {route['path']} by another name", "401", str(answer.status),
                   answer.status == 401 or (route["path"] == "/" and answer.status == 303))
    cookie = log_in().field("Set-Cookie").lower()
    table.line("the cookie is for this host alone", "no Domain", cookie[-60:], "domain" not in cookie)


@suite.case
def what_other_pages_may_read():
    begin()
    for route in ROUTES:
        if route["websocket"]:
            continue
        ours = not route["path"].startswith("/whep") # webrtcserversink: players of any page, credentials of their own
        wrong = []
        for fields in ({}, {"Cookie": COOKIE}, {"Authorization": ADMIN}):
            for method in {route["method"], "OPTIONS"}:
                if method in ("POST", "PUT", "DELETE", "PATCH") and fields:
                    continue
                answer = request(T.port, method, filled(route), {
                    **fields, "Origin": "http://evil.example", "Access-Control-Request-Method": route["method"],
                    "Access-Control-Request-Headers": "authorization"})
                allowed = answer.field("Access-Control-Allow-Origin")
                if answer.field("Access-Control-Allow-Credentials") or allowed not in (("",) if ours else ("*",)):
                    wrong.append(f"{method}: '{allowed}' {answer.field('Access-Control-Allow-Credentials')}")
                if ours and answer.field("Cross-Origin-Resource-Policy") != "same-origin":
                    wrong.append(f"{method}: no Cross-Origin-Resource-Policy")
        table.line(f"{route['method']} {route['path']}", "nothing" if ours else "no credentials", "; ".join(wrong) or "so",
                   not wrong)


@suite.case
def frames_and_types():
    begin()
    for route in ROUTES:
        if route["websocket"] or route["method"] not in ("GET", "POST"):
            continue
        answer = request(T.port, route["method"], filled(route), {"Authorization": ADMIN})
        wrong = [] if answer.field("X-Content-Type-Options") == "nosniff" else ["no nosniff"]
        policy = answer.field("Content-Security-Policy")
        if "html" in answer.field("Content-Type"):
            # The page of one player is made to be framed, by pages of the same origin.
            frames = ("SAMEORIGIN", "'self'") if route["path"] == "/stream.html" else ("DENY", "'none'")
            if answer.field("X-Frame-Options") != frames[0] or f"frame-ancestors {frames[1]}" not in policy:
                wrong.append("may be framed")
            if "unsafe" in policy or "default-src 'none'" not in policy:
                wrong.append("policy " + policy)
            if answer.field("Referrer-Policy") != "no-referrer":
                wrong.append("tells its address")
        table.line(f"{route['method']} {route['path']}, {answer.field('Content-Type').split(';')[0]}", "closed", "; ".join(wrong)
                   or "so", not wrong)
    for path in ("/%3Cscript%3Ealert(1)%3C/script%3E", "/api/v1/cameras/%3Cscript%3E", "/whep/%3Cscript%3E", "/ws/a/%3Cscript%3E"):
        answer = request(T.port, "GET", path, {"Authorization": ADMIN})
        kind = answer.field("Content-Type")
        table.line(f"GET {path}", "no HTML", f"{answer.status} {kind}",
                   "html" not in kind and answer.field("X-Content-Type-Options") == "nosniff")


@suite.case
def cookie_flags():
    begin()
    cookie = log_in().field("Set-Cookie")
    for flag in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        table.line(f"the cookie has {flag}", "yes", "yes" if flag in cookie else "no", flag in cookie)
    value = cookie.split(";")[0].split("=", 1)[1]
    table.line("its value", "43 characters, another each time", f"{len(value)}",
               len(value) >= 43 and value not in log_in().field("Set-Cookie"))
    value = request(T.port, "GET", "/api/v1/cameras", {"Cookie": COOKIE}).field("Set-Cookie")
    table.line("it is told once", "no Set-Cookie", value or "none", not value)


if __name__ == "__main__":
    raise SystemExit(suite.main())
