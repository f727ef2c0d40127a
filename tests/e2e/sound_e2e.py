#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sound that a viewer cannot take is made Opus while somebody listens, by a process of its own."""
import json
import os
import re
import signal
import sys
import time

from api import cameras, equal
from fault_viewers import Viewers
from harness import Camera, Sluice, Suite, free_port, until, workers

suite = Suite()
sluice = viewers = None
GRACE = 5  # s that it is made for nobody
HANGS = 6  # s until a process that gives nothing is held to hang
SMALL = ("--width", "320", "--height", "180", "--fps", "10", "--gop", "1")


def memory(pid):
    """Proportional set size in kB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.MULTILINE)[1])


def cpu(pid):
    """Seconds used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def hears(viewer, after, seconds):
    """When it heard something new."""
    return viewer.wait(lambda: next((t for t in reversed(viewer.sounds) if t > after), None), seconds, "sound")


@suite.case
def nothing_is_made_while_nobody_needs_it():
    global sluice, viewers
    sources = {name: suite.keep(Camera(suite.directory, *SMALL, "--sound", sound, name=name))
               for name, sound in [("aac", "aac"), ("plain", "pcmu"), ("other", "aac")]}
    sluice = suite.keep(Sluice(suite.directory, {name: {"main": source.url()} for name, source in sources.items()}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(sluice).values()), 20, "all stream")
    viewers = suite.keep(Viewers(sluice))
    for name in sources:
        viewers.join(name)
    plain = viewers.join("plain-sound", "plain", sound=True)
    hears(plain, plain.joined and plain.pictures[0], 10)
    equal(workers(sluice), {}, "pictures, and sound that the viewer takes as it is, need nobody")


@suite.case
def who_cannot_take_it_hears_it_all_the_same():
    viewer = viewers.join("a1", "aac", sound=True)
    heard = hears(viewer, 0, 10)
    print(f"# first sound {1000 * (heard - viewer.pictures[0]):.0f} ms after the first picture")
    equal(list(workers(sluice)), ["aac/main~opus"])
    another = viewers.join("a2", "aac", sound=True)
    hears(another, another.pictures[0], 5)
    equal(list(workers(sluice)), ["aac/main~opus"], "one for all who listen")
    pid = workers(sluice)["aac/main~opus"]
    began, used = time.monotonic(), cpu(pid)
    time.sleep(5)
    heard = sum(began <= t <= began + 5 for t in viewer.sounds)
    assert heard > 15, f"told {heard} times in 5 s, eight times a second or so were to be expected"
    print(f"# the process: {memory(pid)} kB, {100 * (cpu(pid) - used) / (time.monotonic() - began):.1f} % of a core")


@suite.case
def it_is_no_stream_that_can_be_asked_for():
    status, _, body = sluice.get("/whep/aac?stream=main~opus", method="POST", body=b"v=0\r\n",
                                  headers={"Content-Type": "application/sdp"})
    equal(status, 404, body)
    assert b"main~opus" in body, body


@suite.case
def killed_or_hanging_it_is_replaced_and_nobody_else_notices():
    viewer, other = viewers.viewers["a1"], viewers.viewers["other"]
    begin = viewer.pictures[-1]
    for sent, seconds, what in [(signal.SIGKILL, 8, "killed"), (signal.SIGSEGV, 8, "crashed"), (signal.SIGSTOP, HANGS + 10, "hanging")]:
        pid = workers(sluice)["aac/main~opus"]
        os.kill(pid, sent)
        gone = time.monotonic()
        until(lambda p=pid: workers(sluice).get("aac/main~opus", p) != p, seconds, f"{what}: another process")
        heard = hears(viewer, time.monotonic(), 5)
        print(f"# {what}: sound again after {heard - gone:.2f} s")
        until(lambda p=pid: not os.path.exists(f"/proc/{p}"), 5, "its process is gone")
    for watching in (viewer, other):
        assert watching.closed is None, watching.closed
        assert watching.gap(begin) < 1, f"no picture for {watching.gap(begin):.2f} s"
    assert "aac/main~opus: the worker process is gone (killed by SIGSEGV)" in sluice.output(), sluice.output()


@suite.case
def other_sound_is_heard_as_well():
    port, before = free_port(), None
    own = suite.keep(Sluice(suite.directory, {"back": {"main": {"url": f"rtsp://127.0.0.1:{port}/main", "stall-timeout": 1000}}},
                            name="own"))
    watching = suite.keep(Viewers(own))
    for sound in ("aac", "opus", "aac", "pcma", "aac"):
        camera = suite.keep(Camera(suite.directory, *SMALL, "--sound", sound, port=port, name=sound))
        until(lambda: cameras(own)["back"]["state"] == "streaming", 40, f"{sound}: streams")
        viewer = before or watching.join("back", sound=True)
        begin = time.monotonic()
        print(f"# {sound} heard after {hears(viewer, begin, 10) - begin:.2f} s")
        assert viewer.closed is None, viewer.closed
        suite.close(camera)
        until(lambda: cameras(own)["back"]["state"] != "streaming", 20, f"{sound}: gone")
        before = viewer
    for each in (watching, own):
        suite.close(each)


@suite.case
def described_anew_while_somebody_listens():
    viewer = viewers.viewers["a1"]
    config = json.loads(sluice.config.read_text())
    for timeout in (2000, 2500):
        stream = config["cameras"]["aac"]["streams"]["main"]
        config["cameras"]["aac"]["streams"]["main"] = {"url": stream if isinstance(stream, str) else stream["url"],
                                                       "stall-timeout": timeout}
        sluice.config.write_text(json.dumps(config))
        before = sluice.output().count("reloaded:")
        sluice.send(signal.SIGHUP)
        until(lambda b=before: sluice.output().count("reloaded:") > b, 10, "reloaded")
        hears(viewer, time.monotonic(), 10)
        assert viewer.closed is None, viewer.closed
        until(lambda: [name for name in workers(sluice) if "~opus" in name] == ["aac/main~opus"], 5, "one process again")
        time.sleep(0.5)  # what was under way has come
        hears(viewer, time.monotonic(), 10)


@suite.case
def it_ends_when_nobody_listens_any_more():
    for name in ("a1", "a2"):
        viewers.leave(name)
    left = time.monotonic()
    until(lambda: not workers(sluice), GRACE + 5, "no process is left")
    assert time.monotonic() - left > GRACE - 1, "some time is left for who comes back"
    equal(suite.close(sluice), 0)
    assert "CRITICAL" not in sluice.output(), sluice.output()


if __name__ == "__main__":
    sys.exit(suite.main())
