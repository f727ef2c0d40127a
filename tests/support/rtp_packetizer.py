# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTP payloads of H.264 (RFC 6184) and H.265 (RFC 7798), sound as simple as it gets, and RTCP sender reports."""
import math
import struct
import time

MTU = 1200
NTP_UNIX = 2208988800


def payloads(codec, nals, mode=1, mtu=MTU):
    """The payloads of one access unit. mode 0: one packet per NAL unit, which must fit (RFC 6184, 5.4)."""
    if mode == 0:
        return list(nals)
    out, small = [], []

    def flush():
        if len(small) == 1:
            out.append(small[0])
        elif small:
            out.append(aggregate(codec, small))
        small.clear()

    for nal in nals:
        if len(nal) + sum(len(n) + 2 for n in small) + 4 > mtu:
            flush()
        if len(nal) > mtu:
            out.extend(fragments(codec, nal, mtu))
        else:
            small.append(nal)
    flush()
    return out


def aggregate(codec, nals):
    """STAP-A, or AP of H.265."""
    body = b"".join(struct.pack(">H", len(n)) + n for n in nals)
    if codec == "H264":
        return bytes([max(n[0] & 0x60 for n in nals) | 24]) + body
    return bytes([48 << 1, 1]) + body


def fragments(codec, nal, mtu):
    """FU-A, or FU of H.265."""
    if codec == "H264":
        head, kind, rest = bytes([nal[0] & 0xe0 | 28]), nal[0] & 0x1f, nal[1:]
    else:
        head, kind, rest = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 0x3f, nal[2:]
    room = mtu - len(head) - 1
    parts = [rest[i:i + room] for i in range(0, len(rest), room)]
    return [head + bytes([kind | (0x80 if i == 0 else 0) | (0x40 if i == len(parts) - 1 else 0)]) + part
            for i, part in enumerate(parts)]


def _ulaw(sample):
    sign, value = (0x80, -sample) if sample < 0 else (0, sample)
    value = min(value, 32635) + 132
    exponent = value.bit_length() - 8
    return ~(sign | exponent << 4 | value >> exponent + 3 & 0x0f) & 0xff


class Sound:
    """20 ms a packet: a tone as PCMU, silence as Opus."""

    def __init__(self, codec):
        self.codec = codec
        self.payload_type, self.rate, self.samples, self.map = {
            "PCMU": (0, 8000, 160, "PCMU/8000"), "OPUS": (97, 48000, 960, "OPUS/48000/2")}[codec]
        if codec == "PCMU": # 400 Hz: eight whole waves a packet
            self.payload = bytes(_ulaw(int(8000 * math.sin(2 * math.pi * 400 * i / 8000))) for i in range(160))
        else:
            self.payload = b"\xfc\xff\xfe"

    def sdp(self):
        return f"m=audio 0 RTP/AVP {self.payload_type}\r\na=rtpmap:{self.payload_type} {self.map}\r\n"


def sender_report(ssrc, rtp_time, packets, size, name=b"camera"):
    """With an SDES, as a compound has to have."""
    now = time.time()
    ntp = int((now + NTP_UNIX) * (1 << 32)) & (1 << 64) - 1
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp, rtp_time, packets & 0xffffffff, size & 0xffffffff)
    item = bytes([1, len(name)]) + name
    item += b"\0" * (4 - len(item) % 4)
    return report + struct.pack(">BBHI", 0x81, 202, 1 + len(item) // 4, ssrc) + item
