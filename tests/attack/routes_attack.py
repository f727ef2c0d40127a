#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every route of the program, as it lists them itself, with all kinds of credentials that open nothing; and with rights on
other cameras. What a new route asks for is tried here without a change of this file; one that is open to everybody, or a
server beside the table of routes, fails."""
import itertools
import json
import re
import time

from attack import ADMIN, ROOT_PATHS, AttackSuite, all_routes, basic, launcher, note, request, tool, upgrade
from harness import PASSWORD, ROOT

suite = AttackSuite()
table = suite.table
T = None # the launcher under attack
ROUTES = []
HIDDEN = ("vault-7", "127.9.8.7", "rtsp:", "0.1.0", "GStreamer", "libsoup", "/tmp/", "auditor") # what no stranger may read
# Without credentials: that somebody is there, and what the login needs. Everything else is a decision to be made here.
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/login"), ("GET", "/login.js"), ("GET", "/style.css"),
        ("GET", "/icon.svg"), ("POST", "/api/v1/login"),
        ("OPTIONS", "/whep/{camera}"), ("OPTIONS", "/whep/{camera}/{session}")} # which methods there are, for other origins
SOURCES = itertools.cycle(f"127.{a}.{b}.1" for a in range(1, 60) for b in range(1, 250)) # wrong tries are slowed by address
TOKENS = {}


def filled(route, camera="front"):
    path = re.sub(r"{camera}", camera, route["path"])
    path = re.sub(r"{[a-z-]+}", "nobody-has-this", path)
    return path + (f"?{route['query-camera']}={camera}" if "query-camera" in route else "")


def ask(route, fields, camera="front", method=None, suffix=""):
    """With a body where one belongs; the connection comes from an address of its own."""
    path = filled(route, camera) + suffix
    if route["websocket"] and not method:
        return upgrade(T.port, path, fields, source=next(SOURCES))
    method = method or route["method"]
    body = b"{}" if method in ("POST", "PUT", "PATCH") else b""
    fields = list(fields) + ([("Content-Type", "application/json")] if body else [])
    return request(T.port, method, path, fields, body, source=next(SOURCES))


def leaks(answer):
    text = answer.data.decode("latin-1")
    return [word for word in HIDDEN if word in text]


def log_in():
    answer = request(T.port, "POST", "/api/v1/login", {"Content-Type": "application/json"},
                     json.dumps({"user": "admin", "password": PASSWORD}).encode())
    assert answer.status == 200, answer.data
    return answer.field("Set-Cookie").split(";")[0]


def make_token(name, *options):
    """By the command that makes them, with rights where it knows of them."""
    how = ["create", name, *options] if "create" in tool("token", "--help")[1] else [name]
    status, out, err = tool("token", *how, "--state", T.state)
    assert status == 0, err
    return re.findall(r"[A-Za-z0-9_-]{43}", out)[0]


def tokens_have_rights():
    return "--camera" in tool("token", "--help")[1] or "--camera" in tool("token", "create", "--help")[1]


@suite.case
def the_program_lists_its_routes():
    global T # pylint: disable=global-statement
    T = launcher(suite, cameras={"front": {"main": "rtsp://127.9.8.7:1/x"}, "back": {"main": "rtsp://127.9.8.7:2/x"},
                                 "vault-7": {"main": "rtsp://127.9.8.7:3/x"}})
    ROUTES.extend(all_routes())
    paths = {(r["method"], r["path"]) for r in ROUTES}
    for wanted in [("GET", "/api/v1/cameras"), ("POST", "/whep/{camera}"), ("GET", "/ws"), ("GET", "/api/v1/events")]:
        table.line(f"listed: {' '.join(wanted)}", "yes", "yes" if wanted in paths else "no", wanted in paths)
    status, out, err = tool("routes")
    table.line("the list for people has them all", "yes", f"{len(out.splitlines())} lines {err}",
               status == 0 and len(out.splitlines()) == len(ROUTES))
    # Nothing is answered beside the lists: these files alone give libsoup handlers.
    known = {"launcher/http/http_server.cpp", "plugins/webrtc/whep.cpp", "plugins/webrtc/websocket.cpp"}
    found = {str(p.relative_to(ROOT)) for d in ("launcher", "plugins") for p in (ROOT / d).rglob("*.cpp")
             if re.search(r"soup_server_add_(early_|websocket_)?handler", p.read_text())}
    table.line("handlers outside the lists of routes", "none", " ".join(sorted(found - known)) or "none", not found - known)


@suite.case
def only_what_must_be_is_open():
    for route in ROUTES:
        where = (route["method"], route["path"])
        if route["access"] == "everybody":
            table.line(f"open: {' '.join(where)}", "known to be", "it is" if where in OPEN else "NEW", where in OPEN)
            answer = ask(route, [])
            found = leaks(answer)
            table.line(f"tells nothing: {' '.join(where)}", "no name, no version", ", ".join(found) or str(answer.status),
                       not found and answer.status not in (0, 500))
        else:
            assert where not in OPEN, f"{where} is listed as open here, but is not"
    server = request(T.port, "GET", "/healthz").field("Server")
    table.line("the Server header has no version", "sluice", server, server == "sluice")


def bad_credentials():
    """name: fields. What expired or ended was right once."""
    old = make_token("twice")
    make_token("twice") # the older one ends
    ended = log_in()
    out = request(T.port, "POST", "/api/v1/logout", {"Cookie": ended, "Origin": f"http://127.0.0.1:{T.port}"})
    assert out.status == 204, out.data
    live = log_in()
    name, value = live.split("=", 1)
    good = TOKENS["watcher"]
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0."
    bad = {
        "none": [],
        "wrong password": [("Authorization", basic("admin", "wrong-Passw0rd"))],
        "unknown account": [("Authorization", basic("auditor", PASSWORD))],
        "password with an end": [("Authorization", basic("admin", PASSWORD + "\0"))],
        "control characters": [("Authorization", basic("admin\r\n", PASSWORD + "\x07\r\nX-Admin: yes"))],
        "not UTF-8": [("Authorization", "Basic //79Ov8=")],
        "Basic without more": [("Authorization", "Basic")],
        "Basic, no base64": [("Authorization", "Basic !!!!")],
        "Basic, no colon": [("Authorization", "Basic YWRtaW4=")],
        "Basic, right but for its end": [("Authorization", ADMIN + "*")],
        "another scheme": [("Authorization", 'Digest username="admin"')],
        "Bearer without more": [("Authorization", "Bearer ")],
        "Bearer unknown": [("Authorization", "Bearer " + "A" * 43)],
        "Bearer, the password": [("Authorization", "Bearer " + PASSWORD)],
        "Bearer, a name": [("Authorization", "Bearer token:watcher")],
        "Bearer replaced": [("Authorization", "Bearer " + old)],
        "Bearer and a letter": [("Authorization", f"Bearer {good}x")],
        "Bearer, but for a letter": [("Authorization", f"Bearer {good[:-1]}")],
        "Bearer unsigned (alg none)": [("Authorization", "Bearer " + unsigned)],
        "two Authorization, one right": [("Authorization", ADMIN), ("Authorization", basic("admin", "wrong-Passw0rd"))],
        "two Authorization, both right": [("Authorization", ADMIN), ("Authorization", ADMIN)],
        "wrong one beside a right cookie": [("Authorization", "Bearer " + "A" * 43), ("Cookie", live)],
        "cookie of an ended session": [("Cookie", ended)],
        "cookie of nobody": [("Cookie", f"{name}={'A' * 43}")],
        "cookie empty": [("Cookie", f"{name}=")],
        "cookie twice": [("Cookie", f"{name}=x; {live}")],
        "cookie of another name": [("Cookie", f"session={value}; X{live}")],
        "headers of a proxy": [("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"), ("Remote-User", "admin"),
                               ("X-Forwarded-For", "127.0.0.1"), ("X-Original-URL", "/healthz"),
                               ("X-Rewrite-URL", "/healthz"), ("X-HTTP-Method-Override", "OPTIONS")],
    }
    if tokens_have_rights():
        brief = make_token("brief", "--expires", "1s")
        revoked = make_token("revoked")
        assert tool("token", "revoke", "revoked", "--state", T.state)[0] == 0
        time.sleep(2.2)
        bad["Bearer revoked"] = [("Authorization", "Bearer " + revoked)]
        bad["Bearer expired"] = [("Authorization", "Bearer " + brief)]
    return bad


@suite.case
def credentials_that_open_nothing():
    TOKENS["watcher"] = make_token("watcher")
    closed = [r for r in ROUTES if r["access"] != "everybody"]
    time.sleep(0.1)
    for name, fields in bad_credentials().items():
        hashed = "assword" in name or "account" in name or "control" in name or "UTF-8" in name
        wrong, statuses = [], set()
        # Each such try costs a hash on purpose: those routes that have decisions of their own.
        for route in [r for r in closed if not hashed or not r["path"].endswith(".js")]:
            answer = ask(route, fields)
            statuses.add(answer.status)
            to_login = route["path"] == "/" and answer.status == 303 and not any(k == "Authorization" for k, _ in fields)
            if (answer.status not in (401, 429) and not to_login) or leaks(answer):
                wrong.append(f"{route['method']} {route['path']} {answer.status} {leaks(answer)}")
        table.line(f"{name}, {len(closed)} routes", "401", "; ".join(wrong) or " ".join(map(str, sorted(statuses))), not wrong)
    wrong = []
    for route in closed: # in an address it ends in logs of proxies
        answer = ask(route, [], suffix=("&" if "query-camera" in route else "?") + "token=" + TOKENS["watcher"])
        if answer.status not in (401, 303):
            wrong.append(f"{route['path']} {answer.status}")
    table.line("a token in the address", "401", "; ".join(wrong) or "401", not wrong)


@suite.case
def very_long_headers():
    for name, fields in {
            "Authorization of 5 KB": [("Authorization", "Bearer " + "A" * 5000)],
            "Authorization of 60 KB": [("Authorization", "Basic " + "QUFB" * 15000)],
            "Authorization of 1 MB": [("Authorization", "Basic " + "QUFB" * 250000)],
            "Cookie of 60 KB": [("Cookie", "; ".join(f"c{i}={'x' * 50}" for i in range(1000)))],
            "1000 headers": [(f"X-{i}", "x" * 20) for i in range(1000)],
            "a name of 60 KB": [("X" * 60000, "x")]}.items():
        answer = request(T.port, "GET", "/api/v1/cameras", fields)
        table.line(name, "refused", str(answer.status or "closed"), answer.status in (0, 400, 401, 413, 431))
    answer = request(T.port, "GET", "/" + "a" * 70000, {"Authorization": ADMIN})
    table.line("a path of 70 KB", "refused", str(answer.status or "closed"), answer.status in (0, 400, 404, 414, 431))
    table.equal("still there", 200, request(T.port, "GET", "/healthz").status)


@suite.case
def rights_on_other_cameras():
    """Each route with rights that are not enough for it: 403, whether the camera exists or not, and no word of it."""
    people = {"watcher (all cameras)": (TOKENS["watcher"], {"view", "snapshot", "playback"}, ("front", "back", "vault-7"))}
    if tokens_have_rights():
        people["viewer of back"] = (make_token("back", "--camera", "back", "--action", "view"), {"view"}, ("back",))
        people["operator of back"] = (make_token("op", "--camera", "back", "--action", "operate,snapshot"),
                                      {"operate", "snapshot"}, ("back",))
    else:
        note("rights by camera are not there yet: only those of any token are tried")
    for who, (token, actions, cameras) in people.items():
        for camera in ("front", "back", "vault-7", "never-heard-of"):
            wrong, refused, allowed = [], 0, 0
            for route in [r for r in ROUTES if r["access"] in ("camera", "server")]:
                if route["method"] == "DELETE" and route["path"] == "/api/v1/cameras/{camera}" and "operate" in actions:
                    continue # would do it
                answer = ask(route, [("Authorization", "Bearer " + token)], camera)
                # Of a camera that is not there a right on all cameras may be told so.
                may = route["action"] in actions and (camera in cameras or len(cameras) == 3) and route["access"] == "camera"
                own = route["path"] == "/api/v1/viewers/{id}" # by the viewer's camera, that is not there
                refused += answer.status == 403
                allowed += may
                if not own and (answer.status == 403) == may or answer.status in (401, 429) or answer.status < 100:
                    wrong.append(f"{route['method']} {route['path']} {answer.status}")
            table.line(f"{who}, on {camera}", "403 but for what it may", "; ".join(wrong) or f"{refused}x 403, {allowed} may",
                       not wrong)
        hidden = [c for c in ("front", "back", "vault-7") if c not in cameras]
        if hidden:
            told = []
            for route in [r for r in ROUTES if r["access"] == "any-right" and not r["websocket"]]:
                if route["path"].rsplit(".", 1)[-1] in ROOT_PATHS or "{" in route["path"] or route["method"] != "GET":
                    continue
                answer = ask(route, [("Authorization", "Bearer " + token)])
                told += [f"{route['path']} names {c}" for c in hidden if f'"{c}"' in answer.body.decode("latin-1")]
            table.line(f"{who}: lists name no other camera", "none", "; ".join(told) or "none", not told)
            for route in [r for r in ROUTES if r["access"] == "any-right" and "{camera}" in r["path"] and not r["websocket"]]:
                answers = [ask(route, [("Authorization", "Bearer " + token)], c) for c in ("front", "never-heard-of")]
                table.line(f"{who}: {route['method']} {route['path']}, there or not", "403 and 403",
                           " and ".join(str(a.status) for a in answers), [a.status for a in answers] == [403, 403])


@suite.case
def methods_that_are_not_there():
    paths = {}
    for route in ROUTES:
        paths.setdefault(route["path"], set()).add(route["method"])
    open_paths = {r["path"] for r in ROUTES if r["access"] == "everybody"}
    for method in ("TRACE", "PROPFIND", "BREW", "get", "M-SEARCH", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POST"):
        wrong, anonymous, known = [], set(), set()
        for path, methods in paths.items():
            if method in methods or (method == "HEAD" and "GET" in methods):
                continue
            route = next(r for r in ROUTES if r["path"] == path)
            if method == "OPTIONS" and path.startswith("/whep"):
                continue
            first, second = ask(route, [], method=method), ask(route, [("Authorization", ADMIN)], method=method)
            anonymous.add(first.status)
            known.add(second.status)
            if first.status not in ((404, 405, 401, 400, 501) if path in open_paths or path.startswith("/ws") else (401, 400)):
                wrong.append(f"{path} {first.status} for nobody")
            if second.status not in (400, 404, 405, 501):
                wrong.append(f"{path} {second.status} for admin")
        table.line(f"{method} where there is none", "401; 405 for admin",
                   "; ".join(wrong) or f"{sorted(anonymous)}; {sorted(known)}", not wrong)
    for target in ("127.0.0.1:22", "/", "/api/v1/cameras"):
        for fields in ([], [("Authorization", ADMIN)]):
            answer = request(T.port, "CONNECT", target, fields, seconds=3)
            table.line(f"CONNECT {target}{' as admin' if fields else ''}", "refused", str(answer.status or "closed"),
                       not 200 <= answer.status < 400 or answer.status == 303)


@suite.case
def head_is_a_get_without_its_body():
    wrong = []
    for route in [r for r in ROUTES if r["method"] == "GET" and not r["websocket"]]:
        for fields in ([], [("Authorization", ADMIN)]):
            get, head = ask(route, fields), ask(route, fields, method="HEAD")
            if head.body or (get.status != head.status):
                wrong.append(f"{route['path']} {get.status} {head.status} {len(head.body)} bytes")
    table.line("HEAD on every route with GET", "same status, no body", "; ".join(wrong) or "so", not wrong)


if __name__ == "__main__":
    raise SystemExit(suite.main())
