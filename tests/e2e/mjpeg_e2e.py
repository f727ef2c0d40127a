#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Motion JPEG passes as the camera sends it; what browsers need is made while one watches, by a process of its own."""
import json
import subprocess
import sys
from pathlib import Path

from api import cameras, equal, jpeg_size
from fault_viewers import Viewers
from harness import Browser, Camera, Served, Sluice, Suite, children, until

suite = Suite()
sluice = viewers = None
pictures = {}
NAMES = ["http", "rtsp", "small", "strict"]
REASON = "main sends JPEG, which this viewer does not take"
PICTURES = ["snapshots"]  # the worker that is kept for single pictures, once one had to be decoded


def stream(camera, name="main"):
    return next((s for s in cameras(sluice)[camera]["streams"] if s["name"] == name), None)


def workers():
    """What the launcher's children make for viewers."""
    names = (args.split()[-1] for _, args in children(sluice.pid))
    return sorted(name for name in names if not name.endswith("/main"))


def session(viewer):
    return next(v for v in json.loads(sluice.get("/api/v1/viewers")[2])["viewers"] if v["id"] == viewer.joined)


def snapshot(path):
    status, headers, body = sluice.get(path)
    equal((status, headers["Content-Type"]), (200, "image/jpeg"), body[:300])
    return body


@suite.case
def nothing_is_made_while_nobody_watches():
    global sluice
    directory = Path(suite.directory, "pictures")
    directory.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-frames:v", "30",
                    directory / "%02d.jpg"], check=True, timeout=60, stdin=subprocess.DEVNULL)
    pictures.update({p.read_bytes(): p.name for p in directory.glob("*.jpg")})
    url = f"http://127.0.0.1:{suite.keep(Served('mjpeg_server.py', directory)).port}/video"
    rtsp = suite.keep(Camera(suite.directory, "--codec", "jpeg", "--width", "640", "--height", "360", "--fps", "15", "--sound", "pcmu"))
    sluice = suite.keep(Sluice(suite.directory, {
        "http": {"main": url}, "rtsp": {"main": rtsp.url()},
        "small": {"main": rtsp.url(), "sub": {"from": "main", "width": 320}},
        "strict": {"main": url, "outputs": {"webrtc": {"transcode": False}}}}, server={"transcodes": 4}))
    until(lambda: all(stream(n)["state"] == "streaming" and stream(n)["bitrate"] and stream(n)["width"] for n in NAMES), 20, "all stream")
    for name, size in [("http", (320, 240)), ("rtsp", (640, 360))]:
        found = stream(name)
        equal((found["codec"], found["width"], found["height"]), ("JPEG", *size))
        until(lambda n=name: 10 < stream(n)["fps"] < 20, 20, f"{name} has the pace of its camera: {stream(name)}")
        assert not stream(name, "web"), "it is hidden until somebody has needed it"
    equal(workers(), [])


@suite.case
def a_single_picture_is_the_cameras_own():
    seen = set()
    for _ in range(5):
        for path in ("/api/v1/cameras/http/snapshot.jpg", "/api/frame.jpeg?src=http"):
            body = snapshot(path)
            assert body in pictures, f"{len(body)} bytes that the camera did not send"
            seen.add(pictures[body])
    print(f"# {len(seen)} different pictures")
    equal(jpeg_size(snapshot("/api/v1/cameras/rtsp/snapshot.jpg")), (640, 360))
    equal(workers(), [], "no worker was needed for that")
    equal(jpeg_size(snapshot("/api/v1/cameras/http/snapshot.jpg?width=160")), (160, 120))
    equal(jpeg_size(snapshot("/api/frame.jpeg?src=rtsp&width=320")), (320, 180))
    equal(workers(), PICTURES, "they were decoded where a crash takes nobody along")


@suite.case
def who_watches_gets_a_stream_that_is_made_and_hears_why():
    global viewers
    viewers = suite.keep(Viewers(sluice))
    for name, size in [("http", "320x240"), ("rtsp", "640x360")]:
        viewer = viewers.join(name)
        found = session(viewer)
        equal((found["stream"], found["stream-reason"]), ("web", REASON))
        equal(viewer.size(), size)
        made = stream(name, "web")
        equal((made["state"], made["codec"], made["derived-from"]), ("streaming", "H264", "main"))
        equal(stream(name)["codec"], "JPEG", "main stays as it is")
        begin = len(viewer.pictures)
        viewer.wait(lambda v=viewer, b=begin: len(v.pictures) > b + 30, 20, "it moves")
    viewers.join("another", "http")
    equal(workers(), ["http/web", "rtsp/web"] + PICTURES, "one for all who watch the same")


@suite.case
def sound_comes_along():
    viewer = viewers.begin("rtsp-sound", "rtsp", sound=True)
    viewer.wait(lambda: viewer.pictures and len(viewer.sounds) > 20, 20, "pictures and sound")
    viewers.leave("rtsp-sound")


@suite.case
def a_smaller_one_that_the_owner_asked_for_comes_first():
    viewer = viewers.join("small")
    equal(session(viewer)["stream"], "sub")
    equal(viewer.size(), "320x180")
    viewers.leave("small")


@suite.case
def where_nothing_may_be_made_the_refusal_says_why():
    viewer = viewers.begin("strict")
    viewer.wait(lambda: viewer.refused or viewer.pictures, 20, "an answer")
    assert viewer.refused and "stream 'main', sends JPEG, which this viewer does not take" in viewer.refused, str(viewer)


@suite.case
def it_ends_with_the_last_viewer():
    for name in ("http", "rtsp", "another"):
        viewers.leave(name)
    until(lambda: workers() == PICTURES, 30, "no process of a stream is left")
    for name in ("http", "rtsp"):
        equal(stream(name)["state"], "streaming", "the camera goes on")
    assert "CRITICAL" not in sluice.output() and "GStreamer-WARNING" not in sluice.output(), sluice.output()[-3000:]


@suite.case
def a_tile_says_why():
    browser = suite.keep(Browser())
    browser.login(sluice)
    index = NAMES.index("http")
    browser.playing(index=index)
    until(lambda: REASON in browser.js("return document.querySelectorAll('.tile .why')[arguments[0]].textContent", index), 20,
          "the tile says why")
    until(lambda: browser.js("return document.querySelectorAll('video')[arguments[0]].videoWidth", index) == 320, 20, "its size")
    suite.close(browser)


if __name__ == "__main__":
    sys.exit(suite.main())
