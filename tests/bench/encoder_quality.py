#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SSIM of what each encoder of this machine makes with its profile (hw/encoders) at 1 and 2 Mbit/s, 720p25, beside x264's own
preset veryfast with the same low latency. Needs ffmpeg, gst-launch-1.0 and 150 MB in the temporary directory.

    tests/bench/encoder_quality.py [--seconds 4] [ENCODER...]
"""
import argparse
import glob
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, RATE = 1280, 720, 25
GOP = 2 * RATE
# There is no footage in this tree: a slow zoom into detail with the noise of a sensor, and a street's worth of things that move.
SCENES = {
    "quiet": f"mandelbrot=s={WIDTH}x{HEIGHT}:r={RATE}:start_scale=0.3:end_scale=0.05:end_pts=400,noise=alls=3:allf=t",
    "busy": f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE},noise=alls=3:allf=t",
}
REFERENCE = "x264 veryfast"


def reference(profiles):
    """What x264 itself calls a good compromise, as quick to answer as ours."""
    return {**profiles["x264enc"], "settings": {**profiles["x264enc"]["settings"], "speed-preset": "veryfast"}}


def works_here(profile):
    if "device" in profile and not glob.glob(profile["device"]):
        return False
    return subprocess.run(["gst-inspect-1.0", "--exists", profile["factory"]], check=False).returncode == 0


def value(setting):
    if isinstance(setting, dict):
        return '"controls,' + ",".join(f"{k}={v}" for k, v in setting.items()) + '"'
    return str(setting).lower() if isinstance(setting, bool) else str(setting)


def launch(profile, kbits):
    """The words of gst-launch-1.0 for an encoder. Optional settings are left out: nobody asks here which there are."""
    settings = dict(profile.get("settings", {}))
    for name, figure in (("bitrate", kbits if profile["bitrate"]["unit"] == "kbit/s" else kbits * 1000),
                         ("key-interval", GOP)):
        where = profile[name]
        if "field" in where:
            settings[where["property"]] = {**settings.get(where["property"], {}), where["field"]: figure}
        else:
            settings[where["property"]] = figure
    words = [*profile["convert"].split(), "!", f"video/x-raw,format={profile['formats'][0]}", "!", profile["factory"]]
    return words + [f"{name}={value(setting)}" for name, setting in settings.items()] + ["!", profile["caps"]]


def encode(profile, kbits, source, target):
    words = ["gst-launch-1.0", "-q", "filesrc", f"location={source}", f"blocksize={WIDTH * HEIGHT * 3 // 2}", "!", "rawvideoparse",
             f"width={WIDTH}", f"height={HEIGHT}", "format=i420", f"framerate={RATE}/1", "!", *launch(profile, kbits),
             "!", "filesink", f"location={target}"]
    subprocess.run(words, check=True, timeout=600)


def ssim(source, encoded):
    done = subprocess.run(["ffmpeg", "-hide_banner", "-r", str(RATE), "-i", encoded, "-f", "rawvideo", "-pix_fmt", "yuv420p",
                           "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", source, "-lavfi", "ssim", "-f", "null", "-"],
                          check=True, capture_output=True, text=True, timeout=600)
    return float(re.search(r"All:([0-9.]+)", done.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", nargs="*", help="names of profiles (all that work here)")
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    profiles = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "hw/encoders").glob("*.json"))}
    wanted = options.encoder or [name for name in profiles if works_here(profiles[name])]
    candidates = {REFERENCE: reference(profiles), **{name: profiles[name] for name in wanted}}
    print(f"{'scene':6} {'encoder':14} {'asked':>6} {'made':>6} {'SSIM':>7} {'to ' + REFERENCE:>17}")
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="encoder-quality-") as directory:
        for scene, graph in SCENES.items():
            source, encoded = Path(directory) / "source.yuv", Path(directory) / "encoded.h264"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", graph, "-t", str(options.seconds),
                            "-pix_fmt", "yuv420p", "-f", "rawvideo", source], check=True, timeout=600)
            for kbits in (1000, 2000):
                best = None
                for name, profile in candidates.items():
                    encode(profile, kbits, source, encoded)
                    found = ssim(source, encoded)
                    best = found if best is None else best
                    made = encoded.stat().st_size * 8 / options.seconds / 1000
                    worst = max(worst, best - found) if name == "x264enc" else worst
                    print(f"{scene:6} {name:14} {kbits:6} {made:6.0f} {found:7.4f} {found - best:+17.4f}", flush=True)
    print(f"x264enc is at most {worst:.4f} below {REFERENCE}")


if __name__ == "__main__":
    sys.exit(main())
