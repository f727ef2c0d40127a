#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras that answer requests with anything but 200, or have another codec after a reboot, while somebody watches."""
import os
import sys
import time

from faults import LOST, RETURNS, Matrix
from harness import Suite

matrix = Matrix(Suite())
os.environ["SLUICE_FAULTS_PASSWORD"] = "right"


def denied_then_right(f, auth):
    f.camera.set(auth=auth, user="viewer", password="another")
    f.act("reset")
    f.is_noticed("unauthorised", "password", 2.0)
    asked = len(f.camera.stats()["connected"])
    time.sleep(5)
    tries = len(f.camera.stats()["connected"]) - asked
    assert tries <= 2, f"{tries} tries with a wrong password in 5 s: cameras lock accounts"
    f.heal(password="right")
    f.is_back(15.0)


CREDENTIALS = {"user": "viewer", "password": {"env": "SLUICE_FAULTS_PASSWORD"}}


@matrix.fault(stream=CREDENTIALS, auth="basic")
def denied_then_right_basic(f):
    denied_then_right(f, "basic")


@matrix.fault(stream=CREDENTIALS, auth="digest")
def denied_then_right_digest(f):
    denied_then_right(f, "digest")


def refused(f, method, status, failure, reason, within=RETURNS):
    f.camera.set(status={method: status})
    f.act("reset")
    f.is_noticed(failure, reason, 3.0)
    time.sleep(3)
    f.heal(status={})
    f.is_back(within)


@matrix.fault()
def answer_403(f):
    refused(f, "DESCRIBE", 403, "unauthorised", "403", 15.0)


@matrix.fault()
def answer_404(f):
    refused(f, "DESCRIBE", 404, "not-found", "404", 15.0)


@matrix.fault()
def answer_453(f):
    refused(f, "SETUP", 453, "refused", "453")


@matrix.fault()
def answer_503(f):
    refused(f, "DESCRIBE", 503, "refused", "503")


@matrix.fault()
def answer_500_to_play(f):
    refused(f, "PLAY", 500, "protocol", "500")


@matrix.fault()
def redirected(f):
    moved = f.matrix.spare("redirected-to")
    for status in (301, 302):
        f.camera.set(status={"DESCRIBE": status}, location=moved.url())
        f.act("reset")
        f.healed = f.began
        f.is_noticed("ended", LOST, 1.0)
        f.is_back(RETURNS)
        assert moved.stats()["playing"] == 1, "it plays there"
        f.camera.set(status={})
        f.fault()
        moved.act("reset")
        f.is_noticed("ended", LOST, 1.0)
        f.is_back(RETURNS)


@matrix.fault(stream=CREDENTIALS, auth="digest")
def redirected_to_another_host(f):
    moved = f.matrix.spare("other-host", auth="basic", user="viewer", password="right")
    f.camera.set(auth=None, status={"DESCRIBE": 302}, location=moved.url().replace("127.0.0.1", "localhost"))
    f.act("reset")
    f.is_noticed("unauthorised", "redirects to localhost", 3.0) # where the password would have been right
    assert moved.stats()["playing"] == 0 and moved.stats()["requests"], moved.stats()
    f.heal(auth="digest", status={})
    f.is_back(15.0)


@matrix.fault()
def redirected_in_a_circle(f):
    f.camera.set(status={"DESCRIBE": 302}, location=f.camera.url())
    f.act("reset")
    f.is_noticed("protocol", "redirect", 5.0)
    asked = len(f.camera.stats()["requests"])
    time.sleep(3)
    asked = len(f.camera.stats()["requests"]) - asked
    assert asked < 500, f"{asked} requests in 3 s" # ten tries; rtspsrc alone would follow for ever
    f.heal(status={})
    f.is_back(5.0)


@matrix.fault()
def no_answer_to_describe(f):
    f.camera.set(mute=["DESCRIBE"])
    f.act("reset")
    f.is_noticed("timed-out", "no answer", 12.0)
    f.heal(mute=[])
    f.is_back(12.0) # the attempt that is under way may wait for its answer


def plays_on_and_leaves(f, made):
    """Who has been given the stream `web` keeps it until the next join."""
    made.picture_after(time.monotonic(), 10)
    assert made.closed is None, made.closed
    f.matrix.viewers.leave(f.name)
    made.wait(lambda: made.closed, 10, "it has left")


@matrix.fault()
def h265_after_a_reboot_and_back(f):
    f.reboot(media="h265")
    f.recover = f.is_closed("codec", RETURNS + 1) - f.healed # a session's codec never changes: it has to end
    f.matrix.status.wait(f.name, lambda s: s.state == "streaming" and s.stream["codec"] == "H265", f.healed, 5, "H265")
    made = f.matrix.viewers.join(f.name) # what a worker makes of it
    works = f.camera.reboot(media="a")
    f.matrix.status.wait(f.name, lambda s: s.state == "streaming" and s.stream["codec"] == "H264", works, 5, "H264")
    plays_on_and_leaves(f, made)
    f.joins_again()


@matrix.fault()
def b_frames_after_a_reboot_and_back(f):
    f.reboot(media="b-frames")
    f.recover = f.is_closed("B-frames", RETURNS + 2) - f.healed # browsers do not play them over WebRTC
    f.matrix.status.wait(f.name, lambda s: s.state == "streaming", f.matrix.status.now(f.name).at, 5, "streaming")
    made = f.matrix.viewers.join(f.name)
    f.camera.reboot(media="a")
    time.sleep(RETURNS)
    plays_on_and_leaves(f, made)
    f.joins_again()


@matrix.fault()
def no_video_in_the_description(f):
    f.camera.set(video=False, sound="PCMU")
    f.act("reset")
    f.is_noticed("codec", "no video", 3.0)
    f.heal(video=True, sound=None)
    f.is_back(15.0)


if __name__ == "__main__":
    sys.exit(matrix.main())
