// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport-wide feedback and receiver reports: whatever a viewer says, the estimate stays a rate.
#include "plugins/core/refs.hpp"
#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"
#include "plugins/webrtc/congestion/transport_feedback.hpp"
#include "plugins/webrtc/viewer_rtcp.hpp"
#include "tests/fuzz/fuzz.hpp"

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
    const auto rtcp = adopt(gst_buffer_new_allocate(nullptr, size, nullptr));
    gst_buffer_fill(rtcp.get(), 0, data, size);
    const ViewerRtcp found = read_viewer_rtcp(rtcp.get(), 1, [](std::span<const uint8_t> fci) {
        TransportFeedback other;
        other.number(1, 1);
        FUZZ_CHECK(other.read(fci).size() <= 1);
    });
    if (found.report)
        FUZZ_CHECK(found.report->fraction_lost >= 0 && found.report->fraction_lost < 1);
    test::FuzzInput in(data, size);
    BandwidthEstimator estimator(in.u32());
    TransportFeedback feedback;
    GstClockTime now = 1000 * GST_SECOND;
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
        case 3: // packets leave
            now += in.byte() * GST_MSECOND;
            for (unsigned n = in.byte() % 64; n > 0; --n, now += 5 * GST_MSECOND)
                feedback.number(in.u16(), now);
            break;
        default: {
            const std::vector<PacketResult> results = feedback.read(in.take(in.byte()));
            FUZZ_CHECK(results.size() <= TransportFeedback::most_known);
            for (size_t i = 0; i < results.size(); ++i)
                FUZZ_CHECK(results[i].seq != 0 && (i == 0 || results[i].seq > results[i - 1].seq));
            estimator.on_feedback(results, now);
            (void)trace_line(results, now);
        }
        }
        check(estimator.state(now));
        check(estimator.state(now + uint64_t{what} * GST_SECOND));
    }
    return 0;
}
