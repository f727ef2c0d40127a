// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/sdp_offer.hpp"
#include "tests/support/offers.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using test::OfferText;
using test::recorded_offer;

bool mentions(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }
size_t lines_with(const std::string& text, std::string_view what) {
    size_t n = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++n;
    return n;
}

testing::AssertionResult refused(const std::string& text, std::string_view why) {
    const auto offer = parse_offer(text);
    if (offer)
        return testing::AssertionFailure() << "it was accepted";
    if (offer.error().kind != ErrorKind::bad_input || !mentions(offer.error().text, why))
        return testing::AssertionFailure() << offer.error().text;
    return testing::AssertionSuccess();
}

// --- what viewers really send ---

TEST(SdpOffer, TakesChromiumsOffer) {
    const auto offer = parse_offer(recorded_offer("chromium"));
    ASSERT_TRUE(offer) << offer.error().text;
    EXPECT_TRUE(offer->has_audio);
    EXPECT_FALSE(offer->audio.empty());
    ASSERT_EQ(offer->fingerprints.size(), 1u) << "the same one in both m-lines";
    EXPECT_EQ(offer->fingerprints[0].algorithm, "sha-256");
    const auto choice = offer->choose(Codec::h264);
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->profile_level_id, "42e01f");
    for (const auto& p : offer->video)
        if (p.number == choice->payload_type) {
            EXPECT_EQ(p.encoding, "H264");
            EXPECT_TRUE(mentions(p.fmtp, "packetization-mode=1"));
        }
    EXPECT_FALSE(offer->choose(Codec::h265)) << "this Chromium has none";
    EXPECT_TRUE(mentions(offer->video_codecs(), "VP8"));
    EXPECT_TRUE(mentions(offer->video_codecs(), "AV1"));
    EXPECT_FALSE(mentions(offer->video_codecs(), "RTX"));
    EXPECT_EQ(offer->transport_extension, 4);
    EXPECT_EQ(offer->delay_extension, 5);
}

TEST(SdpOffer, JpegIsTakenByNobodyWhateverIsOffered) {
    auto text = recorded_offer("chromium");
    text += "a=rtpmap:126 JPEG/90000\r\n";
    const auto offer = parse_offer(text);
    ASSERT_TRUE(offer) << offer.error().text;
    EXPECT_FALSE(offer->choose(Codec::jpeg)) << "there are no payloads for it";
    EXPECT_TRUE(offer->choose(Codec::h264));
}

TEST(SdpOffer, TakesHeaderExtensionsByTheirWholeNames) {
    const auto ids = [](const std::vector<std::string>& lines) {
        test::OfferText text;
        for (const auto& line : lines)
            text.add("a=" + line);
        const auto offer = parse_offer(text.text());
        return offer ? std::pair<int, int>(offer->transport_extension, offer->delay_extension) : std::pair(-1, -1);
    };
    const std::string number = transport_extension_uri, delay = delay_extension_uri;
    EXPECT_EQ(ids({}), std::pair(0, 0));
    EXPECT_EQ(ids({"extmap:3 " + number, "rtcp-fb:96 transport-cc"}), std::pair(3, 0));
    EXPECT_EQ(ids({"extmap:3 " + number}), std::pair(0, 0)) << "no reports";
    EXPECT_EQ(ids({"extmap:7 " + delay}), std::pair(0, 7));
    EXPECT_EQ(ids({"extmap:7/recvonly " + delay + " attributes"}), std::pair(0, 7));
    EXPECT_EQ(ids({"extmap:15 " + delay}), std::pair(0, 0)) << "no one byte header";
    EXPECT_EQ(ids({"extmap:7 " + delay + "-2"}), std::pair(0, 0));
    EXPECT_EQ(ids({"extmap:7 "}), std::pair(0, 0));
    EXPECT_EQ(ids({"extmap:7"}), std::pair(0, 0));
}

TEST(SdpOffer, DropsChromiumsMdnsCandidates) {
    const std::string text = recorded_offer("chromium");
    ASSERT_TRUE(mentions(text, ".local"));
    const auto offer = parse_offer(text);
    ASSERT_TRUE(offer);
    EXPECT_FALSE(mentions(offer->text, ".local"));
    EXPECT_FALSE(mentions(offer->text, "a=candidate"));
    EXPECT_EQ(lines_with(offer->text, "\n"), lines_with(text, "\n") - lines_with(text, "a=candidate"))
        << "nothing else is left out";
}

TEST(SdpOffer, AViewerThatMayBeginTheDtlsHandshakeDoes) {
    const std::string text = recorded_offer("chromium");
    ASSERT_EQ(lines_with(text, "a=setup:actpass\r\n"), 2u);
    const auto offer = parse_offer(text);
    ASSERT_TRUE(offer);
    EXPECT_EQ(lines_with(offer->text, "a=setup:active\r\n"), 2u);
    EXPECT_EQ(lines_with(offer->text, "a=setup:"), 2u);
    for (const char* line : {"a=setup:passive", "a=setup:active", "a=setup:holdconn", "a=setup:actpassed"}) {
        const auto other = parse_offer(OfferText().change("a=setup", line).text());
        ASSERT_TRUE(other) << line;
        EXPECT_EQ(lines_with(other->text, std::string(line) + "\r\n"), 1u);
        EXPECT_EQ(lines_with(other->text, "a=setup:"), 1u);
    }
}

TEST(SdpOffer, TakesPionsOffer) {
    const auto offer = parse_offer(recorded_offer("pion"), true);
    ASSERT_TRUE(offer) << offer.error().text;
    EXPECT_FALSE(offer->has_audio);
    ASSERT_EQ(offer->fingerprints.size(), 1u) << "it stands in the session part";
    const auto choice = offer->choose(Codec::h264);
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->payload_type, 102u);
    EXPECT_EQ(lines_with(offer->text, "a=candidate"), 2u) << "those are addresses";
}

TEST(SdpOffer, TakesTheSmallOne) {
    const auto offer = parse_offer(OfferText().text());
    ASSERT_TRUE(offer) << offer.error().text;
    ASSERT_EQ(offer->video.size(), 2u);
    EXPECT_EQ(offer->video[0].number, 96u);
    EXPECT_EQ(offer->video[0].encoding, "H264");
    EXPECT_EQ(offer->video[0].clock_rate, 90000u);
    EXPECT_EQ(offer->video[1].encoding, "RTX");
    EXPECT_EQ(offer->video[1].fmtp, "apt=96");
}

// --- not an offer ---

TEST(SdpOffer, RefusesAnEmptyBody) {
    for (const char* text : {"", " ", "\r\n\r\n", "\t\n"})
        EXPECT_TRUE(refused(text, "empty body"));
}

TEST(SdpOffer, RefusesWhatIsNoSessionDescription) {
    for (const char* text : {"{\"sdp\":\"v=0\"}", "hello", "m=video 9", "V=0\r\n", "<html>"})
        EXPECT_TRUE(refused(text, "not a session description"));
}

TEST(SdpOffer, RefusesZeroBytes) {
    std::string text = OfferText().text();
    text[text.size() / 2] = '\0';
    EXPECT_TRUE(refused(text, "zero byte"));
}

TEST(SdpOffer, RefusesAHugeBodyWithoutReadingIt) {
    std::string text = OfferText().text();
    while (text.size() <= max_offer_bytes)
        text += "a=x:y\r\n";
    const auto offer = parse_offer(text);
    ASSERT_FALSE(offer);
    EXPECT_EQ(offer.error().kind, ErrorKind::too_large);
    EXPECT_TRUE(mentions(offer.error().text, std::to_string(max_offer_bytes))) << offer.error().text;
}

TEST(SdpOffer, TakesThousandsOfLinesThatFit) {
    OfferText o;
    for (int i = 0; i < 4000; ++i)
        o.add("a=x:" + std::to_string(i));
    EXPECT_TRUE(parse_offer(o.text()));
}

TEST(SdpOffer, RefusesManyMediaLines) {
    OfferText o;
    for (int i = 0; i < 8; ++i)
        o.add("m=audio 9 UDP/TLS/RTP/SAVPF 0");
    EXPECT_TRUE(refused(o.text(), "9 m-lines, at most 8"));
}

TEST(SdpOffer, OneLongLineIsNoTrouble) {
    OfferText o;
    o.add("a=x:" + std::string(60'000, 'y'));
    EXPECT_TRUE(parse_offer(o.text()));
}

// --- line ends ---

TEST(SdpOffer, TakesAnyLineEnd) {
    const auto expected = parse_offer(OfferText().text("\r\n"));
    ASSERT_TRUE(expected);
    for (const char* end : {"\n", "\r\n\r\n", "\n\n"}) {
        const auto offer = parse_offer(OfferText().text(end));
        ASSERT_TRUE(offer) << offer.error().text;
        EXPECT_EQ(offer->text, expected->text);
    }
    std::string unfinished = OfferText().text();
    unfinished.resize(unfinished.size() - 2);
    const auto offer = parse_offer(unfinished);
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->text, expected->text);
}

// --- the video m-line ---

TEST(SdpOffer, RefusesAnOfferWithoutVideo) {
    EXPECT_TRUE(refused(OfferText().change("m=video", "m=audio 9 UDP/TLS/RTP/SAVPF 96 97").text(), "no video m-line"));
}

TEST(SdpOffer, RefusesTwoVideoLines) {
    EXPECT_TRUE(refused(OfferText().add("m=video 9 UDP/TLS/RTP/SAVPF 96").text(), "2 video m-lines, one is allowed"));
}

TEST(SdpOffer, RefusesPortZeroUnlessItRidesInABundle) {
    OfferText o;
    o.change("m=video", "m=video 0 UDP/TLS/RTP/SAVPF 96 97");
    EXPECT_TRUE(refused(o.text(), "port 0"));
    o.add("a=bundle-only");
    EXPECT_TRUE(parse_offer(o.text()));
}

TEST(SdpOffer, RefusesAViewerThatDoesNotReceive) {
    EXPECT_TRUE(refused(OfferText().change("a=recvonly", "a=sendonly").text(), "does not receive"));
    EXPECT_TRUE(refused(OfferText().change("a=recvonly", "a=inactive").text(), "does not receive"));
    EXPECT_TRUE(refused(OfferText().drop("a=recvonly").add_to_session("a=inactive").text(), "does not receive"));
    EXPECT_TRUE(parse_offer(OfferText().change("a=recvonly", "a=sendrecv").text()));
    EXPECT_TRUE(parse_offer(OfferText().drop("a=recvonly").text())) << "sendrecv is what no direction means";
    EXPECT_TRUE(parse_offer(OfferText().add_to_session("a=inactive").text())) << "the m-line's own word counts";
}

// --- ICE ---

TEST(SdpOffer, RefusesMissingIceCredentials) {
    EXPECT_TRUE(refused(OfferText().drop("a=ice-ufrag").text(), "ICE credentials"));
    EXPECT_TRUE(refused(OfferText().drop("a=ice-pwd").text(), "ICE credentials"));
    EXPECT_TRUE(refused(OfferText().change("a=ice-pwd", "a=ice-pwd:").text(), "ICE credentials"));
}

TEST(SdpOffer, TakesIceCredentialsOfTheSession) {
    EXPECT_TRUE(parse_offer(OfferText()
                                .drop("a=ice-ufrag")
                                .drop("a=ice-pwd")
                                .add_to_session("a=ice-ufrag:abcd")
                                .add_to_session("a=ice-pwd:0123456789abcdef01234567")
                                .text()));
}

TEST(SdpOffer, KeepsCandidatesWithAddressesAndNoMoreThanSome) {
    OfferText o;
    o.add("a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host");
    o.add("a=candidate:2 1 UDP 2130706431 2001:db8::1 5001 typ host");
    o.add("a=candidate:3 1 udp 2130706431 viewer.example 5002 typ host");
    o.add("a=candidate:4 1 udp 2130706431");
    o.add("a=candidate:");
    const auto offer = parse_offer(o.text());
    ASSERT_TRUE(offer);
    EXPECT_TRUE(mentions(offer->text, "192.0.2.1"));
    EXPECT_TRUE(mentions(offer->text, "2001:db8::1"));
    EXPECT_EQ(lines_with(offer->text, "a=candidate"), 2u);

    for (int i = 0; i < 100; ++i)
        o.add("a=candidate:9 1 udp 2130706431 192.0.2." + std::to_string(i) + " 5000 typ host");
    const auto many = parse_offer(o.text());
    ASSERT_TRUE(many);
    EXPECT_EQ(lines_with(many->text, "a=candidate"), max_remote_candidates);
}

TEST(SdpOffer, NoSpellingOfACandidateHidesAName) {
    for (const char* line : {"a=candidate:3 1  udp inside.example 192.0.2.1 5002 typ host",
                             " a=candidate:3 1 udp 1 inside.example 5002 typ host",
                             "a= candidate:3 1 udp 1 inside.example 5002 typ host"}) {
        OfferText o;
        o.add(line);
        const auto offer = parse_offer(o.text());
        EXPECT_TRUE(!offer || !mentions(offer->text, "inside.example")) << line;
    }
}

// --- fingerprints ---

TEST(SdpOffer, RefusesAnOfferWithoutFingerprint) {
    EXPECT_TRUE(refused(OfferText().drop("a=fingerprint").text(), "no usable a=fingerprint"));
}

TEST(SdpOffer, RefusesWeakHashes) {
    EXPECT_TRUE(refused(
        OfferText()
            .change("a=fingerprint", "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33")
            .text(),
        "sha-256"));
    EXPECT_TRUE(refused(
        OfferText().change("a=fingerprint", "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF").text(),
        "no usable a=fingerprint"));
}

TEST(SdpOffer, RefusesMalformedDigests) {
    const std::string good(test::some_digest);
    for (const std::string& bad : {std::string(), good.substr(3), good + ":00", good + "0", "Z" + good.substr(1),
                                   std::string(95, '0'), std::string(95, ':')})
        EXPECT_TRUE(refused(OfferText().change("a=fingerprint", "a=fingerprint:sha-256 " + bad).text(),
                            "no usable a=fingerprint"));
    EXPECT_TRUE(
        refused(OfferText().change("a=fingerprint", "a=fingerprint:" + good).text(), "no usable a=fingerprint"));
}

TEST(SdpOffer, TakesTheStrongHashBesideAWeakOne) {
    const auto offer = parse_offer(
        OfferText().add("a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33").text());
    ASSERT_TRUE(offer);
    ASSERT_EQ(offer->fingerprints.size(), 1u);
    EXPECT_EQ(offer->fingerprints[0].algorithm, "sha-256");
}

TEST(SdpOffer, TakesTheFingerprintOfTheSession) {
    const auto offer = parse_offer(OfferText()
                                       .drop("a=fingerprint")
                                       .add_to_session("a=fingerprint:SHA-256 " + std::string(test::some_digest))
                                       .text());
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->fingerprints, (std::vector<Fingerprint>{{"sha-256", std::string(test::some_digest)}}));
}

// --- the payload type ---

std::optional<SdpOffer::Choice> choice_for(const std::vector<std::string>& fmtps, Codec codec = Codec::h264) {
    OfferText o;
    std::string formats;
    o.drop("a=rtpmap:96").drop("a=fmtp:96");
    for (size_t i = 0; i < fmtps.size(); ++i) {
        const std::string n = std::to_string(100 + i);
        formats += " " + n;
        o.add("a=rtpmap:" + n + " H264/90000");
        if (!fmtps[i].empty())
            o.add("a=fmtp:" + n + " " + fmtps[i]);
    }
    o.change("m=video", "m=video 9 UDP/TLS/RTP/SAVPF" + formats + " 97");
    const auto offer = parse_offer(o.text());
    EXPECT_TRUE(offer);
    return offer ? offer->choose(codec) : std::nullopt;
}

TEST(SdpOffer, PrefersConstrainedBaseline) {
    const auto c =
        choice_for({"packetization-mode=1;profile-level-id=64001f", "packetization-mode=1;profile-level-id=4d001f",
                    "packetization-mode=1;profile-level-id=42001f", "packetization-mode=1;profile-level-id=42E01F"});
    ASSERT_TRUE(c);
    EXPECT_EQ(c->payload_type, 103u);
    EXPECT_EQ(c->profile_level_id, "42E01F") << "spelled as in the offer";
}

TEST(SdpOffer, TakesAnotherProfileIfThereIsNothingBetter) {
    const auto c = choice_for({"profile-level-id=640028; packetization-mode=1"});
    ASSERT_TRUE(c);
    EXPECT_EQ(c->payload_type, 100u);
    EXPECT_EQ(c->profile_level_id, "640028");
}

TEST(SdpOffer, TakesH264WithoutProfile) {
    const auto c = choice_for({"packetization-mode=1"});
    ASSERT_TRUE(c);
    EXPECT_EQ(c->profile_level_id, "42e01f");
}

TEST(SdpOffer, AnswersNoProfileThatIsNotHexadecimal) {
    for (const char* odd : {"zzzzzz", "42e0\xff\xfe", "12;45", "42e01f00", "\"42e0\""}) {
        const auto c = choice_for({std::string("packetization-mode=1;profile-level-id=") + odd});
        ASSERT_TRUE(c) << odd;
        EXPECT_EQ(c->profile_level_id, "42e01f") << odd;
    }
}

TEST(SdpOffer, OnlyPacketizationModeZeroIsNotEnough) {
    EXPECT_FALSE(choice_for({"packetization-mode=0;profile-level-id=42e01f", "profile-level-id=42e01f", ""}));
}

TEST(SdpOffer, NoH264) {
    const auto offer = parse_offer(OfferText().change("a=rtpmap:96", "a=rtpmap:96 VP8/90000").text());
    ASSERT_TRUE(offer);
    EXPECT_FALSE(offer->choose(Codec::h264));
    EXPECT_EQ(offer->video_codecs(), "VP8");
}

TEST(SdpOffer, NoCodecAtAll) {
    const auto offer = parse_offer(OfferText()
                                       .drop("a=rtpmap:96")
                                       .drop("a=rtpmap:97")
                                       .change("m=video", "m=video 9 UDP/TLS/RTP/SAVPF 200")
                                       .text());
    ASSERT_TRUE(offer);
    EXPECT_TRUE(offer->video.empty()) << "no payload type above 127";
    EXPECT_FALSE(offer->choose(Codec::h264));
    EXPECT_EQ(offer->video_codecs(), "none");
}

TEST(SdpOffer, ManyLongCodecNamesMakeNoLongError) {
    OfferText o;
    std::string formats;
    for (int i = 0; i < 100; ++i) {
        formats += " " + std::to_string(i);
        o.add("a=rtpmap:" + std::to_string(i) + " C" + std::to_string(i) + std::string(300, 'X') + "/90000");
    }
    o.change("m=video", "m=video 9 UDP/TLS/RTP/SAVPF" + formats);
    const auto offer = parse_offer(o.text());
    ASSERT_TRUE(offer);
    EXPECT_LT(offer->video_codecs().size(), 400u);
}

TEST(SdpOffer, OddAttributesAreNoTrouble) {
    OfferText o;
    for (const char* line : {"a=rtpmap:", "a=rtpmap:96", "a=rtpmap:96 ", "a=rtpmap:x H264/90000", "a=rtpmap:96 /",
                             "a=fmtp:96 ", "a=fmtp: =", "a=fmtp:97 ;;;=;", "a=:", "a=", "b=AS:x", "k=clear:secret",
                             "z=", "x", "=", "a=rtcp-fb:96", "a=ssrc:1"})
        o.add(line);
    const auto offer = parse_offer(o.text());
    EXPECT_TRUE(offer) << offer.error().text;
}

// --- trickle ---

TEST(SdpTrickle, TakesTheCandidatesOfAFragment) {
    const auto list = parse_trickle("a=ice-ufrag:abcd\r\na=ice-pwd:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
                                    "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
                                    "a=candidate:2 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active\r\n"
                                    "a=end-of-candidates\r\n");
    EXPECT_EQ(list, (std::vector<std::string>{"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
                                              "candidate:2 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active"}));
}

TEST(SdpTrickle, LeavesNamesAndRubbishOut) {
    EXPECT_TRUE(parse_trickle("").empty());
    EXPECT_TRUE(parse_trickle("a=candidate:1 1 udp 1 5e3c.local 5000 typ host\n").empty());
    EXPECT_TRUE(parse_trickle("a=candidate:1 1 udp 1 192.0.2.1\n").empty());
    // The agent splits at each single blank: there the name would be the address.
    EXPECT_TRUE(parse_trickle("a=candidate:1 1  udp inside.example 192.0.2.1 5000 typ host x\n").empty());
    EXPECT_TRUE(parse_trickle("a=candidate:1 1 udp 1 192.0.2.1 5000\ttyp host x y\n").empty());
    EXPECT_TRUE(parse_trickle("candidate:1 1 udp 1 192.0.2.1 5000 typ host\n").empty());
    EXPECT_TRUE(parse_trickle(std::string("a=candidate:\0\0", 14)).empty());
    EXPECT_TRUE(parse_trickle("a=candidate:1 1 udp 1 192.0.2.1 5000 typ host " + std::string(1000, 'x')).empty());
}

TEST(SdpOffer, RefusesIceCredentialsOfAbsurdLength) {
    const std::string good(22, 'p');
    EXPECT_TRUE(parse_offer(OfferText().change("a=ice-pwd", "a=ice-pwd:" + good).text()));
    EXPECT_TRUE(parse_offer(OfferText().change("a=ice-ufrag", "a=ice-ufrag:" + std::string(256, 'u')).text()));
    for (const std::string line :
         {"a=ice-ufrag:abc", "a=ice-ufrag:ab cd", "a=ice-ufrag:ab\tcd", "a=ice-ufrag:\xff\xfe\xfd\xfc"})
        EXPECT_FALSE(parse_offer(OfferText().change("a=ice-ufrag", line).text())) << line;
    EXPECT_FALSE(parse_offer(OfferText().change("a=ice-ufrag", "a=ice-ufrag:" + std::string(257, 'u')).text()));
    EXPECT_FALSE(parse_offer(OfferText().change("a=ice-pwd", "a=ice-pwd:" + good.substr(1)).text()));
    EXPECT_FALSE(parse_offer(OfferText().change("a=ice-pwd", "a=ice-pwd:" + std::string(257, 'p')).text()));
}

// GStreamer's parser skips blanks in front of a line: they must not hide a candidate from ours.
TEST(SdpOffer, BlanksHideNoCandidate) {
    for (const std::string blank : {" ", "\t", "\v", "\f", " \r "}) {
        OfferText o;
        o.add(blank + "a=candidate:1 1 udp 1 cameras.example 5000 typ host");
        for (unsigned i = 0; i < 2 * max_remote_candidates; i++)
            o.add(blank + "a=candidate:1 1 udp 1 192.0.2." + std::to_string(i) + " 5000 typ host");
        const auto offer = parse_offer(o.text());
        ASSERT_TRUE(offer);
        EXPECT_EQ(lines_with(offer->text, "a=candidate"), max_remote_candidates) << "'" << blank << "'";
        EXPECT_FALSE(mentions(offer->text, "cameras.example"));
    }
}

TEST(SdpTrickle, TakesNoMoreThanTheLimit) {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "a=candidate:1 1 udp 1 192.0.2.1 " + std::to_string(i) + " typ host\n";
    EXPECT_EQ(parse_trickle(text).size(), max_remote_candidates);
    EXPECT_EQ(parse_trickle(text, false, 3).size(), 3u);
}

} // namespace
} // namespace sluice
