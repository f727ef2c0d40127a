#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each viewer gets: by its own choice, by the camera's setting, by an operator; and who may choose for whom."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import JSON, OFFER, cameras, contains, equal, hup, join, put, rewrite  # noqa: E402
from harness import BUILD, PASSWORD, Camera, Sluice, Suite, until  # noqa: E402

suite = Suite()
case = suite.case
S = CAMERA = None
GUARD = ("guard", "guard-password")


def viewer(session, auth=("admin", PASSWORD)):
    status, _, body = S.get(f"/api/v1/viewers/{session}", auth=auth)
    return json.loads(body) if status == 200 else status


def choose(session, quality, auth=("admin", PASSWORD)):
    status, _, body = S.get(f"/api/v1/viewers/{session}", method="PATCH", body=json.dumps({"quality": quality}).encode(),
                            headers=JSON, auth=auth)
    return status, json.loads(body)["detail"] if body else ""


def passwd(name, password, *options):
    subprocess.run([BUILD / "launcher/sluice", "passwd", "add", name, *options, "--state", S.state], input=password + "\n",
                   text=True, check=True, capture_output=True, timeout=30)


@case
def the_cameras_setting_is_what_viewers_get_who_say_nothing():
    global S, CAMERA  # pylint: disable=global-statement
    CAMERA = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15", "--sub"))
    both = {"main": CAMERA.url(), "sub": CAMERA.url("sub")}
    S = suite.keep(Sluice(suite.directory, {"front": both, "yard": both}, name="viewers", wait=False))
    until(lambda: S.get("/healthz", auth=None)[0] == 200, 20, "it serves")
    passwd(*GUARD, "--camera", "*", "--action", "view")

    def change(config):
        config["cameras"]["yard"]["outputs"] = {"webrtc": {"quality": "sub"}}

    rewrite(S, change)
    hup(S)
    until(lambda: all(s["state"] == "streaming" for c in cameras(S).values() for s in c["streams"]), 20, "all stream")
    equal({n: c["quality"] for n, c in cameras(S).items()}, {"front": "auto", "yard": "sub"})
    equal([viewer(join(S, n))[f] for n in ("front", "yard") for f in ("quality", "stream")], ["auto", "main", "sub", "sub"])
    equal(viewer(join(S, "yard?quality=auto"))["stream"], "main")
    equal(viewer(join(S, "front?quality=sub"))["stream"], "sub")
    until(lambda: S.get("/api/v1/cameras", auth=GUARD)[0] == 200, 5, "the guard is known")


@case
def a_viewer_chooses_for_itself_and_an_operator_for_everybody():
    mine, others = join(S, auth=GUARD), join(S)
    equal(viewer(mine, GUARD)["quality"], "auto")
    equal(choose(mine, "sub", GUARD), (204, ""))
    equal(viewer(mine, GUARD)["quality"], "sub")
    equal(viewer(others, GUARD), 403)
    equal(choose(others, "sub", GUARD)[0], 403)
    equal(choose("nobody", "sub", GUARD)[0], 403)
    equal(viewer(others)["quality"], "auto")
    equal(choose(mine, "auto"), (204, ""))
    equal(viewer(mine, GUARD)["quality"], "auto")
    status, detail = choose(mine, "third")
    equal(status, 400)
    contains(detail, "no stream 'third'")
    listed = {v["id"]: v["quality"] for v in json.loads(S.get("/api/v1/viewers")[2])["viewers"]}
    equal((listed[mine], listed[others]), ("auto", "auto"))
    equal(json.loads(S.get("/api/v1/viewers", auth=GUARD)[2])["viewers"], [], "the list is for those who operate")
    until(lambda: '"route":"/api/v1/viewers/{id}"' in (S.state / "audit.log").read_text().replace(" ", ""), 15, "it is written")


@case
def a_stream_that_the_session_cannot_take_is_refused():
    other = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "184", "--fps", "15", "--codec",
                              "h265", name="h265"))
    equal(put(S, "mixed", {"streams": {"main": {"url": CAMERA.url()}, "sub": {"url": other.url()}}})[0], 201)
    until(lambda: all(s["state"] == "streaming" for s in cameras(S)["mixed"]["streams"]), 20, "both stream")
    session = join(S, "mixed")
    status, detail = choose(session, "sub")
    equal(status, 406)
    contains(detail, "sends H265")
    equal(viewer(session)["quality"], "auto", "it stays as it was")


@case
def another_setting_touches_neither_camera_nor_session():
    follows, pinned = join(S), join(S, "front?quality=main")
    before = [(s["attempts"], s["losses"]) for s in cameras(S)["front"]["streams"]]

    def change(config):
        config["cameras"]["front"]["outputs"] = {"webrtc": {"quality": "sub"}}

    rewrite(S, change)
    contains(hup(S), "1 changed")
    equal(cameras(S)["front"]["quality"], "sub")
    equal((viewer(follows)["quality"], viewer(pinned)["quality"]), ("sub", "main"))
    equal([(s["attempts"], s["losses"]) for s in cameras(S)["front"]["streams"]], before)


@case
def a_setting_that_names_no_stream_is_an_error():
    def change(config):
        config["cameras"]["front"]["outputs"] = {"webrtc": {"quality": "best"}}

    rewrite(S, change)
    where = "/cameras/front/outputs/webrtc/quality"
    wanted = f'{where}: found "best", allowed: auto, main, sub (auto, or a stream of this camera)'
    checked = subprocess.run([BUILD / "launcher/sluice", "check", S.config], text=True, capture_output=True, timeout=30)
    equal(checked.returncode, 78)
    contains(checked.stdout + checked.stderr, wanted)
    contains(hup(S, "not reloaded"), wanted)
    equal(cameras(S)["front"]["quality"], "sub")
    status, _, body = put(S, "other", {"streams": {"main": {"url": CAMERA.url()}}, "outputs": {"webrtc": {"quality": "sub"}}})
    equal(status, 422)
    contains(body.decode(), "/outputs/webrtc/quality")


@case
def dashboards_made_for_go2rtc_say_it_too():
    def stream(query):
        status, fields, body = S.get("/api/webrtc?" + query, method="POST", body=OFFER,
                                     headers={"Content-Type": "application/sdp"})
        equal(status, 201, body)
        seen = viewer(fields["Location"].split("/")[-1])
        return seen["quality"], seen["stream"]

    equal(stream("src=front"), ("sub", "sub"), "the camera's setting")
    equal(stream("src=front&quality=auto"), ("auto", "main"))
    equal(stream("src=front&quality=main"), ("main", "main"))
    equal(stream("src=front/sub&quality=main"), ("sub", "sub"))


if __name__ == "__main__":
    sys.exit(suite.main())
