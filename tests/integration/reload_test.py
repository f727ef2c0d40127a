#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras come, change and go while the launcher runs: by its file and SIGHUP, and through the API."""
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import (JSON, NOWHERE, OFFER, cameras, delete, equal, hup, join, log_in, put, rewrite,  # noqa: E402
                 watching)
from churn import Watchers  # noqa: E402
from harness import BUILD, PASSWORD, Camera, Process, Sluice, Suite, free_port, until  # noqa: E402

suite = Suite()
case = suite.case
SLUICE = BUILD / "launcher/sluice"
CAMERA = None


def camera():
    global CAMERA  # pylint: disable=global-statement
    if CAMERA is None:
        CAMERA = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15",
                                   "--sub"))
    return CAMERA


def life(s, name):
    """What changes when its source is touched."""
    stream = cameras(s)[name]["streams"][0]
    return stream["state"], stream["attempts"], stream["losses"]


@case
def a_reload_touches_only_what_has_changed():
    url = camera().url()
    s = suite.keep(Sluice(suite.directory, {"stays": {"main": url}, "changes": {"main": url, "sub": camera().url("sub")},
                                            "goes": {"main": url}}, name="reload"))
    until(lambda: all(c["state"] == "streaming" for c in cameras(s).values()), 20, "all stream")
    before = life(s, "stays")

    def change(config):
        c = config["cameras"]
        del c["goes"]
        c["changes"]["streams"]["main"]["latency"] = 50
        c["comes"] = {"streams": {"main": {"url": url}}}

    rewrite(s, change)
    said = hup(s)
    assert "reloaded: 1 added, 1 changed, 1 removed, 1 untouched" in said, said
    equal(list(cameras(s)), ["stays", "changes", "comes"])
    until(lambda: all(c["state"] == "streaming" for c in cameras(s).values()), 20, "all stream again")
    equal(life(s, "stays"), before, "not touched")
    equal([x["attempts"] for x in cameras(s)["changes"]["streams"]], [1, 1], "main is new, sub is not touched")
    said = s.output()
    equal(said.count("camera stays/main: streaming"), 1)
    equal(said.count("camera changes/main: streaming"), 2)
    equal(said.count("camera changes/sub: streaming"), 1)
    equal(s.get("/whep/goes", method="POST", body=b"v=0\r\n", headers={"Content-Type": "application/sdp"})[0], 404)
    assert "0 added, 0 changed, 0 removed, 3 untouched" in hup(s)
    equal(suite.close(s), 0)


@case
def viewers_of_a_changed_camera_stay_and_see_the_new_picture():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": camera().url()}}, name="changed"))
    until(lambda: cameras(s)["front"]["state"] == "streaming", 20, "it streams")
    viewers = suite.keep(Watchers(s, "front", 1))
    session = watching(s)
    viewers.wait_for(10)

    def change(config):
        config["cameras"]["front"]["streams"]["main"]["url"] = camera().url("sub")

    rewrite(s, change)
    assert "1 changed" in hup(s)
    until(lambda: cameras(s)["front"]["state"] == "streaming" and cameras(s)["front"]["streams"][0]["width"] == 640, 20,
          "it streams again, the other one")
    viewers.wait_for(10)
    equal(watching(s), session)
    suite.close(viewers)
    equal(suite.close(s), 0)


@case
def a_file_with_mistakes_changes_nothing_and_is_told_as_check_does():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="mistakes"))
    good = s.config.read_text()
    for text in ("{", json.dumps({"version": 1, "cameras": {"front": {"streams": {"main": {"url": "ftp://h"}}, "x": 1}}}),
                 json.dumps({"version": 1, "cameras": {}})):
        s.config.write_text(text)
        told = subprocess.run([SLUICE, "check", s.config], text=True, capture_output=True, check=False).stderr
        said = hup(s, "not reloaded")
        for line in told.splitlines():
            assert f"error {line}\n" in said, (line, said)
        equal(list(cameras(s)), ["front"])
    s.config.unlink()
    assert "cannot be read" in hup(s, "not reloaded")
    s.config.write_text(good)
    assert "1 untouched" in hup(s)
    equal(suite.close(s), 0)


@case
def what_needs_a_restart_is_named():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="fixed"))

    def change(config):
        config["server"].update({"address": "127.0.0.2", "port": 1, "state": "/elsewhere", "webrtc": {"ice-tcp": True}})

    rewrite(s, change)
    said = hup(s)
    for field in ("/server/address", "/server/port", "/server/state", "/server/webrtc/ice-tcp"):
        assert f"{field}: a change counts from the next start only" in said, (field, said)
    equal(s.get("/healthz", auth=None)[0], 200)
    equal(suite.close(s), 0)


@case
def cameras_are_made_changed_and_removed_through_the_api():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="api"))
    equal(s.get("/api/v1/cameras/yard")[0], 404)
    status, headers, body = put(s, "yard", {"streams": {"main": {"url": camera().url()}}})
    equal(status, 201, body)
    made = json.loads(body)
    equal((made["name"], made["origin"]), ("yard", "api"))
    equal(made["description"], {"streams": {"main": {"url": camera().url()}}})
    until(lambda: cameras(s)["yard"]["state"] == "streaming", 20, "it streams")
    first = headers["ETag"]
    equal(s.get("/api/v1/cameras/yard")[1]["ETag"], first)
    status, headers, _ = put(s, "yard", NOWHERE, {"If-Match": first})
    equal(status, 200)
    equal(put(s, "yard", NOWHERE, {"If-Match": first})[0], 412)
    equal(put(s, "yard", NOWHERE, {"If-None-Match": "*"})[0], 412)
    equal(delete(s, "yard", {"If-Match": first})[0], 412)
    until(lambda: cameras(s)["yard"]["state"] != "streaming", 20, "the other address")
    equal(put(s, "second", NOWHERE, {"If-None-Match": "*"})[0], 201)
    stored = s.state / "cameras.json"
    equal(stored.stat().st_mode & 0o777, 0o600)
    equal(list(json.loads(stored.read_text())["cameras"]), ["yard", "second"])
    equal(delete(s, "second")[0], 204)
    equal(delete(s, "second")[0], 404)
    assert "2 untouched" in hup(s), "a reload keeps them"
    equal(suite.close(s), 0)
    again = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="api-again", state=s.state))
    equal(list(cameras(again)), ["front", "yard"], "they survive a restart")
    equal(suite.close(again), 0)


@case
def mistakes_are_told_like_those_of_the_file():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="api-mistakes"))
    bad = {"streams": {"main": {"url": "ftp://h/1", "latency": -1}, "third": {}}, "colour": "red"}
    status, headers, body = put(s, "yard", bad)
    equal(status, 422, body)
    assert "problem+json" in headers["Content-Type"]
    found = {e["pointer"]: e["message"] for e in json.loads(body)["errors"]}
    path = Path(suite.directory, "same.json")
    path.write_text(json.dumps({"version": 1, "cameras": {"yard": bad}}))
    told = subprocess.run([SLUICE, "check", path], text=True, capture_output=True, check=False).stderr.splitlines()
    equal(sorted(f"{path}: /cameras/yard{p}: {m}" for p, m in found.items()), sorted(told))
    secret = {"url": "rtsp://127.0.0.1:1/x", "user": "u"}
    for password, part in [("hunter2", "the password itself"), ({"file": "/etc/hostname"}, "only files in"),
                           ({"file": "../accounts"}, "only files in"), ({"file": ".x"}, "only files in"),
                           ({"env": "SLUICE_ADMIN_PASSWORD"}, "SLUICE_CAMERA_"), ({"file": "none.pw"}, "No such file")]:
        status, _, body = put(s, "yard", {"streams": {"main": {**secret, "password": password}}})
        equal(status, 422, body)
        assert part in json.loads(body)["errors"][0]["message"], body
        assert b"hunter2" not in body and PASSWORD.encode() not in body
    for body, wanted in [(b"{", 422), (b"", 422), (b"[]", 422), (b'{"streams": {}, "streams": {}}', 422),
                         (b"\xff" * 100, 422), (b" " * 20000, 413)]:
        equal(put(s, "yard", body)[0], wanted, body[:20])
    equal(put(s, "a%20b", NOWHERE)[0], 422)
    equal(put(s, ".hidden", NOWHERE)[0], 422)
    equal(put(s, "yard", NOWHERE, {"Content-Type": "text/plain"})[0], 415)
    status, _, body = put(s, "front", NOWHERE)
    equal(status, 409)
    assert "configuration file" in json.loads(body)["detail"]
    equal(delete(s, "front")[0], 409)
    equal(list(cameras(s)), ["front"])
    assert not (s.state / "cameras.json").exists()
    equal(suite.close(s), 0)


@case
def secrets_are_shown_as_references_only():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="secrets"))
    (s.state / "secrets").mkdir(mode=0o700)
    (s.state / "secrets/yard.pw").write_text("hunter2-camera\n")
    stream = {"url": "rtsp://127.0.0.1:1/x", "user": "viewer", "password": {"file": "yard.pw"}}
    equal(put(s, "yard", {"streams": {"main": stream}})[0], 201)
    body = s.get("/api/v1/cameras/yard")[2]
    equal(json.loads(body)["description"]["streams"]["main"], stream)
    assert b"hunter2" not in body + s.get("/api/v1/cameras")[2] + (s.state / "cameras.json").read_bytes()
    assert "hunter2" not in s.output()
    (s.state / "secrets/yard.pw").write_text("another-one\n")
    assert "1 changed" in hup(s), "a new password in the same file"
    equal(suite.close(s), 0)
    (s.state / "secrets/yard.pw").unlink()
    broken = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="secrets-gone",
                               state=s.state, wait=False))
    until(lambda: not broken.running(), 10, "it does not start")
    equal(broken.p.returncode, 78)
    assert "cameras.json: /cameras/yard/streams/main/password/file: " in broken.output(), broken.output()


@case
def only_the_administrator_changes_cameras():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="rights"))
    subprocess.run([SLUICE, "passwd", "--state", s.state, "guest"], input="guest-password\n", text=True, check=True,
                   capture_output=True)
    token = subprocess.run([SLUICE, "token", "--state", s.state, "tool"], text=True, check=True,
                           capture_output=True).stdout.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    for who in ({"auth": ("guest", "guest-password")}, {"auth": None, "headers": {**JSON, **bearer}}):
        equal(s.get("/api/v1/cameras", **who)[0], 200)
        status, _, body = s.get("/api/v1/cameras/front", **who)
        equal(status, 200)
        assert b"description" not in body
        for method, path in (("PUT", "/api/v1/cameras/x"), ("DELETE", "/api/v1/cameras/front"),
                             ("DELETE", "/api/v1/viewers/x")):
            equal(s.get(path, method=method, body=b"{}" if method == "PUT" else None, **who)[0], 403, f"{method} {path}")
    equal(s.get("/api/v1/cameras/x", method="PUT", body=b"{}", headers=JSON, auth=None)[0], 401)
    status, fields, _ = s.get("/api/v1/login", auth=None, method="POST", headers=JSON,
                              body=json.dumps({"user": "admin", "password": PASSWORD}).encode())
    mine = {"Cookie": fields["Set-Cookie"].split(";")[0]}
    equal(put(s, "x", NOWHERE, {**mine, "Origin": "http://evil.example"}, auth=None)[0], 403)
    equal(put(s, "x", NOWHERE, {**mine, "Origin": s.base}, auth=None)[0], 201)
    equal(suite.close(s), 0)


@case
def who_may_no_longer_watch_is_closed_without_asking():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": camera().url()}, "other": {"main": camera().url()}},
                          name="revoked"))

    def change(command, name, text=None):
        return subprocess.run([SLUICE, command, "--state", s.state, name], input=text, text=True, check=True,
                              capture_output=True).stdout.strip()

    change("passwd", "guest", "guest-password\n")
    bearer = {"Authorization": "Bearer " + change("token", "tool")}
    until(lambda: all(c["state"] == "streaming" for c in cameras(s).values()), 20, "all stream")
    one, two = log_in(s), log_in(s)
    ids = {"one": join(s, auth=None, headers=one), "two": join(s, auth=None, headers=two),
           "guest": join(s, auth=("guest", "guest-password")), "tool": join(s, auth=None, headers=bearer),
           "basic": join(s, "other")}
    equal(watching(s), set(ids.values()))
    equal({n: c["viewers"] for n, c in cameras(s).items()}, {"front": 4, "other": 1})

    def gone(name, why):
        # The log first: a request would look at the accounts, too.
        until(lambda: f"1 viewer closed: {why}" in s.news(), 6, f"{name} is closed")
        viewer = ids.pop(name)
        until(lambda: viewer not in watching(s), 6, f"{name} is closed")
        equal(watching(s), set(ids.values()), f"after {name}")

    s.news()
    equal(s.get("/api/v1/logout", auth=None, method="POST", headers=one)[0], 204)
    gone("one", "logged out")
    change("token", "tool")
    gone("tool", "the credentials have changed")
    change("passwd", "guest", "another-password\n")
    gone("guest", "the credentials have changed")
    rewrite(s, lambda config: config["cameras"].pop("other"))
    assert "1 viewer closed: the camera has been removed" in hup(s)
    viewer = ids.pop("basic")
    until(lambda: viewer not in watching(s), 6, "the viewer of the camera is closed")
    equal(watching(s), set(ids.values()))
    for _ in range(9):
        status, fields, _ = s.get("/whep/front", method="POST", body=OFFER, auth=("admin", "wrong-password"),
                                  headers={"Content-Type": "application/sdp"})
        if status == 429:
            break
        equal(status, 401)
    equal(status, 429)
    assert 1 <= int(fields["Retry-After"]) <= 30, fields["Retry-After"]
    equal(suite.close(s), 0)


@case
def one_camera_from_the_command_line_has_company():
    port, state = free_port(), Path(suite.directory, "address-state")
    p = suite.keep(Process([SLUICE, "run", "--address", "127.0.0.1", "--port", port, "--state", state,
                            "rtsp://127.0.0.1:1/x"], suite.directory, "address", {"SLUICE_ADMIN_PASSWORD": PASSWORD}))
    p.base = f"http://127.0.0.1:{port}"
    p.get = lambda *a, **k: Sluice.get(p, *a, **k)
    until(lambda: p.get("/healthz", auth=None)[0] == 200, 15, "it answers")
    equal(put(p, "yard", NOWHERE)[0], 201)
    status, _, body = put(p, "camera", NOWHERE)
    equal(status, 409)
    assert "command line" in json.loads(body)["detail"]
    assert "2 untouched" in hup(p)
    equal(suite.close(p), 0)


@case
def a_terminal_that_closes_ends_it():
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["SLUICE_ADMIN_PASSWORD"] = PASSWORD
        os.execv(SLUICE, [str(SLUICE), "run", "--address", "127.0.0.1", "--port", "0", "--state",
                          f"{suite.directory}/pty-state", "rtsp://127.0.0.1:1/x"])
    said = b""
    while b" serves " not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    ended = until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 15, "it ends")
    assert ended


if __name__ == "__main__":
    sys.exit(suite.main())
