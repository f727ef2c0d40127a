// SPDX-License-Identifier: LGPL-2.1-or-later
// What an offer says of sound, and what is sent for it.
#include "plugins/webrtc/sdp_offer.hpp"
#include "tests/support/offers.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;

SdpOffer offer_of(const OfferText& text) {
    auto offer = parse_offer(text.text());
    EXPECT_TRUE(offer) << offer.error().text;
    return offer ? std::move(offer).value() : SdpOffer{};
}
OfferText browser() { return OfferText().add_sound("111 9 0 8", {"111 opus/48000/2", "9 G722/8000"}); }

// "OPUS 111", empty: no sound.
std::string chosen(const SdpOffer& offer, Codec camera) {
    const auto s = offer.choose_sound(camera);
    return s ? codec_name(s->codec) + (" " + std::to_string(s->choice.payload_type)) : "";
}

TEST(SdpSound, GoesOutAsItIsWhereTheViewerTakesIt) {
    const auto offer = offer_of(browser());
    EXPECT_TRUE(offer.has_audio);
    EXPECT_EQ(chosen(offer, Codec::opus), "OPUS 111");
    EXPECT_EQ(chosen(offer, Codec::pcmu), "PCMU 0") << "needs no rtpmap";
    EXPECT_EQ(chosen(offer, Codec::pcma), "PCMA 8");
}

TEST(SdpSound, WhatGoesOverNoRtpOrIsNotKnownYetIsOpus) {
    const auto offer = offer_of(browser());
    EXPECT_EQ(chosen(offer, Codec::aac), "OPUS 111");
    EXPECT_EQ(chosen(offer, Codec::other), "OPUS 111");
}

TEST(SdpSound, AViewerThatTakesLessGetsAnMLineAllTheSame) {
    const auto telephone = offer_of(OfferText().add_sound("0 8", {}));
    EXPECT_EQ(chosen(telephone, Codec::pcma), "PCMA 8");
    EXPECT_EQ(chosen(telephone, Codec::opus), "PCMU 0");
    const auto opus = offer_of(OfferText().add_sound("109", {"109 OPUS/48000/2"}));
    EXPECT_EQ(chosen(opus, Codec::pcmu), "OPUS 109");
    const auto strange = offer_of(OfferText().add_sound("100", {"100 opus/16000"}));
    EXPECT_EQ(chosen(strange, Codec::opus), "") << "Opus has one clock (RFC 7587)";
}

TEST(SdpSound, OnlyAnMLineThatReceivesInTheBundleOfThePictureCounts) {
    const std::vector<std::string> opus{"111 opus/48000/2"};
    for (const char* direction : {"sendonly", "inactive"})
        EXPECT_EQ(chosen(offer_of(OfferText().add_sound("111", opus, direction)), Codec::opus), "") << direction;
    EXPECT_EQ(chosen(offer_of(OfferText().add_sound("111", opus, "sendrecv")), Codec::opus), "OPUS 111");
    const auto apart = OfferText().add_sound("111", opus).change("a=group:BUNDLE", "a=group:BUNDLE 0");
    EXPECT_EQ(chosen(offer_of(apart), Codec::opus), "") << "a transport of its own is not made";
    const auto two =
        OfferText().add_sound("111", opus).change("a=group:BUNDLE", "a=group:BUNDLE 0\r\na=group:BUNDLE 1");
    EXPECT_EQ(chosen(offer_of(two), Codec::opus), "");
    const auto rejected = OfferText().add_sound("111", opus).change("m=audio", "m=audio 0 UDP/TLS/RTP/SAVPF 111");
    EXPECT_EQ(chosen(offer_of(rejected), Codec::opus), "");
    EXPECT_EQ(chosen(offer_of(OfferText()), Codec::opus), "");
}

TEST(SdpSound, TheFirstOfTwoCounts) {
    auto text = OfferText().add_sound("111", {"111 opus/48000/2"});
    text.add("m=audio 9 UDP/TLS/RTP/SAVPF 0").add("a=mid:2").add("a=recvonly");
    EXPECT_EQ(chosen(offer_of(text), Codec::pcmu), "OPUS 111");
}

TEST(SdpSound, ChromiumTakesAllThatCamerasSend) {
    const auto offer = parse_offer(recorded_offer("chromium"));
    ASSERT_TRUE(offer);
    for (const Codec camera : {Codec::opus, Codec::pcmu, Codec::pcma}) {
        const auto sound = offer->choose_sound(camera);
        ASSERT_TRUE(sound);
        EXPECT_EQ(sound->codec, camera);
    }
}

} // namespace
} // namespace sluice
