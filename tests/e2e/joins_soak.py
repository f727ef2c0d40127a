#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""100 joins one after another: threads, descriptors and memory of the launcher are back where they were."""
import json
import sys
from pathlib import Path

from harness import Browser, Camera, Sluice, Suite, note, until

suite = Suite()
JOINS = 100
camera = sluice = browser = None


def resident():
    """MB"""
    for line in Path(f"/proc/{sluice.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def nobody():
    return not json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]


def join(times):
    for _ in range(times):
        browser.d.get(sluice.base + "/")
        browser.playing()
    browser.d.get("about:blank")
    until(nobody, 60, "no viewer is left")


def settled(value, seconds=30):
    """The least that value() comes down to: what is torn down takes its time."""
    least = value()

    def lower():
        nonlocal least
        least = min(least, value())
        return False

    try:
        until(lower, seconds, "")
    except AssertionError:
        pass
    return least


@suite.case
def a_hundred_joins_leave_nothing_behind():
    global camera, sluice, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "3"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}))
    until(lambda: json.loads(sluice.get("/api/v1/cameras")[2])["cameras"][0]["state"] == "streaming", 20, "streaming")
    browser = suite.keep(Browser())
    browser.login(sluice)
    browser.playing()
    join(10) # what is loaded once is loaded now
    threads, descriptors, memory = settled(sluice.threads, 5), settled(sluice.descriptors, 5), resident()
    join(JOINS)
    after = settled(sluice.threads), settled(sluice.descriptors, 5), resident()
    note(f"threads {threads} -> {after[0]}, descriptors {descriptors} -> {after[1]}, "
         f"memory {memory:.1f} -> {after[2]:.1f} MB")
    # A pool thread or a connection that is just being closed may be there; one per join would be a hundred.
    assert after[0] <= threads + 2 and after[1] <= descriptors + 3, after
    assert after[2] - memory < 10, (memory, after[2])
    assert suite.close(sluice) == 0


if __name__ == "__main__":
    sys.exit(suite.main())
