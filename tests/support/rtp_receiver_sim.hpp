// SPDX-License-Identifier: LGPL-2.1-or-later
// What a browser makes of the packets of one video stream: pictures from complete units, NACKs for what is missing, a PLI when
// nothing can be shown any more.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace sluice::test {

// A packet as its sender knows it.
struct SimPacket {
    uint64_t seq = 0; // of RTP, extended
    uint32_t timestamp = 0, bytes = 0;
    bool marker = false, padding = false;
    uint64_t number = 0; // transport-wide, of the last time that it left; 0: it bears none
    bool first = false;  // of its unit
    bool key = false;
    unsigned stream = 0; // the camera's
    uint32_t unit = 0;   // counted per stream
    GstClockTime captured = 0;
};

struct ShownPicture {
    GstClockTime at = 0, captured = 0;
    unsigned stream = 0;
    uint32_t unit = 0;
    bool key = false;
};

class RtpReceiverSim {
public:
    static constexpr GstClockTime buffer = 50 * GST_MSECOND; // of the player, about what Chromium keeps
    static constexpr GstClockTime first_nack = 10 * GST_MSECOND;
    static constexpr unsigned max_nacks = 10;
    static constexpr GstClockTime starved = 300 * GST_MSECOND, pli_interval = GST_SECOND;

    std::vector<ShownPicture> shown;
    uint64_t nacks = 0, plis = 0, wrong = 0; // wrong: a delta unit behind another than it refers to

    void receive(const SimPacket& p, GstClockTime now) {
        if (!begun_) {
            begun_ = true;
            next_ = p.seq;
            decoded_at_ = now;
        }
        if (p.seq < next_)
            return;
        for (uint64_t s = std::max(next_, highest_ + 1); s < p.seq; ++s)
            missing_.emplace(s, Missing{now, 0, 0});
        highest_ = std::max(highest_, p.seq);
        missing_.erase(p.seq);
        packets_.emplace(p.seq, p);
        heard_at_ = now;
        while (decode_next(now) || jump_to_key(now)) {
        }
    }

    // Sequence numbers to ask for now.
    std::vector<uint64_t> due_nacks(GstClockTime now, GstClockTime rtt) {
        std::vector<uint64_t> ask;
        for (auto it = missing_.begin(); it != missing_.end();) {
            Missing& m = it->second;
            if (m.asked ? now < m.last + std::max<GstClockTime>(rtt, 20 * GST_MSECOND) : now < m.since + first_nack) {
                ++it;
                continue;
            }
            if (m.asked >= max_nacks) {
                it = missing_.erase(it);
                continue;
            }
            ++m.asked;
            m.last = now;
            ask.push_back(it->first);
            ++it;
        }
        nacks += ask.size();
        return ask;
    }
    bool pli_due(GstClockTime now) {
        // Who hears nothing at all asks for nothing.
        if (!begun_ || now < decoded_at_ + starved || now < pli_at_ + pli_interval || now > heard_at_ + starved)
            return false;
        pli_at_ = now;
        ++plis;
        return true;
    }

private:
    std::optional<ShownPicture> decoded_;
    uint32_t newest_ = 0; // stamp of what is shown
    struct Missing {
        GstClockTime since, last;
        unsigned asked;
    };
    using Iterator = std::map<uint64_t, SimPacket>::iterator;

    // Behind the last packet of a complete unit that begins at `from`; 0: it is not complete.
    uint64_t end_of_unit(Iterator from) const {
        if (!from->second.first)
            return 0;
        uint64_t seq = from->first;
        for (auto it = from; it != packets_.end() && it->first == seq && it->second.timestamp == from->second.timestamp;
             ++it, ++seq)
            if (it->second.marker)
                return seq + 1;
        return 0;
    }
    bool decode_next(GstClockTime now) {
        auto it = packets_.begin();
        if (it == packets_.end() || it->first != next_)
            return false;
        if (it->second.padding) {
            packets_.erase(it);
            ++next_;
            return true;
        }
        const uint64_t end = end_of_unit(it);
        if (!end || (waits_for_key_ && !it->second.key))
            return false;
        decode(it, end, now);
        return true;
    }
    bool jump_to_key(GstClockTime now) {
        for (auto it = packets_.begin(); it != packets_.end(); ++it) {
            if (!it->second.first || !it->second.key)
                continue;
            if (const uint64_t end = end_of_unit(it)) {
                decode(it, end, now);
                return true;
            }
        }
        return false;
    }
    void decode(Iterator it, uint64_t end, GstClockTime now) {
        const SimPacket& p = packets_.at(end - 1);
        if (!p.key && (!decoded_ || decoded_->stream != p.stream || decoded_->unit + 1 != p.unit))
            ++wrong;
        decoded_ = {now + buffer, p.captured, p.stream, p.unit, p.key};
        // As browsers do it: what is older than the picture that is shown is not shown.
        if (shown.empty() || static_cast<int32_t>(p.timestamp - newest_) > 0) {
            shown.push_back(*decoded_);
            newest_ = p.timestamp;
        }
        waits_for_key_ = false;
        decoded_at_ = now;
        next_ = end;
        packets_.erase(packets_.begin(), packets_.lower_bound(end));
        missing_.erase(missing_.begin(), missing_.lower_bound(end));
    }

    bool begun_ = false, waits_for_key_ = true;
    uint64_t next_ = 0, highest_ = 0;
    std::map<uint64_t, SimPacket> packets_;
    std::map<uint64_t, Missing> missing_;
    GstClockTime decoded_at_ = 0, pli_at_ = 0, heard_at_ = 0;
};

} // namespace sluice::test
