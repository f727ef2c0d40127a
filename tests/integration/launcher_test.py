#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher's command line, configuration errors, logins and camera reasons: the real program against scripted cameras."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import contains, equal  # noqa: E402
from harness import BUILD, ROOT, PASSWORD, Process, Served, Sluice, Suite, free_port, until  # noqa: E402

suite = Suite()
case = suite.case
SLUICE = BUILD / "launcher/sluice"
ONE_CAMERA = {"version": 1, "cameras": {"front": {"streams": {"main": {"url": "rtsp://127.0.0.1:1/x"}}}}}


def sluice(*arguments, text=None, env=None, seconds=20):
    """Runs it to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([SLUICE, *arguments], input=text or "", text=True, capture_output=True, timeout=seconds,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


def write(name, content):
    path = Path(suite.directory) / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


SERVER = None


def server():
    """One launcher for all cases that only ask."""
    global SERVER  # pylint: disable=global-statement
    if SERVER is None:
        SERVER = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="shared"))
    return SERVER


def body_of(answer):
    return json.loads(answer[2])


def login(s, password=PASSWORD, user="admin", headers=None):
    status, fields, body = s.get("/api/v1/login", auth=None, method="POST",
                                 body=json.dumps({"user": user, "password": password}).encode(),
                                 headers={"Content-Type": "application/json", **(headers or {})})
    return status, fields, body


def cookie(fields):
    return fields["Set-Cookie"].split(";")[0]


@case
def every_kind_of_bad_configuration_is_one_line_with_its_place():
    stream = '{"url": "rtsp://h/1"}'
    table = [
        ('{"version": 1', r":1:14: found the end of the file"),
        ('{"version": 1,\n "cameras": {,}}', r":2:14: "),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": %s}}}, "x": 1}' % stream, r": /x: found an unknown field"),
        ('{"version": "1", "cameras": {"a": {"streams": {"main": %s}}}}' % stream, r": /version: found a text, allowed: 1"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": %s}}, "a": {"streams": {"main": %s}}}}' % (stream, stream),
         r": /cameras/a: found \"a\" twice"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "ftp://h/1"}}}}}',
         r": /cameras/a/streams/main/url: found .*allowed: rtsp://"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://u:hunter2@h/1"}}}}}',
         r": /cameras/a/streams/main/url: found a user or password"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1", "user": "u",'
         ' "password": {"file": "none.pw"}}}}}}', r"main/password/file: found .*none.pw.*No such file"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1", "user": "u",'
         ' "password": {"env": "SLUICE_NOT_SET"}}}}}}', r"main/password/env: .*not set"),
        ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1", "user": "u",'
         ' "password": "hunter2"}}}}}', r"main/password: found the password itself"),
        ('{"version": 1, "server": {"port": 70000}, "cameras": {"a": {"streams": {"main": %s}}}}' % stream,
         r": /server/port: found 70000, allowed: a whole number from 0 to 65535"),
    ]
    for number, (text, wanted) in enumerate(table):
        path = write(f"bad-{number}.json", text)
        for command in ("check", "run"):
            status, out, err = sluice(command, path)
            equal(status, 78, f"{command} {text}: {err}")
            lines = err.splitlines()
            equal(len(lines), 1, f"{text}: {err}")
            assert lines[0].startswith(str(path)), lines[0]
            assert re.search(wanted, lines[0]), f"{wanted} not in {lines[0]}"
            assert "hunter2" not in err + out


@case
def files_that_are_not_there_or_not_readable_are_told():
    for command in ("check", "run"):
        status, _, err = sluice(command, "/no/such/file.json")
        equal(status, 66)
        contains(err, "/no/such/file.json: cannot be read: No such file")
    status, _, err = sluice("check", suite.directory)
    equal(status, 66)
    contains(err, "directory")


@case
def good_files_and_the_examples_check():
    status, out, _ = sluice("check", write("good.json", ONE_CAMERA))
    equal(status, 0)
    contains(out, "ok, 1 camera, 1 stream")
    for example in sorted((ROOT / "examples").glob("*.json")):
        status, out, err = sluice("check", example, env={"FRONT_DOOR_PASSWORD": "x"})
        equal(status, 0, f"{example}: {err}")


@case
def command_line_mistakes_exit_64():
    for arguments, part in [([], "a command is missing"), (["walk"], "unknown command \"walk\""), (["run"], "missing"),
                            (["run", "a", "b"], "too many"), (["run", "--bogus", "x"], "--bogus"),
                            (["run", "ftp://u:hunter2@h/x"], "rtsp://HOST"), (["run", "rtsp:///x"], "names no host"),
                            (["run", "--port", "70000", "x"], "0 to 65535"), (["run", "--port", "x", "x"], "x"),
                            (["run", "--address", "nowhere", "x"], "IP address"), (["check"], "missing"),
                            (["run", "--password-file", "x", "rtsp://h/1"], "rtsp://USER@")]:
        status, out, err = sluice(*arguments)
        equal(status, 64, f"{arguments}: {err}")
        contains(err, part)
        assert "hunter2" not in out + err
    for command in ("run", "check", "passwd", "token"):
        status, out, _ = sluice(command, "--help")
        equal(status, 0)
        contains(out, f"sluice {command}")
    status, out, _ = sluice("--help")
    equal(status, 0)
    contains(out, "Exit codes")
    status, out, _ = sluice("--version")
    equal(status, 0)
    contains(out, "sluice ")


@case
def gstreamers_options_are_understood():
    status, out, _ = sluice("run", "--gst-version")
    equal(status, 0)
    contains(out, "GStreamer")
    status, out, _ = sluice("--gst-version", "run")
    equal(status, 0)
    status, out, _ = sluice("run", "--help-gst")
    contains(out, "--gst-debug")


@case
def a_missing_plugin_is_named():
    status, _, err = sluice("run", "--state", Path(suite.directory) / "unused", write("one.json", ONE_CAMERA),
                            env={"GST_PLUGIN_PATH": "", "GST_REGISTRY": str(Path(suite.directory) / "other.registry")})
    equal(status, 69, err)
    contains(err, "the element fanoutsink is missing")
    contains(err, "GST_PLUGIN_PATH")


@case
def the_first_password_is_printed_once():
    state = Path(suite.directory) / "first-state"
    config = write("first.json", {**ONE_CAMERA, "server": {"address": "127.0.0.1", "port": 0, "state": "first-state"}})
    env = {"SLUICE_ADMIN_PASSWORD": ""}
    first = suite.keep(Process([SLUICE, "run", config], suite.directory, "first", env))
    until(lambda: " serves " in first.output(), 20, "the launcher is up")
    found = re.search(r'Log in as "admin" with the password\n\n    (\S{12,})\n', first.output())
    assert found, first.output()
    url = re.search(r"on (http://127.0.0.1:\d+)/", first.output()).group(1)
    probe = Sluice.__new__(Sluice)
    probe.base = url
    equal(probe.get("/api/v1/cameras", auth=("admin", found.group(1)))[0], 200)
    equal((state / "accounts").stat().st_mode & 0o777, 0o600)
    assert found.group(1) not in (state / "accounts").read_text()
    equal(suite.close(first), 0)
    second = suite.keep(Process([SLUICE, "run", config], suite.directory, "second", env))
    until(lambda: " serves " in second.output(), 20, "the launcher is up again")
    assert "password" not in second.output(), second.output()
    equal(suite.close(second), 0)


@case
def bad_first_passwords_are_refused():
    config = write("weak.json", {**ONE_CAMERA, "server": {"address": "127.0.0.1", "port": 0}})
    status, _, err = sluice("run", "--state", Path(suite.directory) / "weak", config,
                            env={"SLUICE_ADMIN_PASSWORD": "short"})
    equal(status, 78)
    contains(err, "8 to 256")
    status, _, err = sluice("run", "--state", Path(suite.directory) / "weak", "--admin-password-file", "/no/file", config,
                            env={"SLUICE_ADMIN_PASSWORD": ""})
    equal(status, 66)
    contains(err, "/no/file")


@case
def without_login_only_health_and_the_login_page_answer():
    s = server()
    for method, path, wanted in [
            ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("POST", "/healthz", 405), ("GET", "/login", 200),
            ("GET", "/style.css", 200), ("GET", "/login.js", 200), ("GET", "/icon.svg", 200), ("GET", "/", 303),
            ("GET", "/app.js", 401), ("GET", "/player.js", 401), ("GET", "/index.html", 401),
            ("GET", "/api/v1/cameras", 401), ("GET", "/api/v1/viewers", 401), ("DELETE", "/api/v1/viewers/x", 401),
            ("POST", "/api/v1/logout", 401), ("GET", "/api/v1/login", 405), ("GET", "/nothing", 401),
            ("PUT", "/", 401), ("GET", "/../etc/passwd", 401), ("GET", "/metrics", 401),
            ("POST", "/whep/front", 401), ("GET", "/whep/front/x", 401), ("DELETE", "/whep/front/x", 401)]:
        status, fields, body = s.get(path, auth=None, method=method, headers={"Content-Type": "application/sdp"})
        equal(status, wanted, f"{method} {path}")
        if status == 401:
            contains(fields["Content-Type"], "application/problem+json")
            equal(json.loads(body)["status"], 401)
            contains(fields["WWW-Authenticate"], "Basic")
        if not path.startswith("/whep"):
            equal(fields["X-Content-Type-Options"], "nosniff", path)
            contains(fields["Content-Security-Policy"], "frame-ancestors 'none'")
            equal(fields["Referrer-Policy"], "no-referrer", path)
    equal(s.get("/", auth=None)[1]["Location"], "login")
    fields = s.get("/api/v1/cameras", auth=None, headers={"X-Requested-With": "sluice"})[1]
    equal(fields["WWW-Authenticate"], None, "no dialogue of the browser over our page")


@case
def basic_opens_everything():
    s = server()
    for path in ("/", "/app.js", "/player.js", "/api/v1/cameras", "/api/v1/viewers"):
        equal(s.get(path)[0], 200, path)
    equal(s.get("/nothing")[0], 404)
    equal(s.get("/api/v1/cameras", method="POST")[0], 405)
    equal(s.get("/api/v1/cameras", method="POST")[1]["Allow"], "GET, HEAD")
    equal(s.get("/api/v1/viewers/none", method="DELETE")[0], 404)
    equal(body_of(s.get("/api/v1/viewers")), {"viewers": []})
    camera = body_of(s.get("/api/v1/cameras"))["cameras"][0]
    equal(camera["name"], "front")
    equal([x["name"] for x in camera["streams"]], ["main"])
    tag = s.get("/app.js")[1]["ETag"]
    equal(s.get("/app.js", headers={"If-None-Match": tag})[0], 304)
    equal(s.get("/", method="HEAD")[2], b"")


@case
def a_cookie_session_begins_and_ends():
    s = server()
    status, fields, body = login(s)
    equal(status, 200, body)
    equal(json.loads(body), {"user": "admin"})
    for flag in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        contains(fields["Set-Cookie"], flag)
    mine = {"Cookie": cookie(fields)}
    assert len(mine["Cookie"]) > 43
    equal(s.get("/api/v1/cameras", auth=None, headers=mine)[0], 200)
    equal(s.get("/", auth=None, headers=mine)[0], 200)
    here = s.base
    for origin, wanted in [(None, 404), (here, 404), ("http://evil.example", 403), ("null", 403)]:
        headers = {**mine, **({"Origin": origin} if origin else {})}
        equal(s.get("/api/v1/viewers/none", auth=None, method="DELETE", headers=headers)[0], wanted, str(origin))
    equal(s.get("/whep/front", auth=None, method="POST", body=b"x",
                headers={**mine, "Origin": "http://evil.example", "Content-Type": "application/sdp"})[0], 403)
    equal(s.get("/api/v1/viewers/none", auth=None, method="DELETE",
                headers={**mine, "Sec-Fetch-Site": "cross-site"})[0], 403)
    status, fields, _ = s.get("/api/v1/logout", auth=None, method="POST", headers={**mine, "Origin": here})
    equal(status, 204)
    contains(fields["Set-Cookie"], "Max-Age=0")
    equal(s.get("/api/v1/cameras", auth=None, headers=mine)[0], 401)


@case
def logins_that_make_no_sense_are_told():
    s = server()
    json_type = {"Content-Type": "application/json"}
    for body, headers, wanted in [(b"", json_type, 400), (b"{}", json_type, 400), (b"[1]", json_type, 400),
                                  (b'{"user": 1, "password": "x"}', json_type, 400),
                                  (b'{"user": "a", "password": "b", "c": 1}', json_type, 400),
                                  (b'{"user": "a", "user": "a", "password": "b"}', json_type, 400),
                                  (b"user=admin&password=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
                                  (b'{"user": "a", "password": "b"}', {**json_type, "Origin": "http://evil"}, 403)]:
        status, fields, answer = s.get("/api/v1/login", auth=None, method="POST", body=body, headers=headers)
        equal(status, wanted, str(body))
        contains(fields["Content-Type"], "problem+json")
        assert b"admin" not in answer


@case
def a_body_that_is_too_large_is_refused():
    s = server()
    status, _, _ = s.get("/api/v1/login", auth=None, method="POST", body=b"x" * 20000,
                         headers={"Content-Type": "application/json"})
    equal(status, 413)
    connection = http.client.HTTPConnection("127.0.0.1", s.port, timeout=10)
    connection.request("POST", "/api/v1/login", body=(b"x" * 1000 for _ in range(20)), encode_chunked=True,
                       headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    equal(connection.getresponse().status, 413)
    connection.close()
    equal(s.get("/healthz", auth=None)[0], 200)


@case
def tokens_open_the_api():
    s = server()
    status, out, err = sluice("token", "--state", s.state, "monitoring")
    equal(status, 0, err)
    token = out.strip()
    equal(s.get("/api/v1/cameras", auth=None, headers={"Authorization": f"Bearer {token}"})[0], 200)
    equal(s.get("/api/v1/cameras", auth=None, headers={"Authorization": f"Bearer {token}x"})[0], 401)
    status, again, _ = sluice("token", "--state", s.state, "monitoring")
    equal(status, 0)
    equal(s.get("/api/v1/cameras", auth=None, headers={"Authorization": f"Bearer {token}"})[0], 401, "the older one")
    equal(s.get("/api/v1/cameras", auth=None, headers={"Authorization": f"Bearer {again.strip()}"})[0], 200)
    equal(sluice("token", "--state", s.state, "a/b")[0], 64)


@case
def a_new_password_logs_everybody_out():
    s = server()
    mine = {"Cookie": cookie(login(s)[1])}
    equal(s.get("/", auth=None, headers=mine)[0], 200)
    status, _, err = sluice("passwd", "--state", s.state, text="another-password\n")
    equal(status, 0, err)
    equal(s.get("/api/v1/cameras", auth=None, headers=mine)[0], 401)
    equal(s.get("/api/v1/cameras")[0], 401, "the old password")
    equal(s.get("/api/v1/cameras", auth=("admin", "another-password"))[0], 200)
    equal(sluice("passwd", "--state", s.state, text="short\n")[0], 78)
    equal(sluice("passwd", "--state", s.state, text=PASSWORD + "\n")[0], 0)
    equal(s.get("/api/v1/cameras")[0], 200)


@case
def nothing_is_left_open_after_many_requests():
    s = server()
    for _ in range(5):
        s.get("/healthz", auth=None)
    before = s.descriptors()
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", s.port, timeout=10)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        connection.close()
    until(lambda: s.descriptors() <= before + 3, 5, "descriptors are back")


@case
def guessing_is_slowed_and_disturbs_nobody():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="guessed"))
    mine = {"Cookie": cookie(login(s)[1])}
    codes = [login(s, f"guess-number-{n}")[0] for n in range(8)]
    equal(codes[:5], [401] * 5)
    assert 429 in codes[5:], codes
    until(lambda: int(login(s, "guess-number-9")[1].get("Retry-After") or 0) >= 3, 40, "closed for longer than one look")
    status, fields, body = login(s, PASSWORD)
    equal(status, 429, body)
    assert 1 <= int(fields["Retry-After"]) <= 30
    equal(s.get("/api/v1/cameras", auth=None, headers=mine)[0], 200, "who is in stays in")
    equal(s.get("/healthz", auth=None)[0], 200)
    contains(s.output(), "wrong user or password from 127.0.0.1")
    assert "guess-number" not in s.output()
    until(lambda: login(s, PASSWORD)[0] == 200, 40, "the door opens again")
    equal(suite.close(s), 0)


@case
def each_way_a_camera_fails_has_its_reason():
    expected = {
        "hang": ("timed-out", "connected, but no answer within 10 s"),
        "hang-describe": ("timed-out", "connected, but no answer within 10 s"),
        "denied": ("unauthorised", "the camera wants a user and password, and none are configured"),
        "forbidden": ("unauthorised", "the camera forbids access (403)"),
        "not-found": ("not-found", "the camera knows no stream at this address (404)"),
        "broken-sdp": ("protocol", "the camera's description of the stream (SDP) is broken or names no media"),
        "empty-sdp": ("protocol", "the camera's description of the stream (SDP) is broken or names no media"),
        "no-video": ("codec",
                     "offers no video that can be passed on (it offers audio PCMU; supported: H264, H265, JPEG)"),
        "unknown-codec": ("codec",
                          "offers no video that can be passed on (it offers video MP4V-ES; supported: H264, H265, JPEG)"),
        "silent": ("stalled", "connected, but no picture came within 5 s"),
        "close": ("ended", "the camera closed the connection"),
        "garbage": ("protocol", "what answers there does not speak RTSP"),
    }
    scripts = {mode: suite.keep(Served("scripted_rtsp.py", mode)) for mode in expected}
    cameras = {mode: {"main": f"rtsp://127.0.0.1:{camera.port}/x"} for mode, camera in scripts.items()}
    cameras["wrong-password"] = {"main": {"url": f"rtsp://127.0.0.1:{scripts['denied'].port}/x", "user": "viewer",
                                          "password": {"env": "CAMERA_PASSWORD"}}}
    expected["wrong-password"] = ("unauthorised", "the camera refuses this user and password")
    cameras["refused"] = {"main": f"rtsp://127.0.0.1:{free_port()}/x"}
    expected["refused"] = ("refused", "connection refused by 127.0.0.1 port")
    cameras["unresolved"] = {"main": "rtsp://no-such-camera.invalid/x"}
    expected["unresolved"] = ("unreachable", "the name no-such-camera.invalid cannot be resolved")
    os.environ["CAMERA_PASSWORD"] = "hunter2-camera"
    s = suite.keep(Sluice(suite.directory, cameras, name="failing"))
    seen = {}

    def all_told():
        for camera in body_of(s.get("/api/v1/cameras"))["cameras"]:
            if camera["reason"]:
                seen.setdefault(camera["name"], set()).add((camera["streams"][0]["failure"], camera["reason"]))
        return all(any(f == failure and reason in r for f, r in seen.get(name, ())) for name, (failure, reason) in expected.items())

    # A busy machine may first be too late to connect.
    until(all_told, 60, lambda: f"every camera has its reason: {seen}")
    for name, (failure, reason) in expected.items():
        contains(s.output(), f"camera {name}/main: reconnecting ({failure}): ")
        contains(s.output(), reason)
    # All are tried again.
    until(lambda: all(c["streams"][0]["attempts"] >= 2 for c in body_of(s.get("/api/v1/cameras"))["cameras"]), 30,
          "every camera is tried again")
    assert "hunter2" not in s.output() + s.get("/api/v1/cameras")[2].decode()
    # A viewer is told, too.
    status, fields, body = s.get("/whep/refused", method="POST", headers={"Content-Type": "application/sdp"}, body=(
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\n"
        b"a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 " + b":".join([b"AA"] * 32) + b"\r\n"
        b"a=setup:actpass\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\n"
        b"a=rtcp-mux\r\na=rtpmap:102 H264/90000\r\n"
        b"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"))
    equal(status, 503, body)
    assert int(fields["Retry-After"]) >= 1
    contains(json.loads(body)["detail"], "connection refused")
    began = time.monotonic()
    equal(suite.close(s), 0)
    assert time.monotonic() - began < 15, "cameras that hang do not hold up the end"
    for camera in scripts.values():
        suite.close(camera)


@case
def the_cameras_password_is_wiped_from_the_process_list():
    camera = suite.keep(Served("scripted_rtsp.py", "denied"))
    p = suite.keep(Process([SLUICE, "run", "--address", "127.0.0.1", "--port", "0", "--state",
                            Path(suite.directory) / "argv-state", f"rtsp://viewer:hunter2@127.0.0.1:{camera.port}/x"],
                           suite.directory, "argv", {"SLUICE_ADMIN_PASSWORD": PASSWORD}))
    until(lambda: "refuses this user" in p.output(), 20, "the camera has refused")
    line = Path(f"/proc/{p.pid}/cmdline").read_bytes()
    contains(line, b"rtsp://viewer:*******@127.0.0.1")
    assert b"hunter2" not in line
    assert "hunter2" not in p.output()
    contains(p.output(), "--password-file is safer")
    equal(suite.close(p), 0)
    suite.close(camera)


@case
def port_and_state_directory_have_one_owner():
    s = server()
    config = write("port.json", {**ONE_CAMERA, "server": {"address": "127.0.0.1", "port": s.port}})
    status, out, err = sluice("run", "--state", Path(suite.directory) / "elsewhere", config,
                              env={"SLUICE_ADMIN_PASSWORD": ""})
    equal(status, 69)
    contains(err, f"127.0.0.1:{s.port} is in use")
    assert "password" not in out, "a password nobody can use must not be shown"
    status, _, err = sluice("run", "--port", "0", "--state", s.state, config)
    equal(status, 75)
    contains(err, f"in use by another launcher (process {s.pid})")
    status, _, err = sluice("run", "--port", "0", "--state", "/proc/nowhere", config)
    equal(status, 78)
    contains(err, "/proc/nowhere")
    equal(s.get("/healthz", auth=None)[0], 200)


@case
def the_file_limit_is_raised():
    limits = Path(f"/proc/{server().pid}/limits").read_text()
    soft, hard = re.search(r"Max open files\s+(\d+)\s+(\d+)", limits).groups()
    equal(soft, hard)


@case
def slow_and_broken_clients_disturb_nobody():
    s = server()
    held = []
    for data in (b"", b"GET / HT", b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", b"\x16\x03\x01"):
        c = socket.create_connection(("127.0.0.1", s.port))
        c.sendall(data)
        held.append(c)
    for data in (b"\x00" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000):
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            try:
                c.sendall(data)
            except OSError:
                pass
    equal(s.get("/api/v1/cameras")[0], 200)
    for c in held:
        c.close()


@case
def silent_connections_keep_nobody_out():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="few-files",
                          under=["prlimit", "--nofile=400:400"]))
    before = s.descriptors()
    held = []
    for i in range(500):
        c = socket.socket()
        c.bind((f"127.0.0.{2 + i % 4}", 0))
        c.connect(("127.0.0.1", s.port))
        held.append(c)
    equal(s.get("/healthz", auth=None)[0], 200)
    # An attempt to reach the camera may have some just now.
    until(lambda: s.descriptors() <= before + 100 + 5, 5, "a quarter of the limit is for HTTP")
    until(lambda: s.get("/api/v1/cameras")[0] == 200, 5, "the API answers")
    for c in held:
        c.close()
    until(lambda: s.descriptors() <= before + 5, 5, "descriptors are back")
    equal(suite.close(s), 0)


@case
def signals_end_it_in_order():
    for number in (signal.SIGTERM, signal.SIGINT):
        s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name=f"signal-{int(number)}"))
        began = time.monotonic()
        suite.open_things.remove(s)
        equal(s.stop(number), 0)
        assert time.monotonic() - began < 12
        assert re.search(r"info closing\n(.*\n)*.*info closed\n$", s.output()), s.output()


@case
def the_shared_launcher_ends_well_and_was_quiet():
    s = server()
    equal(suite.close(s), 0)
    for word in ("CRITICAL", "critical", "assertion", "hunter2", PASSWORD):
        assert word not in s.output(), s.output()[-3000:]


if __name__ == "__main__":
    sys.exit(suite.main())
