// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/codec.hpp"
#include "plugins/core/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A certificate fingerprint of the peer (RFC 8122 section 5).
struct Fingerprint {
    std::string algorithm; // "sha-256", lower case
    std::string digest;    // upper-case hex with colons
    bool operator==(const Fingerprint&) const = default;
};

// What a viewer offers, checked: exactly one video m-line that wants to receive, ICE credentials, a usable fingerprint.
struct SdpOffer {
    struct PayloadType {
        unsigned number = 0;
        std::string encoding; // upper case: "H264"
        unsigned clock_rate = 0;
        unsigned channels = 1;
        std::string fmtp;
    };

    // What webrtcbin gets: no candidates that would make it resolve names; the viewer begins DTLS if it may.
    std::string text;
    std::vector<PayloadType> video;
    std::vector<PayloadType> audio; // of the first audio m-line, if it receives and rides in the bundle of the video
    bool has_audio = false;         // there is an audio m-line
    // Of the header extension with the transport-wide sequence number, 0: the viewer does not report on it. One for both: the
    // m-lines ride in one bundle (RFC 8843 section 11).
    uint8_t transport_extension = 0;
    // Of the one that asks to hold pictures back, 0: the viewer does not take it.
    uint8_t delay_extension = 0;
    std::vector<Fingerprint> fingerprints;

    // The payload type to send the codec with, H.264 preferably as 42e01f; nothing if the offer cannot take it.
    struct Choice {
        unsigned payload_type = 0;
        std::string profile_level_id; // H.264: to be answered with, spelled as in the offer
        std::string level_asymmetry;  // H.264: level-asymmetry-allowed of the offer; empty: not there
    };
    std::optional<Choice> choose(Codec codec) const;
    // What to send sound as. camera: the codec of the camera's sound, `other` if it is not known (yet) or none that goes over
    // RTP. Sound as it is, else as Opus. Something whenever the viewer takes sound at all: the m-line is then there when
    // sound comes. Nothing: no m-line for sound.
    struct Sound {
        Codec codec = Codec::opus;
        Choice choice;
    };
    std::optional<Sound> choose_sound(Codec camera) const;
    std::string video_codecs() const; // "VP8, VP9": for error texts
};

// Errors say what is wrong and what is expected. The text is outside input: any bytes. loopback: the viewer is on this machine.
Result<SdpOffer> parse_offer(std::string_view text, bool loopback = false);

// draft-holmer-rmcat-transport-wide-cc-extensions-01.
constexpr const char* transport_extension_uri =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
// Of libwebrtc: how long the receiver is to hold a picture back, at least and at most.
constexpr const char* delay_extension_uri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

constexpr size_t max_offer_bytes = 64 * 1024;
constexpr unsigned max_remote_candidates = 32; // each makes us send checks to an address of the peer's choice

// The a=candidate lines of a trickle fragment (RFC 8840) that may be tried, without "a=".
std::vector<std::string> parse_trickle(std::string_view fragment, bool loopback = false,
                                       unsigned limit = max_remote_candidates);

} // namespace sluice
