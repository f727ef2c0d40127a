#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of source plays: the real launcher, each time against a real server of that kind."""
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import cameras, contains, equal, put  # noqa: E402
from churn import Watchers  # noqa: E402
from harness import BUILD, Camera, Process, Served, Sluice, Suite, children, free_port, until  # noqa: E402

suite = Suite()
case = suite.case
HERE = Path(suite.directory)
PICTURE = "testsrc=size=320x240:rate=25"
SMALL = ("--gop", "1", "--width", "320", "--height", "240", "--fps", "15", "--bitrate", "300")


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=60, stdin=subprocess.DEVNULL)


def clip(name, seconds, *codec):
    """A file with a picture and a tone."""
    ffmpeg("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000", "-t", str(seconds),
           "-pix_fmt", "yuv420p", "-c:v", "libx264", "-tune", "zerolatency", "-g", "25", *codec, HERE / name)
    return name


def pictures():
    directory = HERE / "pictures"
    if not directory.exists():
        directory.mkdir()
        ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-frames:v", "30", directory / "%02d.jpg")
    return directory


def certificate():
    """(PEM file with the key, SHA-256)"""
    pem = HERE / "camera.pem"
    if not pem.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", HERE / "key.pem", "-out", pem,
                        "-days", "2", "-subj", "/CN=camera"], check=True, capture_output=True)
        pem.write_bytes(pem.read_bytes() + (HERE / "key.pem").read_bytes())
    told = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"], check=True,
                          capture_output=True, text=True).stdout
    return pem, told.strip().split("=")[1]


def stream(s, name):
    return cameras(s)[name]["streams"][0]


def plays(s, name, codec="H264", size=(320, 240), seconds=20):
    """It streams that, and access units flow: a viewer sees them where its codec is one that browsers play."""
    until(lambda: all(stream(s, name)[x] for x in ("codec", "width", "bitrate")) and
          stream(s, name)["state"] == "streaming", seconds, f"{name} streams")
    found = stream(s, name)
    equal(found["codec"], codec, name)
    equal((found["width"], found["height"]), size, name)
    if codec == "H264":
        watchers = suite.keep(Watchers(s, name, 1))
        watchers.wait_for(20)
        suite.close(watchers)


def watched(s, name):
    """Who opens a camera of JPEG gets pictures of the derived stream, for as long as it watches."""
    watchers = suite.keep(Watchers(s, name, 1))
    watchers.wait_for(20)
    web = next(x for x in cameras(s)[name]["streams"] if x["name"] == "web")
    equal((web["state"], web["codec"], web["derived-from"]), ("streaming", "H264", "main"))
    equal(stream(s, name)["codec"], "JPEG", "main goes on as it is")
    suite.close(watchers)


def reason(s, name, part, seconds=20):
    until(lambda: part in (stream(s, name)["reason"] or ""), seconds, f"{name} says {part}: {stream(s, name)['reason']}")


def quiet(s):
    for word in ("CRITICAL", "critical", "assertion", "GStreamer-WARNING"):
        assert word not in s.output(), s.output()[-3000:]


@case
def files_play_on_over_their_ends():
    names = {
        "mp4": clip("a clip.mp4", 2, "-c:a", "aac"),
        "mkv": clip("clip.mkv", 2, "-c:a", "libopus"),
        "ts": clip("clip.ts", 2, "-c:a", "aac"),
        "telephone": clip("telephone.mkv", 2, "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"),
    }
    ffmpeg("-f", "lavfi", "-i", PICTURE, "-t", "2", "-pix_fmt", "yuv420p", "-c:v", "libx265", "-x265-params",
           "log-level=error:keyint=25:bframes=0", HERE / "h265.mp4")
    # Relative to the configuration file, wherever the launcher was started.
    s = suite.keep(Sluice(suite.directory, {"h265": {"main": "file:h265.mp4"},
                                            **{n: {"main": f"file:{f}"} for n, f in names.items()}}, name="files"))
    for name in names:
        plays(s, name)
    plays(s, "h265", "H265")
    watchers = suite.keep(Watchers(s, "mp4", 1))
    watchers.wait_for(5)

    def over_three_ends():
        """Pictures a second, and the longest time without one in ms."""
        began = time.monotonic()
        watchers.ask()
        time.sleep(6)
        count, gap = watchers.ask()
        return count / (time.monotonic() - began), gap

    # A busy machine spoils one of these, a film that stops at its end all of them.
    looks = []
    for _ in range(5):
        looks.append(over_three_ends())
        if looks[-1][0] > 0.8 * 25 and looks[-1][1] < 500:
            break
    else:
        raise AssertionError(looks)
    suite.close(watchers)
    for name in (*names, "h265"):
        found = stream(s, name)
        equal((found["state"], found["attempts"], found["losses"]), ("streaming", 1, 0), f"{name}: three ends later")
    quiet(s)
    equal(suite.close(s), 0)


@case
def what_is_wrong_with_a_file_is_told():
    (HERE / "text.mp4").write_text("no film")
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", "1", "-c:a", "flac", HERE / "sound.mkv")
    s = suite.keep(Sluice(suite.directory, {"none": {"main": "file:none.mp4"}, "text": {"main": "file:text.mp4"},
                                            "sound": {"main": "file:sound.mkv"}}, name="bad-files"))
    reason(s, "none", "No such file")
    reason(s, "text", "type of stream")
    reason(s, "sound", "no track that can be passed on")
    equal(suite.close(s), 0)


def srt_sender(port, query, *properties):
    text = ("videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! "
            "x264enc tune=zerolatency key-int-max=15 bitrate=300 ! h264parse config-interval=-1 ! "
            "mpegtsmux name=mux alignment=7 ! "
            f"srtsink uri=srt://127.0.0.1:{port}{query} wait-for-connection=false").split()
    sound = "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! opusenc ! mux.".split()
    return Process(["gst-launch-1.0", "-q", *text, *properties, *sound], suite.directory, f"srt-{port}")


@case
def srt_calls_and_is_called():
    here, there, locked = free_port(), free_port(), free_port()
    (HERE / "phrase").write_text("correct horse battery\n")
    senders = [suite.keep(srt_sender(there, "?mode=listener")),
               suite.keep(srt_sender(locked, "?mode=listener", "passphrase=correct horse battery"))]
    s = suite.keep(Sluice(suite.directory, {
        "caller": {"main": f"srt://127.0.0.1:{there}"}, "listener": {"main": f"srt://:{here}?mode=listener"},
        "locked": {"main": {"url": f"srt://127.0.0.1:{locked}", "password": {"file": "phrase"}}},
        "wrong": {"main": f"srt://127.0.0.1:{locked}"}}, name="srt"))
    senders.append(suite.keep(Process(
        ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-pix_fmt",
         "yuv420p", "-c:v", "libx264", "-tune", "zerolatency", "-g", "25", "-c:a", "aac", "-f", "mpegts",
         f"srt://127.0.0.1:{here}?mode=caller"], suite.directory, "srt-ffmpeg")))
    for name in ("caller", "listener", "locked"):
        plays(s, name, seconds=40)
    reason(s, "wrong", "Failed to authenticate")
    quiet(s)
    assert "battery" not in s.output()
    equal(suite.close(s), 0)
    for sender in senders:
        suite.close(sender)


@case
def motion_jpeg_over_http():
    pem, fingerprint = certificate()
    servers = {"open": Served("mjpeg_server.py", pictures()), "basic": Served("mjpeg_server.py", pictures(), "--basic"),
               "digest": Served("mjpeg_server.py", pictures(), "--digest"),
               "tls": Served("mjpeg_server.py", pictures(), "--certificate", pem)}
    for server in servers.values():
        suite.keep(server)
    (HERE / "mjpeg.pw").write_text("mjpeg-pw\n")
    login = {"user": "viewer", "password": {"file": "mjpeg.pw"}}

    def at(name, path="video", scheme="http"):
        return {"url": f"{scheme}://127.0.0.1:{servers[name].port}/{path}"}

    s = suite.keep(Sluice(suite.directory, {
        "open": {"main": at("open")}, "basic": {"main": {**at("basic"), **login}},
        "digest": {"main": {**at("digest"), **login}},
        "tls": {"main": {**at("tls", scheme="https"), "tls-fingerprint": fingerprint}},
        "untrusted": {"main": at("tls", scheme="https")}, "wrong": {"main": {**at("basic"), "user": "nobody"}},
        "missing": {"main": at("open", "nothing")}, "picture": {"main": at("open", "picture")},
        "moved": {"main": at("open", "moved")}, "refused": {"main": f"http://127.0.0.1:{free_port()}/"},
        "plain": {"main": at("open", scheme="https")}}, name="mjpeg"))
    for name in ("open", "basic", "digest", "tls"):
        plays(s, name, codec="JPEG")
    equal(len(cameras(s)["open"]["streams"]), 1, "nothing else is made while nobody watches")
    watched(s, "open")
    reason(s, "untrusted", fingerprint)
    reason(s, "wrong", "refuses this user")
    reason(s, "missing", "404")
    reason(s, "picture", "multipart")
    reason(s, "moved", "302")
    reason(s, "refused", "connection refused by 127.0.0.1")
    reason(s, "plain", "cannot be reached")
    # The library for HTTP may crash: that costs its camera a moment, and nobody else anything.
    os.kill(next(pid for pid, args in children(s.pid) if args.endswith(" basic/main")), signal.SIGSEGV)
    until(lambda: stream(s, "basic")["attempts"] > 1, 10, "it is noticed")
    plays(s, "basic", codec="JPEG")
    equal((stream(s, "open")["attempts"], stream(s, "open")["losses"]), (1, 0), "another camera")
    quiet(s)
    assert "mjpeg-pw" not in s.output()
    equal(suite.close(s), 0)
    for server in servers.values():
        suite.close(server)


@case
def a_small_file_that_claims_a_huge_picture():
    """Decoded it would be 337 MB: nobody gets as far as to try."""
    huge = HERE / "huge"
    huge.mkdir(exist_ok=True)
    picture = bytearray(sorted(Path(pictures()).glob("*.jpg"))[0].read_bytes())
    size = picture.index(b"\xff\xc0") + 5
    picture[size:size + 4] = struct.pack(">HH", 15000, 15000)
    (huge / "0.jpg").write_bytes(picture)
    server = suite.keep(Served("mjpeg_server.py", huge))
    s = suite.keep(Sluice(suite.directory, {"huge": {"main": f"http://127.0.0.1:{server.port}/video"}}, name="huge"))
    reason(s, "huge", "15000x15000")
    time.sleep(3)
    assert s.resident() < 200, f"{s.resident()} MB"
    equal(suite.close(s), 0)
    suite.close(server)


@case
def test_pictures():
    s = suite.keep(Sluice(suite.directory, {
        "plain": {"main": "test:"}, "ball": {"main": "test:ball"},
        "small": {"main": {"template": "test", "parameters": {"pattern": "snow", "width": 320, "height": 240,
                                                              "framerate": 10, "mute": False}}}}, name="patterns"))
    plays(s, "plain", size=(1280, 720))
    plays(s, "ball", size=(1280, 720))
    plays(s, "small")
    quiet(s)
    equal(suite.close(s), 0)


@case
def rtsp_through_tunnels_and_tls():
    pem, fingerprint = certificate()
    plain = suite.keep(Camera(suite.directory, *SMALL, "--sound", "pcmu", name="plain-camera"))
    secure = suite.keep(Camera(suite.directory, *SMALL, "--certificate", pem, name="secure-camera"))
    rtsps = secure.url().replace("rtsp:", "rtsps:")
    s = suite.keep(Sluice(suite.directory, {
        "tunnel": {"main": {"url": plain.url(), "transport": "http"}}, "udp": {"main": {"url": plain.url(), "transport": "udp"}},
        "pinned": {"main": {"url": rtsps, "tls-fingerprint": fingerprint.lower().replace(":", "")}},
        "both": {"main": {"url": rtsps, "transport": "http", "tls-fingerprint": fingerprint}},
        "untrusted": {"main": rtsps}, "other": {"main": {"url": rtsps, "tls-fingerprint": "00" * 32}}}, name="tunnels"))
    for name in ("tunnel", "udp", "pinned", "both"):
        plays(s, name)
    reason(s, "untrusted", fingerprint)
    reason(s, "other", "another one than tls-fingerprint names")
    quiet(s)
    equal(suite.close(s), 0)
    suite.close(plain)
    suite.close(secure)


@case
def jpeg_over_rtsp():
    camera = suite.keep(Camera(suite.directory, *SMALL, "--codec", "jpeg", "--sound", "pcmu"))
    s = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}, name="rtsp-jpeg"))
    plays(s, "front", codec="JPEG")
    watched(s, "front")
    quiet(s)
    equal(suite.close(s), 0)
    suite.close(camera)


@case
def a_device_that_is_not_there_is_told():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "v4l2:///dev/video-none"}}, name="v4l2"))
    reason(s, "front", "/dev/video-none")
    contains(stream(s, "front")["reason"], "No such file")
    quiet(s)
    equal(suite.close(s), 0)


@case
def templates_of_the_user():
    own = HERE / "templates"
    own.mkdir()
    (own / "mine.json").write_text(json.dumps({
        "name": "mine", "parameters": {"colour": {"type": "string", "enum": ["red", "blue"], "required": True,
                                                  "sets": ["source.pattern"]}},
        "pipeline": ["videotestsrc name=source is-live=true ! video/x-raw,width=320,height=240,framerate=15/1",
                     "! x264enc tune=zerolatency key-int-max=15 ! h264parse config-interval=-1",
                     "! video/x-h264,stream-format=byte-stream,alignment=au ! fanoutsink name=fanout"]}))
    (own / "broken.json").write_text(json.dumps({"name": "broken", "parameters": {}, "pipeline": ["nosuchelement ! fakesink"]}))
    before = os.environ["SLUICE_PIPELINES"]
    os.environ["SLUICE_PIPELINES"] = f"{own}:{before}"
    try:
        config = HERE / "mine.json"
        for source, told in [
                ({"template": "mine", "parameters": {"colour": "red"}}, None),
                ({"template": "yours"}, "allowed: broken, file, mine, mjpeg, rtsp, srt, test, v4l2"),
                ({"template": "mine"}, "/parameters/colour: found nothing, allowed: red, blue"),
                ({"template": "mine", "parameters": {"colour": "green"}}, 'found "green", allowed: red, blue'),
                ({"template": "mine", "parameters": {"color": "red"}}, "does not have, allowed: colour"),
                ({"template": "mine", "parameters": {"colour": "red"}, "user": "u"}, "/user: found a value that the template"),
                ({"url": "test:rain"}, "smpte")]:
            config.write_text(json.dumps({"version": 1, "cameras": {"a": {"streams": {"main": source}}}}))
            done = subprocess.run([BUILD / "launcher/sluice", "check", config], capture_output=True, text=True, check=False)
            equal(done.returncode, 78 if told else 0, done.stderr)
            contains(done.stderr, told or "")
        s = suite.keep(Sluice(suite.directory, {"mine": {"main": {"template": "mine", "parameters": {"colour": "blue"}}},
                                                "broken": {"main": {"template": "broken"}}}, name="own"))
        plays(s, "mine")
        reason(s, "broken", "nosuchelement")
        quiet(s)
        equal(suite.close(s), 0)
    finally:
        os.environ["SLUICE_PIPELINES"] = before


@case
def cameras_of_the_api_get_nothing_of_the_machine():
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "test:"}}, name="api-sources"))
    for source in ({"url": "file:/etc/passwd"}, {"url": "v4l2:///dev/video0"}, {"template": "test"},
                   {"sources": [{"url": "test:"}, {"url": "file:a.mp4"}]}):
        status, _, body = put(s, "mine", {"streams": {"main": source}})
        equal(status, 422, body)
        contains(body.decode(), "configuration file")
    equal(put(s, "mine", {"streams": {"main": {"sources": [{"url": "test:ball"}, {"url": "test:"}]}}})[0], 201)
    plays(s, "mine", size=(1280, 720))
    equal(suite.close(s), 0)


if __name__ == "__main__":
    sys.exit(suite.main())
