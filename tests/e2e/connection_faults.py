#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras that go away, freeze, fall silent or break their connection, while somebody watches."""
import signal
import sys
import time

from faults import LOST, RETURNS, STALL, Matrix
from harness import Suite

matrix = Matrix(Suite())
NO_PICTURE = r"no picture for 3 s"


@matrix.fault()
def killed_and_restarted(f):
    f.fault()
    f.host.kill()
    f.is_noticed("ended", LOST, 1.0)
    f.is_noticed("refused", "connection refused by 127.0.0.1 port", 3.0)
    time.sleep(3)
    f.healed = f.host.start()
    f.is_back()


@matrix.fault()
def rebooted_with_another_sps(f):
    f.reboot(media="b")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back(size="480x270")
    f.proves_itself()
    f.reboot(media="a")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back(size="320x180")


def stopped(f, seconds, within):
    f.fault()
    f.host.p.send_signal(signal.SIGSTOP)
    f.is_noticed("stalled", NO_PICTURE, STALL)
    time.sleep(f.began + seconds - time.monotonic())
    assert f.status().state != "streaming"
    f.host.p.send_signal(signal.SIGCONT)
    f.heal()
    f.is_back(within)


@matrix.fault()
def stopped_for_8_seconds(f):
    stopped(f, 8, 2.0)


@matrix.fault()
def stopped_for_30_seconds(f):
    # After 15 s of quick tries the pauses grow, and the last one may just have begun.
    stopped(f, 30, 10.0)


@matrix.fault(sound="PCMU", viewer="sound")
def video_silent_while_sound_flows(f):
    f.set(silent=["video"])
    f.is_noticed("stalled", NO_PICTURE, STALL)
    assert f.viewer.sounds[-1] > f.began + 1, "sound is still passed on"
    time.sleep(2)
    f.heal(silent=[])
    f.is_back()


@matrix.fault(sound="PCMU", viewer="sound")
def sound_falls_silent(f):
    assert f.viewer.sounds[-1] > time.monotonic() - 0.5, "sound comes before the case"
    f.set(silent=["sound"])
    f.goes_on(8, 0.5)
    f.heal(silent=[])
    f.viewer.wait(lambda: f.viewer.sounds[-1] > f.healed + 1, 5, "sound again")
    f.lost_nothing()


@matrix.fault(sound="PCMU", viewer="sound")
def sound_gone_and_back_after_a_reboot(f):
    f.reboot(sound=None)
    f.is_noticed("ended", LOST, 1.0)
    f.is_back()
    f.proves_itself()
    assert f.viewer.sounds[-1] < f.healed + 0.5, "no sound any more"
    f.reboot(sound="PCMU")
    f.is_back()
    f.viewer.wait(lambda: f.viewer.sounds[-1] > f.healed, 5, "sound again")


@matrix.fault(sound="OPUS")
def rtcp_only(f):
    f.set(silent=["video", "sound"])
    f.is_noticed("stalled", NO_PICTURE, STALL)
    f.heal(silent=[])
    f.is_back(RETURNS)


@matrix.fault()
def reset_in_mid_frame(f):
    f.act("half-frame-reset")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back()


@matrix.fault()
def closed_without_teardown(f):
    f.act("finish")
    f.is_noticed("ended", LOST, 1.0)
    f.is_back()


@matrix.fault()
def bytes_trickle(f):
    f.set(trickle=True)
    f.is_noticed("stalled", NO_PICTURE, STALL)
    time.sleep(4)
    f.heal(trickle=False)
    # An attempt may have begun that waits for its first picture; it gets what was held back, or is given up.
    f.is_back(7.0)


@matrix.fault()
def garbage_in_the_interleaved_stream(f):
    for _ in range(3):
        f.act("garbage")
        seen = f.viewer.picture_after(f.began + 0.2, 15, "pictures again")
        assert seen - f.began < RETURNS + 1, seen - f.began
        f.recover = max(f.recover or 0, seen - f.began)
        f.stays()
        time.sleep(2)


@matrix.fault()
def hangs_and_wakes_up_late(f):
    f.act("hang")
    f.is_noticed("stalled", NO_PICTURE, STALL)
    f.is_back(6.0) # in a new connection: 3 s are a stall, after 2 more the connection is given up
    back = time.monotonic()
    time.sleep(1)
    f.camera.act("wake")
    time.sleep(3)
    assert f.viewer.gap(back) < 0.5, "what comes late changes nothing"
    sizes = [s for _, s in f.viewer.sizes]
    assert sizes == ["320x180"], sizes
    f.stays()


@matrix.fault(max_sessions=1)
def one_session_is_all_the_camera_has(f):
    f.set(silent=["video"])
    f.is_noticed("stalled", NO_PICTURE, STALL)
    f.heal(silent=[])
    f.is_back(RETURNS)
    assert f.camera.stats()["playing"] == 1


@matrix.fault(timeout=9)
def sessions_end_without_a_keep_alive(f):
    """Each of them: the camera wants requests and does not take RTCP for one."""
    f.set(strict=True)
    f.is_noticed("ended", LOST, 1.0)
    f.is_back()


if __name__ == "__main__":
    sys.exit(matrix.main())
