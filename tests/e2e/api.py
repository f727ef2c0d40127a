# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of a running launcher ask its API, and how they change its cameras."""
import json
import signal
import struct

from harness import PASSWORD, until

JSON = {"Content-Type": "application/json"}
NOWHERE = {"streams": {"main": {"url": "rtsp://127.0.0.1:1/x"}}}
OFFER = (b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
         b"m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n"
         b"a=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
         b"a=fingerprint:sha-256 " + b":".join([b"AA"] * 32) + b"\r\na=rtpmap:102 H264/90000\r\n"
         b"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n")


def equal(found, wanted, what=""):
    assert found == wanted, f"{what}: found {found!r}, wanted {wanted!r}"


def contains(text, part):
    assert part in text, f"{part!r} is not in: {text}"


def put(s, name, description, headers=None, auth=("admin", PASSWORD)):
    body = description if isinstance(description, bytes) else json.dumps(description).encode()
    return s.get(f"/api/v1/cameras/{name}", method="PUT", body=body, headers={**JSON, **(headers or {})}, auth=auth)


def delete(s, name, headers=None):
    return s.get(f"/api/v1/cameras/{name}", method="DELETE", headers=headers)


def cameras(s):
    status, _, body = s.get("/api/v1/cameras")
    assert status == 200, (status, body)
    return {c["name"]: c for c in json.loads(body)["cameras"]}


def rewrite(s, change):
    """The file, after change() of what it says."""
    config = json.loads(s.config.read_text())
    change(config)
    s.config.write_text(json.dumps(config))


def hup(s, answer="reloaded: "):
    s.news()
    s.send(signal.SIGHUP)
    said = []

    def told():
        said.append(s.news())
        return answer in "".join(said)

    until(told, 10, answer)
    return "".join(said)


def join(s, name="front", auth=("admin", PASSWORD), headers=None):
    status, fields, body = s.get(f"/whep/{name}", method="POST", body=OFFER, auth=auth,
                                 headers={"Content-Type": "application/sdp", **(headers or {})})
    equal(status, 201, body)
    return fields["Location"].split("/")[-1]


def watching(s):
    return {v["id"] for v in json.loads(s.get("/api/v1/viewers")[2])["viewers"]}


def log_in(s, user="admin", password=PASSWORD):
    status, fields, body = s.get("/api/v1/login", auth=None, method="POST", headers=JSON,
                                 body=json.dumps({"user": user, "password": password}).encode())
    equal(status, 200, body)
    return {"Cookie": fields["Set-Cookie"].split(";")[0]}


def jpeg_size(jpeg):
    """(width, height) as the JPEG's frame header says (ITU-T T.81, B.2.2)."""
    assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9", jpeg[:16]
    at = 2
    while True:
        marker, length = struct.unpack("!HH", jpeg[at:at + 4])
        if marker in (0xffc0, 0xffc1, 0xffc2):
            height, width = struct.unpack("!HH", jpeg[at + 5:at + 9])
            return width, height
        at += 2 + length
