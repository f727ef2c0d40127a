// SPDX-License-Identifier: LGPL-2.1-or-later
// What sluice doctor makes of ICE, paths and RTP, and how it counts the latter.
#include "launcher/doctor/diagnose.hpp"
#include "launcher/doctor/receiver.hpp"
#include "launcher/doctor/rtp_watch.hpp"
#include "launcher/doctor/stun_message.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::doctor;

namespace {

using Bytes = std::vector<uint8_t>;

void expect(const Finding& found, Mark mark, Cause cause) {
    EXPECT_EQ(found.mark, mark) << found.detail;
    EXPECT_EQ(found.cause, cause) << found.detail << ": " << cause_info(found.cause).id;
}

const IceCandidate ours{"10.0.0.2", 4000, "host", "udp"}, theirs{"10.0.0.1", 5000, "host", "udp"},
    theirs_tcp{"10.0.0.1", 5001, "host", "tcp"};

AddressProbe probe(bool answered, bool is_server, std::optional<TcpError> tcp) {
    return {.candidate = theirs, .answered = answered, .is_server = is_server, .tcp = tcp};
}

PathFacts path(unsigned passes, unsigned signalled = 0, bool cut = false) {
    PathFacts f{.probed = true, .interface_name = "wg0", .interface_mtu = 1420, .signalled = signalled};
    for (const unsigned size : {300u, 576u, 1000u, 1180u, 1232u, 1400u, 1500u})
        f.probes.push_back(
            {.size = size, .answered = size <= passes, .too_large = size > 1420 || (signalled && size > signalled)});
    if (passes < 1500)
        f.probes.push_back({.size = 1500, .dont_fragment = false, .answered = cut});
    return f;
}

RtpFacts stream() {
    return {.packets = 1000, .bytes = 1'000'000, .largest = 1192, .large_received = 800, .frames = 250, .seconds = 10};
}

// RTP by hand (RFC 3550 section 5.1).
Bytes packet(uint16_t seq, uint32_t timestamp, bool marker, Bytes payload, uint32_t ssrc = 7) {
    Bytes out{0x80, static_cast<uint8_t>((marker ? 0x80 : 0) | 96)};
    for (const int shift : {8, 0})
        out.push_back(static_cast<uint8_t>(seq >> shift));
    for (const uint32_t word : {timestamp, ssrc})
        for (const int shift : {24, 16, 8, 0})
            out.push_back(static_cast<uint8_t>(word >> shift));
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}
const Bytes idr{0x65, 1, 2}, delta{0x41, 1, 2}, idr_begins{0x7c, 0x85, 1}, idr_goes_on{0x7c, 0x05, 2},
    idr_ends{0x7c, 0x45, 3};
constexpr int64_t frame_us = 40'000;

class Stream {
public:
    RtpWatch watch{90000};
    uint16_t seq = 65'530; // wraps at once
    int64_t now = 1'000'000;
    void send(const Bytes& payload, bool marker = true) {
        watch.take(packet(seq++, static_cast<uint32_t>(now * 9 / 100), marker, payload), now);
    }
    void frames(int count) {
        for (int i = 0; i < count; i++, now += frame_us)
            send(delta);
    }
};

} // namespace

TEST(DoctorIce, Pairs) {
    IceFacts f{.connected = true, .remote = {theirs, theirs_tcp}, .pair = std::pair(ours, theirs)};
    expect(diagnose_ice(f), Mark::ok, Cause::none);
    f.pair = std::pair(IceCandidate{"10.0.0.2", 0, "host", "tcp"}, theirs_tcp);
    f.probes = {probe(false, true, std::nullopt)};
    expect(diagnose_ice(f), Mark::warn, Cause::udp_blocked);
    f.probes = {probe(true, true, std::nullopt)}; // TCP was only faster
    expect(diagnose_ice(f), Mark::ok, Cause::none);
}

TEST(DoctorIce, NoPair) {
    IceFacts f{.remote = {theirs}};
    f.probes = {probe(false, true, std::nullopt)}; // HTTP goes to the same address
    expect(diagnose_ice(f), Mark::fail, Cause::udp_blocked);
    f.probes = {probe(false, false, TcpError::none)}; // another one, but the same host
    expect(diagnose_ice(f), Mark::fail, Cause::udp_blocked);
    for (const TcpError error :
         {TcpError::timed_out, TcpError::unreachable, TcpError::refused}) { // refused: some other host
        f.probes = {probe(false, false, error)};
        expect(diagnose_ice(f), Mark::fail, Cause::turn_needed);
    }
    f.via_proxy = true;
    expect(diagnose_ice(f), Mark::fail, Cause::turn_needed);
    f.probes = {probe(true, false, std::nullopt)};
    expect(diagnose_ice(f), Mark::fail, Cause::ice_failed);
    f.remote.clear();
    expect(diagnose_ice(f), Mark::fail, Cause::whep_failed);
}

TEST(DoctorPath, SizesThatPass) {
    expect(diagnose_path(path(1400)), Mark::ok, Cause::none); // all that the interface takes
    expect(diagnose_path(path(1232)), Mark::warn, Cause::mtu_black_hole);
    expect(diagnose_path(path(1000)), Mark::fail, Cause::mtu_black_hole);
    expect(diagnose_path(path(1000, 1100, true)), Mark::warn, Cause::none); // it says so: fragments
    EXPECT_TRUE(path_mtu(path(1000, 1100, true))->fragments);
    EXPECT_FALSE(path_mtu(path(0)));
    expect(diagnose_path(path(0)), Mark::warn, Cause::none);
    expect(diagnose_path({.why_not = "over TCP"}), Mark::skipped, Cause::none);
}

TEST(DoctorPath, DtlsAndTheFirstPicture) {
    expect(diagnose_dtls({.connected = true, .fingerprint = true}, {}), Mark::ok, Cause::none);
    expect(diagnose_dtls({.connected = true, .fingerprint = false}, {}), Mark::fail, Cause::dtls_fingerprint);
    expect(diagnose_dtls({}, path(1400)), Mark::fail, Cause::dtls_failed);
    expect(diagnose_dtls({}, path(576)), Mark::fail, Cause::mtu_black_hole);
    expect(diagnose_first_frame({.came = true}, {}, {}), Mark::ok, Cause::none);
    expect(diagnose_first_frame({}, path(1400), {}), Mark::fail, Cause::no_picture);
    expect(diagnose_first_frame({}, path(1000), {}), Mark::fail, Cause::mtu_black_hole);
    // The way there is free, the way back is not: only small packets have come, and the edge has sent many more.
    const FirstFrameFacts small{.video = {.packets = 40, .lost = 3, .largest = 400}};
    expect(diagnose_first_frame(small, path(1400), {.known = true, .packets_sent = 2000}), Mark::fail,
           Cause::mtu_black_hole);
    expect(diagnose_first_frame(small, path(1400), {.known = true, .packets_sent = 43}), Mark::fail, Cause::no_picture);
    expect(diagnose_first_frame({.video = {.packets = 40, .lost = 60, .largest = 1190}}, path(1400), {}), Mark::fail,
           Cause::media_bad);
}

TEST(DoctorMedia, Verdicts) {
    MediaFacts f{.video = stream()};
    expect(diagnose_media(f, path(1400)), Mark::ok, Cause::none);
    f.video.lost = 50;
    expect(diagnose_media(f, path(1400)), Mark::warn, Cause::media_bad);
    f.video.lost = 500;
    expect(diagnose_media(f, path(1400)), Mark::fail, Cause::media_bad);
    expect(diagnose_media(f, path(1000)), Mark::fail, Cause::mtu_black_hole);
    f.video = stream();
    f.video.freezes = 1;
    f.video.frozen_ms = 400;
    expect(diagnose_media(f, path(1400)), Mark::warn, Cause::media_bad);
    f.video.frozen_ms = 4000;
    expect(diagnose_media(f, path(1400)), Mark::fail, Cause::media_bad);
    f.video = stream();
    f.video.ended = true;
    expect(diagnose_media(f, path(1400)), Mark::fail, Cause::media_bad);
}

TEST(DoctorRtpWatch, FindsKeyFramesInEveryForm) {
    Stream single;
    single.frames(3);
    EXPECT_FALSE(single.watch.first_key_frame());
    single.send(idr);
    EXPECT_EQ(single.watch.first_key_frame(), single.now);

    Stream fragmented;
    fragmented.send(idr_begins, false);
    fragmented.send(idr_goes_on, false);
    EXPECT_FALSE(fragmented.watch.first_key_frame());
    fragmented.send(idr_ends);
    EXPECT_TRUE(fragmented.watch.first_key_frame());

    Stream aggregate;
    aggregate.send({0x78, 0, 2, 0x67, 1, 0, 2, 0x65, 9});
    EXPECT_TRUE(aggregate.watch.first_key_frame());

    Stream holed;
    holed.send(idr_begins, false);
    holed.seq++;
    holed.send(idr_ends);
    holed.frames(600);
    EXPECT_FALSE(holed.watch.first_key_frame());
    EXPECT_EQ(holed.watch.facts(holed.now).broken, 1u);
    EXPECT_EQ(holed.watch.facts(holed.now).lost, 1u);
}

TEST(DoctorRtpWatch, RatesLossAndFreezes) {
    Stream s;
    s.send(idr);
    s.watch.begin_window(s.now);
    s.frames(100);
    RtpFacts f = s.watch.facts(s.now);
    EXPECT_NEAR(f.fps(), 25, 0.3);
    EXPECT_EQ(f.lost, 0u);
    EXPECT_EQ(f.freezes, 0u);
    EXPECT_LT(f.jitter_ms, 0.1);
    EXPECT_EQ(f.largest, 15u);
    EXPECT_FALSE(f.ended);
    s.seq += 10;
    s.frames(10);
    EXPECT_EQ(s.watch.facts(s.now).lost, 10u);
    s.now += 1'000'000;
    s.frames(600); // what is missing is given up
    f = s.watch.facts(s.now);
    EXPECT_EQ(f.lost, 10u);
    EXPECT_GE(f.freezes, 1u);
    EXPECT_GE(f.longest_gap_ms, 1000);
    EXPECT_TRUE(s.watch.facts(s.now + 20'000'000).ended);
}

TEST(DoctorRtpWatch, WhatComesLateIsNotLost) {
    Stream s;
    s.send(idr);
    const uint16_t missing = s.seq++;
    s.now += frame_us;
    s.frames(3);
    EXPECT_EQ(s.watch.facts(s.now).lost, 1u);
    s.watch.take(packet(missing, 1, true, delta), s.now);
    s.watch.take(packet(missing, 1, true, delta), s.now); // twice
    const RtpFacts f = s.watch.facts(s.now);
    EXPECT_EQ(f.lost, 0u);
    EXPECT_EQ(f.recovered, 1u);
    EXPECT_EQ(f.packets, 5u);
    EXPECT_EQ(f.frames, 5u);
}

TEST(DoctorRtpWatch, AnyBytesAndJumps) {
    Stream s;
    s.frames(10);
    s.seq += 20'000;
    s.frames(10);
    EXPECT_EQ(s.watch.facts(s.now).lost, 0u); // the sender has begun anew
    s.watch.take(packet(1, 1, true, idr, 99), s.now);
    EXPECT_TRUE(s.watch.first_key_frame());
    uint32_t random = 1;
    for (int i = 0; i < 20'000; i++) {
        Bytes bytes(random % 40);
        for (uint8_t& b : bytes)
            b = static_cast<uint8_t>((random = random * 1664525 + 1013904223) >> 24);
        if (!bytes.empty() && i % 2)
            bytes[0] = 0xb0 | (bytes[0] & 0x0f); // passes for RTP, with padding and extension
        s.watch.take(bytes, s.now + i);
        random = random * 1664525 + 1013904223;
    }
    s.watch.facts(s.now);
}

TEST(DoctorStun, Requests) {
    const StunId id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (const size_t size : {size_t(0), size_t(272), size_t(1472)}) {
        const Bytes m = stun_request(id, {"ours", "theirs", "password"}, size);
        EXPECT_EQ(m.size(), std::max(size, stun_least));
        EXPECT_EQ(static_cast<size_t>(m[2] << 8 | m[3]) + 20, m.size());
        EXPECT_TRUE(std::equal(id.begin(), id.end(), m.begin() + 8));
        EXPECT_EQ(std::string(m.begin() + 24, m.begin() + 35), "theirs:ours");
    }
    EXPECT_FALSE(parse_stun_answer(stun_request(id, {}, 0)));
}

TEST(DoctorStun, AnswerOfRfc5769) { // section 2.2
    const Bytes m{0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
                  0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
                  0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
                  0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
                  0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};
    const auto answer = parse_stun_answer(m);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->success);
    EXPECT_EQ(answer->mapped, "192.0.2.1:32853");
    for (size_t cut = 0; cut < m.size(); cut++)
        parse_stun_answer(std::span(m).first(cut)); // nothing is read behind its end
}

TEST(DoctorSdp, WhatIsReadOfIt) {
    const std::string sdp = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secretsecret\r\na=fingerprint:sha-256 ab:CD\r\n"
                            "a=candidate:1 1 UDP 2015363327 10.0.0.1 5000 typ host\r\n"
                            "a=candidate:1 1 TCP 1015021823 10.0.0.1 9 typ host tcptype active\r\n"
                            "a=candidate:2 1 udp 1 0c1b.local 5000 typ host\r\na=candidate:broken\r\n"
                            "a=candidate:3 1 UDP 1 2001:db8::1 5002 typ srflx raddr 10.0.0.1 rport 1\r\n";
    EXPECT_EQ(ice_credentials_of(sdp), std::pair(std::string("abcd"), std::string("secretsecret")));
    EXPECT_EQ(fingerprint_of(sdp), "AB:CD");
    const auto all = candidates_of(sdp);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(to_string(all[0]), "udp 10.0.0.1:5000 (host)");
    EXPECT_EQ(all[1].protocol, "tcp");
    EXPECT_EQ(to_string(all[2]), "udp [2001:db8::1]:5002 (srflx)");
    EXPECT_FALSE(ice_credentials_of(""));
}
