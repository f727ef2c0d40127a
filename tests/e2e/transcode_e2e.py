#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers who can play none of a camera's streams get one that is made for them, while they watch, by a process of its own."""
import json
import os
import signal
import subprocess
import sys
import time

from api import cameras
from fault_cameras import Host
from fault_viewers import Viewers
from harness import Browser, Skip, Sluice, Suite, settled, until, workers

suite = Suite()
sluice = host = viewers = None
REASON = "main sends H265, which this viewer does not take"
GRACE = 5 # s that a stream is made for nobody


def stream(camera, name="web"):
    return next((s for s in cameras(sluice)[camera]["streams"] if s["name"] == name), None)


def sessions():
    return {v["id"]: v for v in json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]}


@suite.case
def nothing_is_made_while_nobody_needs_it():
    global sluice, host, viewers
    host = suite.keep(Host(suite.directory, {"hevc": {"media": "h265"}, "reorders": {"media": "b-frames"}, "plain": {}}))
    sluice = suite.keep(Sluice(suite.directory, {n: {"main": host.camera(n).url()} for n in host.cameras}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(sluice).values()), 20, "all stream")
    viewers = suite.keep(Viewers(sluice))
    plain = viewers.join("plain")
    assert sessions()[plain.joined]["stream"] == "main"
    assert not workers(sluice) and not stream("plain") and not stream("hevc"), workers(sluice)


@suite.case
def a_viewer_without_h265_gets_a_picture_and_hears_why():
    viewer = viewers.join("h1", "hevc")
    session = sessions()[viewer.joined]
    assert (session["stream"], session["stream-reason"]) == ("web", REASON), session
    assert viewer.size() == "320x180", viewer.sizes
    made = stream("hevc")
    assert (made["state"], made["codec"], made["derived-from"]) == ("streaming", "H264", "main"), made


@suite.case
def one_process_serves_all_of_them():
    pids = workers(sluice)
    for name in ("h2", "h3"):
        viewers.join(name, "hevc")
    assert workers(sluice) == pids and list(pids) == ["hevc/web"], (pids, workers(sluice))


@suite.case
def b_frames_are_taken_out():
    viewer = viewers.join("b1", "reorders")
    session = sessions()[viewer.joined]
    assert session["stream"] == "web" and "B-frames" in session["stream-reason"], session
    begin = viewer.pictures[0]
    viewer.wait(lambda: len(viewer.pictures) > 30, 10, "30 pictures")
    assert not viewer.clock_trouble(begin), viewer.clock_trouble(begin)


@suite.case
def killed_it_comes_back_under_the_same_sessions():
    watching = [viewers.viewers[n] for n in ("h1", "h2", "h3")]
    other = viewers.viewers["plain"]
    before = other.pictures[-1]
    pid = workers(sluice)["hevc/web"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: workers(sluice).get("hevc/web", pid) != pid, 10, "another process")
    killed = watching[0].pictures[-1]
    for viewer in watching:
        viewer.picture_after(killed + 0.01, 10)
        assert viewer.closed is None, viewer.closed
    other.picture_after(killed, 2)
    print(f"# the other camera's longest gap {other.gap(before) * 1000:.0f} ms")


@suite.case
def it_ends_when_nobody_watches_any_more():
    for name in ("h1", "h2", "h3", "b1"):
        viewers.leave(name)
    until(lambda: not workers(sluice), GRACE + 5, "no process is left")
    until(lambda: stream("hevc")["state"] == "idle", 5, "it waits")


@suite.case
def a_browser_shows_it():
    browser = suite.keep(Browser())
    browser.login(sluice)
    index = sorted(["hevc", "reorders", "plain"]).index("hevc")
    browser.playing(index=index)
    until(lambda: "H265" in browser.js("return document.querySelectorAll('.tile .why')[arguments[0]].textContent", index), 20,
          "the tile says why")
    until(lambda: browser.js("return document.querySelectorAll('video')[arguments[0]].videoWidth", index) == 320, 20, "its size")
    browser.screenshot("transcode")
    suite.close(browser)


@suite.case
def it_is_left_when_the_camera_sends_what_the_viewer_can_play():
    changes = suite.keep(Host(suite.directory, {"changes": {"media": "h265"}}, name="changes"))
    own = suite.keep(Sluice(suite.directory, {"changes": {"main": changes.camera("changes").url()}}, name="left"))
    until(lambda: cameras(own)["changes"]["state"] == "streaming", 20, "streams")
    watching = suite.keep(Viewers(own))
    viewer = watching.join("c1", "changes")

    def session():
        return {v["id"]: v for v in json.loads(own.get("/api/v1/viewers")[2])["viewers"]}.get(viewer.joined, {})

    assert session()["stream"] == "web", session()
    changes.camera("changes").reboot(media="a")
    until(lambda: session().get("stream") == "main", 60, f"main: {session()}")
    viewer.picture_after(time.monotonic(), 10)
    assert viewer.closed is None, viewer.closed
    suite.close(watching)
    suite.close(own)
    suite.close(changes)


@suite.case
def who_waits_for_another_to_end_is_next_at_once():
    one_at_a_time = suite.keep(Sluice(suite.directory, {n: {"main": host.camera("hevc").url()} for n in ("one", "two")},
                                      name="one-at-a-time", server={"transcodes": 1}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(one_at_a_time).values()), 20, "both stream")
    both = suite.keep(Viewers(one_at_a_time))
    both.join("one")
    waits = both.begin("two")

    def waiting():
        return next((s for s in cameras(one_at_a_time)["two"]["streams"] if s["name"] == "web"), {})

    until(lambda: "all 1 transcodes" in (waiting().get("reason") or ""), 20, "it hears why it has to wait")
    # Its own next attempt would be too late by now.
    until(lambda: (waiting()["next-attempt-seconds"] or 0) > GRACE + 6, 60, "a long time to wait")
    assert not waits.pictures and not waits.refused and not waits.closed, str(waits)
    both.leave("one")
    left = time.monotonic()
    came = waits.picture_after(left, GRACE + 5)
    print(f"# its picture came {came - left - GRACE:.2f} s after the other's grace was over")
    suite.close(both)
    suite.close(one_at_a_time)


@suite.case
def a_part_of_the_machine_is_left_to_others():
    if os.cpu_count() > 4:
        raise Skip("one such transcode is less than one percent of this machine")
    careful = suite.keep(Sluice(suite.directory, {n: {"main": host.camera("hevc").url()} for n in ("one", "two")}, name="careful",
                                server={"transcode-cpu": 1, "transcodes": 8}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(careful).values()), 20, "both stream")
    both = suite.keep(Viewers(careful))
    both.join("one") # nothing is known, so it may
    time.sleep(3)
    waits = both.begin("two")

    def reason():
        return next((s["reason"] or "" for s in cameras(careful)["two"]["streams"] if s["name"] == "web"), "")

    until(lambda: "of the machine" in reason(), 10, "it hears why it has to wait")
    print(f"# {reason()}")
    both.leave("one")
    waits.picture_after(time.monotonic(), GRACE + 10)
    suite.close(both)
    suite.close(careful)


def set_transcode(on):
    config = json.loads(sluice.config.read_text())
    config["cameras"]["hevc"]["outputs"] = {"webrtc": {"transcode": on}}
    sluice.config.write_text(json.dumps(config))
    sluice.send(signal.SIGHUP)


@suite.case
def fifty_starts_leave_nothing_behind():
    def round_trip(index):
        viewer = viewers.join(f"r{index}", "hevc")
        set_transcode(False) # the grace of a demand would take five times as long
        viewer.wait(lambda: viewer.closed, 10, "closed")
        until(lambda: "hevc/web" not in workers(sluice), 10, "no process is left")
        set_transcode(True)
        until(lambda: sluice.output().count("reloaded:") == 2 * (index + 1), 10, "reloaded")

    for index in range(5):
        round_trip(index)
    threads, descriptors = settled(sluice.threads), settled(sluice.descriptors)
    for index in range(5, 55):
        round_trip(index)
    until(lambda: sluice.threads() <= threads + 2 and sluice.descriptors() <= descriptors + 2, 20,
          f"as many as before: {threads} threads, {descriptors} descriptors")
    zombies = subprocess.run(["ps", "-o", "stat=", "--ppid", str(sluice.pid)], stdout=subprocess.PIPE, text=True, check=False)
    assert "Z" not in zombies.stdout, zombies.stdout


@suite.case
def switched_off_it_is_refused_as_before():
    set_transcode(False)

    def refused():
        viewer = viewers.begin("off", "hevc")
        viewer.wait(lambda: viewer.refused or viewer.pictures, 20, "an answer")
        if viewer.pictures:
            viewers.leave("off")
        return viewer.refused

    assert "H265" in until(refused, 15, "refused")
    assert "hevc/web" not in workers(sluice), workers(sluice)


if __name__ == "__main__":
    sys.exit(suite.main())
