#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An RTSP server that misbehaves in one chosen way, for tests of what the launcher says about cameras.

    scripted_rtsp.py MODE    prints its port, serves until its standard input is closed

MODE: hang           accepts the connection and never answers
      hang-describe  answers OPTIONS, never DESCRIBE
      denied         401 to everything, Basic
      forbidden      403
      not-found      404 to DESCRIBE
      broken-sdp     DESCRIBE answers with something that is no SDP
      empty-sdp      an SDP without any media
      no-video       an SDP with audio only
      unknown-codec  an SDP with a video codec that cannot be passed on
      silent         answers everything, PLAY too, and sends no packet
      close          answers PLAY and closes the connection
      garbage        answers with random bytes
"""

import socket
import sys
import threading

SDP_HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=scripted\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
H264 = ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtkAoAi0IAAAAwAgAAAHgeLFzkA=,aMuDyyA=\r\n"
        "a=control:trackID=0\r\n")
AUDIO = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:trackID=1\r\n"
MPEG4 = "m=video 0 RTP/AVP 98\r\na=rtpmap:98 MP4V-ES/90000\r\na=fmtp:98 profile-level-id=1\r\na=control:trackID=0\r\n"

SDP = {
    "broken-sdp": "<html>this is not what you are looking for</html>\r\n",
    "empty-sdp": SDP_HEAD,
    "no-video": SDP_HEAD + AUDIO,
    "unknown-codec": SDP_HEAD + MPEG4,
}


def answer(request, cseq, mode):
    method = request.split(" ", 1)[0]

    def reply(status, headers="", body=""):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{headers}{length}\r\n{body}".encode()

    if mode == "denied":
        return reply("401 Unauthorized", 'WWW-Authenticate: Basic realm="scripted"\r\n')
    if mode == "forbidden":
        return reply("403 Forbidden")
    if method == "OPTIONS":
        return reply("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n")
    if method == "DESCRIBE":
        if mode == "hang-describe":
            return None
        if mode == "not-found":
            return reply("404 Not Found")
        return reply("200 OK", "Content-Type: application/sdp\r\n", SDP.get(mode, SDP_HEAD + H264))
    if method == "SETUP":
        return reply("200 OK", "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
    return reply("200 OK", "Session: 1\r\n")


def serve(connection, mode):
    data = b""
    with connection:
        while True:
            try:
                block = connection.recv(65536)
            except OSError:
                return
            if not block:
                return
            if mode == "hang":
                continue
            if mode == "garbage":
                connection.sendall(b"\x00\xff\r\n\r\nnot rtsp at all\r\n\r\n" * 20)
                return
            data += block
            while b"\r\n\r\n" in data:
                head, data = data.split(b"\r\n\r\n", 1)
                text = head.decode(errors="replace")
                if not text[:1].isalpha():
                    continue  # interleaved RTCP
                fields = {}
                for line in text.split("\r\n")[1:]:
                    name, _, value = line.partition(":")
                    fields[name.strip().lower()] = value.strip()
                reply = answer(text, fields.get("cseq", "0"), mode)
                if reply:
                    try:
                        connection.sendall(reply)
                    except OSError:
                        return
                if mode == "close" and text.startswith("PLAY"):
                    return


def accept(listener, mode):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, mode), daemon=True).start()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: scripted_rtsp.py MODE")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(listener, sys.argv[1]), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
