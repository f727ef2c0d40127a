#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Single pictures of real cameras over HTTP: sizes, headers, what is shared, what is refused, and how long it takes."""
import concurrent.futures
import json
import statistics
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import NOWHERE, cameras, contains, delete, equal, jpeg_size, put  # noqa: E402
from harness import Camera, Served, Sluice, Suite, note, until  # noqa: E402

suite = Suite()
case = suite.case
S = camera = None


def snapshot(name="front", query="", **options):
    return S.get(f"/api/v1/cameras/{name}/snapshot.jpg{query}", **options)


def picture(name="front", query="", **options):
    status, headers, body = snapshot(name, query, **options)
    equal(status, 200, body[:300])
    equal(headers["Content-Type"], "image/jpeg")
    return headers, body



@case
def a_picture_of_each_stream_in_its_size():
    global S, camera
    camera = suite.keep(Camera(suite.directory, "--width", "1920", "--height", "1080", "--fps", "10", "--gop", "0.5", "--sub"))
    S = suite.keep(Sluice(suite.directory, {
        "front": {"main": camera.url(), "sub": camera.url("sub")},
        "lazy": {"main": {"url": camera.url("sub"), "on-demand": True}},
        "gone": {"main": "rtsp://127.0.0.1:1/x"},
        "unwilling": {"main": {"url": "rtsp://127.0.0.1:1/x", "on-demand": True}}}))
    until(lambda: all(s["state"] == "streaming" for s in cameras(S)["front"]["streams"]), 20, "both streams are there")
    headers, body = picture()
    equal(jpeg_size(body), (1920, 1080))
    equal(headers["Cache-Control"], "private, no-cache")
    taken = parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    assert -1 <= time.time() - taken <= 5, headers["Last-Modified"]
    assert 0 <= int(headers["Age"]) <= 5
    equal(jpeg_size(picture(query="?stream=sub")[1]), (640, 360))
    for width, height in ((640, 360), (16, 9), (1918, 1079), (1920, 1080)):
        found = jpeg_size(picture(query=f"?width={width}")[1])
        assert found[0] == width and abs(found[1] - height) <= 1, found
    until(lambda: picture()[0]["Sluice-Capture-Time"], 15, "the camera has said what time it is")


@case
def what_cannot_be_had_is_told():
    for query, status, part in (("?width=15", 400, "allowed: an even number from 16 to 1920"), ("?width=641", 400, "found 641"),
                                ("?width=1922", 400, "1920"), ("?width=-16", 400, "width"), ("?width=", 400, "width"),
                                ("?width=99999999999", 400, "width"), ("?max-age=3601", 400, "0 to 3600"),
                                ("?max-age=1.5", 400, "max-age"), ("?stream=other", 404, "it has: main, sub")):
        found, _, body = snapshot(query=query)
        equal(found, status, query)
        contains(json.loads(body)["detail"], part)
    equal(snapshot("nobody")[0], 404)
    equal(snapshot(auth=None)[0], 401)
    began = time.monotonic()
    status, headers, body = snapshot("gone")
    equal((status, headers["Retry-After"]), (503, "5"))
    contains(json.loads(body)["detail"], "the camera gives no picture: ")
    contains(json.loads(body)["detail"], "refused")
    assert time.monotonic() - began < 2
    status, headers, body = snapshot("unwilling")
    equal((status, headers["Retry-After"]), (503, "5"))
    contains(json.loads(body)["detail"], "within 5 s")
    assert 4.5 < time.monotonic() - began < 8, time.monotonic() - began


@case
def the_same_picture_has_the_same_tag():
    def twice():
        headers, _ = picture()
        status, again, body = snapshot(headers={"If-None-Match": headers["ETag"]})
        assert again["ETag"] or status == 200
        return status == 304 and body == b""

    until(twice, 10, "two requests within one GOP")
    tags = {picture()[0]["ETag"] for _ in range(20) if not time.sleep(0.1)}
    assert len(tags) > 1, "a new key frame has another one"
    assert picture(query="?width=320")[0]["ETag"] not in tags


@case
def it_wakes_a_camera_that_sleeps_and_lets_it_sleep_again():
    equal(cameras(S)["lazy"]["state"], "idle")
    began = time.monotonic()
    equal(jpeg_size(picture("lazy")[1]), (640, 360))
    note(f"a camera on demand has given a picture after {time.monotonic() - began:.2f} s")
    until(lambda: cameras(S)["lazy"]["state"] == "idle", 10, "nobody reads it")
    headers, _ = picture("lazy", "?max-age=60")
    equal(cameras(S)["lazy"]["state"], "idle", "the picture of before will do")
    assert int(headers["Age"]) >= 4, headers["Age"]
    assert int(picture("lazy", "?max-age=1")[0]["Age"]) <= 2, "that one is too old"


@case
def a_camera_of_jpeg_gives_its_own_pictures():
    directory = Path(suite.directory, "pictures")
    directory.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=15", "-frames:v", "15",
                    directory / "%02d.jpg"], check=True, timeout=60, stdin=subprocess.DEVNULL)
    sent = {p.read_bytes() for p in directory.glob("*.jpg")}
    url = f"http://127.0.0.1:{suite.keep(Served('mjpeg_server.py', directory, '--fps', 5)).port}"
    put(S, "motion", {"streams": {"main": {"url": url + "/video"}}})
    put(S, "asleep", {"streams": {"main": {"url": url + "/video", "on-demand": True}}})
    until(lambda: snapshot("motion")[0] == 200, 10, "it gives a picture")
    times = []
    for _ in range(10):
        began = time.monotonic()
        assert picture("motion")[1] in sent, "bytes that the camera did not send"
        times.append(1000 * (time.monotonic() - began))
        time.sleep(0.1)
    note(f"as it comes, ms: median {statistics.median(times):.1f}, slowest {max(times):.1f}")
    for width in (320, 638):
        equal(jpeg_size(picture("motion", f"?width={width}")[1])[0], width)
    assert picture("motion", "?width=640")[1] in sent, "its own width is as it comes"
    assert S.get("/api/frame.jpeg?src=motion")[2] in sent
    assert S.get("/api/frame.jpeg?src=motion&width=10000")[2] in sent
    equal(jpeg_size(S.get("/api/frame.jpeg?src=motion&height=180")[2]), (320, 180))

    def twice():
        headers, _ = picture("motion")
        return snapshot("motion", headers={"If-None-Match": headers["ETag"]})[0] == 304

    until(twice, 10, "two requests within one picture")
    assert picture("asleep")[1] in sent
    until(lambda: cameras(S)["asleep"]["state"] == "idle", 20, "nobody reads it")
    headers, body = picture("asleep", "?max-age=60")
    equal(cameras(S)["asleep"]["state"], "idle", "the picture of before will do")
    assert body in sent and int(headers["Age"]) >= 4, headers["Age"]
    for name in ("motion", "asleep"):
        equal(delete(S, name)[0], 204)


@case
def many_at_once_share_one_and_nothing_is_left():
    picture()
    threads, files = S.threads(), S.descriptors()
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        same = [pool.submit(snapshot) for _ in range(40)]
        answers = [f.result() for f in same]
        equal({a[0] for a in answers}, {200})
        assert len({a[1]["ETag"] for a in answers}) <= 3, "a new key frame may come between"
        widths = [pool.submit(snapshot, query=f"?width={16 + 2 * i}") for i in range(40)]
        found = {}
        for f in widths:
            status, headers, body = f.result()
            found[status] = found.get(status, 0) + 1
            if status == 429:
                equal(headers["Retry-After"], "1")
                contains(json.loads(body)["detail"], "too many snapshots")
        note(f"40 widths at once: {found}")
        assert set(found) <= {200, 429, 503} and found[200] >= 2, found
    until(lambda: S.threads() <= threads and S.descriptors() <= files + 1, 10, f"as before: {threads} threads, {files} files")
    equal(S.get("/healthz", auth=None)[0], 200)


@case
def a_camera_of_another_description_shows_no_picture_of_the_one_before():
    put(S, "yard", {"streams": {"main": {"url": camera.url("sub")}}})
    until(lambda: snapshot("yard")[0] == 200, 10, "it gives a picture")
    equal(picture("yard", "?max-age=3600")[0]["Content-Type"], "image/jpeg")
    put(S, "yard", NOWHERE)
    until(lambda: cameras(S)["yard"]["state"] == "backoff", 10, "the other one is tried")
    equal(snapshot("yard", "?max-age=3600")[0], 503)
    equal(delete(S, "yard")[0], 204)
    equal(snapshot("yard", "?max-age=3600")[0], 404)


@case
def how_long_it_takes():
    times = []
    for _ in range(20):
        time.sleep(0.55)  # a new key frame
        began = time.monotonic()
        headers, _ = picture()
        times.append((1000 * (time.monotonic() - began), headers["ETag"]))
    ms = sorted(t for t, _ in times)
    assert len({tag for _, tag in times}) > 15, "each was decoded anew"
    note(f"1080p snapshot, ms: median {statistics.median(ms):.0f}, fastest {ms[0]:.0f}, slowest {ms[-1]:.0f}")


@case
def the_end_comes_with_requests_under_way():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(snapshot, "unwilling") for _ in range(8)]
        time.sleep(0.5)
        equal(suite.close(S), 0, S.output()[-2000:])
        for f in waiting:
            assert f.result()[0] in (0, 503), f.result()
    assert "CRITICAL" not in S.output() and "WARNING" not in S.output(), S.output()


if __name__ == "__main__":
    sys.exit(suite.main())
