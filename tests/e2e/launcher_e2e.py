#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher as its user meets it in a shell: commands, exit codes, errors, ports, signals."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import BUILD, PASSWORD, Camera, Process, Sluice, Suite, free_port, until

suite = Suite()
SLUICE = BUILD / "launcher/sluice"
EX_USAGE, EX_NOINPUT, EX_CONFIG = 64, 66, 78

camera = sluice = None


def sh(*argv, env=None, seconds=20):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=seconds, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def cameras(server):
    status, _, body = server.get("/api/v1/cameras")
    assert status == 200, (status, body)
    return {c["name"]: c for c in json.loads(body)["cameras"]}


def streaming(server, name="front", seconds=15):
    return until(lambda: cameras(server)[name]["state"] == "streaming", seconds, f"{name} streams")


@suite.case
def starts_and_says_the_camera_streams():
    global camera, sluice
    camera = suite.keep(Camera(suite.directory, "--gop", "2", "--sub"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url(), "sub": camera.url("sub")}}))
    streaming(sluice)
    until(lambda: all(s["state"] == "streaming" and s["codec"] == "H264" and s["width"] in (1280, 640)
                      for s in cameras(sluice)["front"]["streams"]), 15, "both streams are known")


@suite.case
def health_needs_no_credentials_and_everything_else_does():
    assert sluice.get("/healthz", auth=None)[0] == 200
    for path, method in (("/api/v1/cameras", "GET"), ("/api/v1/viewers", "GET"), ("/whep/front", "POST"),
                         ("/whep/front", "GET"), ("/nothing", "GET"), ("/whep/front/x", "DELETE")):
        status, headers, body = sluice.get(path, auth=None, method=method, body=b"v=0\r\n" if method == "POST" else None,
                                           headers={"Content-Type": "application/sdp"} if method == "POST" else {})
        assert status == 401, (path, method, status, body[:200])
        assert "problem+json" in headers.get("Content-Type", ""), (path, dict(headers))
    status, headers, _ = sluice.get("/", auth=None)
    assert status == 303 and headers["Location"].endswith("login"), (status, dict(headers))


@suite.case
def wrong_password_is_refused_and_not_repeated():
    for auth in (("admin", "wrong-4711"), ("nobody", PASSWORD), ("admin", "")):
        status, _, body = sluice.get("/api/v1/cameras", auth=auth)
        assert status == 401, (auth, status)
        assert b"wrong-4711" not in body
    assert "wrong-4711" not in sluice.output()
    assert PASSWORD not in sluice.output()
    assert sluice.get("/api/v1/cameras")[0] == 200


@suite.case
def bad_offers_get_one_clear_error_each():
    offers = {"empty": b"", "no SDP": b"hello\r\n", "huge": b"v=0\r\n" + b"a=x:y\r\n" * 200000,
              "binary": bytes(range(256)) * 8,
              "no video": b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
                          b"c=IN IP4 0.0.0.0\r\na=mid:0\r\n"}
    for name, offer in offers.items():
        status, headers, body = sluice.get("/whep/front", method="POST", body=offer,
                                           headers={"Content-Type": "application/sdp"})
        # A server may close the connection on a body that it does not want to read.
        assert status in ((413, 0) if name == "huge" else (400, 406, 415)), (name, status, body[:200])
        if status:
            assert "problem+json" in headers.get("Content-Type", ""), (name, dict(headers))
            assert json.loads(body)["detail"], name
    status, _, _ = sluice.get("/whep/front", method="POST", body=b"v=0\r\n", headers={"Content-Type": "text/plain"})
    assert status == 415, status
    status, _, _ = sluice.get("/whep/nothere", method="POST", body=b"v=0\r\n", headers={"Content-Type": "application/sdp"})
    assert status in (400, 404), status
    assert sluice.running() and cameras(sluice)["front"]["state"] == "streaming"


@suite.case
def check_names_the_place_of_an_error():
    good = suite.directory + "/good.json"
    Path(good).write_text(json.dumps({"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1"}}}}}))
    out = sh(SLUICE, "check", good)
    assert out.returncode == 0, out
    bad = suite.directory + "/bad.json"
    for text, named in (
            ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1", "colour": 1}}}}}', "colour"),
            ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": 7}}}}}', "/cameras/a/streams/main/url"),
            ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "ftp://h/1"}}}}}', "/cameras/a/streams/main/url"),
            ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1"}}}, "a": {}}}', "a"),
            ('{"version": 1, "cameras": {"a": {"streams": {"main": {"url": "rtsp://h/1", "user": "u", '
             '"password": {"file": "not-there"}}}}}}', "not-there"),
            ('{"version": 1,', ":1:")):
        Path(bad).write_text(text)
        out = sh(SLUICE, "check", bad)
        assert out.returncode in (EX_CONFIG, EX_NOINPUT), (text, out)
        assert named in out.stdout + out.stderr and "bad.json" in out.stdout + out.stderr, (text, out)
    assert sh(SLUICE, "check", suite.directory + "/none.json").returncode == EX_NOINPUT


@suite.case
def wrong_command_lines_are_told():
    for argv in (["fly"], ["run"], ["check"], ["run", "a", "b"], ["run", "ftp://x/"], ["run", "--port", "70000", "x"],
                 ["run", "--no-such-option", "x"]):
        out = sh(SLUICE, *argv)
        assert out.returncode == EX_USAGE, (argv, out)
        assert out.stderr.strip() and len(out.stderr.splitlines()) < 8, (argv, out.stderr)
    for argv in (["--help"], ["run", "--help"], ["check", "--help"]):
        out = sh(SLUICE, *argv)
        assert out.returncode == 0 and "sluice" in out.stdout, (argv, out)


@suite.case
def a_port_in_use_is_named():
    second = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}, port=sluice.port, name="second",
                               wait=False))
    until(lambda: not second.running(), 10, "the second launcher gives up")
    assert second.p.returncode != 0 and str(sluice.port) in second.output(), second.output()
    assert sluice.get("/healthz", auth=None)[0] == 200


@suite.case
def a_state_directory_in_use_is_named():
    second = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}, name="third", state=sluice.state,
                               wait=False))
    until(lambda: not second.running(), 10, "the second launcher gives up")
    assert second.p.returncode != 0 and str(sluice.state) in second.output(), second.output()
    assert cameras(sluice)["front"]["state"] == "streaming"


@suite.case
def one_camera_without_a_file_and_its_password_stays_secret():
    secret = "cam-Secret-99"
    cam = suite.keep(Camera(suite.directory, "--gop", "2", "--user", "viewer", "--password", secret, name="locked"))
    state = Path(suite.directory, "single-state")
    state.mkdir(mode=0o700)
    port = free_port()
    url = cam.url().replace("rtsp://", f"rtsp://viewer:{secret}@")
    one = Process([SLUICE, "run", "--address", "127.0.0.1", "--port", port, "--state", state, url], suite.directory,
                  "single", {"SLUICE_ADMIN_PASSWORD": PASSWORD})
    suite.keep(one)
    one.base = f"http://127.0.0.1:{port}"
    one.get = lambda *a, **k: Sluice.get(one, *a, **k)
    until(lambda: one.get("/healthz", auth=None)[0] == 200 or not one.running(), 15, "it answers")
    assert one.running(), one.output()
    name = until(lambda: list(cameras(one)), 5, "there is a camera")[0]
    streaming(one, name)
    arguments = Path(f"/proc/{one.pid}/cmdline").read_bytes().decode(errors="replace")
    assert secret not in arguments, arguments
    assert secret not in one.output()
    assert secret.encode() not in one.get("/api/v1/cameras")[2]
    assert suite.close(one) == 0
    suite.close(cam)


@suite.case
def cameras_that_cannot_be_reached_say_why_and_disturb_nobody():
    locked = suite.keep(Camera(suite.directory, "--user", "u", "--password", "right", name="locked2"))
    wrong = suite.directory + "/wrong.pw"
    Path(wrong).write_text("wrong-Secret-1\n")
    os.chmod(wrong, 0o600)
    many = suite.keep(Sluice(suite.directory, {
        "good": {"main": camera.url()},
        "refused": {"main": f"rtsp://127.0.0.1:{free_port()}/x"},
        "nowhere": {"main": "rtsp://camera.invalid/x"},
        "missing": {"main": camera.url("nosuchpath")},
        "locked": {"main": {"url": locked.url(), "user": "u", "password": {"file": wrong}}}}, name="many"))
    streaming(many, "good")

    def reasons():
        found = cameras(many)
        bad = [c for n, c in found.items() if n != "good"]
        return all(c["state"] != "streaming" and c["reason"] for c in bad) and {c["name"]: c["reason"] for c in bad}

    why = until(reasons, 20, "each of the others has a reason")
    assert len(set(why.values())) == len(why), why
    assert "wrong-Secret-1" not in many.output() + str(why), why
    assert cameras(many)["good"]["state"] == "streaming"
    assert suite.close(many) == 0
    suite.close(locked)


@suite.case
def a_camera_that_comes_back_streams_again():
    camera.stop(signal.SIGKILL)
    until(lambda: cameras(sluice)["front"]["state"] != "streaming", 15, "the loss is noticed")
    suite.close(camera)
    back = time.monotonic()
    suite.keep(Camera(suite.directory, "--gop", "2", "--sub", port=camera.port, name="camera-again"))
    streaming(sluice, seconds=20)
    print(f"# streams again {time.monotonic() - back:.1f} s after the camera's start", flush=True)


@suite.case
def sigterm_ends_in_order():
    started = time.monotonic()
    status = suite.close(sluice)
    assert status == 0, (status, sluice.output()[-2000:])
    assert time.monotonic() - started < 8, time.monotonic() - started
    assert sluice.get("/healthz", auth=None)[0] == 0
    lines = sluice.output()
    assert "CRITICAL" not in lines and "WARNING **" not in lines, lines[-3000:]


if __name__ == "__main__":
    sys.exit(suite.main())
