// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts what comes of one H.264 RTP stream (RFC 3550, RFC 6184): loss, jitter, whole pictures, freezes. Nothing is decoded. Pure:
// the moment of each packet is a parameter, packets may be anything. Its memory is bounded.
#pragma once

#include "launcher/doctor/facts.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

namespace sluice::doctor {

class RtpWatch {
public:
    explicit RtpWatch(unsigned clock_rate, bool pictures = true) : clock_rate_(clock_rate), pictures_(pictures) {}

    // The packet as it comes out of SRTP. us: of any steady clock.
    void take(std::span<const uint8_t> packet, int64_t us);
    // When the first key frame was complete.
    std::optional<int64_t> first_key_frame() const { return first_key_; }
    // Rates and freezes are those from here on; loss and sizes go on.
    void begin_window(int64_t us);
    RtpFacts facts(int64_t now_us) const;

private:
    struct Packet {
        int64_t seq; // unwrapped
        uint32_t timestamp;
        bool there, marker, key;
    };
    void place(const Packet& packet);
    void settle(bool all);
    void picture_done(bool whole, bool key, int64_t us);
    bool begins_key_frame(std::span<const uint8_t> payload) const;

    const unsigned clock_rate_;
    const bool pictures_;
    RtpFacts total_;
    std::optional<uint32_t> ssrc_;
    int64_t highest_ = -1, base_ = 0; // unwrapped sequence numbers; base_: of the front of queue_
    std::deque<Packet> queue_;        // not yet put together
    bool open_ = false, open_whole_ = true, open_key_ = false; // the picture at the front
    std::optional<double> transit_;
    double jitter_ = 0; // ticks
    int64_t started_ = 0, now_ = 0, last_packet_ = 0, last_picture_ = 0;
    uint64_t window_bytes_ = 0, window_frames_ = 0;
    double mean_gap_ = 0; // us between pictures
    std::optional<int64_t> first_key_;
};

} // namespace sluice::doctor
