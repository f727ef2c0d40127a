// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport-wide feedback and receiver reports: whatever a viewer says, the estimate stays a rate.
#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"
#include "plugins/webrtc/congestion/feedback_reader.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/twcc_event.hpp"

#include <cmath>

using namespace sluice;

// The estimator holds no pointer to memory of its own: its size is all it ever takes.
static_assert(sizeof(BandwidthEstimator) < 64 * 1024);

namespace {

GstClockTime time_of(test::FuzzInput& in, GstClockTime near) {
    const uint8_t kind = in.byte();
    const uint64_t n = in.u32();
    switch (kind % 6) {
    case 0: return near + n % 1000 * GST_MSECOND;
    case 1: return near - n % 1000 * GST_MSECOND;
    case 2: return n * 250 * GST_USECOND;
    case 3: return n << 32 | n;
    case 4: return GST_CLOCK_TIME_NONE;
    default: return (GstClockTime{1} << 24) * 64 * GST_MSECOND - n % 4096 * GST_MSECOND;
    }
}

void check(const PathState& s) {
    FUZZ_CHECK(s.estimate == 0 || (s.estimate >= RateControl::min_estimate && s.estimate <= RateControl::max_estimate));
    FUZZ_CHECK(std::isfinite(s.loss) && s.loss >= 0 && s.loss <= 1);
    FUZZ_CHECK(s.queue_delay <= 60 * GST_SECOND);
    FUZZ_CHECK(s.probed <= RateControl::max_estimate);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    gst_init(nullptr, nullptr);
    test::FuzzInput in(data, size);
    BandwidthEstimator estimator(in.u32());
    FeedbackReader reader;
    GstClockTime now = 1000 * GST_SECOND;
    unsigned seq = in.u16();
    while (!in.rest().empty()) {
        const uint8_t what = in.byte();
        now += in.byte() % 4 == 0 ? uint64_t{in.u16()} * GST_MSECOND : 20 * GST_MSECOND;
        switch (what % 5) {
        case 0: estimator.on_report(in.byte() / 200.0 - 0.1, time_of(in, 100 * GST_MSECOND), now); break;
        case 1: estimator.expect({time_of(in, now), time_of(in, now), uint64_t{in.u32()} << (what & 31)}); break;
        case 2:
            estimator.on_sent(in.u32(), now);
            estimator.tick(now);
            break;
        default: {
            std::vector<test::TwccPacket> packets(in.byte() % 64);
            for (test::TwccPacket& p : packets) {
                const uint8_t flags = in.byte();
                seq += flags & 1 ? in.u16() : 1;
                // Most of it as it should be, so that the estimator is reached.
                p = {flags & 2 ? seq : seq & 0xffff, now - 50 * GST_MSECOND, now, 1200u, (flags & 4) != 0};
                if (flags & 8)
                    p.local = time_of(in, now);
                if (flags & 16)
                    p.remote = time_of(in, now);
                if (flags & 32)
                    p.size = in.u32();
            }
            GstStructure* s = test::twcc_structure(packets);
            const std::vector<PacketResult>& results = reader.read(s);
            FUZZ_CHECK(results.size() <= packets.size());
            for (const PacketResult& r : results)
                FUZZ_CHECK(r.sent <= static_cast<GstClockTime>(G_MAXINT64) &&
                           r.bytes <= 65535 + FeedbackReader::usual_overhead);
            estimator.on_feedback(results, now);
            (void)trace_line(results, now);
            gst_structure_free(s);
        }
        }
        check(estimator.state(now));
        check(estimator.state(now + uint64_t{what} * GST_SECOND));
    }
    return 0;
}
