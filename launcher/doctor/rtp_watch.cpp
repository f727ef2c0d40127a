// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/rtp_watch.hpp"

#include "plugins/core/nal.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::doctor {

namespace {

constexpr size_t most_waiting = 512; // packets behind a hole; a repeated one has long come by then
constexpr int64_t far = 3000;        // sequence numbers: a jump, the sender has begun anew
constexpr size_t header_size = 12;
constexpr unsigned large_packet = 1000;     // bytes, see RtpFacts::large_received
constexpr double least_freeze_us = 150'000; // W3C webrtc-stats, freezeCount: 3 times the mean, and 150 ms more at least

uint32_t be(std::span<const uint8_t> data, size_t at, size_t n) {
    uint32_t out = 0;
    for (size_t i = 0; i < n; i++)
        out = out << 8 | data[at + i];
    return out;
}

} // namespace

void RtpWatch::take(std::span<const uint8_t> p, int64_t us) {
    if (p.size() < header_size || p[0] >> 6 != 2)
        return;
    size_t begin = header_size + 4u * (p[0] & 0x0f);
    if (p[0] & 0x10) { // extension
        if (p.size() < begin + 4)
            return;
        begin += 4 + 4u * be(p, begin + 2, 2);
    }
    size_t end = p.size();
    if ((p[0] & 0x20) && p[end - 1] <= end)
        end -= p[end - 1]; // padding
    const uint32_t ssrc = be(p, 8, 4), timestamp = be(p, 4, 4);
    const auto number = static_cast<uint16_t>(be(p, 2, 2));
    if (!ssrc_ || *ssrc_ != ssrc) {
        ssrc_ = ssrc;
        queue_.clear();
        highest_ = -1;
        transit_.reset();
        open_ = false;
    }
    int64_t seq = number;
    if (highest_ >= 0)
        seq = highest_ + static_cast<int16_t>(number - static_cast<uint16_t>(highest_));
    if (highest_ >= 0 && std::abs(seq - highest_) > far) {
        queue_.clear();
        highest_ = -1;
        open_ = false;
        seq = number;
    }
    if (highest_ < 0) {
        base_ = seq;
        highest_ = seq - 1;
    }
    now_ = last_packet_ = us;
    const auto size = static_cast<unsigned>(p.size());
    total_.bytes += size;
    window_bytes_ += size;
    total_.largest = std::max(total_.largest, size);
    total_.large_received += size > large_packet;
    if (seq > highest_) {
        const double transit = static_cast<double>(us) * clock_rate_ / 1e6 - timestamp;
        // Of packets in order only: a repeated one says nothing of the way. A wrap of the timestamp looks like a day.
        if (transit_ && std::abs(transit - *transit_) < clock_rate_ * 60.0)
            jitter_ += (std::abs(transit - *transit_) - jitter_) / 16;
        transit_ = transit;
    }
    const auto payload = begin < end ? p.subspan(begin, end - begin) : std::span<const uint8_t>();
    place({seq, timestamp, true, (p[1] & 0x80) != 0, pictures_ && begins_key_frame(payload)});
    settle(false);
}

void RtpWatch::place(const Packet& packet) {
    if (packet.seq < base_)
        return; // given up, and counted as lost
    const bool late = packet.seq <= highest_;
    while (highest_ < packet.seq)
        queue_.push_back({++highest_, 0, false, false, false});
    Packet& slot = queue_[static_cast<size_t>(packet.seq - base_)];
    if (slot.there)
        return; // twice
    slot = packet;
    total_.packets++;
    total_.recovered += late;
}

void RtpWatch::settle(bool all) {
    while (!queue_.empty() && (queue_.front().there || all || queue_.size() > most_waiting)) {
        const Packet p = queue_.front();
        queue_.pop_front();
        base_++;
        if (!p.there) {
            total_.lost++;
            open_whole_ = false;
            continue;
        }
        open_ = true;
        open_key_ |= p.key;
        if (!p.marker)
            continue;
        picture_done(open_whole_, open_key_, now_);
        open_ = open_key_ = false;
        open_whole_ = true;
    }
}

void RtpWatch::picture_done(bool whole, bool key, int64_t us) {
    if (!pictures_)
        return;
    if (!whole) {
        total_.broken++;
        return;
    }
    total_.frames++;
    window_frames_++;
    total_.key_frames += key;
    if (key && !first_key_)
        first_key_ = us;
    if (last_picture_ && started_) {
        const auto gap = static_cast<double>(us - last_picture_);
        total_.longest_gap_ms = std::max(total_.longest_gap_ms, gap / 1000);
        if (mean_gap_ > 0 && gap > std::max(3 * mean_gap_, mean_gap_ + least_freeze_us)) {
            total_.freezes++;
            total_.frozen_ms += gap / 1000;
        } else {
            mean_gap_ = mean_gap_ > 0 ? mean_gap_ + (gap - mean_gap_) / 30 : gap;
        }
    }
    last_picture_ = us;
}

void RtpWatch::begin_window(int64_t us) {
    started_ = us;
    window_bytes_ = window_frames_ = 0;
    mean_gap_ = 0;
    last_picture_ = 0;
}

RtpFacts RtpWatch::facts(int64_t now_us) const {
    RtpFacts out = total_;
    for (const Packet& p : queue_)
        out.lost += !p.there;
    out.jitter_ms = jitter_ * 1000 / clock_rate_;
    if (!started_)
        return out;
    out.bytes = window_bytes_;
    out.frames = window_frames_;
    out.seconds = static_cast<double>(now_us - started_) / 1e6;
    // A picture that does not come any more is a freeze, too.
    const auto silence = static_cast<double>(now_us - std::max(last_picture_, started_));
    if (pictures_ && silence > std::max({3 * mean_gap_, mean_gap_ + least_freeze_us, 1e6})) {
        out.freezes++;
        out.frozen_ms += silence / 1000;
    }
    out.ended = static_cast<double>(now_us - std::max(last_packet_, started_)) > std::max(2e6, out.seconds * 1e6 / 4);
    return out;
}

bool RtpWatch::begins_key_frame(std::span<const uint8_t> p) const {
    constexpr uint8_t stap_a = 24, fu_a = 28;
    if (p.empty())
        return false;
    const uint8_t type = p[0] & 0x1f;
    if (type == fu_a)
        return p.size() > 1 && (p[1] & 0x80) && is_random_access(Codec::h264, p[1] & 0x1f);
    if (type != stap_a)
        return is_random_access(Codec::h264, type);
    for (size_t at = 1; at + 2 < p.size();) {
        const size_t size = be(p, at, 2);
        at += 2;
        if (size == 0 || size > p.size() - at)
            return false;
        if (is_random_access(Codec::h264, p[at] & 0x1f))
            return true;
        at += size;
    }
    return false;
}

} // namespace sluice::doctor
