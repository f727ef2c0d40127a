#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs a viewer that a stream has to be made: the first picture of H.265 1080p25 (4 Mbit/s, GOP 2 s) for a viewer who
takes H.264 only, no process running yet; how long the picture is away when that process is killed under five viewers, and what
another camera notices; how much later a picture is shown when it was decoded and encoded on the way. See README.md.

    SLUICE_BUILD=$PWD/build meson devenv -C build ../tests/bench/transcode.py [joins [kills]]
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import cameras  # noqa: E402
from fault_viewers import Viewers  # noqa: E402
from harness import Browser, Camera, Sluice, Suite, children, latencies, summary, until  # noqa: E402

SECONDS, GOP = 20, 50


def clip(path, size, rate, encoder, *options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={SECONDS},noise=alls=8:allf=t",
                    "-pix_fmt", "yuv420p", "-c:v", encoder, "-preset", "ultrafast", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
                    "-g", str(GOP), "-bf", "0", *options, str(path)], check=True)
    return path


def workers(sluice):
    return {args.split()[-1]: pid for pid, args in children(sluice.pid) if " worker" in args}


def milliseconds(values):
    return summary([v * 1000 for v in values]) + " ms"


def first_pictures(sluice, viewers, joins):
    took = []
    for i in range(joins):
        until(lambda: not workers(sluice), 15, "no process is left of the join before")
        time.sleep(0.37) # anywhere in the GOP
        asked = time.monotonic()
        viewer = viewers.join(f"j{i}", "hevc")
        took.append(viewer.pictures[0] - asked)
        viewers.leave(f"j{i}")
    print(f"first picture, H.265 1920x1080 at 25/s, decoded and encoded: {milliseconds(took)}", flush=True)


def kills(sluice, viewers, count):
    watching = [viewers.join(f"k{i}", "hevc") for i in range(5)]
    other = viewers.join("other", "steady")
    time.sleep(3)
    away, elsewhere = [], []
    for _ in range(count):
        pid = workers(sluice)["hevc/web"]
        before = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        until(lambda p=pid: workers(sluice).get("hevc/web", p) != p, 10, "another process")
        time.sleep(4)
        away.append(max(viewer.gap(before) for viewer in watching))
        elsewhere.append(other.gap(before - 0.1))
        assert not any(viewer.closed for viewer in watching), [str(viewer) for viewer in watching]
    print(f"killed with SIGKILL, 5 viewers: without a picture {milliseconds(away)}, sessions kept; "
          f"longest gap of another camera {milliseconds(elsewhere)}", flush=True)
    for name in [f"k{i}" for i in range(5)] + ["other"]:
        viewers.leave(name)


def added_latency(suite):
    """Of pictures with the time drawn into them, from drawing to showing in Chromium."""
    camera = suite.keep(Camera(suite.directory))
    sluice = suite.keep(Sluice(suite.directory, {"clock": {"main": camera.url(), "sub": {"from": "main", "bitrate": 1500}}}, name="clock"))
    browser = suite.keep(Browser())
    browser.login(sluice)
    browser.playing()
    found = {}
    for stream in ("main", "sub", "main", "sub"):
        browser.choose_quality(stream)
        until(lambda s=stream: {v["stream"] for v in json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]} == {s}, 20, "it is shown")
        time.sleep(4)
        found.setdefault(stream, []).extend(latencies(browser.frames(5000)))
    of = cameras(sluice)["clock"]["streams"][0]
    print(f"from drawing to showing, {of['width']}x{of['height']} at {of['fps']:.0f}/s, passed on: {summary(found['main'])} ms; "
          f"decoded and encoded: {summary(found['sub'])} ms; more in the median: "
          f"{(statistics.median(found['sub']) - statistics.median(found['main'])) * of['fps'] / 1000:.2f} frames", flush=True)


def measure(suite, joins, count):
    added_latency(suite)
    hevc = clip(Path(suite.directory, "hevc.mp4"), "1920x1080", "4M", "libx265",
                "-x265-params", f"keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0:log-level=none", "-tag:v", "hvc1")
    steady = clip(Path(suite.directory, "steady.mp4"), "1280x720", "2M", "libx264")
    sluice = suite.keep(Sluice(suite.directory, {"hevc": {"main": f"file:{hevc}"}, "steady": {"main": f"file:{steady}"}}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(sluice).values()), 20, "all stream")
    time.sleep(3)
    viewers = suite.keep(Viewers(sluice))
    first_pictures(sluice, viewers, joins)
    kills(sluice, viewers, count)


def main():
    joins, count = [int(n) for n in (sys.argv[1:] + ["10", "5"][len(sys.argv) - 1:])[:2]]
    suite = Suite()
    os.environ["HOME"] = os.environ["XDG_RUNTIME_DIR"] = suite.directory # Chromium and GLib want directories of their own
    try:
        measure(suite, joins, count)
    finally:
        for thing in reversed(list(suite.open_things)):
            suite.close(thing)
        shutil.rmtree(suite.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
