#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Single pictures of real cameras over HTTP: sizes, headers, what is shared, what is refused, and how long it takes; and what it
costs when the process that decodes them crashes or hangs."""
import concurrent.futures
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import NOWHERE, cameras, contains, delete, equal, jpeg_size, put  # noqa: E402
from fault_viewers import Viewers  # noqa: E402
from harness import BUILD, ROOT, Camera, Served, Sluice, Suite, children, note, settled, until  # noqa: E402

suite = Suite()
case = suite.case
S = camera = None
CRASH, HANG = Path(suite.directory, "crash"), Path(suite.directory, "hang")


def snapshot(name="front", query="", **options):
    return S.get(f"/api/v1/cameras/{name}/snapshot.jpg{query}", **options)


def workers(s):
    """The processes that decode its pictures."""
    return [pid for pid, args in children(s.pid) if args.split()[-1] == "snapshots"]


def in_time(ask):
    """What it answers; on a busy machine a picture is not ready in its 2 s now and then."""
    def told():
        answer = ask()
        late = answer[0] == 503 and any(part in str(answer) for part in ("2000 ms", "in time"))
        return not late and answer

    return until(told, 30, "an answer in time")


def picture(name="front", query="", **options):
    status, headers, body = in_time(lambda: snapshot(name, query, **options))
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
    equal(workers(S), [], "no process before the first wish")
    began = time.monotonic()
    headers, body = picture()
    note(f"the first picture of the launcher, with the start of a worker: {1000 * (time.monotonic() - began):.0f} ms")
    equal(len(workers(S)), 1)
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
    assert time.monotonic() - began < 4
    began = time.monotonic()
    status, headers, body = snapshot("unwilling")
    equal((status, headers["Retry-After"]), (503, "5"))
    contains(json.loads(body)["detail"], "within 5 s")
    assert 4.5 < time.monotonic() - began < 15, time.monotonic() - began


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
        def all_at_once():
            """They share; if they take longer than a picture is the newest, not all of them do, and a second worker begins."""
            answers = [f.result() for f in [pool.submit(snapshot) for _ in range(40)]]
            assert {a[0] for a in answers} <= {200, 503}, [a[2] for a in answers if a[0] != 200][:2]
            return {a[0] for a in answers} == {200} and len({a[1]["ETag"] for a in answers}) <= 3

        until(all_at_once, 30, "40 pictures")
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
    (worker,) = workers(S)
    status = Path(f"/proc/{worker}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    note(f"the worker has {resident / 1024:.0f} MB")


def faulty():
    """The template that is shipped, with something behind the decoder that crashes or hangs as soon as a file exists."""
    template = json.loads((ROOT / "pipelines/snapshot.json").read_text())
    for branch in template["branches"]:
        for fault, when in (("crash", CRASH), ("hang", HANG)):
            branch["pipeline"].insert(1, f"! videoconvert ! fakeh264enc fault={fault} when={when} ! avdec_h264")
    own = Path(suite.directory, "own")
    own.mkdir()
    (own / "snapshot.json").write_text(json.dumps(template))
    return f"{own}:{ROOT / 'pipelines'}"


@case
def a_worker_has_nothing_that_is_not_its_business():
    (worker,) = workers(S)
    here, there = Path(f"/proc/{S.pid}"), Path(f"/proc/{worker}")
    assert b"PASSWORD" in (here / "environ").read_bytes() and b"PASSWORD" not in (there / "environ").read_bytes()
    contains((there / "status").read_text(), "NoNewPrivs:\t1")
    limits = (there / "limits").read_text().splitlines()
    equal(next(line.split()[4:6] for line in limits if line.startswith("Max core file size")), ["0", "0"])
    nice = [int((p / "stat").read_text().rpartition(")")[2].split()[16]) for p in (here, there)]
    equal(nice[1], nice[0] + 5)

    def links():
        for f in (there / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(f)

    # The pipeline of a picture has some of its own, and is taken down when the picture has been sent.
    until(lambda: len([link for link in links() if link.startswith("socket:")]) == 1, 5, "its only socket is the launcher's")
    assert not [link for link in links() if link.startswith(str(suite.directory)) and not link.endswith(".log")], list(links())


@case
def a_crash_or_a_hang_costs_that_picture_and_nobody_else():
    own = {"SLUICE_PIPELINES": faulty(), "GST_REGISTRY": str(Path(suite.directory, "faulty.registry")),
           "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}"}
    slow = suite.keep(Camera(suite.directory, "--width", "320", "--height", "180", "--fps", "10", "--gop", "3", name="slow"))
    s = suite.keep(Sluice(suite.directory, {"front": {"main": slow.url()}, "back": {"main": camera.url("sub")}},
                          name="faulty", env=own))

    widths = iter(range(16, 320, 2))  # each is another picture to make, whatever is kept

    def ask(name="front"):
        began = time.monotonic()
        status, _, body = s.get(f"/api/v1/cameras/{name}/snapshot.jpg?width={next(widths)}")
        return status, b"" if status == 200 else json.loads(body)["detail"], time.monotonic() - began

    def one_worker(*others):
        return until(lambda: len(workers(s)) == 1 and workers(s)[0] not in others and workers(s), 10, f"one, not {others}")[0]

    def works_again(*gone):
        until(lambda: ask()[0] == 200, 10, "the next key frame is another picture")
        told = ask("back")
        equal(told[0], 200, told)
        for pid in gone:
            assert not Path(f"/proc/{pid}").exists(), pid

    until(lambda: all(c["state"] == "streaming" for c in cameras(s).values()), 20, "both stream")
    viewer = suite.keep(Viewers(s)).join("v", "back")
    begin = viewer.pictures[-1]
    until(lambda: ask()[0] == 200, 10, "a picture")
    first = one_worker()

    CRASH.touch()
    status, why, _ = in_time(ask)
    equal((status, why), (503, "the camera's picture cannot be decoded: the worker process is gone (killed by SIGSEGV)"))
    one_worker(first)

    def not_twice():
        before = one_worker()
        told = ask()
        equal(told[0], 503)
        return "is not tried again" in told[1] and one_worker() == before

    until(not_twice, 10, "two wishes for the same key frame crash one process, also in another width")
    CRASH.unlink()
    works_again(first)

    def killed_at_it():
        """Who was, if another one made the picture: it has what is left of the 2 s for that."""
        victim = one_worker()
        threads = lambda: len(os.listdir(f"/proc/{victim}/task")) # pylint: disable=unnecessary-lambda-assignment
        idle = settled(threads, 1)
        HANG.touch()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask)
            try:
                until(lambda: threads() > idle, 5, "it is at it")
                HANG.unlink()
                os.kill(victim, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass # the 2 s were over before
            HANG.unlink(missing_ok=True)
            status, why, _ = asked.result()
        assert status == 200 or "2000 ms" in why or "in time" in why, (status, why)
        return status == 200 and victim

    third = until(killed_at_it, 60, "no fault of the picture: another process makes it")
    fourth = one_worker(third)
    HANG.touch()

    def hangs():
        status, why, seconds = ask()
        equal(status, 503)
        return "in time" in why or "within 2000 ms" in why and 1.5 < seconds < 5

    until(hangs, 10, "two seconds, and an answer")
    fifth = one_worker(third, fourth)
    HANG.unlink()
    works_again(third, fourth)
    os.kill(fifth, signal.SIGKILL)
    # Idle, then there is none; or still busy with taking down the last picture, then there is another at once.
    until(lambda: fifth not in workers(s), 10, "one that is killed is missed by nobody")
    works_again(fifth)
    assert viewer.closed is None, viewer.closed
    note(f"the viewer's longest gap {viewer.gap(begin) * 1000:.0f} ms")
    assert viewer.gap(begin) < 2, viewer.gap(begin)
    equal(suite.close(s), 0)
    until(lambda: not workers(s), 5, "its end is theirs")
    assert "CRITICAL" not in s.output(), s.output()


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
