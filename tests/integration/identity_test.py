#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens of an identity provider, and another server that decides: the real program against servers of the test."""
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / d) for d in ("e2e", "support")]
# pylint: disable=wrong-import-position
from api import OFFER, contains, equal, put, NOWHERE  # noqa: E402
from harness import BUILD, Sluice, Suite, free_port, note, until  # noqa: E402
from identity_provider import Key, Provider, coded  # noqa: E402
from socket_client import Refused, WebSocket  # noqa: E402

suite = Suite()
case = suite.case
CAMERAS = {"front-door": {"main": "test:"}, "yard": {"main": "test:"}}
RIGHTS = [{"claim": "/realm_access/roles", "value": "guard", "cameras": "front-*", "actions": ["view", "snapshot"]},
          {"claim": "scope", "value": "manage", "cameras": "*", "actions": ["operate"]}]
PROVIDER = KEY = SERVER = None


def jwt_config(jwks, **more):
    return {"auth": {"jwt": {"jwks": jwks, "issuer": "https://id.example", "audience": "sluice", "leeway-seconds": 0,
                             "rights": RIGHTS, **more}}}


def claims(seconds=300, **more):
    return {"iss": "https://id.example", "aud": ["account", "sluice"], "sub": "alice", "exp": time.time() + seconds,
            "realm_access": {"roles": ["user", "guard"]}, **more}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def join(s, camera, headers):
    """Status, body and Location of a WHEP join."""
    status, fields, body = s.get(f"/whep/{camera}", method="POST", body=OFFER, auth=None,
                                 headers={"Content-Type": "application/sdp", **headers})
    return status, body, fields.get("Location", "").split("/")[-1]


def viewers(s):
    return {v["id"]: v["principal"] for v in json.loads(s.get("/api/v1/viewers")[2])["viewers"]}


def status_of(s, headers, path="/api/v1/cameras"):
    return s.get(path, auth=None, headers=headers)[0]


def playing(s):
    until(lambda: all(c["state"] == "streaming" for c in json.loads(s.get("/api/v1/cameras")[2])["cameras"]), 30, "streaming")


@case
def a_token_is_worth_its_claims():
    global PROVIDER, KEY, SERVER  # pylint: disable=global-statement
    PROVIDER, KEY = suite.keep(Provider()), Key(suite.directory, "first")
    PROVIDER.keys = [KEY]
    SERVER = suite.keep(Sluice(suite.directory, CAMERAS, name="jwt", server=jwt_config({"url": PROVIDER.url("/keys")})))
    playing(SERVER)
    token = bearer(KEY.token(claims()))
    equal(status_of(SERVER, token), 200)
    status, body, session = join(SERVER, "front-door", token)
    equal(status, 201, body)
    equal(viewers(SERVER)[session], "jwt:alice")
    equal(join(SERVER, "yard", token)[0], 403)
    equal(put(SERVER, "shed", NOWHERE, headers=token, auth=None)[0], 403)
    manager = bearer(KEY.token(claims(scope="openid manage", sub="bob")))
    equal(put(SERVER, "shed", NOWHERE, headers=manager, auth=None)[0], 201)
    equal(join(SERVER, "yard", manager)[0], 403, "operate is not view")
    nothing = bearer(KEY.token(claims(realm_access={"roles": ["user"]})))
    status, _, body = SERVER.get("/api/v1/cameras", auth=None, headers=nothing)
    equal(status, 403)
    contains(body.decode(), "gives no right")
    equal(PROVIDER.fetched, 1, "keys are fetched once")


@case
def foreign_expired_and_unsigned_tokens_are_refused():
    good = KEY.token(claims())
    head, body, signature = good.split(".")
    public = subprocess.run(["openssl", "pkey", "-in", KEY.file, "-pubout"], check=True, capture_output=True).stdout
    hs = coded(b'{"alg":"HS256","kid":"first"}') + "." + body
    table = {
        "another key": Key(suite.directory, "other").token(claims(), kid="first"),
        "unknown kid": KEY.token(claims(), kid="nobody"),
        "expired": KEY.token(claims(-1)),
        "no exp": KEY.token({k: v for k, v in claims().items() if k != "exp"}),
        "not yet": KEY.token(claims(nbf=time.time() + 100)),
        "other audience": KEY.token(claims(aud="other")),
        "other issuer": KEY.token(claims(iss="https://id.example.evil")),
        "alg none": coded(b'{"alg":"none"}') + f".{body}.",
        "alg none with signature": coded(b'{"alg":"none","kid":"first"}') + f".{body}.{signature}",
        "public key as secret": hs + "." + coded(hmac.new(public, hs.encode(), hashlib.sha256).digest()),
        "changed claims": f"{head}.{coded(json.dumps(claims(sub='root')).encode())}.{signature}",
        "changed type": KEY.token(claims(), typ="logout+jwt"),
        "no signature": f"{head}.{body}.",
        "padding": good + "==",
        "two tokens": f"{good}, {good}",
        "only dots": "..",
        "large": "a." * 2 + "b" * 15000,
    }
    for what, token in table.items():
        equal(status_of(SERVER, bearer(token)), 401, what)
        equal(join(SERVER, "front-door", bearer(token))[0], 401, what)
        try:
            WebSocket(SERVER.port, "/ws", "sluice.v1", bearer(token))
            raise AssertionError(f"{what}: a WebSocket")
        except Refused as refusal:
            equal(refusal.status, 401, what)
    equal(status_of(SERVER, bearer(KEY.token(claims(groups=["g" * 40] * 180)))), 200, "a large token is a token")
    equal(PROVIDER.fetched, 1, "unknown keys are asked for once a minute")
    for part in (signature, body):
        assert part not in SERVER.output(), "the log holds a token"


@case
def a_viewer_ends_with_its_token():
    status, body, session = join(SERVER, "front-door", bearer(KEY.token(claims(4))))
    equal(status, 201, body)
    other = join(SERVER, "front-door", bearer(KEY.token(claims())))[2]
    with WebSocket(SERVER.port, "/api/v1/events", "sluice.events.v1", bearer(KEY.token(claims(4)))) as socket:
        until(lambda: session not in viewers(SERVER), 10, "the viewer is closed")
        assert other in viewers(SERVER), "others go on"
        socket.expect("cameras")


@case
def a_file_of_keys_is_read_again():
    keys = Path(suite.directory) / "keys.json"
    first, second = Key(suite.directory, "a"), Key(suite.directory, "b")
    keys.write_text(json.dumps({"keys": [first.jwk()]}))
    s = suite.keep(Sluice(suite.directory, CAMERAS, name="file", server=jwt_config({"file": "keys.json"})))
    equal(status_of(s, bearer(first.token(claims()))), 200)
    equal(status_of(s, bearer(second.token(claims()))), 401)
    broken = keys.with_name("keys.new")
    broken.write_text("{ broken")
    broken.replace(keys)
    until(lambda: "the keys stay as they were" in s.output(), 10, "told")
    equal(status_of(s, bearer(first.token(claims()))), 200)
    keys.write_text(json.dumps({"keys": [second.jwk()]}))
    equal(status_of(s, bearer(second.token(claims()))), 200, "at once: a token has named it")
    equal(status_of(s, bearer(first.token(claims()))), 401)
    equal(s.output().count("stay as they were"), 1, "told once")
    suite.close(s)


@case
def keys_that_cannot_be_used_are_told_before_the_start():
    missing = {"version": 1, "cameras": {"a": {"streams": {"main": {"url": "test:"}}}}, "server": jwt_config({"file": "no.json"})}
    path = Path(suite.directory) / "identity.json"
    small = Path(suite.directory) / "small.json"
    small.write_text(json.dumps({"keys": [{**KEY.jwk(), "n": coded(KEY.modulus[:128])}]}))
    for file, status, part in (("no.json", 66, "No such file"), ("small.json", 78, "1024 bits")):
        missing["server"]["auth"]["jwt"]["jwks"] = {"file": file}
        path.write_text(json.dumps(missing))
        for command in ("check", "run"):
            argv = [BUILD / "launcher/sluice", command, path]
            done = subprocess.run(argv + (["--state", Path(suite.directory) / "st", "--port", "0"] if command == "run" else []),
                                  capture_output=True, text=True, timeout=30, check=False)
            equal(done.returncode, status, done.stderr)
            contains(done.stderr, file)
            contains(done.stderr, part)


@case
def without_the_provider_nobody_can_tell():
    port = free_port()
    s = suite.keep(Sluice(suite.directory, CAMERAS, name="early", server=jwt_config({"url": f"http://127.0.0.1:{port}/keys"})))
    status, fields, body = s.get("/api/v1/cameras", auth=None, headers=bearer(KEY.token(claims())))
    equal(status, 503, body)
    assert int(fields["Retry-After"]) > 0
    equal(s.get("/api/v1/cameras")[0], 200, "accounts do not need it")
    late = suite.keep(Provider(port))
    late.keys = [KEY]
    late.mode = "endless"
    until(lambda: late.fetched, 30, "asked again")
    equal(s.get("/healthz", auth=None)[0], 200)
    until(lambda: "larger than" in s.output(), 10, "told")
    late.mode = "fine"
    until(lambda: status_of(s, bearer(KEY.token(claims()))) == 200, 60, "the keys are there")
    contains(s.output(), "tokens are refused until there are keys")
    suite.close(s)
    suite.close(late)


# Another server decides.

ASKED = JUDGE = None


@case
def another_server_decides():
    global ASKED, JUDGE  # pylint: disable=global-statement
    JUDGE = suite.keep(Provider())

    def decide(headers):
        if headers.get("Cookie") == "sso=carol":
            return 200, "carol"
        if headers.get("Authorization") != "Bearer let-me-in":
            return 401, None
        return (200, "dave") if headers.get("X-Sluice-Camera") == "front-door" else (403, None)

    JUDGE.decide = decide
    ASKED = suite.keep(Sluice(suite.directory, CAMERAS, name="asked", server={"auth": {"auth-request": {
        "url": JUDGE.url("/auth"), "timeout-ms": 4000, "cache-seconds": 30, "viewer-seconds": 10}}}))
    playing(ASKED)
    status, body, session = join(ASKED, "front-door", bearer("let-me-in"))
    equal(status, 201, body)
    equal(viewers(ASKED)[session], "auth-request:dave")
    headers = JUDGE.asked[-1][1]
    equal({n: headers.get(n) for n in ("X-Original-Method", "X-Original-URI", "X-Sluice-Camera", "X-Sluice-Action",
                                       "X-Forwarded-For", "Authorization")},
          {"X-Original-Method": "POST", "X-Original-URI": "/whep/front-door", "X-Sluice-Camera": "front-door",
           "X-Sluice-Action": "view", "X-Forwarded-For": "127.0.0.1", "Authorization": "Bearer let-me-in"})
    equal(join(ASKED, "yard", bearer("let-me-in"))[0], 403)
    equal(join(ASKED, "front-door", bearer("other"))[0], 401)
    status, body, other = join(ASKED, "yard", {"Cookie": "sso=carol"})
    equal(status, 201, body)
    equal(viewers(ASKED)[other], "auth-request:carol")
    equal(join(ASKED, "yard", {"Cookie": "sso=carol", "Origin": "http://evil.example"})[0], 403, "another site's page")
    asked = len(JUDGE.asked)
    equal(put(ASKED, "shed", NOWHERE, headers=bearer("let-me-in"), auth=None)[0], 403, "operate is not for it to allow")
    equal(status_of(ASKED, {}), 401)
    equal(ASKED.get("/api/v1/cameras")[0], 200)
    equal(len(JUDGE.asked), asked, "not asked about those")
    until(lambda: not {session, other} & set(viewers(ASKED)), 20, "viewers end after viewer-seconds")


@case
def equal_questions_are_one_and_many_are_bounded():
    JUDGE.asked.clear()
    results = []

    def ask(name):
        results.append(status_of(ASKED, bearer(name), "/api/v1/cameras"))

    def at_once(names):
        results.clear()
        threads = [threading.Thread(target=ask, args=(n,)) for n in names]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def slowly(_):
        end = time.monotonic() + 3
        while 429 not in results and len(results) < 12 and time.monotonic() < end:
            time.sleep(0.02)
        return 401, None

    JUDGE.decide = lambda headers: (time.sleep(1), (401, None))[1]
    at_once(["same"] * 12)
    equal(results, [401] * 12)
    equal(len(JUDGE.asked), 1)
    JUDGE.decide = slowly
    at_once([f"n{i}" for i in range(16)])
    equal(sorted(set(results)), [401, 429], "at most eight of one address at a time")
    assert len(JUDGE.asked) <= 1 + 16


@case
def no_answer_is_no():
    JUDGE.decide = lambda headers: (200, "anybody")
    for mode in ("hang", "endless", "redirect", "broken", 404, 500, 302):
        JUDGE.mode = mode
        started = time.monotonic()
        status, fields, body = ASKED.get("/api/v1/cameras", auth=None, headers=bearer(f"for-{mode}"))
        equal(status, 503, f"{mode}: {body}")
        assert fields["Retry-After"], mode
        note(f"{mode}: answered after {time.monotonic() - started:.2f} s")
        assert "elsewhere" not in str(JUDGE.asked), "redirects are not followed"
    JUDGE.mode = "hang"
    waiting = threading.Thread(target=status_of, args=(ASKED, bearer("slow")))
    waiting.start()
    started = time.monotonic()
    equal(ASKED.get("/api/v1/cameras")[0], 200)
    note(f"others were answered after {time.monotonic() - started:.3f} s meanwhile")
    waiting.join()
    JUDGE.mode = "fine"
    equal(status_of(ASKED, bearer("for-hang")), 200, "it is asked again")
    suite.close(JUDGE)
    equal(status_of(ASKED, bearer("gone")), 503)
    out = ASKED.output()
    contains(out, "nobody is let in by it")
    for secret in ("let-me-in", "sso=carol", base64.b64encode(b"let-me-in").decode()):
        assert secret not in out, "the log holds credentials"


if __name__ == "__main__":
    sys.exit(suite.main())
