#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""clips.py DIRECTORY: the scene that the bench's cameras send, once as `main` and once as `sub`, made when it is asked for first.

The picture says where it is in the scene, in the cells that tests/e2e/picture_clock.js reads (tests/support/simcam_picture.hpp):
milliseconds since the scene began, and 1 for main or 2 for sub. The scene is sent round and round."""
import pickle
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
import camera_media  # noqa: E402

FPS = 25
SECONDS = 40
GOP = 2 # seconds
FIRST_GOP = {"main": GOP, "sub": GOP / 2} # as with a real camera, not both send their key frames at the same moment
# kbit/s of the encoder; with all headers down to IP about 4 and 0.5 Mbit/s.
STREAMS = {"main": (1, 1280, 720, 3800), "sub": (2, 640, 360, 460)}


def crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 7) & 0xff if crc & 0x80 else crc << 1
    return crc


def cells(milliseconds, stream):
    """64 bytes, one for each cell."""
    data = milliseconds.to_bytes(6, "big") + bytes([stream])
    data += bytes([crc8(data)])
    return bytes(235 if byte >> bit & 1 else 16 for byte in data for bit in range(7, -1, -1))


def encode(name, directory):
    stream, width, height, rate = STREAMS[name]
    out = Path(directory, f"{name}.h264")
    # Noise is what makes bits. The same scene for both: sub is main, made smaller.
    graph = (f"testsrc2=size=1280x720:rate={FPS},noise=alls=5,noise=alls=14:allf=t,scale={width}:{height},format=yuv420p[scene];"
             f"[0:v]scale={16 * width // 40}:{8 * height // 45}:flags=neighbor,format=yuv420p[clock];"
             f"[scene][clock]overlay={2 * width // 40}:{2 * height // 45}:shortest=1")
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-level", "3.1", "-b:v", f"{rate}k",
               "-maxrate", f"{rate}k", "-bufsize", f"{rate}k", "-g", str(FPS * GOP), "-keyint_min", str(FPS * GOP),
               "-sc_threshold", "0", "-force_key_frames", str(FIRST_GOP[name]), "-x264-params", "slices=1:sliced-threads=0:repeat-headers=1:ipratio=1.1"]
    process = subprocess.Popen(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "16x4",
                                "-r", str(FPS), "-i", "pipe:0", "-filter_complex", graph, *encoder, "-f", "h264", str(out)],
                               stdin=subprocess.PIPE)
    for number in range(FPS * SECONDS):
        process.stdin.write(cells(number * 1000 // FPS, stream))
    process.stdin.close()
    if process.wait():
        raise RuntimeError("ffmpeg failed")
    units = camera_media.access_units("H264", out.read_bytes())
    out.unlink()
    if len(units) != FPS * SECONDS:
        raise RuntimeError(f"{len(units)} pictures instead of {FPS * SECONDS}")
    return camera_media.Media("H264", FPS, list(enumerate(units)))


def make(directory):
    """{stream: file}"""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in STREAMS:
        files[name] = directory / f"{name}.media"
        if not files[name].exists():
            part = files[name].with_suffix(".part")
            part.write_bytes(pickle.dumps(encode(name, directory)))
            part.rename(files[name])
    return files


if __name__ == "__main__":
    for stream_name, file in make(sys.argv[1]).items():
        scene = camera_media.load(file)
        sizes = [sum(map(len, nals)) for _, nals in scene.units]
        keys = [sizes[k] for k in scene.keys]
        print(f"{stream_name}: {sum(sizes) * 8 / SECONDS / 1e6:.2f} Mbit/s, {len(scene.keys)} key frames of "
              f"{min(keys) / 1000:.0f} to {max(keys) / 1000:.0f} kB, others up to {max(s for i, s in enumerate(sizes) if i not in scene.keys) / 1000:.0f} kB")
