#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras whose streams are strange: timestamps, key frames, slices, parameter sets, UDP; somebody watches."""
import sys
import time

from faults import LOST, RETURNS, STALL, Matrix
from harness import Suite

matrix = Matrix(Suite())
UDP = {"transport": "udp"}


@matrix.fault()
def sps_changes_in_mid_stream(f):
    for media, size in (("b", "480x270"), ("a", "320x180")):
        f.set(media=media)
        f.viewer.wait(lambda s=size: f.viewer.size() == s, 5, size)
        f.goes_on(3, 0.5)
    f.lost_nothing()


@matrix.fault()
def timestamps_frozen(f):
    f.set(frozen=True)
    f.is_noticed("clock", "timestamps", 5.0, "streaming")
    f.goes_on(12, 1.0)
    f.camera.set(frozen=False)
    f.goes_on(15, 1.0)


@matrix.fault()
def timestamps_an_hour_ahead(f):
    f.set(offset=3600.0)
    f.goes_on(6, 0.5)


@matrix.fault()
def timestamps_backward(f):
    f.set(offset=-3600.0)
    f.goes_on(6, 0.5)
    f.set(offset=-3605.0)
    f.goes_on(6, 0.5)


@matrix.fault()
def timestamps_wrap(f):
    f.fault()
    f.camera.set(base=(1 << 32) - 90000 * 3)
    f.act("reset")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back()
    f.fault()
    f.goes_on(6, 0.5)


def live(f, media, position):
    """A camera that goes on where its encoder is when somebody connects."""
    f.reboot(media=media, start="live", position=position)


@matrix.fault()
def key_frame_each_20_seconds(f):
    live(f, "gop20", 8)
    f.healed += 12 # when the next one comes
    f.is_noticed("ended", LOST, 1.0)
    time.sleep(4)
    attempts = f.status().stream["attempts"]
    assert f.status().state == "connecting", f.status()
    f.is_back(0.5)
    assert f.status().stream["attempts"] == attempts, "it waited for the key frame"
    f.fault()
    time.sleep(8)
    asked = time.monotonic()
    late = f.matrix.viewers.join(f.name + "-late", f.name)
    assert late.keys and late.pictures[0] < asked + 2, "from the middle of the GOP, at once"
    f.matrix.viewers.leave(f.name + "-late")
    f.goes_on(14, 0.5)
    f.reboot(media="a", start="key", position=0)
    f.is_back()


@matrix.fault()
def no_key_frame_ever(f):
    live(f, "one-idr", 5)
    f.is_noticed(("codec", "stalled", "timed-out"), "no key frame within 30 s", 40.0)
    f.heal(media="a", start="key")
    f.is_back(15.0) # what somebody has to change at the camera is not asked for all the time


def goes_on_with(f, media, seconds):
    f.reboot(media=media)
    f.is_back()
    f.fault()
    f.goes_on(seconds, 0.5)
    f.camera.set(media="a")


@matrix.fault()
def no_key_frame_after_the_first(f):
    goes_on_with(f, "one-idr", 25) # longer than a GOP that is kept


@matrix.fault()
def i_slices_without_idr(f):
    goes_on_with(f, "i-slices", 8)


@matrix.fault()
def recovery_points_without_idr(f):
    goes_on_with(f, "recovery-points", 8)


@matrix.fault()
def intra_refresh(f):
    goes_on_with(f, "refresh", 25)


def plays(f, media, size="320x180", **options):
    f.reboot(media=media, **options)
    f.is_back(size=size)
    f.fault()
    f.goes_on(5, 0.5)
    pictures = f.viewer.count(f.began, f.began + 4)
    assert 54 <= pictures <= 66, f"{pictures} pictures in 4 s, 60 were sent: an access unit is one picture"
    f.proves_itself()
    f.reboot(media="a", **{o: {"mode": 1, "sprop": True, "in_band": True}[o] for o in options})
    f.is_back()


@matrix.fault()
def several_slices(f):
    plays(f, "slices")


@matrix.fault()
def interlaced(f):
    plays(f, "interlaced")


@matrix.fault()
def packetization_mode_0(f):
    plays(f, "small-slices", mode=0)


@matrix.fault()
def no_parameter_sets_in_the_sdp(f):
    plays(f, "b", "480x270", sprop=False)


@matrix.fault()
def parameter_sets_in_the_sdp_only(f):
    plays(f, "b", "480x270", in_band=False)


@matrix.fault(stream=UDP)
def a_tenth_of_the_udp_packets_is_lost(f):
    assert f.camera.stats()["udp"] == 1
    f.set(loss=0.1)
    f.goes_on(12, 2.5)
    pictures = f.viewer.count(f.began, f.began + 12)
    assert pictures > 60, f"{pictures} pictures of 180"
    f.camera.set(loss=0.0)


@matrix.fault(stream=UDP)
def udp_falls_to_tcp(f):
    f.set(udp="blocked")
    f.is_noticed("stalled", "no picture for 3 s", STALL)
    f.is_back(STALL + 6.0)
    assert f.camera.stats()["udp"] == 0
    f.reboot(udp="blocked") # it is known by now
    f.is_back(7.0)


@matrix.fault(stream=UDP)
def udp_is_refused(f):
    f.camera.set(udp="refused")
    f.act("reset")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back(RETURNS)
    assert f.camera.stats()["udp"] == 0


if __name__ == "__main__":
    sys.exit(matrix.main())
