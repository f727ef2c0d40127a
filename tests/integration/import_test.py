#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`sluice import` with files on disk: what it writes is what `check` and `run` take, and no password is shown."""
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import contains, equal  # noqa: E402
from harness import BUILD, Camera, Sluice, Suite, until  # noqa: E402

suite = Suite()
case = suite.case
GO2RTC = """
api: {listen: "127.0.0.1:1984", username: ops, password: hunter2-api}
streams:
  hall: rtsp://viewer:hunter2@10.0.0.5/1#backchannel=0
  hall_sub: rtsp://viewer:hunter2@10.0.0.5/2
  door: exec:ffmpeg -i rtsp://u:hunter2@h -f rtsp {output}
"""
MEDIAMTX = """
paths:
  site/gate:
    source: rtsp://viewer:hunter2@10.0.0.6/1
    sourceOnDemand: yes
    runOnReady: curl -u u:hunter2 http://h
"""


def sluice(*arguments, env=None):
    done = subprocess.run([BUILD / "launcher/sluice", *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=30, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


def directory(name):
    path = Path(suite.directory) / name
    path.mkdir()
    return path


def write(where, name, text):
    (where / name).write_text(text)
    return where / name


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@case
def secrets_go_into_files_that_only_the_owner_reads():
    here = directory("files")
    source, out = write(here, "go2rtc.yaml", GO2RTC), here / "sluice.json"
    code, stdout, stderr = sluice("import", source, "-o", out, "--secrets", here / "secrets")
    equal((code, stdout), (0, ""), stderr)
    hall = json.loads(out.read_text())["cameras"]["hall"]["streams"]
    equal(hall["main"], {"url": "rtsp://10.0.0.5/1", "user": "viewer", "password": {"file": "secrets/hall.pw"}}, "hall")
    equal(hall["sub"]["password"], {"file": "secrets/hall.pw"}, "one secret for both")
    equal((here / "secrets/hall.pw").read_text(), "hunter2\n", "the password")
    equal([mode(here / "secrets"), mode(here / "secrets/hall.pw"), mode(out)], [0o700, 0o600, 0o600], "modes")
    equal("hunter2" in stderr + out.read_text(), False, stderr)
    contains(stderr, "go2rtc.yaml:6: /streams/door: left out: no program is started")
    contains(stderr, "sluice passwd add ops --action view,snapshot,operate")
    code, stdout, stderr = sluice("check", out)
    equal((code, stderr), (0, ""), stdout)


@case
def without_a_directory_variables_are_asked_for():
    here = directory("variables")
    code, stdout, stderr = sluice("import", write(here, "mediamtx.yml", MEDIAMTX))
    equal(code, 0, stderr)
    equal(json.loads(stdout)["cameras"], {"site-gate": {"streams": {"main": {
        "url": "rtsp://10.0.0.6/1", "user": "viewer", "password": {"env": "SLUICE_CAMERA_SITE_GATE"},
        "on-demand": True}}}}, "the camera")
    contains(stderr, "SLUICE_CAMERA_SITE_GATE   camera site-gate")
    contains(stderr, "mediamtx.yml:6: /paths/site~1gate/runOnReady: ")
    equal("hunter2" in stdout + stderr, False, stderr)
    out = write(here, "sluice.json", stdout)
    code, _, stderr = sluice("check", out)
    equal(code, 78, stderr)
    equal(sluice("check", out, env={"SLUICE_CAMERA_SITE_GATE": "x"})[0], 0, "with the variable")


@case
def what_is_there_stays_and_nothing_is_left_half_done():
    here = directory("there")
    source, out = write(here, "go2rtc.yaml", GO2RTC), write(here, "sluice.json", "mine")
    code, _, stderr = sluice("import", source, "-o", out, "--secrets", here / "secrets")
    equal(code, 78, stderr)
    contains(stderr, "sluice.json: is there already")
    equal((out.read_text(), list((here / "secrets").iterdir())), ("mine", []), "files")


@case
def mistakes_are_one_line_with_the_place():
    here = directory("broken")
    for text, status, said in [("streams: [\n", 78, "broken.yaml:2:1: not YAML: "),
                               ("streams:\n  a: rtsp://h/1\n  a: rtsp://h/2\n", 78, "broken.yaml:3:3: found the same name"),
                               ("- a\n", 78, "found no map"),
                               ("a: 1\n", 78, "--format go2rtc or --format mediamtx"),
                               ("go2rtc: {streams: {a: rtsp://h/1}}\n", 78, "under \"go2rtc:\""),
                               ("", 78, "found no map"),
                               ("streams: {a: 'exec:x'}\n", 78, "no camera could be taken over")]:
        source = write(here, "broken.yaml", text)
        code, stdout, stderr = sluice("import", source)
        equal((code, stdout), (status, ""), stderr)
        contains(stderr.splitlines()[-1], said)
    equal(sluice("import", here / "none.yaml")[0], 66, "no such file")
    equal(sluice("import")[0], 64, "no argument")
    code, _, stderr = sluice("import", write(here, "ok.yaml", GO2RTC), "--format", "frigate")
    equal(code, 64, stderr)
    contains(stderr, "found \"frigate\", allowed: go2rtc, mediamtx")


@case
def an_imported_camera_plays():
    here = Path(suite.directory)
    camera = suite.keep(Camera(here))
    address = camera.url().replace("rtsp://", "rtsp://viewer:hunter2@")
    source = write(here, "play.yaml", f"streams:\n  hall: [{address}]\n")
    code, stdout, stderr = sluice("import", source, "--secrets", here / "play-secrets")
    equal(code, 0, stderr)
    cameras = {name: c["streams"] for name, c in json.loads(stdout)["cameras"].items()}
    launcher = suite.keep(Sluice(here, cameras, name="play"))

    def streams():
        return json.loads(launcher.get("/api/v1/cameras/hall")[2])["state"] == "streaming"

    until(streams, 20, "the camera streams")
    equal("hunter2" in launcher.output(), False, "the log")


if __name__ == "__main__":
    sys.exit(suite.main())
