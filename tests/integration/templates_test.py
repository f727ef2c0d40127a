#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Templates of derived streams, Sluice's own and a user's; the chain of local cameras; encoders that are tried before anybody
meets them."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import cameras, contains, equal  # noqa: E402
from fault_viewers import Viewers  # noqa: E402
from harness import BUILD, ROOT, Sluice, Suite, children, note, until  # noqa: E402

suite = Suite()
case = suite.case
HERE = Path(suite.directory)
SMALL = {"template": "test", "parameters": {"pattern": "snow", "width": 640, "height": 360, "bitrate": 3000}}
SUB = {"webrtc": {"quality": "sub"}}


def templates(name, *own):
    """Directories for SLUICE_PIPELINES: some templates, and Sluice's behind them."""
    here = HERE / name
    here.mkdir()
    for template in own:
        (here / f"{template['name']}.json").write_text(json.dumps(template))
    return f"{here}:{ROOT / 'pipelines'}"


def stream(s, camera="front", name="sub"):
    return next(x for x in cameras(s)[camera]["streams"] if x["name"] == name)


def watch(s, size, camera="front"):
    """A viewer who sees pictures of that size; one who joins a stream that is not made yet may begin with another."""
    viewer = suite.keep(Viewers(s)).join("v", camera)
    viewer.wait(lambda: viewer.size() == size, 30, f"pictures of {size}")
    begin = len(viewer.pictures)
    viewer.wait(lambda: len(viewer.pictures) > begin + 20, 30, "20 pictures")
    equal(viewer.size(), size, "size")
    return viewer


def check(config, **env):
    """(exit status, what it says) of `sluice check`."""
    file = HERE / "check.json"
    file.write_text(json.dumps(config))
    done = subprocess.run([BUILD / "launcher/sluice", "check", file], text=True, capture_output=True, timeout=60,
                          env={**os.environ, **env}, check=False)
    return done.returncode, done.stdout + done.stderr


def with_sub(sub):
    return {"version": 1, "cameras": {"front": {"streams": {"main": {"url": "test:"}, "sub": sub}}}}


@case
def a_sub_stream_is_as_its_description_says():
    sub = {"from": "main", "template": "downscale", "width": 320, "height": 180, "framerate": 10, "bitrate": 300}
    s = suite.keep(Sluice(suite.directory, {"front": {"main": SMALL, "sub": sub, "outputs": SUB}}, name="sub"))
    viewer = watch(s, "320x180")
    until(lambda: stream(s)["bitrate"] and stream(s)["fps"], 20, "it is measured")
    begin = viewer.pictures[-1]
    viewer.wait(lambda: viewer.pictures[-1] > begin + 5, 30, "five seconds")
    count = viewer.count(begin, begin + 5)
    made = stream(s)
    note(f"asked for 320x180, 10 fps, 300 kbit/s; {made['width']}x{made['height']}, {count / 5:.1f} fps at the viewer, "
         f"{made['bitrate'] / 1000:.0f} kbit/s; main {stream(s, name='main')['bitrate'] / 1000:.0f} kbit/s")
    equal((made["state"], made["codec"], made["width"], made["height"]), ("streaming", "H264", 320, 180), "sub")
    assert 25 <= count <= 70, f"{count} pictures in 5 s"  # of a machine that keeps up 50
    assert 100_000 < made["bitrate"] < 600_000, made
    equal(suite.close(s), 0)


TURNED = {
    "name": "turned", "kind": "derived", "description": "A user's own: a camera that hangs on its side",
    "parameters": {
        "way": {"type": "string", "enum": ["clockwise", "rotate-180"], "default": "rotate-180", "sets": ["turn.method"]},
        "bitrate": {"type": "integer", "minimum": 50, "default": 800, "sets": ["encoder.bitrate"]}},
    "branches": [{"caps": "video/x-h264", "pipeline": [
        "sluicedecode name=decoder ! videoconvert ! videoflip name=turn ! videobalance saturation=0",
        "! sluiceh264enc name=encoder ! h264parse ! capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au"]}]}


@case
def a_template_of_ones_own_makes_a_stream():
    sub = {"from": "main", "template": "turned", "bitrate": 600, "parameters": {"way": "clockwise"}}
    s = suite.keep(Sluice(suite.directory, {"front": {"main": SMALL, "sub": sub, "outputs": SUB}}, name="own",
                          env={"SLUICE_PIPELINES": templates("own", TURNED)}))
    watch(s, "360x640")
    assert any("front/sub" in args for _, args in children(s.pid)), children(s.pid)
    equal(suite.close(s), 0)


@case
def what_is_wrong_with_a_template_of_ones_own_is_told():
    names = {"gone": "nosuchelement name=turn ! sluiceh264enc name=encoder", "typo": "sluicedecode name=decoder ! videoflip"}
    own = [{**TURNED, "name": n, "branches": [{"caps": "video/x-h264", "pipeline": [text, "! identity name=turn ! identity name=encoder"]}]}
           for n, text in names.items()]
    s = suite.keep(Sluice(suite.directory, {n: {"main": SMALL, "sub": {"from": "main", "template": n}, "outputs": SUB} for n in names},
                          name="wrong", env={"SLUICE_PIPELINES": templates("wrong", *own)}))
    for name, part in {"gone": "nosuchelement", "typo": "has no property"}.items():
        viewers = suite.keep(Viewers(s))
        viewers.begin("v", name)
        until(lambda name=name, part=part: part in (stream(s, name)["reason"] or ""), 20, f"{name} says {part}")
        suite.close(viewers)
    assert "has failed" not in s.output(), "no encoder is to blame"
    equal(suite.close(s), 0)


@case
def the_check_points_at_the_field():
    pipelines = templates("checked", TURNED)
    at = "/cameras/front/streams/sub"
    for sub, part in [
            ({"template": "nope"}, f"{at}/template: found \"nope\", allowed: downscale, transcode, turned"),
            ({"template": "rtsp"}, f"{at}/template: found \"rtsp\", allowed: downscale, transcode, turned"),
            ({"template": "turned", "width": 640}, f"{at}/width: found a value that the template turned does not take"),
            ({"template": "turned", "parameters": {"way": "up"}}, f"{at}/parameters/way: found \"up\", allowed: clockwise, rotate-180"),
            ({"template": "turned", "parameters": {"angle": 3}}, f"{at}/parameters/angle: found a parameter that the template turned does not have"),
            ({"parameters": {"gop": 0}}, f"{at}/parameters/gop: found 0, allowed: a whole number from 1 up to 3000")]:
        code, said = check(with_sub({"from": "main", **sub}), SLUICE_PIPELINES=pipelines)
        equal(code, 78, said)
        contains(said, part)
        equal(said.count("\n"), 1, said)
    for sub in ({}, {"template": "downscale"}, {"template": "turned", "bitrate": 100}, {"width": 640, "parameters": {"gop": 20}}):
        equal(check(with_sub({"from": "main", **sub}), SLUICE_PIPELINES=pipelines)[0], 0, sub)
    code, said = check({"version": 1, "cameras": {"front": {"streams": {"main": {"template": "downscale"}}}}})
    equal(code, 78, said)
    contains(said, "/streams/main/template: found \"downscale\", allowed: file, mjpeg")


@case
def the_chain_of_local_cameras_takes_what_they_make():
    """pipelines/v4l2.json behind a source that needs no device; all else is as it is there."""
    real = json.loads((ROOT / "pipelines/v4l2.json").read_text())
    contains(real["pipeline"][0], "v4l2src name=source")
    own = []
    for name, made in {"raw": "", "jpeg": " ! videoconvert ! jpegenc"}.items():
        camera = f"videotestsrc is-live=true ! video/x-raw,format=YUY2,framerate=15/1{made}"
        own.append({**real, "name": name, "pipeline": [f"{camera} ! identity name=source"] + real["pipeline"][1:],
                    "parameters": {n: p for n, p in real["parameters"].items() if n != "device"}})
    size = {"width": 320, "height": 240, "bitrate": 300}
    described = {"raw": size, "jpeg": {**size, "encoder": "x264enc"}, "none": {**size, "encoder": "nope"}}
    s = suite.keep(Sluice(suite.directory, {
        n: {"main": {"template": "jpeg" if n == "none" else n, "parameters": p}} for n, p in described.items()}, name="local",
        env={"SLUICE_PIPELINES": templates("local", *own)}))
    for name in ("raw", "jpeg"):
        watch(s, "320x240", name)
    until(lambda: "there is no encoder profile nope" in (stream(s, "none", "main")["reason"] or ""), 20, "which encoder")
    equal(suite.close(s), 0)


@case
def hardware_that_does_not_work_is_found_out_before_anybody_watches():
    profiles = HERE / "hw"
    (profiles / "encoders").mkdir(parents=True)
    x264 = json.loads((ROOT / "hw/encoders/x264enc.json").read_text())
    (profiles / "encoders/x264enc.json").write_text(json.dumps(x264))
    for order, fault in enumerate(("garbage", "crash", "start")):
        (profiles / f"encoders/fake-{fault}.json").write_text(json.dumps({
            **x264, "name": f"fake-{fault}", "factory": "fakeh264enc", "kind": "hardware", "order": order, "device": "/dev/null",
            "settings": {"fault": fault, "after": 30}, "key-interval": {"property": "gop"}, "quirks": []}))
    s = suite.keep(Sluice(suite.directory, {"front": {"main": SMALL, "sub": {"from": "main", "width": 320}, "outputs": SUB}}, name="tried",
                          env={"SLUICE_HW": str(profiles),
                               "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}",
                               "GST_REGISTRY": str(HERE / "tried.registry")}))
    for fault, reason in {"garbage": "pictures are missing", "crash": "it crashed", "start": "too many sessions"}.items():
        until(lambda fault=fault: f"encoder fake-{fault} does not work and will not be used until it does: " in s.output(), 60, fault)
        contains(s.output(), reason)
    contains(s.output(), "; x264enc is used")
    viewer = watch(s, "320x180")
    assert viewer.closed is None and "has failed" not in s.output(), s.output()
    assert "has ended" not in s.output(), s.output()
    equal(suite.close(s), 0)


if __name__ == "__main__":
    sys.exit(suite.main())
