# SPDX-License-Identifier: LGPL-2.1-or-later
"""One RTSP connection of the fault camera: its requests, its transports, and what goes wrong with them."""
import asyncio
import hashlib
import random
import re
import socket
import struct
import time

from rtp_packetizer import sender_report

# '$', channel, length, then the RTP header: version, marker and payload type, sequence number, time, SSRC.
INTERLEAVED = struct.Struct(">cBHBBHII")
RTP = struct.Struct(">BBHII")
MOST_UNSENT = 1 << 20 # bytes towards a client that does not read; a camera drops the rest
REASONS = {200: "OK", 301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 453: "Not Enough Bandwidth", 454: "Session Not Found",
           461: "Unsupported Transport", 500: "Internal Server Error", 503: "Service Unavailable"}


class Track:
    """One stream of a session: number, sequence and byte counts; where it is sent."""

    def __init__(self, payload_type, seed):
        self.payload_type = payload_type
        self.ssrc = random.getrandbits(32)
        self.sequence = seed & 0xffff
        self.packets = self.size = 0
        self.channel = None # interleaved
        self.udp = None     # (RTP socket, RTCP socket, address of the client's RTP, of its RTCP)
        self.reported = 0.0
        self.time = 0


class Session(asyncio.Protocol):
    def __init__(self, camera):
        self.camera = camera
        self.tracks = {}
        self.playing = self.hung = False
        self.shift = 0      # this session's place in the media, relative to the camera's count of pictures
        self.sound_sent = 0 # packets since PLAY
        self.played_at = 0.0
        self.data = b""
        self.late = []      # what a session that hangs has not sent or not answered
        self.trickled = b"" # what goes out one byte at a time
        self.id = f"{random.getrandbits(48):012x}"
        self.heard = time.monotonic()

    # The connection

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.camera.sessions.add(self)
        self.camera.connected.append(time.monotonic())

    def connection_lost(self, error):
        self.camera.sessions.discard(self)
        self.playing = False
        for track in self.tracks.values():
            for s in (track.udp or ())[:2]:
                self.camera.loop.remove_reader(s.fileno())
                s.close()
            track.udp = None

    def data_received(self, data):
        self.data += data
        while self.data:
            if self.data[:1] == b"$": # the client's RTCP
                if len(self.data) < 4:
                    return
                length = 4 + int.from_bytes(self.data[2:4], "big")
                if len(self.data) < length:
                    return
                self.data = self.data[length:]
                continue
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            text = head.decode(errors="replace")
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*?)\r?$", text, re.M))
            fields = {name.lower(): value for name, value in fields.items()}
            body = int(fields.get("content-length", "0"))
            if len(rest) < body:
                return
            self.data = rest[body:]
            self.heard = time.monotonic()
            self.request(text.split(" ", 2), fields)

    def write(self, data):
        if self.transport.is_closing():
            return
        if self.hung:
            if sum(map(len, self.late)) < MOST_UNSENT:
                self.late.append(data)
        elif self.camera.options["trickle"] and self.playing:
            if not self.trickled:
                self.camera.loop.call_later(0.1, self.trickle)
            self.trickled = (self.trickled + data)[:MOST_UNSENT]
        elif self.transport.get_write_buffer_size() < MOST_UNSENT:
            self.transport.write(data)

    def trickle(self):
        rest, self.trickled = self.trickled, b""
        if not self.camera.options["trickle"]:
            self.write(rest)
        elif not self.transport.is_closing():
            self.transport.write(rest[:1])
            self.trickled = rest[1:]
            self.camera.loop.call_later(0.1, self.trickle)

    def reset(self):
        """A RST instead of a FIN."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def wake(self):
        self.hung = False
        late, self.late = self.late, []
        if not self.transport.is_closing():
            for data in late:
                self.write(data)

    # RTSP

    def reply(self, status, cseq, fields="", body=""):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.write(f"RTSP/1.0 {status} {REASONS[status]}\r\nCSeq: {cseq}\r\n{fields}{length}\r\n{body}".encode())

    def request(self, line, fields):
        method, uri = line[0], line[1] if len(line) > 1 else ""
        options, cseq = self.camera.options, fields.get("cseq", "0")
        self.camera.requests.append((time.monotonic(), method))
        if method in options["mute"]:
            return
        if not self.authorized(method, fields.get("authorization", "")):
            challenge = 'Digest realm="camera", nonce="6e6f6e6365"' if options["auth"] == "digest" else 'Basic realm="camera"'
            return self.reply(401, cseq, f"WWW-Authenticate: {challenge}\r\n")
        status = options["status"].get(method, 200)
        if method == "SETUP" and not self.tracks and len(self.camera.taken()) >= options["max_sessions"]:
            status = 453
        if status != 200:
            return self.reply(status, cseq, f"Location: {options['location']}\r\n" if status in (301, 302) else "")
        session = f"Session: {self.id};timeout={options['timeout']}\r\n"
        if method == "OPTIONS":
            self.reply(200, cseq, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER\r\n")
        elif method == "DESCRIBE":
            self.reply(200, cseq, f"Content-Base: {uri.rstrip('/')}/\r\nContent-Type: application/sdp\r\n",
                       self.camera.description())
        elif method == "SETUP":
            self.set_up(cseq, uri, fields.get("transport", ""), session)
        elif method == "PLAY":
            self.reply(200, cseq, session + "Range: npt=now-\r\n")
            self.camera.begin(self)
        elif method == "TEARDOWN":
            self.playing = False
            self.reply(200, cseq, session)
            self.tracks.clear()
        else: # GET_PARAMETER and the like: the client says that it is there
            self.reply(200, cseq, session)

    def authorized(self, method, given):
        options = self.camera.options
        if not options["auth"]:
            return True
        user, password = options["user"], options["password"]
        if options["auth"] == "basic":
            import base64 # pylint: disable=import-outside-toplevel
            return given == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', given.removeprefix("Digest ")))

        def md5(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        return said.get("username") == user and said.get("response") == md5(
            md5(user, "camera", password), "6e6f6e6365", md5(method, said.get("uri", "")))

    def set_up(self, cseq, uri, transport, session):
        kind = 1 if uri.endswith("track=1") else 0
        track = Track(self.camera.payload_type(kind), self.camera.options["sequence"])
        interleaved, ports = re.search(r"interleaved=(\d+)-", transport), re.search(r"client_port=(\d+)-(\d+)", transport)
        if interleaved and "TCP" in transport:
            track.channel = int(interleaved[1])
            told = f"RTP/AVP/TCP;unicast;interleaved={track.channel}-{track.channel + 1};ssrc={track.ssrc:08X}"
        elif ports and self.camera.options["udp"] != "refused":
            host = self.transport.get_extra_info("peername")[0]
            rtp, rtcp = self.camera.udp_pair()
            track.udp = rtp, rtcp, (host, int(ports[1])), (host, int(ports[2]))
            told = (f"RTP/AVP;unicast;client_port={ports[1]}-{ports[2]};server_port={rtp.getsockname()[1]}-"
                    f"{rtcp.getsockname()[1]};ssrc={track.ssrc:08X}")
        else:
            return self.reply(461, cseq)
        self.tracks[kind] = track
        return self.reply(200, cseq, session + f"Transport: {told}\r\n")

    # Media

    def send(self, kind, packets, rtp_time):
        """The packets of one access unit or of sound; the last one has the marker."""
        track = self.tracks.get(kind)
        if not track:
            return
        last, out = len(packets) - 1, []
        track.time = rtp_time & 0xffffffff
        for i, payload in enumerate(packets):
            second = track.payload_type | (0x80 if i == last and kind == 0 else 0)
            sequence, track.sequence = track.sequence, track.sequence + 1 & 0xffff
            track.packets += 1
            track.size += len(payload)
            if track.channel is None:
                self.send_udp(track, 0, RTP.pack(0x80, second, sequence, track.time, track.ssrc) + payload)
            else:
                out += (INTERLEAVED.pack(b"$", track.channel, 12 + len(payload), 0x80, second, sequence, track.time,
                                         track.ssrc), payload)
        if out:
            self.write(b"".join(out))

    def send_udp(self, track, which, packet):
        if not track.udp or self.hung or self.camera.lost():
            return
        try:
            track.udp[which].sendto(packet, track.udp[2 + which])
        except OSError: # its buffer is full, or nobody listens there any more
            pass

    def report(self, kind, now):
        track = self.tracks.get(kind)
        if not track or now - track.reported < 5:
            return
        track.reported = now
        packet = sender_report(track.ssrc, track.time, track.packets, track.size)
        if track.channel is None:
            self.send_udp(track, 1, packet)
        else:
            self.write(struct.pack(">cBH", b"$", track.channel + 1, len(packet)) + packet)
