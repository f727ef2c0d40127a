// SPDX-License-Identifier: LGPL-2.1-or-later
// A recorded or simulated run of transport-wide feedback, to be replayed into the estimator. Text, one line each:
//   # start BIT/S                          remembered estimate
//   # expect FROM TO LEAST MOST           seconds since the first feedback, kbit/s: the estimate stays within
//   # probe FROM_US TO_US BIT/S           what was sent on purpose; stands before the feedback with its first packet
//   SENT_US ARRIVED_US|lost BYTES [SEQ]   a packet; without SEQ each is the one after that before
//   feedback NOW_US                       the packets above came with one feedback, at this time
// Other lines with `#` and empty ones say nothing.
#pragma once

#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::test {

struct CongestionTrace {
    struct Expect {
        double from = 0, to = 0, least = 0, most = 0; // s, kbit/s
    };
    struct Batch {
        GstClockTime now = 0;
        std::vector<Probe> probes;
        std::vector<PacketResult> packets;
    };
    uint64_t start = 0;
    std::vector<Expect> expect;
    std::vector<Batch> batches;
    std::string error; // of the first line that is none

    static CongestionTrace read(const std::string& path) {
        CongestionTrace trace;
        std::ifstream file(path);
        if (!file)
            trace.error = "cannot be read";
        Batch batch;
        uint64_t seq = 65536;
        std::string line;
        for (unsigned number = 1; std::getline(file, line) && trace.error.empty(); ++number) {
            if (!trace.line(line, batch, seq))
                trace.error = "line " + std::to_string(number) + ": " + line;
        }
        if (trace.error.empty() && !batch.packets.empty())
            trace.error = "ends within a feedback";
        return trace;
    }

private:
    bool line(const std::string& text, Batch& batch, uint64_t& seq) {
        std::istringstream words(text);
        std::string first;
        if (!(words >> first))
            return true;
        if (first == "#") {
            std::string what;
            words >> what;
            uint64_t from = 0, to = 0, bitrate = 0;
            Expect e;
            if (what == "start")
                return static_cast<bool>(words >> start);
            if (what == "expect") {
                if (!(words >> e.from >> e.to >> e.least >> e.most))
                    return false;
                expect.push_back(e);
            }
            if (what == "probe") {
                if (!(words >> from >> to >> bitrate))
                    return false;
                batch.probes.push_back({from * GST_USECOND, to * GST_USECOND, bitrate});
            }
            return true;
        }
        if (first[0] == '#')
            return true;
        if (first == "feedback") {
            uint64_t us = 0;
            if (!(words >> us))
                return false;
            batch.now = us * GST_USECOND;
            batches.push_back(std::move(batch));
            batch = {};
            return true;
        }
        uint64_t bytes = 0;
        std::string arrived;
        if (first.find_first_not_of("0123456789") != std::string::npos || !(words >> arrived >> bytes))
            return false;
        uint64_t given = 0;
        seq = words >> given ? given : seq + 1;
        PacketResult p;
        p.seq = seq;
        p.sent = std::stoull(first) * GST_USECOND;
        p.lost = arrived == "lost";
        if (!p.lost) {
            if (arrived.find_first_not_of("0123456789") != std::string::npos)
                return false;
            p.arrived = std::stoull(arrived) * GST_USECOND;
        }
        p.bytes = static_cast<uint32_t>(bytes);
        batch.packets.push_back(p);
        return true;
    }
};

} // namespace sluice::test
