#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`sluice probe` against streams whose figures are known, and against sources that are broken in ways that are known. All probes run
side by side before the first case; each case looks at one. A table of what was found stands at the end."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import probe_media
from fault_cameras import Host
from harness import BUILD, Camera, Process, Served, Suite, free_port, note
from probe_media import X265, Made

SECRET = "camera-pw-9431"
SMALL = ("--gop", "1", "--width", "320", "--height", "240", "--fps", "10", "--bitrate", "300")
WORKERS = 12 # a probe mostly waits
LONG = ("no key frame", "intra refresh", "gop of 10 s", "one gop of 25 s", "no answer to a request") # begin first
suite = Suite()
HERE = Path(suite.directory)
table, probes, expected, answers, started = [], {}, {}, {}, []


class Answer:
    def __init__(self, argv):
        done = subprocess.run([str(BUILD / "launcher/sluice"), "probe", *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=100, check=False)
        self.code, self.text, self.errors = done.returncode, done.stdout, done.stderr
        self.document = json.loads(done.stdout) if "--json" in argv and done.stdout else None

    def __getitem__(self, name):
        return self.document[name]


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


def password_file(name, text):
    path = HERE / name
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def certificate():
    """(PEM file with the key, SHA-256)"""
    pem = HERE / "camera.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    HERE / "key.pem", "-out", pem, "-days", "2", "-subj", "/CN=camera"], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + (HERE / "key.pem").read_bytes())
    told = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True,
                          text=True).stdout
    return pem, told.strip().split("=")[1]


# Streams. name -> how Made makes it; they are served over RTSP by fault cameras.

ENCODED = {
    "baseline": dict(rate="15", gop=15, more=("-profile:v", "baseline")),
    "main 25 fps": dict(size="640x360", rate="25", gop=50, gops=2, kbits=500, more=("-profile:v", "main", "-bf", "0")),
    "high 720p30": dict(size="1280x720", rate="30", gop=30, gops=3, kbits=2000, more=("-profile:v", "high", "-bf", "0")),
    "29.97 fps": dict(rate="30000/1001", gop=60, gops=2, more=("-bf", "0")),
    "5 fps": dict(rate="5", gop=10, gops=2, kbits=100, more=("-bf", "0")),
    "gop of 10 s": dict(rate="10", gop=100, gops=1, kbits=150, more=("-bf", "0")),
    "gop of half a second": dict(rate="20", gop=10, gops=8, kbits=500, more=("-bf", "0")),
    "one gop of 25 s": dict(rate="10", gop=250, gops=1, kbits=150, more=("-bf", "0")),
    "b-frames": dict(rate="25", gop=50, gops=2, own="b-adapt=0", more=("-bf", "2")),
    "b-pyramid": dict(rate="25", gop=25, gops=4, own="b-adapt=0:b-pyramid=normal", more=("-bf", "3", "-profile:v", "high")),
    "slices": dict(rate="15", gop=30, gops=2, own="slices=4", more=("-bf", "0")),
    "h265": dict(rate="15", gop=30, gops=2, encoder=X265, own="bframes=0"),
    "h265 b-frames": dict(rate="25", gop=25, gops=4, encoder=X265, own="bframes=3:b-adapt=0"),
    "over udp, pcmu": dict(rate="15", gop=30, gops=2, more=("-bf", "0")),
    "opus, digest": dict(rate="15", gop=30, gops=2, more=("-bf", "0")),
}
OPTIONS = {"over udp, pcmu": {"sound": "PCMU"}, "opus, digest": {"sound": "OPUS", "auth": "digest", "password": SECRET}}
ARGUMENTS = {"over udp, pcmu": ("--transport", "udp"), "opus, digest": ("--user", "viewer", "--password-file", password_file("right.pw", SECRET))}

# Usable, but: over UDP, and there is something to be said about it.
POOR = {"udp blocked": {"udp": "blocked"}, "udp refused": {"udp": "refused"}, "packets lost": {"loss": 0.03},
        "clock stands": {}}


def word_of(name):
    return re.sub(r"\W+", "-", name)


def encoded_streams():
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip(ENCODED, pool.map(lambda n: Made(HERE, word_of(n), **ENCODED[n]), ENCODED)))
    for name, m in made.items():
        expected[name] = {"codec": m.codec, "profile": probe_media.profile_name(m.profile), "size": m.size, "fps": float(m.rate),
                          "gop": m.gop_pictures, "gop-seconds": m.gop_seconds, "b-frames": m.b_frames, "bitrate": m.bitrate,
                          "slices": m.slices, "sound": OPTIONS.get(name, {}).get("sound")}
    return made


def file_streams():
    """Files, and the same once more over SRT."""
    def picture(rate, size="320x180"):
        return "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}"

    tone = "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000"
    h264 = "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "300k", "-maxrate", "300k", "-bufsize", "300k"
    files = {
        "file mp4, aac": ("a.mp4", 25, 50, (*picture(25), *tone, "-t", "4", *h264, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
                                            "-bf", "0", "-c:a", "aac"), "AAC"),
        "file mkv, opus": ("b.mkv", 12.5, 25, (*picture("25/2"), *tone, "-t", "4", *h264, "-g", "25", "-keyint_min", "25", "-sc_threshold",
                                               "0", "-bf", "2", "-x264-params", "b-adapt=0", "-c:a", "libopus"), "OPUS"),
        "file ts, h265": ("c.ts", 15, 30, (*picture(15), *tone, "-t", "4", "-pix_fmt", "yuv420p", *X265, "-b:v", "300k", "-x265-params",
                                           "keyint=30:min-keyint=30:scenecut=0:bframes=0:open-gop=0:log-level=none", "-c:a", "aac"), "AAC"),
        "file, 10 bits": ("d.mp4", 15, 15, (*picture(15), "-t", "4", "-pix_fmt", "yuv420p10le", *X265, "-b:v", "300k", "-x265-params",
                                            "keyint=15:min-keyint=15:scenecut=0:bframes=0:open-gop=0:log-level=none"), None),
        "file, 4:4:4": ("e.mkv", 15, 15, (*picture(15), "-t", "4", "-pix_fmt", "yuv444p", "-c:v", "libx264", "-preset", "veryfast", "-g",
                                          "15", "-keyint_min", "15", "-sc_threshold", "0", "-bf", "0", "-b:v", "300k"), None),
    }
    for name, (file, fps, gop, arguments, sound) in files.items():
        ffmpeg(*arguments, HERE / file)
        told = probe_media.probed(HERE / file)
        expected[name] = {"codec": {"h264": "H264", "hevc": "H265"}[told["codec_name"]], "profile": probe_media.profile_name(told["profile"]),
                          "size": (told["width"], told["height"]), "fps": fps, "gop": gop, "gop-seconds": gop / fps,
                          "b-frames": told["has_b_frames"] > 0, "bitrate": probe_media.bitrate_of(HERE / file), "sound": sound}
        probes[name] = [f"file:{HERE / file}"]
    ffmpeg(*picture(15), *tone, "-t", "30", *h264, "-g", "15", "-keyint_min", "15", "-sc_threshold", "0", "-bf", "0", "-c:a", "aac",
           HERE / "srt.ts")
    port = free_port()
    suite.keep(Process(["ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", HERE / "srt.ts", "-c", "copy", "-f",
                        "mpegts", f"srt://127.0.0.1:{port}?mode=listener"], suite.directory, "srt"))
    told = probe_media.probed(HERE / "srt.ts")
    expected["srt"] = {"codec": "H264", "profile": probe_media.profile_name(told["profile"]), "size": (320, 180), "fps": 15, "gop": 15,
                       "gop-seconds": 1, "b-frames": False, "bitrate": probe_media.bitrate_of(HERE / "srt.ts"), "sound": "AAC"}
    probes["srt"] = [f"srt://127.0.0.1:{port}"]


def other_streams():
    """What is encoded while it runs, or by Sluice."""
    pictures = HERE / "pictures"
    pictures.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-frames:v", "20", pictures / "%02d.jpg")
    sizes = [f.stat().st_size for f in pictures.glob("*.jpg")]
    server = suite.keep(Served("mjpeg_server.py", pictures, "--fps", "12"))
    probes["mjpeg over http"] = [f"http://127.0.0.1:{server.port}/video"]
    expected["mjpeg over http"] = {"codec": "JPEG", "size": (320, 240), "fps": 12, "bitrate": sum(sizes) / len(sizes) * 8 * 12, "gop": 1,
                                   "b-frames": False}
    probes["no mjpeg there"] = [f"http://127.0.0.1:{server.port}/nothing"]
    pem, fingerprint = certificate()
    secure = suite.keep(Camera(suite.directory, *SMALL, "--certificate", pem, "--sound", "aac", name="secure"))
    probes["rtsps, aac"] = [secure.url().replace("rtsp:", "rtsps:"), "--tls-fingerprint", fingerprint]
    expected["rtsps, aac"] = {"codec": "H264", "profile": "main", "size": (320, 240), "fps": 10, "gop": 10, "gop-seconds": 1,
                              "b-frames": False, "sound": "AAC", "bitrate": 300e3}
    probes["unknown certificate"] = [secure.url().replace("rtsp:", "rtsps:")]
    jpeg = suite.keep(Camera(suite.directory, *SMALL, "--codec", "jpeg", "--sound", "pcma", name="jpeg"))
    probes["mjpeg over rtsp"] = [jpeg.url()]
    expected["mjpeg over rtsp"] = {"codec": "JPEG", "size": (320, 240), "fps": 10, "gop": 1, "b-frames": False, "sound": "PCMA"}
    tunnel = suite.keep(Camera(suite.directory, *SMALL, "--profile", "high", name="tunnel"))
    probes["rtsp over http"] = [tunnel.url(), "--transport", "http"]
    expected["rtsp over http"] = {"codec": "H264", "profile": "high", "size": (320, 240), "fps": 10, "gop": 10, "gop-seconds": 1,
                                  "b-frames": False, "bitrate": 300e3}
    probes["test picture"] = ["test:ball"]
    expected["test picture"] = {"codec": "raw", "size": (1280, 720), "fps": 25, "b-frames": False, "encoded": True, "drawn": True}


# Sources that are broken: name -> (arguments, cause, exit code, a part of the reason)
BROKEN = {}


def full_listener():
    """A port that takes no connection any more, and refuses none: the system drops what asks for one."""
    listener = suite.keep(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        s = suite.keep(socket.socket())
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


def broken_sources(host):
    def at(port, path="x"):
        return f"rtsp://127.0.0.1:{port}/{path}"

    def scripted(mode):
        return at(suite.keep(Served("scripted_rtsp.py", mode)).port)

    wrong = password_file("wrong.pw", "not-" + SECRET)
    (HERE / "garbage.mp4").write_bytes(random.Random(1).randbytes(20000))
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", "2", "-c:a", "aac", HERE / "sound.mp4")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15", "-t", "2", "-c:v", "libvpx", "-b:v", "200k", HERE / "vp8.mkv")
    BROKEN.update({
        "nobody listens": ([at(free_port())], "refused", 69, "connection refused by 127.0.0.1"),
        "a name without address": (["rtsp://camera.invalid/1"], "unreachable", 69, "cannot be resolved"),
        "no answer to a connection": ([at(full_listener())], "timed-out", 69, "no connection within 3 s"),
        "no answer to a request": ([scripted("hang")], "timed-out", 69, "no answer within 10 s"),
        "wrong password": ([host.camera("locked").url(), "--user", "viewer", "--password-file", wrong], "unauthorised", 77, "refuses this user"),
        "no password": ([host.camera("locked").url()], "unauthorised", 77, "none are configured"),
        "unknown path": ([scripted("not-found")], "not-found", 69, "404"),
        "not RTSP": ([scripted("garbage")], "protocol", 76, "RTSP"),
        "no tracks": ([scripted("empty-sdp")], "protocol", 76, "names no media"),
        "only sound": ([scripted("no-video")], "codec", 65, "offers audio PCMU"),
        "MPEG-4 part 2": ([scripted("unknown-codec")], "codec", 65, "video MP4V-ES"),
        "silent camera": ([scripted("silent")], "stalled", 75, "no picture came"),
        "closes the connection": ([scripted("close")], "ended", 75, "closed the connection"),
        "no key frame": ([host.camera("no-key").url(), "--seconds", "1"], "no-key-frame", 65, "no key frame"),
        "intra refresh": ([host.camera("refresh").url(), "--seconds", "2"], "no-key-frame", 65, "no key frame"),
        "unknown certificate": (probes.pop("unknown certificate"), "protocol", 76, "ertificate"),
        "no mjpeg there": (probes.pop("no mjpeg there"), "not-found", 69, "404"),
        "garbage file": ([f"file:{HERE / 'garbage.mp4'}"], "codec", 65, "type of stream"),
        "file of sound": ([f"file:{HERE / 'sound.mp4'}"], "codec", 65, "no picture"),
        "file of VP8": ([f"file:{HERE / 'vp8.mkv'}"], "codec", 65, "no track that can be passed on"),
        "no such device": (["v4l2:///dev/video-none"], "not-found", 66, "No such file"),
        "no such file": ([f"file:{HERE / 'none.mp4'}"], "not-found", 66, "No such file"),
    })


def start_all():
    """Everything that is looked at, once."""
    if started:
        assert answers, "the streams could not be made"
        return
    started.append(True)
    made = encoded_streams()
    no_key = Made(HERE, "no-key", rate="10", gop=1200, gops=1, kbits=60, more=("-bf", "0"))
    refresh = Made(HERE, "refresh", rate="10", gop=10, gops=120, kbits=100, own="intra-refresh=1", more=("-bf", "0"))
    paths = {**{n: m.path for n, m in made.items()}, **{n: made["slices"].path for n in POOR}, "no-key": no_key.path, "refresh": refresh.path, "locked": made["5 fps"].path}
    options = {**OPTIONS, **POOR, "no-key": {"start": "live", "position": 2.0}, "refresh": {"start": "live", "position": 2.0},
               "locked": {"auth": "basic", "password": SECRET}}
    host = suite.keep(Host(suite.directory, {word_of(n): {"media": str(p), **options.get(n, {})} for n, p in paths.items()}))
    for name in made:
        probes[name] = [host.camera(word_of(name)).url(), *ARGUMENTS.get(name, ())]
    host.camera("clock-stands").set(frozen=True)
    for name in POOR:
        probes[name] = [host.camera(word_of(name)).url(), "--transport", "udp"]
    file_streams()
    other_streams()
    broken_sources(host)
    jobs = {**{n: [*a, "--json"] for n, a in probes.items()}, **{n: [*a[0], "--json"] for n, a in BROKEN.items()},
            "text": probes["main 25 fps"]}
    with ThreadPoolExecutor(WORKERS) as pool: # those that take long first
        order = sorted(jobs, key=lambda n: n not in LONG)
        answers.update(zip(order, pool.map(lambda n: Answer(jobs[n]), order)))


def near(found, wanted, part, what):
    assert found is not None and abs(found - wanted) <= part * wanted, f"{what}: found {found}, wanted {wanted:.6g} within {part:.0%}"


def check_stream(name):
    start_all()
    answer, wanted = answers[name], expected[name]
    assert answer.document, f"{answer.code}: {answer.errors}"
    assert answer.code == 0 and answer["usable"], answer.text
    v = answer["video"]
    gop = v["gop"] and v["gop"]["pictures"]
    table.append(f"{name:22} {v['codec']:5} {v['profile'] or '-':21} {v['fps']:7.3f} of {wanted['fps']:<7.3f} "
                 f"gop {gop['median'] if gop else '>' + str(v['gop'] and v['gop']['longer-than-seconds']):>5}  "
                 f"{(v['bitrate'] or 0) / 1000:6.0f} of {wanted.get('bitrate', 0) / 1000:<6.0f} kbit/s")
    assert v["codec"] == wanted["codec"], v
    assert (v["width"], v["height"]) == wanted["size"], v
    if wanted.get("drawn"): # as fast as this machine draws and encodes it
        assert 1 < v["fps"] <= 1.02 * wanted["fps"] and v["fps"] == answer["encoded-as"]["fps"], v
    else:
        near(v["fps"], wanted["fps"], 0.02, "fps")
    assert v["b-frames"] == wanted["b-frames"], v
    if "profile" in wanted:
        assert v["profile"] == wanted["profile"], v
    if wanted.get("gop-seconds", 0) > 18: # more than the probe waits
        assert v["gop"]["seconds"] is None and v["gop"]["longer-than-seconds"] > 12, v["gop"]
    elif "gop" in wanted:
        assert gop == {"least": wanted["gop"], "median": wanted["gop"], "most": wanted["gop"]}, v["gop"]
        if "gop-seconds" in wanted:
            near(v["gop"]["seconds"]["median"], wanted["gop-seconds"], 0.02, "GOP")
    if "bitrate" in wanted:
        near(v["bitrate"], wanted["bitrate"], 0.1, "bitrate")
    if "slices" in wanted:
        assert v["slices"] == wanted["slices"], v
    assert (answer["sound"] or {}).get("codec") == wanted.get("sound"), answer["sound"]
    assert bool(answer["encoded-as"]) == wanted.get("encoded", False), answer["encoded-as"]
    assert SECRET not in answer.text + answer.errors, answer.text + answer.errors


def check_broken(name):
    start_all()
    (_, cause, code, part), answer = BROKEN[name], answers[name]
    assert answer.document, f"{answer.code}: {answer.errors}"
    table.append(f"{name:26} {answer['cause']:14} {answer.code}  {answer['reason']}")
    assert (answer["cause"], answer.code, answer["usable"]) == (cause, code, False), answer.text
    assert part in answer["reason"] and answer["next"], answer.text
    assert SECRET not in answer.text + answer.errors, answer.text + answer.errors


def advised(name):
    start_all()
    return [a["id"] for a in answers[name]["advice"]]


def plays(name, consumer):
    start_all()
    row = next(c for c in answers[name]["plays"] if c["consumer"] == consumer)
    return row["video"]["plays"], row["sound"]["plays"]


STREAMS = [*ENCODED, "file mp4, aac", "file mkv, opus", "file ts, h265", "file, 10 bits", "file, 4:4:4", "srt", "mjpeg over http",
           "mjpeg over rtsp", "rtsps, aac", "rtsp over http", "test picture"]
SOURCES = ["nobody listens", "a name without address", "no answer to a connection", "no answer to a request", "wrong password",
           "no password", "unknown path", "not RTSP", "no tracks", "only sound", "MPEG-4 part 2", "silent camera", "closes the connection",
           "no key frame", "intra refresh", "unknown certificate", "no mjpeg there", "garbage file", "file of sound", "file of VP8",
           "no such device", "no such file"]


def add_cases(kind, names, check):
    for name in names:
        def case(name=name):
            check(name)
        case.__name__ = f"{kind}_{re.sub(r'[^a-z0-9]+', '_', name.lower())}"
        suite.case(case)


add_cases("stream", STREAMS, check_stream)
add_cases("broken", SOURCES, check_broken)


@suite.case
def consumers_are_told_apart():
    for name, consumer, wanted in [
            ("opus, digest", "chromium-webrtc", ("yes", "yes")), ("file mp4, aac", "chromium-webrtc", ("yes", "as-opus")),
            ("b-frames", "firefox-webrtc", ("no", "none")), ("b-frames", "hls", ("yes", "none")),
            ("h265", "firefox-webrtc", ("no", "none")), ("h265", "chromium-webrtc", ("some", "none")), ("h265", "safari-hls", ("yes", "none")),
            ("over udp, pcmu", "hls", ("yes", "no")), ("over udp, pcmu", "rtsp", ("yes", "yes")),
            ("file, 4:4:4", "chromium-webrtc", ("no", "none")), ("mjpeg over http", "chromium-webrtc", ("no", "none")), ("mjpeg over rtsp", "rtsp", ("yes", "yes")),
            ("file mp4, aac", "recorder", ("yes", "yes"))]:
        found = plays(name, consumer)
        assert found == wanted, f"{name}, {consumer}: {found}"


@suite.case
def advice_fits():
    for name, wanted in [("gop of 10 s", "long-gop"), ("one gop of 25 s", "long-gop"), ("b-frames", "b-frames"), ("h265", "h265"),
                         ("mjpeg over http", "jpeg"), ("file, 4:4:4", "profile")]:
        assert wanted in advised(name), f"{name}: {advised(name)}"
    for name in ("main 25 fps", "baseline", "gop of half a second"):
        assert not {"long-gop", "b-frames", "h265", "packet-loss", "clock-stands", "clock-jumps", "no-key-frame"} & set(advised(name)), \
            f"{name}: {advised(name)}"


@suite.case
def what_is_poor_is_said():
    start_all()
    for name, wanted in [("udp blocked", "udp-blocked"), ("udp refused", "udp-blocked"), ("packets lost", "packet-loss"),
                         ("clock stands", "clock-stands")]:
        a = answers[name]
        assert a.code == 0 and a["usable"] and wanted in advised(name), a.text
        assert a["source"]["fell-to-tcp"] == name.startswith("udp") and a["source"]["transport"] == ("tcp" if "udp" in name else "udp"), a.text
    assert answers["packets lost"]["clock"]["lost"] > 0 and answers["main 25 fps"]["clock"]["lost"] == 0


@suite.case
def progress_is_shown_on_a_terminal_and_ctrl_c_ends_with_what_is_known():
    ours, theirs = os.openpty()
    p = subprocess.Popen([str(BUILD / "launcher/sluice"), "probe", "test:", "--json", "--seconds", "600"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    seen = b""
    while b"watching: 2 of 600 s" not in seen:
        seen += os.read(ours, 4096)
    p.send_signal(signal.SIGINT)
    document = json.loads(p.communicate(timeout=30)[0])
    os.close(ours)
    assert p.returncode == 0 and document["usable"] and document["source"]["interrupted"], document
    assert b"\n" not in seen, seen


@suite.case
def the_text_is_for_people():
    start_all()
    a = answers["text"]
    assert a.code == 0 and not a.errors, a.errors # no terminal: no progress
    for words in ("H.264 Main", "640x360, 25 fps", "key frame each 2 s", "no B-frames", "Chromium, WebRTC", "\nusable\n"):
        assert words in a.text, a.text
    for line in a.text.splitlines():
        assert len(line) <= 100, line
        note(line)


@suite.case
def a_wrong_command_line_is_told():
    for arguments, told in [(["rtsp:/x"], "allowed: rtsp://"), (["camera.example"], "allowed: rtsp://"), ([], "argument is missing"),
                            (["rtsp://127.0.0.1/x", "--seconds", "0"], "--seconds: found 0"), (["test:rain"], "smpte"),
                            (["rtsp://127.0.0.1/x", "--transport", "pigeon"], '--transport: found "pigeon"'),
                            (["rtsp://127.0.0.1/x", "--tls-fingerprint", "00"], "--tls-fingerprint: "),
                            (["rtsp://127.0.0.1/x", "--password-file", "x"], "--password-file needs --user"),
                            (["rtsp://127.0.0.1/x", "--fast"], "Unknown option")]:
        a = Answer(arguments)
        assert a.code == 64 and told in a.errors and not a.text, f"{arguments}: {a.code} {a.errors}"
    a = Answer(["rtsp://127.0.0.1/x", "--user", "u", "--password-file", HERE / "none.pw"])
    assert a.code == 66 and "none.pw" in a.errors, a.errors
    a = Answer([f"rtsp://viewer:{SECRET}@127.0.0.1:{free_port()}/x?user=admin&pwd={SECRET}", "--json"])
    assert a.code == 69 and SECRET not in a.text + a.errors, a.text + a.errors


@suite.case
def what_was_found():
    for line in table:
        note(line)


if __name__ == "__main__":
    sys.exit(suite.main())
