#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Known secrets, everything done with them that goes right and wrong, and then a search for them where they must not be:
logs at all levels, answers, command lines and environments, pictures of pipelines, the state directory."""
import base64
import json
import os
import signal
import time
from pathlib import Path
from urllib.parse import quote

from attack import AttackSuite, SLUICE, basic, request, tool, upgrade
from api import cameras, log_in, put, rewrite # found through attack
from fault_cameras import Host
from fault_viewers import Viewers
from harness import PASSWORD, Process, Sluice, children, until

suite = AttackSuite()
table = suite.table
SECRETS = {"camera password in a file": "Fi1e:secret/@%41x", "camera password in the environment": "Env-secret&<x>",
           "camera password of the API": "Api-secret-9f", "camera password in an address": "Url-secret-77",
           "wrong camera password": "Wr0ng-secret-55", "account password": PASSWORD, "wrong account password": "Guess-secret-13"}
ANSWERS = [] # all bytes that came


def forms(secret):
    """As it may be written."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    for user in ("viewer", "admin"):
        yield base64.b64encode(f"{user}:{secret}".encode()).decode()
    yield base64.b64encode(secret.encode()).decode().rstrip("=")


def found_in(data, leave_out=()):
    """Names of the secrets that are in these bytes."""
    return sorted({name for name, secret in SECRETS.items() if name not in leave_out
                   for form in forms(secret) if form.encode() in data})


def ask(s, method, path, fields=None, body=b""):
    answer = request(s.port, method, path, fields or {}, body)
    ANSWERS.append(answer.data)
    return answer


def exercise(s, cookie, token):
    """Everything that is asked for with them, and some of it wrong."""
    admin = {"Authorization": basic("admin", PASSWORD)}
    for fields in (admin, cookie, {"Authorization": f"Bearer {token}"}, {"Authorization": basic("admin", "Guess-secret-13")},
                   {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Basic {token}"}, {"Cookie": cookie["Cookie"] + "x"},
                   {"Authorization": "Digest " + PASSWORD}):
        for path in ("/api/v1/cameras", "/api/v1/cameras/by-file", "/api/v1/cameras/by-api", "/api/v1/viewers", "/nothing",
                     "/whep/by-file/nobody"):
            ask(s, "GET", path, fields)
        ask(s, "POST", "/whep/by-file", {**fields, "Content-Type": "application/sdp"}, b"v=0")
        ANSWERS.append(upgrade(s.port, "/ws", list(fields.items())).data)
    for body in ({"user": "admin", "password": "Guess-secret-13"}, {"user": PASSWORD, "password": "Guess-secret-13"},
                 {"user": "admin", "password": PASSWORD, "more": 1}, {"password": PASSWORD}):
        ask(s, "POST", "/api/v1/login", {"Content-Type": "application/json"}, json.dumps(body).encode())
    ask(s, "POST", "/api/v1/login", {"Content-Type": "application/json"}, b'{"user": "admin", "password": "' + PASSWORD.encode())
    # Secrets where only references may stand.
    for stream in ({"url": f"rtsp://viewer:{SECRETS['camera password in an address']}@127.0.0.1:1/x"},
                   {"url": "rtsp://127.0.0.1:1/x", "password": SECRETS["camera password in an address"]},
                   {"url": "rtsp://127.0.0.1:1/x", "user": "u", "password": {"file": SECRETS["camera password in an address"]}},
                   {"url": f"rtsp://127.0.0.1:1/x?password={SECRETS['camera password in an address']}"},
                   {"sources": [{"url": f"http://viewer:{SECRETS['camera password in an address']}@127.0.0.1:1/x"}]}):
        ask(s, "PUT", "/api/v1/cameras/wrong", {**admin, "Content-Type": "application/json"},
            json.dumps({"streams": {"main": stream}}).encode())
    for broken in (b"{", b'{"streams": {"main": {"url": "rtsp://viewer:Url-secret-77@127.0.0.1', b"Url-secret-77"):
        ask(s, "PUT", "/api/v1/cameras/wrong", {**admin, "Content-Type": "application/json"}, broken)
    ask(s, "DELETE", "/api/v1/cameras/wrong", admin)


@suite.case
def secrets_are_nowhere_else():
    hosts = Host(suite.directory, {
        "by-file": {"auth": "digest", "password": SECRETS["camera password in a file"]},
        "by-env": {"auth": "basic", "password": SECRETS["camera password in the environment"]},
        "by-api": {"auth": "digest", "password": SECRETS["camera password of the API"]}, "wrong": {"auth": "basic"}})
    suite.keep(hosts)
    file = Path(suite.directory) / "camera.pw"
    bad = Path(suite.directory) / "wrong.pw"
    for path, name in ((file, "camera password in a file"), (bad, "wrong camera password")):
        path.write_text(SECRETS[name] + "\n")
        path.chmod(0o600)
    dots = Path(suite.directory) / "dots"
    dots.mkdir()
    os.environ.update(SLUICE_CAMERA_ENV=SECRETS["camera password in the environment"], GST_DEBUG_DUMP_DOT_DIR=str(dots),
                      G_MESSAGES_DEBUG="all", GST_DEBUG="3", GST_DEBUG_NO_COLOR="1")
    s = suite.keep(Sluice(suite.directory, {
        "by-file": {"main": {"url": hosts.camera("by-file").url(), "user": "viewer", "password": {"file": str(file)}}},
        "by-env": {"main": {"url": hosts.camera("by-env").url(), "user": "viewer", "password": {"env": "SLUICE_CAMERA_ENV"}}},
        "refused": {"main": {"url": hosts.camera("wrong").url(), "user": "viewer", "password": {"file": str(bad)}}}},
        name="secrets"))
    for name in ("GST_DEBUG", "G_MESSAGES_DEBUG", "GST_DEBUG_DUMP_DOT_DIR", "SLUICE_CAMERA_ENV"):
        os.environ.pop(name)
    secrets = s.state / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "api.pw").write_text(SECRETS["camera password of the API"])
    (secrets / "api.pw").chmod(0o600)
    status, _, body = put(s, "by-api", {"streams": {"main": {"url": hosts.camera("by-api").url(), "user": "viewer",
                                                             "password": {"file": "api.pw"}}}})
    ANSWERS.append(body)
    assert status == 201, body
    until(lambda: [c["state"] for n, c in cameras(s).items() if n != "refused"] == ["streaming"] * 3, 20, "three cameras stream")
    cookie = log_in(s)
    how = ["create", "seeker"] if "create" in tool("token", "--help")[1] else ["seeker"]
    token = max(tool("token", *how, "--state", s.state)[1].split(), key=len)
    SECRETS["token"], SECRETS["cookie"] = token, cookie["Cookie"].split("=", 1)[1]
    time.sleep(2.2)
    viewers = suite.keep(Viewers(s))
    for name in ("by-file", "by-env", "by-api"):
        viewers.join(name)
    exercise(s, cookie, token)
    hosts.camera("by-file").act("reset")
    hosts.camera("by-api").set(password="changed-now")
    hosts.camera("by-api").act("reset")
    rewrite(s, lambda c: c["cameras"]["by-env"]["streams"]["main"].update(password=SECRETS["camera password in an address"]))
    s.send(signal.SIGHUP) # the mistake is told
    time.sleep(3)
    ask(s, "GET", "/api/v1/cameras", {"Authorization": basic("admin", PASSWORD)})
    table.line("the configuration's mistake is told", "yes", str("password" in s.output()), "password" in s.output())

    logged = s.log.read_bytes()
    table.line(f"log, all levels of ours and GST_DEBUG=3, {len(logged)} bytes", "none", ", ".join(found_in(logged)) or "none",
               len(logged) > 500 and not found_in(logged))
    told = b"".join(ANSWERS)
    table.line(f"{len(ANSWERS)} answers of the API", "none", ", ".join(found_in(told)) or "none",
               len(told) > 10000 and not found_in(told))
    drawn = b"".join(p.read_bytes() for p in dots.rglob("*.dot"))
    table.line(f"pictures of pipelines, {len(drawn)} bytes", "none", ", ".join(found_in(drawn)) or "none", not found_in(drawn))
    # What the operator has put there himself is there: the secret files of the API's cameras.
    kept = {p: p.read_bytes() for p in s.state.rglob("*") if p.is_file() and p.parent != secrets}
    wrong = [f"{p.relative_to(s.state)}: {', '.join(found_in(data))}" for p, data in kept.items() if found_in(data)]
    table.line(f"state directory: {', '.join(sorted(str(p.relative_to(s.state)) for p in kept))}"[:64], "hashes only",
               "; ".join(wrong) or "hashes only", not wrong)
    line = Path(f"/proc/{s.pid}/cmdline").read_bytes()
    table.line("its command line", "none", ", ".join(found_in(line)) or "none", not found_in(line))
    pids = [pid for pid, _ in children(s.pid)]
    told = b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for pid in pids for what in ("cmdline", "environ"))
    table.line(f"{len(pids)} children, their command lines and environments", "none", ", ".join(found_in(told)) or "none",
               not found_in(told))
    # The search is able to find: the camera was told, by its own protocol.
    table.line("the search finds what is there", "found", str(found_in(json.dumps(SECRETS).encode())[:1]),
               len(found_in(json.dumps(SECRETS).encode())) == len(SECRETS))
    suite.close(s)


@suite.case
def an_address_with_a_password_on_the_command_line():
    """Others see it for a moment and no longer; neither log nor error text repeats it."""
    secret = SECRETS["camera password in an address"]
    state = Path(suite.directory) / "address-state"
    state.mkdir(mode=0o700)
    p = suite.keep(Process([SLUICE, "run", f"rtsp://viewer:{secret}@127.0.0.1:1/x", "--port", "0", "--state", state],
                           suite.directory, "address", {"SLUICE_ADMIN_PASSWORD": PASSWORD, "G_MESSAGES_DEBUG": "all",
                                                        "GST_DEBUG": "3"}))
    until(lambda: "reconnecting" in p.output(), 15, "it has tried")
    line = Path(f"/proc/{p.pid}/cmdline").read_bytes()
    table.line("command line of a running one", "stars", line.decode().replace("\0", " ")[-60:], not found_in(line) and b"***" in line)
    table.line("its log", "none", ", ".join(found_in(p.log.read_bytes())) or "none", not found_in(p.log.read_bytes()))
    suite.close(p)
    for wrong in ([f"rtsp://viewer:{secret}@"], [f"rtsp://viewer:{secret}@127.0.0.1:99999/x"], [f"rtps://viewer:{secret}@127.0.0.1/x"],
                  [f"rtsp://viewer:{secret}@127.0.0.1/x", "more"], ["--no-such", f"rtsp://viewer:{secret}@127.0.0.1/x"],
                  [f"--port=rtsp://viewer:{secret}@127.0.0.1/x", "x.json"], [f"rtsp://viewer:{secret}@[::1/x"]):
        status, out, err = tool("run", "--state", state, *wrong)
        said = (out + err).encode()
        table.line(f"error for {' '.join(wrong)[:46].replace(secret, 'SECRET')}", "64, no secret",
                   f"{status} {err.strip().splitlines()[-1][:60] if err.strip() else ''}", status != 0 and not found_in(said))
    config = Path(suite.directory) / "wrong.json"
    for text in (json.dumps({"version": 1, "cameras": {"a": {"streams": {"main": {"url": f"rtsp://u:{secret}@h/x"}}}}}),
                 json.dumps({"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/x", "password": secret}}}}}),
                 json.dumps({"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/x", "passwort": secret}}}}}),
                 f'{{"version": 1, "cameras": {{"a": {{"streams": {{"main": {{"password": "{secret}"'):
        config.write_text(text)
        status, out, err = tool("check", config)
        table.line(f"check: {text[-44:].replace(secret, 'SECRET')}", "78 or a warning, no secret", f"{status} {(out + err).strip()[-50:]}",
                   not found_in((out + err).encode()))


if __name__ == "__main__":
    raise SystemExit(suite.main())
