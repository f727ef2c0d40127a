# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the fault camera sends: access units out of real encoders, as NAL units with their places in time."""
import pickle
import re
import subprocess
from pathlib import Path

FPS = 15

# name -> (size, seconds, encoder, encoder's own options, more arguments). One second between key frames where nothing is said.
_A = "320x180"
_H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "150k", "-bf", "0"]
VARIANTS = {
    "a": (_A, 8, _H264, "keyint=15:scenecut=0", []),
    "b": ("480x270", 8, _H264, "keyint=15:scenecut=0", ["-preset", "veryfast", "-profile:v", "main"]),
    "h265": (_A, 8, ["-c:v", "libx265", "-preset", "ultrafast", "-b:v", "150k"],
             "keyint=15:min-keyint=15:scenecut=0:bframes=0:repeat-headers=1:log-level=none", []),
    "gop20": (_A, 60, _H264, "keyint=300:min-keyint=300:scenecut=0", []),
    "one-idr": (_A, 90, _H264, "keyint=infinite:scenecut=0", []),
    "refresh": (_A, 90, _H264, "keyint=15:intra-refresh=1:scenecut=0", []),
    # A scene that changes each second: pictures of I slices, but no IDR after the first.
    "i-slices": (_A, 90, _H264, "keyint=200000:min-keyint=100000:scenecut=400", ["-vf", "negate=enable='mod(floor(t),2)'"]),
    "slices": (_A, 8, _H264, "keyint=15:scenecut=0:slices=4", []),
    "interlaced": (_A, 8, _H264, "keyint=15:scenecut=0:tff=1", ["-preset", "veryfast"]),
    "b-frames": (_A, 8, ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "150k", "-bf", "2"],
                 "keyint=15:min-keyint=15:scenecut=0:b-adapt=0:b-pyramid=none:open-gop=0", []),
    "small-slices": (_A, 8, _H264, "keyint=15:scenecut=0:slice-max-size=1100", []),
    # What 64 cameras at once send.
    "tiny": (_A, 8, [*_H264[:-4], "-b:v", "100k", "-bf", "0"], "keyint=10:scenecut=0", ["-r", "10"]),
}


class Media:
    """codec: "H264" or "H265"; units: [(pts, [NAL unit, ...])] in decode order, pts in frames; it is sent round and round."""

    def __init__(self, codec, fps, units):
        self.codec = codec
        self.fps = fps
        self.units = units
        self.keys = [i for i, (_, nals) in enumerate(units) if any(is_random_access(codec, n) for n in nals)]

    def parameter_sets(self):
        """The first of each type."""
        found = {}
        for _, nals in self.units:
            for nal in nals:
                if is_parameter_set(self.codec, nal):
                    found.setdefault(nal_type(self.codec, nal), nal)
        return [found[t] for t in sorted(found)]

    def without(self, drop):
        """The same without the NAL units for which drop(nal) is true."""
        return Media(self.codec, self.fps, [(pts, [n for n in nals if not drop(n)]) for pts, nals in self.units])


def nal_type(codec, nal):
    return nal[0] & 0x1f if codec == "H264" else nal[0] >> 1 & 0x3f


def is_slice(codec, nal):
    return nal_type(codec, nal) in ((1, 2, 3, 4, 5) if codec == "H264" else range(0, 32))


def is_random_access(codec, nal):
    return nal_type(codec, nal) == 5 if codec == "H264" else 16 <= nal_type(codec, nal) <= 21


def is_parameter_set(codec, nal):
    return nal_type(codec, nal) in ((7, 8) if codec == "H264" else (32, 33, 34))


def is_first_slice(codec, nal):
    """first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is set."""
    return bool(nal[1 if codec == "H264" else 2] & 0x80)


def access_units(codec, stream):
    """An Annex B byte stream, cut into access units: lists of NAL units, without delimiters."""
    before = (6, 7, 8, 9) if codec == "H264" else (32, 33, 34, 35, 39)
    delimiter = 9 if codec == "H264" else 35
    units, unit, sliced = [], [], False
    for nal in re.split(b"\0\0\0?\1", stream)[1:]:
        nal = nal.rstrip(b"\0")
        if len(nal) < 3:
            continue
        kind = nal_type(codec, nal)
        if sliced and (kind in before or is_slice(codec, nal) and is_first_slice(codec, nal)):
            units.append(unit)
            unit, sliced = [], False
        if kind != delimiter:
            unit.append(nal)
        sliced = sliced or is_slice(codec, nal)
    if sliced:
        units.append(unit)
    return units


def encode(name, directory):
    size, seconds, encoder, own, more = VARIANTS[name]
    codec = "H265" if "libx265" in encoder else "H264"
    fps = int(more[more.index("-r") + 1]) if "-r" in more else FPS
    stream, times = Path(directory, f"{name}.bin"), Path(directory, f"{name}.times")
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={fps}",
         "-t", str(seconds), "-pix_fmt", "yuv420p", "-threads", "1", *encoder,
         "-x265-params" if codec == "H265" else "-x264-params", own, *more, "-map", "0:v", "-flags", "-global_header",
         *(["-flags", "+ilme+ildct"] if name == "interlaced" else []),
         "-f", "tee", f"[f={'hevc' if codec == 'H265' else 'h264'}]{stream}|[f=framecrc]{times}"],
        check=True, stdin=subprocess.DEVNULL)
    units = access_units(codec, stream.read_bytes())
    # "stream, dts, pts, duration, size, checksum": in frames, as that is the encoder's time base.
    pts = [int(line.split(",")[2]) for line in times.read_text().splitlines() if not line.startswith("#")]
    assert len(pts) == len(units), f"{name}: {len(units)} access units, {len(pts)} times"
    stream.unlink()
    times.unlink()
    return Media(codec, fps, list(zip(pts, units)))


def is_i_slice(nal):
    """H.264; first_mb_in_slice has to be 0: one bit, then slice_type as an Exp-Golomb code."""
    bits = format(int.from_bytes(nal[1:5], "big"), "032b")[1:]
    zeros = bits.index("1")
    return is_first_slice("H264", nal) and int(bits[zeros:2 * zeros + 1], 2) - 1 in (2, 7)


def announced(media):
    """The same with a recovery point in front of each picture of I slices: recovery_frame_cnt 0, exact_match."""
    point = b"\x06\x06\x01\xc4\x80"
    return Media(media.codec, media.fps,
                 [(pts, [point] * (nal_type("H264", nals[0]) == 1 and is_i_slice(nals[0])) + nals)
                  for pts, nals in media.units])


def make(name, directory):
    """The file of a variant, made when it is asked for first."""
    path = Path(directory, f"{name}.media")
    if not path.exists():
        media = announced(load(make("i-slices", directory))) if name == "recovery-points" else encode(name, directory)
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(media))
        part.rename(path)
    return path


def load(path):
    return pickle.loads(Path(path).read_bytes())
