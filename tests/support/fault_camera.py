#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real RTSP cameras that do what cameras do on a bad day, as they are told while they run.

    fault_camera.py '{"NAME": {OPTION: VALUE, ...}, ...}'

says {"ready": {"NAME": PORT, ...}} and then answers each line {"do": ..., "camera": "NAME", ...} on its standard input
with one line; it ends with its input. `do` is "set" (options), "act" (act: see Camera.ACTS) or "stats".
Options with their defaults: OPTIONS. The media are files that camera_media.py makes.
"""
import asyncio
import base64
import collections
import errno
import json
import random
import signal
import socket
import sys
import time

import camera_media
from fault_session import Session
from rtp_packetizer import Sound, payloads

OPTIONS = {
    "address": "127.0.0.1",
    "port": 0,            # 0: one that is free, and not one of those that the kernel hands out, for the camera comes back on it
    "media": None,        # path
    "start": "key",       # where a session begins: at a key frame, or "live", wherever the encoder is
    "position": 0.0,      # seconds into the media when the process starts
    "video": True,        # in the SDP
    "sound": None,        # PCMU, OPUS
    "sprop": True,        # parameter sets in the SDP
    "in_band": True,      # parameter sets in the stream
    "mode": 1,            # packetization-mode
    "auth": None,         # basic, digest
    "user": "viewer", "password": "right",
    "status": {},         # method: status instead of 200
    "location": "",       # of a redirect
    "mute": [],           # methods that are not answered
    "silent": [],         # video, sound, rtcp: nothing of these is sent
    "trickle": False,     # what is sent in a session that plays goes out one byte each 100 ms
    "udp": "ok",          # refused, blocked
    "loss": 0.0,          # of UDP packets
    "max_sessions": 1000,
    "timeout": 60,        # of a session, seconds
    "strict": False,      # a session whose client sends no request for that long is dropped
    "sequence": 0,        # of each first packet
    "base": None,         # of the RTP timestamps; None: random
    "offset": 0.0,        # seconds that the timestamps are off from now on
    "frozen": False,      # the timestamps stand still
}


LATE, MOST_LATE = 0.03, 10000 # s, as in pulse.py: the machine is busy


class Camera:
    ACTS = ("reset", "finish", "garbage", "hang", "wake", "close", "open", "half-frame-reset")

    def __init__(self, name, loop):
        self.name = name
        self.loop = loop
        self.options = dict(OPTIONS)
        self.sessions = set()
        self.connected, self.requests = [], []
        self.media = self.sound = self.server = None
        self.packets = {}
        self.epoch = time.monotonic()
        self.count = 0 # pictures since then
        self.late = collections.deque(maxlen=MOST_LATE) # when pictures were due that left more than LATE later, and when they left, since somebody asked
        self.base = random.getrandbits(32)
        self.frozen_at = None
        self.chance = random.Random(name)

    async def set(self, options):
        unknown = set(options) - set(OPTIONS)
        if unknown:
            raise ValueError(f"unknown options: {', '.join(sorted(unknown))}")
        before = self.options["media"]
        self.options.update(options)
        if "frozen" in options:
            self.frozen_at = self.rtp_time() if options["frozen"] else None
        if self.options["media"] != before:
            now, rtp_time, old = time.monotonic(), self.rtp_time() if self.media else 0, self.media
            self.media = camera_media.load(self.options["media"])
            if old and old.fps != self.media.fps: # pictures and RTP times go on from where they are
                self.epoch = now - self.count / self.media.fps
                self.base += rtp_time - self.rtp_time()
            for session in self.sessions: # goes on with the first key frame of the new one
                session.shift = self.media.keys[0] - self.count - 1
        if options.get("base") is not None:
            self.base += options["base"] - self.rtp_time()
        if {"media", "in_band", "mode"} & set(options):
            self.packets.clear()
        if "sound" in options:
            self.sound = Sound(options["sound"]) if options["sound"] else None
        if "silent" in options and "sound" not in options["silent"]:
            for session in self.sessions:
                session.sound_sent = self.sound_due(session, time.monotonic())

    async def start(self):
        """Begins to listen; again on the same port."""
        wanted = self.options["port"]
        while not self.server:
            port = wanted or random.randrange(10000, 32000)
            try:
                self.server = await self.loop.create_server(lambda: Session(self), self.options["address"], port, backlog=64)
                self.options["port"] = port
            except OSError as e:
                if wanted or e.errno != errno.EADDRINUSE:
                    raise
        return self.options["port"]

    def run(self):
        self.count = int(self.options["position"] * self.media.fps)
        self.epoch = time.monotonic() - self.count / self.media.fps
        self.loop.call_soon(self.tick)

    def taken(self):
        """Sessions that have been set up and not torn down."""
        return [s for s in self.sessions if s.tracks]

    def payload_type(self, kind):
        return self.sound.payload_type if kind == 1 else 96

    def lost(self):
        return self.options["udp"] == "blocked" or self.chance.random() < self.options["loss"]

    def udp_pair(self):
        """RTP on an even port, RTCP on the next."""
        while True:
            rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            rtp.bind((self.options["address"], 0))
            port = rtp.getsockname()[1]
            try:
                if port % 2 == 0:
                    rtcp.bind((self.options["address"], port + 1))
                    for s in (rtp, rtcp):
                        s.setblocking(False)
                        self.loop.add_reader(s.fileno(), lambda s=s: s.recv(2048))
                    return rtp, rtcp
            except OSError:
                pass
            rtp.close()
            rtcp.close()

    def description(self):
        """SDP"""
        def coded(nal):
            return base64.b64encode(nal).decode()

        sets, codec = self.media.parameter_sets(), self.media.codec
        if codec == "H264":
            fmtp = [f"packetization-mode={self.options['mode']}", f"profile-level-id={sets[0][1:4].hex()}"]
            sprop = ["sprop-parameter-sets=" + ",".join(map(coded, sets))]
        else:
            fmtp = []
            sprop = [f"sprop-{k}={coded(n)}" for k, n in zip(("vps", "sps", "pps"), sets)]
        fmtp += sprop if self.options["sprop"] else []
        text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\na=range:npt=now-\r\n"
        if self.options["video"]:
            text += (f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\n" +
                     (f"a=fmtp:96 {';'.join(fmtp)}\r\n" if fmtp else "") + "a=control:track=0\r\n")
        return text + (self.sound.sdp() + "a=control:track=1\r\n" if self.sound else "")

    # Media

    def begin(self, session):
        now = time.monotonic()
        session.playing, session.played_at = True, now
        session.shift = 0
        if self.options["start"] == "key":
            place = (self.count + 1) % len(self.media.units)
            session.shift = max([k for k in self.media.keys if k <= place], default=self.media.keys[0]) - self.count - 1
        session.sound_sent = self.sound_due(session, now)

    def sound_due(self, session, now):
        return int((now - session.played_at) / 0.02)

    def rtp_time(self):
        """Of the picture that is next, without the session's own part."""
        if self.frozen_at is not None:
            return self.frozen_at
        return self.base + round((self.count / self.media.fps + self.options["offset"]) * 90000)

    def packets_of(self, place):
        if place not in self.packets:
            pts, nals = self.media.units[place]
            codec = self.media.codec
            if not self.options["in_band"]:
                nals = [n for n in nals if not camera_media.is_parameter_set(codec, n)]
            self.packets[place] = pts - place, payloads(codec, nals, self.options["mode"])
        return self.packets[place]

    def tick(self):
        now = time.monotonic()
        due = self.epoch + (self.count + 1) / self.media.fps
        if due + LATE < now:
            self.late.append((due, now))
        while self.epoch + (self.count + 1) / self.media.fps <= now:
            self.count += 1
            for session in list(self.sessions):
                if session.playing and "video" not in self.options["silent"]:
                    later, packets = self.packets_of((self.count + session.shift) % len(self.media.units))
                    session.send(0, packets, self.rtp_time() + round(later * 90000 / self.media.fps))
        for session in list(self.sessions):
            if session.playing:
                self.play_sound(session, now)
                for kind in session.tracks if "rtcp" not in self.options["silent"] else ():
                    session.report(kind, now)
            if self.options["strict"] and now - session.heard > self.options["timeout"]:
                session.transport.close()
        self.loop.call_at(self.loop.time() + self.epoch + (self.count + 1) / self.media.fps - now, self.tick)

    def play_sound(self, session, now):
        if not self.sound or "sound" in self.options["silent"]:
            return
        due = self.sound_due(session, now)
        for n in range(session.sound_sent, due):
            session.send(1, [self.sound.payload], self.base + n * self.sound.samples)
        session.sound_sent = due

    # Trouble

    async def act(self, what):
        if what == "open":
            await self.start()
        elif what == "close" and self.server:
            self.server.close()
            self.server = None
        for session in list(self.sessions):
            if what == "half-frame-reset": # 500 of 1000 bytes that were promised
                session.write(b"$\x00\x03\xe8" + b"\x80" * 500)
            if what in ("reset", "half-frame-reset", "close"):
                session.reset()
            elif what == "finish":
                session.transport.close()
            elif what == "garbage":
                session.write(self.chance.randbytes(400).replace(b"$", b"\0"))
            elif what == "hang":
                session.hung = True
            elif what == "wake":
                session.wake()

    def stats(self):
        late = list(self.late)
        self.late.clear()
        return {"late": late, "connected": self.connected, "requests": self.requests, "sessions": len(self.sessions),
                "playing": sum(s.playing for s in self.sessions), "hung": sum(s.hung for s in self.sessions),
                "udp": sum(bool(t.udp) for s in self.sessions for t in s.tracks.values())}


async def serve(cameras):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        camera, answer = cameras[command["camera"]], {}
        try:
            if command["do"] == "set":
                await camera.set(command["options"])
            elif command["do"] == "act" and command["act"] in Camera.ACTS:
                await camera.act(command["act"])
            elif command["do"] == "stats":
                answer = camera.stats()
            else:
                raise ValueError(f"what is {line}?")
        except Exception as e:  # pylint: disable=broad-except
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps({"at": time.monotonic(), **answer}), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    cameras = {name: Camera(name, loop) for name in json.loads(sys.argv[1])}
    for name, options in json.loads(sys.argv[1]).items():
        await cameras[name].set(options)
        await cameras[name].start()
        cameras[name].run()
    print(json.dumps({"ready": {n: c.options["port"] for n, c in cameras.items()}, "at": time.monotonic()}), flush=True)
    await serve(cameras)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
