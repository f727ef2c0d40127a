#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""cameras.py CLIPS COUNT PORT: cam1 to camCOUNT, each with `main` on PORT, PORT + 2, ... and `sub` on the port after it. Prints
{"cam1": UNIX-MS, ...}, when each one's scene began (it goes round since), and ends with its standard input."""
import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
import camera_media  # noqa: E402
from fault_camera import Camera  # noqa: E402

clips, number, first_port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


async def main():
    loop = asyncio.get_running_loop()
    media = {name: clips / f"{name}.media" for name in ("main", "sub")}
    loaded = {path: camera_media.load(path) for path in media.values()}
    camera_media.load = loaded.get # all cameras share the memory
    now, unix = time.monotonic(), time.time()
    began = {}
    for i in range(number):
        # Their key frames are spread over the GOP.
        position = 3.5 * i
        for k, (name, path) in enumerate(media.items()):
            camera = Camera(f"cam{i + 1}/{name}", loop)
            await camera.set({"address": "0.0.0.0", "port": first_port + 2 * i + k, "media": path, "start": "live"})
            await camera.start()
            camera.count = int(position * camera.media.fps)
            camera.epoch = now - position
            loop.call_soon(camera.tick)
        began[f"cam{i + 1}"] = (unix - position) * 1000
    print(json.dumps(began), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


asyncio.run(main())
