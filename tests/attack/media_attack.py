#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""WebRTC: somebody between, offers that point elsewhere, and how much a viewer can make the server send to a place of its
choice. The server is reached over loopback, so loopback is the viewer's own machine here; where a viewer is elsewhere and
names loopback is in tests/unit/webrtc_remote_candidate_test.cpp."""
import json
import re
import socket
import struct
import time

from attack import ADMIN, SLUICE, AttackSuite, launcher, request, small_camera
from api import OFFER, watching # found through attack
from fault_viewers import Viewers
from harness import PASSWORD, Process, free_port, until

suite = AttackSuite()
table = suite.table
T = None
SDP = {"Authorization": ADMIN, "Content-Type": "application/sdp"}
FRAGMENT = {"Authorization": ADMIN, "Content-Type": "application/trickle-ice-sdpfrag"}
PACKETS = 8 * 8 # to one candidate: 7 tries at most, from each address of this machine


def begin():
    global T # pylint: disable=global-statement
    if not T:
        T = launcher(suite, camera=small_camera(suite))
        until(lambda: json.loads(request(T.port, "GET", "/api/v1/cameras/front", {"Authorization": ADMIN}).body)
              ["state"] == "streaming", 20, "the camera streams")


def post(sdp, seconds=10):
    return request(T.port, "POST", "/whep/front", SDP, sdp, seconds=seconds)


def leave(answer):
    if answer.status == 201:
        request(T.port, "DELETE", "/whep/" + answer.field("Location"), {"Authorization": ADMIN})


@suite.case
def another_certificate_than_the_offer_says():
    """As if somebody between had answered for the viewer: ICE and DTLS come to an end, media does not begin."""
    begin()
    viewers = suite.keep(Viewers(T))
    honest = viewers.join("honest", camera="front")
    forged = viewers.begin("forged", camera="front", forged=True)
    forged.wait(lambda: forged.closed or forged.refused, 20, "the forged one is closed")
    table.line("the session", "closed, with the reason", str(forged.closed[1] if forged.closed else forged.refused),
               bool(forged.closed) and "certificate" in forged.closed[1])
    time.sleep(1)
    table.line("pictures to the wrong certificate", "none", str(len(forged.pictures)), not forged.pictures)
    gap = honest.gap(forged.closed[0] - 1)
    table.line("the honest viewer beside it", "plays", f"{len(honest.pictures)} pictures, gap {gap:.2f} s",
               len(honest.pictures) > 5 and gap < 1)
    viewers.leave("honest")


class Place:
    """A UDP socket somewhere; it counts what comes, and whether anything but STUN was among it."""

    def __init__(self, address="127.0.0.1", port=0):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((address, port))
        self.s.setblocking(False)
        self.port = self.s.getsockname()[1]
        self.count = self.bytes = self.other = 0

    def take(self):
        try:
            while True:
                data = self.s.recv(65536)
                self.count, self.bytes = self.count + 1, self.bytes + len(data)
                self.other += not (len(data) >= 20 and data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42")
        except BlockingIOError:
            pass
        return self.count


def candidate(address, port, transport="udp", more="", number=1):
    return f"candidate:{number} 1 {transport} 2130706431 {address} {port} typ host{more}"


def offer_with(candidates):
    return OFFER + b"".join(b"a=" + c.encode() + b"\r\n" for c in candidates)


def watch(places, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for place in places:
            place.take()
        time.sleep(0.05)


@suite.case
def checks_are_bounded():
    """One offer of 2 KB, 32 candidates of one machine in it and 32 by PATCH, and what is sent there for it."""
    begin()
    places = [Place() for _ in range(80)]
    listed = [candidate("127.0.0.1", p.port, number=i) for i, p in enumerate(places)]
    answer = post(offer_with(listed[:40]))
    table.equal("an offer with 40 candidates", 201, answer.status)
    where = "/whep/" + answer.field("Location")
    for i in range(40, 80, 10):
        request(T.port, "PATCH", where, FRAGMENT, "".join(f"a={c}\r\n" for c in listed[i:i + 10]).encode())
    watch(places, 12)
    leave(answer)
    reached = sum(1 for p in places if p.count)
    most, all_bytes = max(p.count for p in places), sum(p.bytes for p in places)
    table.line("candidates that are tried", "at most 64 of 80", str(reached), 0 < reached <= 64)
    table.line("packets to one of them", f"at most {PACKETS}", f"{most}, {sum(p.count for p in places)} to all, {all_bytes} bytes",
               most <= PACKETS)
    table.line("other packets than STUN", "none", str(sum(p.other for p in places)), not any(p.other for p in places))
    before = sum(p.take() for p in places)
    watch(places, 2)
    table.line("when the session has ended", "nothing more", str(sum(p.take() for p in places) - before),
               sum(p.take() for p in places) == before)


@suite.case
def places_where_no_viewer_is():
    """Names, groups, broadcast, TCP ports: a listener at each sees nothing."""
    begin()
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    tcp.listen(50)
    tcp.setblocking(False)
    port = tcp.getsockname()[1]
    group = Place("0.0.0.0")
    group.s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton("239.1.2.3"),
                                                                                socket.inet_aton("127.0.0.1")))
    listed = [candidate("239.1.2.3", group.port), candidate("0.0.0.0", group.port), candidate("255.255.255.255", group.port),
              candidate("127.0.0.1", port, "tcp", " tcptype passive"), candidate("127.0.0.1", port, "tcp", " tcptype so"),
              candidate("127.0.0.1", port, "tcp"), candidate("127.0.0.1", port, "tcp", " tcptype active tcptype passive"),
              candidate("localhost", group.port), candidate("nobody.local", group.port), candidate("cameras.example", 9),
              candidate("127.0.0.1", 0), candidate("127.0.0.1", 70000), candidate("127.0.0.1", -1),
              candidate("1.2.3.4.5", 9), candidate("::ffff:224.0.0.1", group.port), candidate("", 9), "candidate:",
              "candidate:" + "9" * 5000, candidate("127.0.0.1", 9, number=99999999999999999999),
              candidate("127.0.0.1", 9).replace("2130706431", "99999999999999999999")]
    answers = [post(offer_with(listed)), post(OFFER + b"".join(b"  \ta=" + c.encode() + b"\r\n" for c in listed)),
               post(OFFER)]
    for answer in answers:
        if answer.status == 201:
            request(T.port, "PATCH", "/whep/" + answer.field("Location"), FRAGMENT, "".join(f"a={c}\r\n" for c in listed).encode())
    watch([group], 4)
    try:
        tcp.accept()
        connected = True
    except BlockingIOError:
        connected = False
    table.line("offers with them", "201 or refused", str([a.status for a in answers]),
               all(a.status in (201, 400) for a in answers) and answers[2].status == 201)
    table.line("packets to a group, 0.0.0.0, localhost", "none", str(group.count), group.count == 0)
    table.line("connections to a TCP port", "none", "one" if connected else "none", not connected)
    for answer in answers:
        leave(answer)


@suite.case
def tcp_candidates_with_ice_over_tcp():
    """With ice-tcp on we wait for connections, and make none."""
    begin()
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    tcp.listen(50)
    tcp.setblocking(False)
    described = json.loads(T.config.read_text())
    described["server"].update(port=free_port(), state=f"{T.state}-tcp", webrtc={"ice-tcp": True})
    config = T.config.with_name("ice-tcp.json")
    config.write_text(json.dumps(described))
    port = described["server"]["port"]
    again = suite.keep(Process([SLUICE, "run", config], suite.directory, "ice-tcp", {"SLUICE_ADMIN_PASSWORD": PASSWORD}))
    answer = until(lambda: (lambda a: a.status == 201 and a)(request(port, "POST", "/whep/front", SDP, offer_with(
        [candidate("127.0.0.1", tcp.getsockname()[1], "tcp", more) for more in
         (" tcptype passive", " tcptype so", "", " tcptype active tcptype passive")]))), 20, "a session with ice-tcp")
    table.line("the answer offers TCP", "yes", str(" tcp " in answer.body.decode().lower()), " tcp " in answer.body.decode().lower())
    time.sleep(3)
    try:
        tcp.accept()
        connected = True
    except BlockingIOError:
        connected = False
    table.line("connections to the viewer's TCP ports", "none", "one" if connected else "none", not connected)
    suite.close(again)


def changed(start, line):
    """The offer with another line; b"": without it."""
    text = re.sub(rb"(?m)^" + re.escape(start) + rb"[^\r]*\r\n", line + b"\r\n" if line else b"", OFFER)
    assert text != OFFER
    return text


@suite.case
def absurd_offers():
    """Refused with one clear error or answered; never a crash, and never slow."""
    begin()
    prints = b"a=fingerprint:sha-256 " + b":".join([b"BB"] * 32)
    audio = (b"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=setup:actpass\r\n"
             b"a=ice-ufrag:zzzz\r\na=ice-pwd:zzzzzzzzzzzzzzzzzzzzzzzz\r\n" + prints + b"\r\n")
    offers = {
        "empty": b"", "zeros": bytes(1000), "noise": bytes(range(256)) * 20, "no ufrag": changed(b"a=ice-ufrag", b""),
        "an empty ufrag": changed(b"a=ice-ufrag", b"a=ice-ufrag:"), "a ufrag of 50 KB": changed(b"a=ice-ufrag", b"a=ice-ufrag:" + b"u" * 50000),
        "a ufrag with blanks": changed(b"a=ice-ufrag", b"a=ice-ufrag:a b\tc"), "a ufrag of one letter": changed(b"a=ice-ufrag", b"a=ice-ufrag:a"),
        "a password of 50 KB": changed(b"a=ice-pwd", b"a=ice-pwd:" + b"p" * 50000), "a short password": changed(b"a=ice-pwd", b"a=ice-pwd:x"),
        "no fingerprint": changed(b"a=fingerprint", b""), "a fingerprint by MD5": changed(b"a=fingerprint", b"a=fingerprint:md5 " + b":".join([b"AA"] * 16)),
        "a fingerprint by SHA-1": changed(b"a=fingerprint", b"a=fingerprint:sha-1 " + b":".join([b"AA"] * 20)),
        "a fingerprint cut short": changed(b"a=fingerprint", b"a=fingerprint:sha-256 AA:AA"),
        "a fingerprint of letters": changed(b"a=fingerprint", b"a=fingerprint:sha-256 " + b":".join([b"ZZ"] * 32)),
        "500 fingerprints": OFFER + (prints + b"\r\n") * 500, "two fingerprints, unlike": OFFER + prints + b"\r\n",
        "another fingerprint for sound": OFFER.replace(b"BUNDLE 0", b"BUNDLE 0 1") + audio,
        "setup: passive": changed(b"a=setup", b"a=setup:passive"), "setup: holdconn": changed(b"a=setup", b"a=setup:holdconn"),
        "setup: nonsense": changed(b"a=setup", b"a=setup:\xff\xfe"), "no rtcp-mux": changed(b"a=rtcp-mux", b""), "no mid": changed(b"a=mid", b""),
        "a mid of 10 KB": changed(b"a=mid", b"a=mid:" + b"m" * 10000), "no BUNDLE": changed(b"a=group", b""),
        "a BUNDLE of others": changed(b"a=group", b"a=group:BUNDLE 7 8 9"), "200 m-lines": OFFER + b"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 200,
        "two pictures": OFFER + OFFER[OFFER.index(b"m=video"):], "a data channel": OFFER + b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n",
        "plain RTP": OFFER.replace(b"UDP/TLS/RTP/SAVPF", b"RTP/AVP"), "SDES keys": OFFER.replace(b"UDP/TLS/RTP/SAVPF", b"RTP/SAVP") + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"\r\n",
        "payload type 999": OFFER.replace(b"102", b"999"), "500 payload types": OFFER.replace(b"SAVPF 102", b"SAVPF 102 " + b" ".join(b"%d" % i for i in range(500))),
        "an fmtp of 50 KB": changed(b"a=fmtp", b"a=fmtp:102 packetization-mode=1;x=" + b"y" * 50000), "an fmtp of nonsense": changed(b"a=fmtp", b"a=fmtp:102 ;;;===;packetization-mode=\xff"),
        "a version of 10^30": OFFER.replace(b"o=- 1 1", b"o=- " + b"9" * 30 + b" 1"), "port 99999": OFFER.replace(b"m=video 9", b"m=video 99999"),
        "20,000 attributes": OFFER + b"a=x\r\n" * 12000, "no line ends": OFFER.replace(b"\r\n", b" "), "only LF": OFFER.replace(b"\r\n", b"\n"),
        "an answer instead": changed(b"a=setup", b"a=setup:active"), "simulcast": OFFER + b"a=rid:1 recv\r\na=simulcast:recv 1\r\n",
        "extensions without end": OFFER + b"".join(b"a=extmap:%d urn:x-%d\r\n" % (i, i) for i in range(1, 900)),
    }
    for name, offer in offers.items():
        answer = post(offer)
        said = json.loads(answer.body).get("detail", "") if answer.status >= 400 and answer.body.startswith(b"{") else ""
        table.line(name, "201 or one clear error, < 3 s", f"{answer.status} {answer.took:.1f} s {said[:70]}",
                   answer.status in (201, 400, 406, 413) and answer.took < 3 and (answer.status == 201 or bool(said)))
        # Whatever protocol the offer names (RFC 8829 section 5.1.2): keys come by DTLS, and by nothing else.
        if answer.status == 201 and (b"a=fingerprint:sha-" not in answer.body or b"a=crypto" in answer.body):
            table.line(f"{name}: keys", "by DTLS", "not", False)
        leave(answer)
    must = {"no fingerprint", "a fingerprint by MD5", "a fingerprint by SHA-1", "a fingerprint cut short", "a fingerprint of letters",
            "an empty ufrag", "a ufrag of 50 KB", "a ufrag with blanks", "a ufrag of one letter", "a password of 50 KB",
            "a short password"}
    for case, _, got, _ in [line for line in table.lines if line[0] in must]:
        table.line(f"refused: {case}", "not 201", got[:3], not got.startswith("201"))
    assert T.running(), "the launcher has ended"
    until(lambda: not watching(T), 40, "no session is left")
    bad = [line for line in T.output().splitlines() if "assertion" in line or "CRITICAL" in line]
    table.line("failed assertions", "none", bad[0] if bad else "none", not bad)


if __name__ == "__main__":
    raise SystemExit(suite.main())
