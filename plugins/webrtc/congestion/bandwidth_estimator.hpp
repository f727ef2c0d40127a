// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/bytes_between.hpp"
#include "plugins/webrtc/congestion/feedback.hpp"
#include "plugins/webrtc/congestion/loss_estimator.hpp"
#include "plugins/webrtc/congestion/packet_groups.hpp"
#include "plugins/webrtc/congestion/packet_ledger.hpp"
#include "plugins/webrtc/congestion/probe_estimator.hpp"
#include "plugins/webrtc/congestion/queue_delay.hpp"
#include "plugins/webrtc/congestion/rate_control.hpp"
#include "plugins/webrtc/congestion/rate_window.hpp"
#include "plugins/webrtc/congestion/report_estimator.hpp"
#include "plugins/webrtc/congestion/trendline.hpp"

#include <cstdint>
#include <vector>

namespace sluice {

// What the path to one viewer carries, from what its receiver reports (docs/design/congestion.md). Of constant size. Pure: time is
// a parameter, that of the clock the packets' send times are of. Not thread-safe.
class BandwidthEstimator {
public:
    // `start`: what was estimated for this network before; 0: nothing.
    explicit BandwidthEstimator(uint64_t start = 0);

    // Packets leave. Without it nobody knows whether silence is an outage.
    void on_sent(uint64_t bytes, GstClockTime now, Numbered numbered = Numbered::all);
    void on_feedback(const std::vector<PacketResult>& packets, GstClockTime now);
    void on_report(double fraction_lost, GstClockTime rtt, GstClockTime now);
    void expect(const Probe& probe) { probes_.expect(probe); }
    // The least usual_rtt of all viewers in the network of this one; 0: not known.
    void set_least_rtt(GstClockTime rtt) { least_rtt_ = rtt; }
    void tick(GstClockTime now); // a few times a second

    PathState state(GstClockTime now) const;

private:
    void take(const PacketResult& packet, GstClockTime now);
    void measure_rtt(const std::vector<PacketResult>& packets, GstClockTime now);
    void decide(GstClockTime now);
    void back_from_outage(GstClockTime now);
    double longer_ms() const;
    void find_hidden_queue(GstClockTime now);
    bool judge_standing_queue(uint64_t sent, GstClockTime now);
    bool by_feedback(GstClockTime now) const;
    double outage_factor(GstClockTime now) const;

    PacketLedger ledger_;
    BytesBetween between_;
    PacketGroups groups_;
    Trendline trend_;
    QueueDelay queue_;
    RateWindow sent_, received_, handed_out_;
    LossEstimator loss_;
    ProbeEstimator probes_;
    ReportEstimator reports_;
    RateControl rate_;

    bool overuse_ = false;
    uint64_t probed_ = 0;
    GstClockTime probed_at_ = 0;
    GstClockTime rtt_ = 0, rtt_at_ = 0, least_rtt_ = 0;
    GstClockTime in_vain_ = 0;                        // when the delay was taken for the path's own
    double own_longer_ms_ = 0;                        // than the shortest in the network: its way, not a queue
    GstClockTime hidden_since_ = GST_CLOCK_TIME_NONE; // a queue is seen in nothing but losses and round trips
    GstClockTime first_sent_ = GST_CLOCK_TIME_NONE;
    GstClockTime unanswered_ = GST_CLOCK_TIME_NONE; // since when packets leave and nothing is heard
    GstClockTime heard_ = GST_CLOCK_TIME_NONE, reported_ = GST_CLOCK_TIME_NONE;
    GstClockTime arrived_ = 0; // the newest, receiver's clock
    GstClockTime last_sent_ = 0;
    // After an outage: the share of the estimate that is trusted until the path looks clean.
    double trust_ = 1;
    GstClockTime back_ = GST_CLOCK_TIME_NONE;
    // A queue that stands although less is sent is not ours.
    uint64_t standing_from_ = 0; // sent when it began to stand; 0: it does not
    GstClockTime less_since_ = GST_CLOCK_TIME_NONE;
    double standing_before_ = 0;
};

} // namespace sluice
