#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sound that a viewer cannot take is made Opus while somebody listens, by a process of its own."""
import os
import re
import signal
import sys
import time

from api import cameras, equal
from fault_viewers import Viewers
from harness import Camera, Sluice, Suite, children, until

suite = Suite()
sluice = viewers = None
GRACE = 5  # s that it is made for nobody
HANGS = 6  # s until a process that gives nothing is held to hang
SMALL = ("--width", "320", "--height", "180", "--fps", "10", "--gop", "1")


def workers():
    """Children of the launcher: {what they work for: pid}."""
    return {args.split()[-1]: pid for pid, args in children(sluice.pid)}


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
    equal(workers(), {}, "pictures, and sound that the viewer takes as it is, need nobody")


@suite.case
def who_cannot_take_it_hears_it_all_the_same():
    viewer = viewers.join("a1", "aac", sound=True)
    heard = hears(viewer, 0, 10)
    print(f"# first sound {1000 * (heard - viewer.pictures[0]):.0f} ms after the first picture")
    equal(list(workers()), ["aac/main~opus"])
    another = viewers.join("a2", "aac", sound=True)
    hears(another, another.pictures[0], 5)
    equal(list(workers()), ["aac/main~opus"], "one for all who listen")
    pid = workers()["aac/main~opus"]
    began, used = time.monotonic(), cpu(pid)
    time.sleep(5)
    heard = sum(began <= t <= began + 5 for t in viewer.sounds)
    assert heard > 25, f"told {heard} times in 5 s, eight times a second or so were to be expected"
    print(f"# the process: {memory(pid)} kB, {100 * (cpu(pid) - used) / (time.monotonic() - began):.1f} % of a core")


@suite.case
def it_is_no_stream_that_can_be_asked_for():
    names = [s["name"] for c in cameras(sluice).values() for s in c["streams"]]
    equal(set(names), {"main"})
    refused = viewers.begin("named", "aac~opus")
    refused.wait(lambda: refused.refused, 10, "refused")


@suite.case
def killed_or_hanging_it_is_replaced_and_nobody_else_notices():
    viewer, other = viewers.viewers["a1"], viewers.viewers["other"]
    begin = viewer.pictures[-1]
    for sent, seconds, what in [(signal.SIGKILL, 3, "killed"), (signal.SIGSEGV, 3, "crashed"), (signal.SIGSTOP, HANGS + 10, "hanging")]:
        pid = workers()["aac/main~opus"]
        os.kill(pid, sent)
        gone = time.monotonic()
        until(lambda p=pid: workers().get("aac/main~opus", p) != p, seconds, f"{what}: another process")
        heard = hears(viewer, time.monotonic(), 5)
        print(f"# {what}: sound again after {heard - gone:.2f} s")
        until(lambda p=pid: not os.path.exists(f"/proc/{p}"), 5, "its process is gone")
    for watching in (viewer, other):
        assert watching.closed is None, watching.closed
        assert watching.gap(begin) < 1, f"no picture for {watching.gap(begin):.2f} s"
    assert "aac/main~opus: the worker process is gone (killed by SIGSEGV)" in sluice.output(), sluice.output()


@suite.case
def a_camera_that_comes_back_is_heard_again():
    back = suite.keep(Camera(suite.directory, *SMALL, "--sound", "aac", name="back"))
    description = {"main": {"url": back.url(), "stall-timeout": 1000}}
    own = suite.keep(Sluice(suite.directory, {"back": description}, name="own"))
    until(lambda: cameras(own)["back"]["state"] == "streaming", 20, "streams")
    watching = suite.keep(Viewers(own))
    viewer = watching.join("back", sound=True)
    hears(viewer, 0, 10)
    suite.close(back)
    until(lambda: cameras(own)["back"]["state"] != "streaming", 20, "gone")
    again = suite.keep(Camera(suite.directory, *SMALL, "--sound", "aac", port=back.port, name="again"))
    until(lambda: cameras(own)["back"]["state"] == "streaming", 40, "streams again")
    hears(viewer, time.monotonic(), 10)
    assert viewer.closed is None, viewer.closed
    for each in (watching, own, again):
        suite.close(each)


@suite.case
def it_ends_when_nobody_listens_any_more():
    for name in ("a1", "a2"):
        viewers.leave(name)
    left = time.monotonic()
    until(lambda: not workers(), GRACE + 5, "no process is left")
    assert time.monotonic() - left > GRACE - 1, "some time is left for who comes back"
    equal(suite.close(sluice), 0)
    assert "CRITICAL" not in sluice.output(), sluice.output()


if __name__ == "__main__":
    sys.exit(suite.main())
