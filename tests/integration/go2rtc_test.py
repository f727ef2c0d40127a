#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What dashboards made for go2rtc ask, with messages as they send them and real media behind the answers."""
import json
import os
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import OFFER, cameras, contains, equal, jpeg_size, log_in, watching  # noqa: E402
from harness import BASIC, BUILD, PASSWORD, Camera, Sluice, Suite, until, until_more  # noqa: E402
from socket_client import Refused, WebSocket  # noqa: E402

suite = Suite()
case = suite.case
S = camera = None
SECRET = "t0p-s3cret"


class Viewer:
    """Makes an offer, takes an answer, counts pictures; who carries them is the test's affair."""

    def __init__(self):
        self.p = subprocess.Popen([BUILD / "tests/integration/sluice-watcher", "--exchange"], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.offer = json.loads(self.p.stdout.readline())["sdp"]

    def plays(self, sdp):
        self.p.stdin.write(json.dumps({"sdp": sdp}) + "\n")
        self.p.stdin.flush()
        equal(self.p.stdout.readline(), "watching\n", "the viewer is connected")
        self.goes_on()

    def goes_on(self, wanted=12):
        until_more(self.pictures, wanted, "pictures")

    def pictures(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return int(self.p.stdout.readline().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.p.stdin.close()
        self.p.wait(20)
        self.p.stdout.close()


def socket(query="src=front", headers=None, **options):
    s = WebSocket(S.port, f"/api/ws?{query}", "", {**(BASIC if headers is None else headers)}, **options)
    return s


def with_candidates(sdp, candidates):
    """The answer as a client has it that has taken each candidate."""
    return sdp + "".join(f"a={c}\r\n" for c in candidates)


def candidates(s, most=3):
    """Those that come within a moment."""
    out = []
    while len(out) < most:
        message = s.receive(0.5)
        if not message:
            break
        equal(message["type"], "webrtc/candidate")
        assert message["value"].startswith("candidate:"), message
        out.append(message["value"])
    return out


def sources(query, method="PUT", **options):
    return S.get("/api/streams?" + urllib.parse.urlencode(query, doseq=True), method=method, **options)


@case
def the_info_and_the_list_have_the_shape_that_clients_read():
    global S, camera
    camera = suite.keep(Camera(suite.directory, "--width", "320", "--height", "180", "--fps", "15", "--gop", "1", "--sub"))
    url = f"rtsp://127.0.0.1:{camera.port}/main?user=admin&password={SECRET}"
    S = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url(), "sub": camera.url("sub")}, "query": {"main": url}}))
    until(lambda: all(s["state"] == "streaming" for s in cameras(S)["front"]["streams"]), 20, "both streams are there")
    status, headers, body = S.get("/api")
    equal((status, headers["Content-Type"]), (200, "application/json"))
    version = [int(n) for n in json.loads(body)["version"].split(".")]
    assert [1, 9, 13] <= version < [2, 0, 0], "what Home Assistant's client accepts"
    status, _, body = S.get("/api/streams")
    equal(status, 200)
    assert SECRET not in body.decode(), body
    streams = json.loads(body)
    equal(set(streams), {"front", "front/sub", "query"})
    for stream in streams.values():
        assert isinstance(stream["producers"], list) and isinstance(stream["consumers"], list)
        assert all(isinstance(p["url"], str) for p in stream["producers"])
    equal(streams["front"]["producers"][0]["url"], camera.url())
    equal(streams["front"]["producers"][0]["medias"], ["video, recvonly, H264"])
    equal(json.loads(S.get("/api/streams?src=front%2Fsub")[2]), streams["front/sub"])
    equal(S.get("/api/streams?src=nobody")[0], 404)
    assert {"rtsp", "rtsps"} <= set(json.loads(S.get("/api/schemes")[2]))
    for path in ("/api", "/api/streams", "/api/frame.jpeg?src=front", "/stream.html?src=front", "/api/schemes"):
        equal(S.get(path, auth=None)[0], 401, path)
    equal(S.get("/api/streams", method="PATCH")[0], 405)


@case
def a_frame_in_the_size_that_is_asked_for_or_the_nearest():
    sizes = {}
    for query in ("", "&width=161", "&width=5000", "&height=90", "&w=abc", "&cache=5s", "&width=160&height=90"):
        status, headers, body = S.get("/api/frame.jpeg?src=front" + query)
        equal((status, headers["Content-Type"]), (200, "image/jpeg"), query)
        sizes[query] = jpeg_size(body)
    assert sizes["&width=161"] == sizes["&height=90"] < sizes[""] == sizes["&width=5000"], sizes
    equal(S.get("/api/frame.jpeg?src=front%2Fsub")[0], 200)
    equal(S.get("/api/frame.jpeg?src=nobody")[0], 404)
    equal(S.get("/api/frame.jpeg")[0], 404)


@case
def dashboards_register_streams():
    url = f"rtsp://viewer:{SECRET}@127.0.0.1:{camera.port}/main"
    stored = S.state / "cameras.json"
    equal(sources({"name": "camera.yard", "src": [url, "ffmpeg:camera.yard#audio=opus&query=log_level=debug"]})[0], 200)
    description = json.loads(stored.read_text())["cameras"]["camera.yard"]["streams"]["main"]
    equal((description["url"], description["user"]), (camera.url(), "viewer"))
    secret = S.state / "secrets" / description["password"]["file"]
    equal((secret.read_text(), secret.stat().st_mode & 0o777), (SECRET + "\n", 0o600))
    until(lambda: cameras(S)["camera.yard"]["state"] == "streaming", 10, "it plays")
    # As Home Assistant does at each start: nothing happens.
    before, inode = cameras(S)["camera.yard"]["streams"][0]["attempts"], stored.stat().st_ino
    equal(sources({"name": "camera.yard", "src": url})[0], 200)
    equal((cameras(S)["camera.yard"]["streams"][0]["attempts"], stored.stat().st_ino), (before, inode))
    equal(json.loads(S.get("/api/streams?src=camera.yard")[2])["producers"][0]["url"], camera.url())
    # Another password, another file; the one before is gone.
    equal(sources({"name": "camera.yard", "src": url.replace(SECRET, "other-" + SECRET)})[0], 200)
    assert not secret.exists()
    equal(len(os.listdir(S.state / "secrets")), 1)
    everything = S.output() + S.get("/api/v1/cameras")[2].decode() + S.get("/api/streams")[2].decode() + \
        S.get("/api/v1/cameras/camera.yard")[2].decode() + stored.read_text()
    assert SECRET not in everything
    status, _, body = sources({"src": "camera.yard"}, "DELETE")
    equal(status, 200, body)
    assert "camera.yard" not in cameras(S) and not os.listdir(S.state / "secrets")
    equal(sources({"src": "camera.yard"}, "DELETE")[0], 404)


@case
def what_must_not_be_registered_is_refused_in_words():
    for source in ("exec:touch /tmp/x", "ffmpeg:" + camera.url(), "echo:x", "file:/etc/passwd", "v4l2:///dev/video0",
                   f"expr:{SECRET}", f"srt://h:9000?passphrase={SECRET}", "front", f"rtsp://:{SECRET}@h/"):
        status, _, body = sources({"name": "evil", "src": source})
        equal(status, 400, source)
        contains(json.loads(body)["detail"], "allowed: ")
        assert SECRET not in body.decode()
    for query in ({"src": camera.url()}, {"name": "x/sub", "src": camera.url()}, {"name": "..", "src": camera.url()}, {"name": "x"}):
        equal(sources(query)[0], 400, query)
    equal(sources({"name": "front", "src": camera.url()})[0], 200, "as the file has it")
    equal(sources({"name": "front", "src": "rtsp://elsewhere/"})[0], 409)
    equal(sources({"src": "front"}, "DELETE")[0], 409)
    equal(sources({"src": "front/sub"}, "DELETE")[0], 400)
    equal(sources({"name": "x", "src": camera.url()}, auth=None)[0], 401)
    mine = log_in(S)
    equal(sources({"name": "x", "src": camera.url()}, auth=None, headers={**mine, "Origin": "http://evil.example"})[0], 403)
    accounts = S.state / "accounts"
    admin = accounts.read_text()
    accounts.write_text(admin + admin.replace("admin:", "guest:").replace("admin@*", "view,snapshot@*"))
    guest = {"auth": ("guest", PASSWORD)}
    until(lambda: S.get("/api/streams", **guest)[0] == 200, 5, "the guest is known")
    equal(sources({"name": "x", "src": camera.url()}, **guest)[0], 403)
    equal(sources({"src": "front"}, "DELETE", **guest)[0], 403)
    seen = json.loads(S.get("/api/streams", **guest)[2])
    equal(seen["front"]["producers"][0]["url"], "sluice:front/main", "where a camera is, is for those who may change it")
    assert set(cameras(S)) == {"front", "query"} and "SLUICE" not in json.dumps(seen)
    assert not (S.state / "cameras.json").exists() or "evil" not in (S.state / "cameras.json").read_text()


@case
def an_offer_by_http_is_answered_in_its_own_form():
    for kind, status in (("application/sdp", 201), ("text/plain", 200), ("application/json", 200)):
        with Viewer() as viewer:
            body = json.dumps({"type": "offer", "sdp": viewer.offer}) if "json" in kind else viewer.offer
            found, headers, answer = S.get("/api/webrtc?src=front", method="POST", body=body.encode(),
                                           headers={"Content-Type": kind})
            equal((found, headers["Content-Type"]), (status, kind), answer)
            if "json" in kind:
                answer = json.loads(answer)
                equal(answer["type"], "answer")
                viewer.plays(answer["sdp"])
            else:
                viewer.plays(answer.decode())
            session = urllib.parse.urljoin("/api/webrtc", headers["Location"])
            assert session.startswith("/whep/front/") and S.get(session)[0] == 200, session
            equal(S.get(session, method="DELETE")[0], 200)
    with Viewer() as viewer:
        _, headers, answer = S.get("/api/webrtc?src=front/sub", method="POST", body=viewer.offer.encode(),
                                   headers={"Content-Type": "application/sdp"})
        viewer.plays(answer.decode())
        equal({v["stream"] for v in json.loads(S.get("/api/v1/viewers")[2])["viewers"]}, {"sub"})
        equal(len(json.loads(S.get("/api/streams?src=front/sub")[2])["consumers"]), 1)
        equal(S.get(urllib.parse.urljoin("/api/webrtc", headers["Location"]), method="DELETE")[0], 200)


@case
def offers_that_cannot_be_answered_are_refused_in_words():
    def post(body, kind="application/sdp", query="?src=front", **options):
        status, headers, answer = S.get("/api/webrtc" + query, method="POST", body=body, headers={"Content-Type": kind}, **options)
        equal(headers["Content-Type"], "application/problem+json", answer)
        equal(json.loads(answer)["status"], status)
        return status

    equal(post(b"v=0"), 400)
    equal(post(b""), 400)
    equal(post(b"{}", "application/json"), 400)
    equal(post(b"[" * 10000, "application/json"), 400)
    equal(post(OFFER, "image/jpeg"), 415)
    equal(post(OFFER, query="?src=nobody"), 404)
    equal(post(OFFER, query="?src=front/other"), 404)
    equal(post(OFFER, query=""), 400)
    equal(post(OFFER, query="?dst=front"), 400)
    equal(post(OFFER, auth=None), 401)
    equal(post(OFFER + b"a=x:" + b"y" * 20000 + b"\r\n", query="?src=nobody"), 404, "up to 64 KiB")
    equal(post(b"x" * 70000), 413)


@case
def a_player_on_the_socket_tries_everything_and_gets_webrtc():
    with Viewer() as viewer, socket() as s:
        s.send({"type": "mse", "value": "avc1.640029,hvc1.1.6.L153.B0,mp4a.40.2"})
        s.send({"type": "webrtc/candidate", "value": "candidate:1 1 udp 2113937151 11111111-2222-3333-4444-555555555555.local 5000 typ host"})
        s.send({"type": "webrtc/offer", "value": viewer.offer})
        refusal = s.receive()
        equal(refusal["type"], "error")
        assert refusal["value"].startswith("mse") and "webrtc/offer" not in refusal["value"], refusal
        answer = s.expect("webrtc/answer")["value"]
        assert "a=candidate" not in answer
        found = candidates(s)
        assert found
        s.send({"type": "mjpeg"})
        contains(s.expect("error")["value"], "mjpeg: ")
        s.send({"type": "webrtc/candidate", "value": ""})
        viewer.plays(with_candidates(answer, found))
        # It closes its socket as soon as it plays, without a code, and goes on.
        s.send_frame(8)
        s.until_closed(5)
        time.sleep(1)
        viewer.goes_on()
        for session in watching(S):
            S.get(f"/api/v1/viewers/{session}", method="DELETE")


@case
def the_newer_form_of_home_assistant():
    with Viewer() as viewer, socket("src=front&video&audio") as s:
        s.send({"type": "webrtc", "value": {"type": "offer", "sdp": viewer.offer, "ice_servers": [{"urls": ["stun:stun.invalid:1"]}]}})
        answer = s.expect("webrtc")["value"]
        equal(answer["type"], "answer")
        viewer.plays(with_candidates(answer["sdp"], candidates(s)))
        # A page that is left says so, and its session ends at once.
        assert watching(S)
        s.send_frame(8, (1001).to_bytes(2, "big"))
        until(lambda: not watching(S), 15, "the session has ended")
    with Viewer() as viewer, socket("src=rtsp%3A%2F%2Fu%3Ap%4010.0.0.5%2F1&name=front") as s:
        s.send({"type": "webrtc/offer", "value": viewer.offer})
        viewer.plays(with_candidates(s.expect("webrtc/answer")["value"], candidates(s)))
        s.send_frame(8, (1001).to_bytes(2, "big"))


@case
def errors_on_the_socket_name_what_was_asked():
    equal(sources({"name": "dark", "src": "rtsp://127.0.0.1:1/x"})[0], 200)
    with socket("src=dark") as s:
        s.send({"type": "webrtc/offer", "value": OFFER.decode()})
        contains(s.expect("error", 10)["value"], "webrtc/offer: ")
    equal(sources({"src": "dark"}, "DELETE")[0], 200)
    with socket("src=nobody") as s:
        s.send({"type": "webrtc/offer", "value": OFFER.decode()})
        contains(s.expect("error")["value"], "webrtc/offer: ")
    with socket() as s:
        s.send({"type": "webrtc/offer", "value": "v=0"})
        contains(s.expect("error")["value"], "webrtc/offer: ")
        for bad in ("x", "{}", "[]", '{"type":"no such thing"}'):
            s.send(bad)
            equal(s.expect("error")["type"], "error")
        for _ in range(20):
            try:
                s.send("x")
            except OSError:
                break
        equal(s.until_closed(5)[0], 1008)


@case
def only_who_may_watch_gets_a_socket():
    def refused(status, **arguments):
        try:
            socket(**arguments).stop()
        except Refused as e:
            equal(e.status, status, e)
            return
        raise AssertionError(f"let in: {arguments}")

    mine = log_in(S)
    refused(401, headers={})
    refused(401, headers={"Authorization": "Basic eDp5"})
    refused(403, headers={**mine, "Origin": "http://evil.example"})
    refused(403, headers={**BASIC, "Origin": "http://evil.example"})
    equal(S.get("/api/ws?src=front")[0], 400, "no WebSocket")
    with socket(headers={**mine, "Origin": S.base}) as s:
        s.send({"type": "mse"})
        s.expect("error")
        equal(S.get("/api/v1/logout", auth=None, method="POST", headers=mine)[0], 204)
        equal(s.until_closed(15), (1008, "the login has ended"))


@case
def their_number_is_bounded_and_nothing_is_left():
    before = S.descriptors()
    open_sockets = []
    try:
        for _ in range(256):
            open_sockets.append(socket())
        try:
            socket()
            raise AssertionError("one more was let in")
        except Refused as e:
            equal(e.status, 429)
        with Viewer() as viewer:
            status, _, answer = S.get("/api/webrtc?src=front", method="POST", body=viewer.offer.encode(),
                                      headers={"Content-Type": "application/sdp"})
            equal(status, 201)
            viewer.plays(answer.decode())
    finally:
        for s in open_sockets:
            s.stop()
    for session in watching(S):
        S.get(f"/api/v1/viewers/{session}", method="DELETE")
    until(lambda: S.descriptors() <= before + 4, 15, f"descriptors are back at {before}")
    with socket() as s:
        s.send("x" * 70000)
        s.until_closed(5)
        assert s.closed, "a message of more than 64 KiB"


@case
def the_end_is_told():
    with socket() as s:
        equal(suite.close(S), 0, S.output()[-2000:])
        s.until_closed(5)
        assert s.closed
    text = S.output()
    assert "CRITICAL" not in text and "WARNING" not in text and SECRET not in text, text[-3000:]


if __name__ == "__main__":
    sys.exit(suite.main())
