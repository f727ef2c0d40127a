#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras with a fallback, while somebody watches. The fallback's pictures are 480x270, the primary's 320x180."""
import signal
import sys
import time

from faults import LOST, STALL, Matrix
from harness import Suite, until

matrix = Matrix(Suite())
FALLBACK = 2.0 # s after the primary's loss
PROBED = 10.0  # the primary has to run so long beside the fallback


def plays(f, source, size):
    f.viewer.wait(lambda: f.viewer.size() == size, 5, f"pictures of {size}")
    until(lambda: f.status().stream["source"] == source and f.status().state == "streaming", 2,
          f"the API says streaming from source {source}")


def back_to_the_primary(f, since):
    """Not before it has proven itself, and without a gap."""
    f.viewer.wait(lambda: f.viewer.size() == "320x180", PROBED + 10, "the primary again")
    at = f.viewer.sizes[-1][0]
    assert at - since >= PROBED, f"back after {at - since:.1f} s"
    time.sleep(1)
    assert f.viewer.gap(at - 2, at + 1) < 0.4, f"{f.viewer.gap(at - 2, at + 1):.2f} s without a picture at the change"
    plays(f, 0, "320x180")
    f.stays()


@matrix.fault(spare=True)
def primary_killed_and_restarted(f):
    assert f.status().stream["sources"] == 2
    f.fault()
    f.host.kill()
    f.recover = f.viewer.wait(lambda: f.viewer.size() == "480x270" and f.viewer.sizes[-1][0], 10, "the fallback") - f.began
    assert f.recover <= FALLBACK, f.recover
    plays(f, 1, "480x270")
    time.sleep(3)
    back_to_the_primary(f, f.host.start())


@matrix.fault(spare=True)
def primary_stopped(f):
    f.fault()
    f.host.p.send_signal(signal.SIGSTOP)
    f.is_noticed("stalled", "no picture for 3 s", STALL, fallback=True)
    f.recover = f.viewer.wait(lambda: f.viewer.size() == "480x270" and f.viewer.sizes[-1][0], 15, "the fallback") - f.began
    assert f.recover <= STALL + FALLBACK, f.recover
    time.sleep(2)
    f.host.p.send_signal(signal.SIGCONT)
    back_to_the_primary(f, time.monotonic())


@matrix.fault(spare=True)
def primary_flaps_while_the_fallback_plays(f):
    f.act("close")
    f.viewer.wait(lambda: f.viewer.size() == "480x270", 10, "the fallback")
    for _ in range(3): # it is there for 5 s at a time: no reason to go back
        f.camera.act("open")
        time.sleep(5)
        f.camera.act("close")
        time.sleep(1)
    assert [s for at, s in f.viewer.sizes if at > f.began] == ["480x270"], f.viewer.sizes
    f.camera.act("open")
    back_to_the_primary(f, time.monotonic())


@matrix.fault(spare=True)
def both_gone_and_the_fallback_first_back(f):
    f.fault()
    f.spare.act("close")
    f.camera.act("close")
    f.is_noticed(("refused", "ended"), f"{LOST}|refused", 2.0)
    time.sleep(4)
    f.healed = f.spare.act("open")
    f.is_back(FALLBACK, size="480x270")
    f.camera.act("open")
    back_to_the_primary(f, time.monotonic())


@matrix.fault(spare=True)
def fallback_killed_while_the_primary_plays(f):
    f.fault()
    f.spare.host.kill()
    f.goes_on(6, 0.5)
    f.spare.host.start()


if __name__ == "__main__":
    sys.exit(matrix.main())
