# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams out of real encoders for `sluice probe`, and what ffprobe and the encoder's own packets say of them."""
import json
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from harness import ROOT

sys.path.insert(0, str(ROOT / "tests/support"))
import camera_media  # noqa: E402  pylint: disable=wrong-import-position

X264 = ["-c:v", "libx264", "-preset", "veryfast"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast"]


class Made:
    """An elementary stream of some whole GOPs, which is played round and round, and its figures."""

    def __init__(self, directory, name, *, size="320x180", rate="15", gop=15, gops=4, kbits=300, encoder=None, own="", more=()):
        self.rate = Fraction(rate)
        self.size = tuple(map(int, size.split("x")))
        self.gop_pictures, self.gop_seconds = gop, float(gop / self.rate)
        encoder = encoder or X264
        h265 = "libx265" in encoder
        self.codec = "H265" if h265 else "H264"
        stream, times = Path(directory, f"{name}.{'hevc' if h265 else 'h264'}"), Path(directory, f"{name}.times")
        parameters = f"keyint={gop}:min-keyint={gop}:scenecut=0" + (":open-gop=0" if h265 else "") + (f":{own}" if own else "")
        if h265:
            parameters += ":repeat-headers=1:log-level=none:pools=1:frame-threads=1"
        subprocess.run(
            ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}",
             "-frames:v", str(gop * gops), "-pix_fmt", "yuv420p", "-threads", "1", *encoder, "-b:v", f"{kbits}k",
             "-maxrate", f"{kbits}k", "-bufsize", f"{kbits}k", "-x265-params" if h265 else "-x264-params", parameters, *more,
             "-map", "0:v", "-flags", "-global_header",
             "-f", "tee", f"[f={'hevc' if h265 else 'h264'}]{stream}|[f=framecrc]{times}"], check=True)
        units = camera_media.access_units(self.codec, stream.read_bytes())
        pts = [int(line.split(",")[2]) for line in times.read_text().splitlines() if not line.startswith("#")]
        assert len(pts) == len(units) == gop * gops, f"{name}: {len(units)} access units, {len(pts)} times"
        media = camera_media.Media(self.codec, float(self.rate), list(zip(pts, units)))
        self.bitrate = sum(len(n) + 4 for unit in units for n in unit) * 8 * float(self.rate) / len(units)
        told = probed(stream)
        self.profile, self.b_frames = told["profile"], told["has_b_frames"] > 0
        self.slices = max(sum(camera_media.is_slice(self.codec, n) for n in unit) for unit in units)
        self.stream = stream
        self.path = Path(directory, f"{name}.media")
        self.path.write_bytes(pickle.dumps(media))


def probed(path):
    """The first stream of video in a file, as ffprobe sees it."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", str(path)], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)["streams"][0]


def bitrate_of(path):
    """bit/s of the video in a file, by its packets."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size,duration_time", "-of", "json",
                           str(path)], check=True, capture_output=True, text=True)
    packets = json.loads(done.stdout)["packets"]
    return sum(int(p["size"]) for p in packets) * 8 / sum(float(p["duration_time"]) for p in packets)


def profile_name(told):
    """ffprobe's name as caps have it: "Constrained Baseline" is constrained-baseline."""
    return told.lower().replace(" ", "-").replace("4:4:4-predictive", "4:4:4")
