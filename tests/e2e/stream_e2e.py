#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stream.html in a real browser: one picture that fills the page, as dashboards put it into a frame."""
import sys
import time

from harness import Browser, Camera, Sluice, Suite, longest_gap, note, until

suite = Suite()
camera = sluice = browser = None
NOTICE = "const n = document.getElementById('notice'); return n.hidden ? '' : n.textContent"


def show(query):
    browser.d.get("about:blank")
    browser.d.get(f"{sluice.base}/stream.html{query}")


def live():
    return any(f["ms"] and f["at"] - f["ms"] < 500 for f in browser.frames(300))


@suite.case
def it_plays_the_stream_of_its_address():
    global camera, sluice, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "5", "--sub"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url(), "sub": camera.url("sub")},
                                                 "gone": {"main": "rtsp://127.0.0.1:1/x"}}))
    browser = suite.keep(Browser())
    browser.login(sluice)
    until(lambda: browser.find(".tile"), 10, "logged in")
    for query, stream, width in (("?src=front", 1, 1280), ("?src=front%2Fsub&mode=webrtc", 2, 640), ("?src=front%3Fvideo%26audio", 1, 1280)):
        show(query)
        browser.playing()
        note(f"{query}: first frame {browser.js('return probe.firstFrames()[0]'):.0f} ms after navigation")
        until(live, 5, "live")
        frames = browser.frames(1500)
        assert {f["stream"] for f in frames if f["stream"]} == {stream} and frames[-1]["width"] == width, frames[-1]
        assert longest_gap(frames) < 1000
        assert browser.js(NOTICE) == ""
    box = browser.js("const b = document.querySelector('video').getBoundingClientRect(); return [b.width, b.height, innerWidth, innerHeight]")
    assert box[0] == box[2] and box[1] == box[3], box
    browser.screenshot("stream")


@suite.case
def it_says_what_is_wrong():
    for query, words in (("", "names no camera"), ("?src=front&mode=mse", "WebRTC only"), ("?src=nobody", "nobody"), ("?src=gone", "picture")):
        show(query)
        until(lambda w=words: w in browser.js(NOTICE), 10, f"{query} says: {words}")
        assert not browser.js("return document.querySelector('video').videoWidth")


@suite.case
def it_may_stand_in_a_frame_of_this_server_only():
    headers = sluice.get("/stream.html?src=front")[1]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"] and headers["X-Frame-Options"] == "SAMEORIGIN"
    assert sluice.get("/")[1]["X-Frame-Options"] == "DENY"
    browser.d.get(sluice.base + "/")
    until(lambda: browser.find(".tile"), 10, "the page of all cameras")
    loaded = browser.d.execute_async_script(
        "const done = arguments[0], f = document.createElement('iframe'); f.src = 'stream.html?src=front';"
        "f.onload = () => done(!!f.contentDocument?.querySelector('video')); document.body.append(f);")
    # The page of all cameras lets nothing be put into it: its policy has no frame-src.
    assert not loaded
    time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(suite.main())
