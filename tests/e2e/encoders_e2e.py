#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encoders that fail, crash or hang cost their viewers a moment and themselves a rung; what is somebody else's fault does not."""
import json
import os
import signal
import sys
import time
from pathlib import Path

from api import cameras
from fault_cameras import Host
from fault_viewers import Viewers
from harness import BUILD, Sluice, Suite, children, until

suite = Suite()
host = suite.keep(Host(suite.directory, {"hevc": {"media": "h265", "sound": "OPUS"}}))
X264 = json.loads((Path(os.environ["SLUICE_HW"]) / "encoders/x264enc.json").read_text())


def fake(name, order=1, **changes):
    return {**X264, "name": name, "factory": "fakeh264enc", "order": order, "settings": {}, "key-interval": {"property": "gop"}, **changes}


def hardware(name, fault):
    """An encoder that is tried at the start, and goes wrong as soon as a file exists: (profile, file)."""
    when = Path(suite.directory, f"{name}-goes-wrong")
    return fake(name, kind="hardware", device="/dev/null", settings={"fault": fault, "when": str(when)}), when


def launch(name, *encoders):
    """With these, and x264enc behind them; when all that has to be tried is through."""
    profiles = Path(suite.directory, name, "encoders")
    profiles.mkdir(parents=True)
    for profile in (X264, *encoders):
        (profiles / f"{profile['name']}.json").write_text(json.dumps(profile))
    sluice = suite.keep(Sluice(suite.directory, {"hevc": {"main": host.camera("hevc").url()}}, name=name,
                               env={"SLUICE_HW": str(profiles.parent),
                                    "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}",
                                    "GST_REGISTRY": str(Path(suite.directory, f"{name}.registry"))}))
    until(lambda: cameras(sluice)["hevc"]["state"] == "streaming", 20, "streams")
    until(lambda: not any("try-encoder" in args for _, args in children(sluice.pid)), 60, "nothing is tried any more")
    assert "does not work" not in sluice.output(), sluice.output()
    return sluice


def worker(sluice):
    return next((pid for pid, args in children(sluice.pid) if args.endswith("hevc/web")), None)


def web(sluice):
    return next(s for s in cameras(sluice)["hevc"]["streams"] if s["name"] == "web")


def watch(sluice):
    viewers = suite.keep(Viewers(sluice))
    return viewers, viewers.join("h1", "hevc")


def next_rung(sluice, viewer, said, seconds, picture):
    """The log says so, and the viewer goes on, each within its time: how long it saw nothing, in seconds."""
    until(lambda: said in sluice.output(), seconds, "the next rung")
    last = viewer.pictures[-1]
    viewer.picture_after(last + 0.001, picture)
    assert viewer.closed is None, viewer.closed
    return viewer.gap(last - 0.001)


@suite.case
def an_error_costs_a_rung():
    """Of three encoders one is not what its profile says, and one fails in the middle, with a picture on the wall."""
    reset = Path(suite.directory, "driver-reset")
    sluice = launch("errors", fake("broken", settings={"no-such-property": 1}),
                    fake("fails", order=2, settings={"fault": "error", "when": str(reset)}))
    viewers, viewer = watch(sluice)
    assert "encoder broken has failed" in sluice.output() and "from now on fails" in sluice.output(), sluice.output()
    reset.touch()
    print(f"# without a picture {next_rung(sluice, viewer, 'from now on x264enc', 10, 10) * 1000:.0f} ms")
    suite.close(viewers)
    suite.close(sluice)


@suite.case
def one_crash_is_no_proof_the_second_costs_hardware_its_rung():
    profile, goes_wrong = hardware("crashes", "crash")
    sluice = launch("crashes", profile)
    viewers, viewer = watch(sluice)
    first = worker(sluice)
    os.kill(first, signal.SIGSEGV)
    until(lambda: worker(sluice) not in (None, first), 10, "another process")
    viewer.picture_after(time.monotonic(), 10)
    assert "has failed" not in sluice.output(), sluice.output()
    goes_wrong.touch()
    said = "encoder crashes has failed: the worker process is gone (killed by SIGSEGV); from now on x264enc"
    print(f"# without a picture {next_rung(sluice, viewer, said, 20, 10) * 1000:.0f} ms")
    last = worker(sluice)
    for _ in range(2): # software: no crash takes that rung away
        os.kill(last, signal.SIGKILL)
        until(lambda pid=last: worker(sluice) not in (None, pid), 30, "another process")
        viewer.picture_after(time.monotonic(), 20)
        last = worker(sluice)
    assert sluice.output().count("has failed") == 1, sluice.output()
    suite.close(viewers)
    suite.close(sluice)


@suite.case
def a_camera_that_stands_still_is_not_the_encoders_fault():
    profile, _ = hardware("innocent", "hang")
    sluice = launch("innocent", profile)
    viewers, viewer = watch(sluice)
    for _ in range(2): # within a minute, on a machine that is not very busy
        before = web(sluice)["attempts"]
        host.camera("hevc").set(silent=["video"]) # its sound goes on
        until(lambda count=before: web(sluice)["attempts"] > count, 60, "given up")
        host.camera("hevc").set(silent=[])
        viewer.picture_after(time.monotonic(), 60)
    assert "has failed" not in sluice.output(), sluice.output()
    suite.close(viewers)
    suite.close(sluice)


@suite.case
def who_hangs_twice_has_failed():
    profile, goes_wrong = hardware("hangs", "hang")
    sluice = launch("hangs", profile)
    viewers, viewer = watch(sluice)
    goes_wrong.touch()
    said = "encoder hangs has failed: the worker process gets pictures and gives none; from now on x264enc"
    print(f"# without a picture {next_rung(sluice, viewer, said, 90, 20):.1f} s")
    suite.close(viewers)
    suite.close(sluice)


if __name__ == "__main__":
    sys.exit(suite.main())
