#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accounts, tokens and their rights; what ends with them; guessing; the audit. The real program."""
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import JSON, NOWHERE, OFFER, contains, delete, equal, join, log_in, put, watching  # noqa: E402
from harness import BASIC, BUILD, PASSWORD, Camera, Sluice, Suite, note, until  # noqa: E402
from socket_client import Refused, WebSocket  # noqa: E402

suite = Suite()
case = suite.case
SLUICE = BUILD / "launcher/sluice"
S = None
GUARD = ("guard", "guard-password")
SDP = {"Content-Type": "application/sdp"}


def command(*arguments, text=None, wanted=0, state=None):
    """What `sluice passwd` or `sluice token` prints."""
    done = subprocess.run([SLUICE, *arguments, "--state", state or S.state], input=text or "", text=True,
                          capture_output=True, timeout=20, check=False)
    equal(done.returncode, wanted, f"{arguments}: {done.stderr}")
    return (done.stdout if wanted == 0 else done.stderr).strip()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def audit(**wanted):
    """Lines of the audit that have these fields."""
    lines = [json.loads(line) for line in (S.state / "audit.log").read_text().splitlines()]
    return [x for x in lines if all(x.get(k) == v for k, v in wanted.items())]


def names(auth=None, headers=None):
    status, _, body = S.get("/api/v1/cameras", auth=auth, headers=headers)
    equal(status, 200, body)
    return [c["name"] for c in json.loads(body)["cameras"]]


def status(path, auth=None, method="GET", headers=None, body=None):
    return S.get(path, auth=auth, method=method, headers=headers, body=body)[0]


def whep(name, auth=None, headers=None):
    return S.get(f"/whep/{name}", method="POST", body=OFFER, auth=auth, headers={**SDP, **(headers or {})})[0]


def known(auth):
    until(lambda: status("/api/v1/cameras", auth=auth) == 200, 5, f"{auth[0]} is known")


@case
def accounts_and_tokens_are_made_beside_a_running_launcher():
    global S  # pylint: disable=global-statement
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "160", "--height", "96", "--fps", "5"))
    S = suite.keep(Sluice(suite.directory, {"front-door": {"main": camera.url()}, "front-yard": {"main": camera.url()},
                                            "vault": {"main": camera.url()}}))
    until(lambda: all(c["state"] == "streaming" for c in json.loads(S.get("/api/v1/cameras")[2])["cameras"]), 20,
          "all stream")
    command("passwd", "add", "guard", "--camera", "front-*", "--action", "view,snapshot", text="guard-password\n")
    known(GUARD)
    equal(command("passwd", "list"), "admin  admin on *\nguard  view, snapshot on front-*")
    token = command("token", "create", "kiosk", "-c", "front-door", "-A", "view", "--expires", "8h")
    equal(len(token), 43)
    equal(names(headers=bearer(token)), ["front-door"])
    contains(command("token", "list"), "kiosk  view on front-door, ends 20")
    assert token not in command("token", "list") + (S.state / "tokens").read_text()
    equal((S.state / "tokens").stat().st_mode & 0o777, 0o600)
    contains(command("passwd", "remove", "admin", wanted=78), "cannot be removed")
    contains(command("passwd", "rights", "admin", "-A", "view", wanted=78), "all rights")
    contains(command("passwd", "remove", "nobody", wanted=69), "nobody")
    contains(command("token", "revoke", "none", wanted=69), "none")
    for arguments, part in [(("token", "create", "x", "-A", "look"), "allowed: view, snapshot"),
                            (("token", "create", "x", "-c", "a b"), "* stands for any"),
                            (("token", "create", "x", "--expires", "8"), "allowed: a number with s, m, h or d"),
                            (("passwd", "add"), "missing"), (("passwd", "add", "a:b"), "no colon"),
                            (("passwd", "rights", "guard"), "--camera"), (("token", "revoke"), "missing"),
                            (("passwd", "list", "x"), "too many"), (("token", "create", "a", "b"), "too many")]:
        contains(command(*arguments, text="guard-password\n", wanted=64), part)


@case
def two_commands_at_once_lose_nothing():
    state = Path(suite.directory) / "parallel"
    threads = [threading.Thread(target=command, args=("token", "create", f"t{i}"), kwargs={"state": state})
               for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(command("token", "list", state=state).splitlines()), 12)


@case
def lines_of_before_are_still_read():
    state = Path(suite.directory) / "older"
    command("passwd", state=state, text=PASSWORD + "\n")
    command("passwd", "guest", state=state, text="guest-password\n")
    old = [":".join(line.split(":")[:2]) for line in (state / "accounts").read_text().splitlines()]
    (state / "accounts").write_text("\n".join(old) + "\n")
    token = command("token", "tool", state=state)
    (state / "tokens").write_text(":".join((state / "tokens").read_text().split(":")[:2]) + "\n")
    equal(command("passwd", "list", state=state), "admin  admin on *\nguest  view, snapshot, playback on *")
    older = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="older-run", state=state))
    for auth, headers, change in [(("admin", PASSWORD), None, 404), (("guest", "guest-password"), None, 403),
                                  (None, bearer(token), 403)]:
        equal(older.get("/api/v1/cameras", auth=auth, headers=headers)[0], 200)
        equal(older.get("/api/v1/cameras/x", method="DELETE", auth=auth, headers=headers)[0], change)
    equal(suite.close(older), 0)


@case
def one_sees_and_does_what_one_has_the_right_to():
    equal(names(GUARD), ["front-door", "front-yard"])
    for name, wanted in [("front-door", 200), ("vault", 403), ("not-there", 403), ("front-gone", 404)]:
        equal(status(f"/api/v1/cameras/{name}", GUARD), wanted, name)
    equal(status("/api/v1/cameras/not-there", ("admin", PASSWORD)), 404)
    equal([whep(n, GUARD) for n in ("front-door", "vault", "not-there")], [201, 403, 403])
    assert b"description" not in S.get("/api/v1/cameras/front-door", auth=GUARD)[2]
    equal(put(S, "front-new", NOWHERE, auth=GUARD)[0], 403)
    equal(json.loads(S.get("/api/v1/viewers", auth=GUARD)[2]), {"viewers": []})
    equal(len(watching(S)), 1, "the guard's")
    equal(status("/", GUARD), 200, "the page")
    equal(status("/api/v1/openapi.json", GUARD), 200)

    command("passwd", "add", "caretaker", "-c", "front-*", "-A", "view", "-A", "operate", text="care-password\n")
    care = ("caretaker", "care-password")
    known(care)
    equal(put(S, "front-new", NOWHERE, auth=care)[0], 201)
    equal(put(S, "vault-2", NOWHERE, auth=care)[0], 403)
    equal(S.get("/api/v1/cameras/front-new", auth=care, method="DELETE")[0], 204)
    mine, theirs = join(S, "front-yard"), join(S, "vault")
    equal({v["camera"] for v in json.loads(S.get("/api/v1/viewers", auth=care)[2])["viewers"]}, {"front-door", "front-yard"})
    equal(status(f"/api/v1/viewers/{theirs}", care, "DELETE"), 403)
    equal(status("/api/v1/viewers/none", care, "DELETE"), 403, "the same as one that is there")
    equal(status(f"/api/v1/viewers/{mine}", care, "DELETE"), 204)
    equal(status("/api/v1/viewers/none", ("admin", PASSWORD), "DELETE"), 404)
    for viewer in watching(S):
        equal(status(f"/api/v1/viewers/{viewer}", ("admin", PASSWORD), "DELETE"), 204)


@case
def events_tell_of_what_one_sees_only():
    mine = log_in(S, *GUARD)
    with WebSocket(S.port, "/api/v1/events", "sluice.events.v1", mine) as guard, \
            WebSocket(S.port, "/api/v1/events", "sluice.events.v1", BASIC) as admin:
        equal([c["name"] for c in guard.expect("cameras")["cameras"]], ["front-door", "front-yard"])
        equal(len(admin.expect("cameras")["cameras"]), 3)
        for name in ("vault-3", "front-3"):
            equal(put(S, name, NOWHERE)[0], 201)
            admin.expect("camera", 5, lambda m, n=name: m["camera"]["name"] == n)
        guard.expect("camera", 5, lambda m: m["camera"]["name"] == "front-3")
        for name in ("vault-3", "front-3"):
            equal(delete(S, name)[0], 204)
        told, end = [], time.monotonic() + 3
        while time.monotonic() < end:
            told.append(guard.receive(0.5))
        text = json.dumps(told)
        contains(text, '"type": "removed", "name": "front-3"')
        assert "vault" not in text, text
        command("passwd", "rights", "guard", "--also", "-c", "vault", "-A", "operate")
        equal([c["name"] for c in guard.expect("cameras", 5)["cameras"]], ["front-door", "front-yard", "vault"])
        assert guard.closed is None, "who may more is not disturbed"


@case
def signalling_asks_for_each_camera():
    command("passwd", "rights", "guard", "-c", "front-*", "-A", "view")
    until(lambda: "vault" not in names(GUARD), 5, "fewer rights")
    basic = {"Authorization": "Basic Z3VhcmQ6Z3VhcmQtcGFzc3dvcmQ="}
    for path, headers, wanted in [("/ws", {}, 401), ("/ws/vault", basic, 403), ("/ws/not-there", basic, 403)]:
        try:
            WebSocket(S.port, path, "sluice.v1", headers).stop()
            raise AssertionError(f"{path}: let in")
        except Refused as e:
            equal(e.status, wanted, path)
    with WebSocket(S.port, "/ws", "sluice.v1", basic) as socket:
        for id_, name, wanted in [("1", "vault", 403), ("2", "not-there", 403), ("3", "front-door", None)]:
            socket.send({"type": "join", "id": id_, "camera": name, "sdp": OFFER.decode()})
            answer = socket.expect("error" if wanted else "answer", 10)
            equal(answer["id"], id_)
            if wanted:
                equal(answer["error"]["status"], wanted)
        socket.send({"type": "leave", "id": "3"})
        socket.expect("closed")


@case
def what_is_taken_away_ends_what_came_by_it():
    kiosk = command("token", "create", "kiosk", "-c", "front-*", "-A", "view")

    def watched_by(auth=None, headers=None):
        socket = WebSocket(S.port, "/api/v1/events", "sluice.events.v1", headers)
        suite.keep(socket)
        socket.expect("cameras")
        return join(S, "front-yard", auth=auth, headers=headers), socket

    for what, take_away in [
            ("rights", lambda: command("passwd", "rights", "guard", "-c", "front-yard", "-A", "view")),
            ("password", lambda: command("passwd", "guard", text="guard-password\n")),
            ("account", lambda: command("passwd", "remove", "guard")),
            ("token", lambda: command("token", "revoke", "kiosk")),
            ("expiry", lambda: None)]:
        if what in ("rights", "password", "account"):
            mine = log_in(S, *GUARD)
        else:
            mine = bearer(kiosk if what == "token" else command("token", "create", "short", "--expires", "4s"))
        expires = time.monotonic() + 4
        viewer, socket = watched_by(headers=mine)
        admin = join(S, "front-door")  # who never connects is closed after 30 s
        take_away()
        began = expires if what == "expiry" else time.monotonic()
        # Nobody asks meanwhile: each request would look at the accounts.
        equal(socket.until_closed(12)[0], 1008, what)
        took = time.monotonic() - began
        until(lambda v=viewer: v not in watching(S), max(0.1, 12 - took), f"{what}: the viewer is closed")
        took = time.monotonic() - began
        note(f"{what}: all closed after {took:.1f} s")
        assert took < 12, f"{what}: {took}"  # accounts are looked at each 2 s
        equal(status("/api/v1/cameras", headers=mine), 401, what)
        assert admin in watching(S), "others notice nothing"
        equal(status(f"/api/v1/viewers/{admin}", ("admin", PASSWORD), "DELETE"), 204)
    until(lambda: {"guard", "token:kiosk", "token:short", "admin"} <= {x["principal"] for x in audit(event="viewer-ended")}, 15,
          "all of them are written")
    assert audit(event="credentials", principal="token:kiosk", reason="removed")


def attempt(source, user, password):
    """(Status, Retry-After, ms), asked from that address."""
    done = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code} %{time_total} %header{retry-after}", "--interface",
                           source, "-u", f"{user}:{password}", S.base + "/api/v1/cameras"], capture_output=True, text=True,
                          timeout=20, check=True).stdout.split()
    return int(done[0]), int(done[2]) if len(done) > 2 else 0, 1000 * float(done[1])


def untouched(*names):
    """The first that shares its door, one of 4096, with nobody who has been guessed at."""
    return next(n for n in names if attempt("127.0.5.1", n, "guess")[0] == 401)


@case
def guessing_is_slow_and_locks_no_owner_out():
    command("passwd", "add", "owner", text="owner-password\n")
    known(("owner", "owner-password"))
    mine = log_in(S, "owner", "owner-password")
    # Many addresses, one account: its door closes for whoever it does not know...
    answers = [attempt(f"127.0.9.{i}", "owner", f"guess-{i}")[0] for i in range(1, 40)]
    equal(answers[:20], [401] * 20)
    assert answers.count(401) <= 24, answers
    more = iter(range(100, 250))
    until(lambda: attempt(f"127.0.9.{next(more)}", "owner", "guess")[1] >= 3, 40, "the door is closed for longer than one look")
    equal(attempt("127.0.9.99", "owner", "owner-password")[0], 429, "the right one cannot be told from others")
    # ... and for nobody else.
    equal(status("/api/v1/cameras", ("owner", "owner-password")), 200, "from where it has logged in before")
    equal(status("/api/v1/cameras", headers=mine), 200, "nor a session")
    equal(log_in(S, "owner", "owner-password").keys(), {"Cookie"})
    equal(attempt("127.0.9.99", "admin", PASSWORD)[0], 200, "nor another account")
    # One address, many accounts; one's own does not help.
    answers = [attempt("127.0.8.1", "owner" if i % 3 == 2 else f"name-{i}", "guess")[0] for i in range(12)]
    assert 429 in answers[5:9], answers
    # Made-up names are no different.
    name = untouched("no-such-name", "nor-this-name")
    answers = [attempt(f"127.0.7.{i}", name, "guess")[0] for i in range(1, 40)]
    assert answers.count(401) <= 24 and answers[:19] == [401] * 19, answers


@case
def the_audit_says_who_did_what_and_no_secret():
    evil = 'x\n{"event":"login","outcome":"accepted","principal":"admin"}'
    body = json.dumps({"user": evil, "password": "typed-secret"}).encode()
    S.get("/api/v1/login", auth=None, method="POST", headers=JSON, body=body)
    equal(put(S, "audited", NOWHERE)[0], 201)
    equal(delete(S, "audited")[0], 204)
    S.get("/api/v1/cameras/%0Aforged", auth=None)
    until(lambda: audit(event="change", method="DELETE", camera="audited"), 5, "the change is written")
    change = audit(event="change", method="PUT", camera="audited")[0]
    equal({k: change[k] for k in ("outcome", "principal", "peer", "transport", "action", "status", "route")},
          {"outcome": "accepted", "principal": "admin", "peer": "127.0.0.1", "transport": "http", "action": "operate",
           "status": 201, "route": "/api/v1/cameras/{camera}"})
    assert audit(event="denied", principal="guard", camera="vault", transport="whep", action="view")
    assert audit(event="denied", principal="guard", camera="vault", transport="websocket")
    assert audit(event="login", outcome="accepted", principal="guard", peer="127.0.0.1", by="page")
    begun, ended = audit(event="viewer-begun"), audit(event="viewer-ended")
    equal(len(begun), len(ended))
    assert {x["viewer"] for x in begun} == {x["viewer"] for x in ended}
    assert all(x["peer"] == "127.0.0.1" and x["camera"] for x in begun + ended)
    text = (S.state / "audit.log").read_text()
    assert text.isascii()
    for secret in (PASSWORD, "guard-password", "typed-secret", "guess-1", evil, "Basic ", "Bearer "):
        assert secret not in text + S.output(), secret
    equal((S.state / "audit.log").stat().st_mode & 0o777, 0o600)


@case
def a_flood_of_refusals_fills_nothing():
    before = len((S.state / "audit.log").read_text().splitlines())
    for _ in range(200):
        equal(status("/api/v1/cameras", headers=bearer("none")), 401)
    time.sleep(0.3)
    lines = len((S.state / "audit.log").read_text().splitlines()) - before
    assert lines <= 40, lines  # ten a minute; on a busy machine it may take so long


@case
def credentials_cost_next_to_nothing():
    token = command("token", "create", "quick")
    times = {}
    for name, headers in [("no credentials (healthz)", None), ("Basic", BASIC), ("Bearer", bearer(token)), ("cookie", log_in(S))]:
        path = "/api/v1/cameras" if headers else "/healthz"
        taken = []
        for _ in range(50):
            began = time.perf_counter()
            equal(status(path, headers=headers), 200)
            taken.append(1000 * (time.perf_counter() - began))
        times[name] = statistics.median(taken)
    note("median of 50 requests, ms: " + ", ".join(f"{k} {v:.2f}" for k, v in times.items()))


@case
def unknown_accounts_cost_what_known_ones_do():
    for name in ("timed", "timed-2"):
        command("passwd", "add", name, text="timed-password\n")
    times = {untouched("timed", "timed-2"): [], untouched("no-such-name-2", "no-such-name-3"): []}
    for i in range(1, 9):  # both together are too few to close a door
        for user, taken in times.items():
            told, _, ms = attempt(f"127.0.6.{i}", user, f"guess-{i}")
            equal(told, 401)
            taken.append(ms)
    known_ms, unknown_ms = (statistics.median(t) for t in times.values())
    note(f"a wrong password takes {known_ms:.0f} ms, an unknown account {unknown_ms:.0f} ms")
    assert unknown_ms > known_ms / 4, "it is hashed all the same"


@case
def files_that_others_may_change_are_refused():
    state = Path(suite.directory) / "open"
    command("passwd", state=state, text=PASSWORD + "\n")
    (state / "accounts").chmod(0o664)
    broken = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="open-run", state=state,
                               wait=False))
    until(lambda: not broken.running(), 10, "it does not start")
    equal(broken.p.returncode, 78)
    contains(broken.output(), "chmod 600")
    (state / "accounts").chmod(0o644)
    warned = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="open-warned", state=state))
    equal(warned.output().count("others may read the hashes"), 1)
    equal(suite.close(warned), 0)


@case
def it_ends_well_and_was_quiet():
    equal(suite.close(S), 0)
    for word in ("CRITICAL", "critical", "assertion"):
        assert word not in S.output(), S.output()[-3000:]


if __name__ == "__main__":
    sys.exit(suite.main())
