// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/congestion/bandwidth_estimator.hpp"
#include "plugins/webrtc/congestion/least_round_trip.hpp"
#include "plugins/webrtc/congestion/picture_rate.hpp"
#include "plugins/webrtc/congestion/playout_delay.hpp"
#include "plugins/webrtc/congestion/spot_check.hpp"
#include "plugins/webrtc/congestion/stream_chooser.hpp"
#include "plugins/webrtc/quality.hpp"
#include "plugins/webrtc/viewer_stream.hpp"

namespace sluice {

// What the path to one viewer carries, and what follows from that for its ViewerStream: how fast packets leave, which stream it
// gets, when to look whether there is room for a better one. Pure; time is a parameter.
class ViewerPath {
public:
    struct Start {
        uint64_t remembered = 0; // bit/s, of its network; 0: nothing
        bool near = false;       // on this machine: what is sent arrives, until the opposite is shown
        bool reports = true;     // it has agreed to transport-wide feedback
        std::string quality = quality_auto;
        std::shared_ptr<LeastRoundTrip> round_trip = nullptr; // of its network; none: it is alone
    };
    // What arrives pauses for longer: the viewer sees a freeze.
    static constexpr GstClockTime freeze = 500 * GST_MSECOND;
    // Nothing is heard of what was sent for so long: nothing comes through. Then a packet leaves now and then, to be told of its end.
    static constexpr GstClockTime silent = 700 * GST_MSECOND, knock_interval = 150 * GST_MSECOND;
    // So long after it was told a packet that was lost has been sent once more. Where losses follow each other, they have not.
    static constexpr GstClockTime mended = 400 * GST_MSECOND, loss_chain = 150 * GST_MSECOND;
    // A key unit that comes so soon after that is waited for.
    static constexpr GstClockTime key_soon = 100 * GST_MSECOND;
    // Who has agreed to feedback and gives none for so long is a viewer without.
    static constexpr GstClockTime feedback_limit = 10 * GST_SECOND;
    // Who has connected and is not heard of for so long has gone again, or hears nothing: no more than this much. First reports of RTCP may
    // take 3 s (RFC 3550 section 6.2).
    static constexpr GstClockTime unheard_limit = 5 * GST_SECOND;
    static constexpr uint64_t unheard_bitrate = 50'000;

    explicit ViewerPath(const Start& start);

    void pin(const std::string& quality);
    const std::string& quality() const { return chooser_.quality(); }
    void connected(GstClockTime now, ViewerStream& stream);
    // RTCP has come, whatever it tells: somebody is there.
    void heard_of() { chooser_.answered(); }

    void sent(uint64_t bytes, GstClockTime now, Numbered numbered = Numbered::all) {
        estimator_.on_sent(bytes, now, numbered);
        if (!unanswered_ && numbered != Numbered::none)
            unanswered_ = now;
    }
    // The viewer misses something: a packet, or what it needs to show pictures.
    void disturbed(GstClockTime now) {
        news_ |= spot_check_.on();
        spot_check_.disturbed(now);
    }
    void probed(const Probe& probe) { estimator_.expect(probe); }
    void feedback(const std::vector<PacketResult>& packets, GstClockTime now);
    void report(double fraction_lost, GstClockTime rtt, GstClockTime now);
    // The same where all is well: only whether it still is. behind: how long ago the first picture left that is not there.
    void spot_report(double fraction_lost, GstClockTime behind, GstClockTime now);

    // The first packets of another stream leave; the rest of a GOP was dropped for it came too late.
    void switched(GstClockTime now) { chooser_.switched(now); }
    void dropped(GstClockTime now) {
        if (is_silent(now))
            return; // an outage, and no path that carries too little
        chooser_.dropped();
        news_ = true;
    }
    // Something has been heard, or the time of the last look is over.
    bool due(GstClockTime now) const { return news_ || now >= look_again_; }
    GstClockTime look_again() const { return look_again_; }
    // What to send and what to stay attached to; the stream's pace is set.
    const StreamChooser::Decision& decide(ViewerStream& stream, GstClockTime now);
    const StreamChooser::Decision& decision() const { return decision_; }

    // Nothing better than receiver reports has come.
    bool wants_reports() const { return connected_ && !heard_feedback_; }
    bool spot_checks() const { return spot_check_.on(); }
    // bit/s that the path has shown, 0: nothing that is worth remembering.
    uint64_t learnt() const { return start_.near || !heard_feedback_ ? 0 : learnt_; }

    struct Figures {
        PathState path;
        bool heard = false; // feedback or a report has come
        uint64_t carries = 0, freezes = 0;
        GstClockTime playout_delay = 0; // asked for, 0: none
    };
    Figures figures(GstClockTime now) const;
    PathState state(GstClockTime now) const { return estimator_.state(now); }

private:
    static constexpr GstClockTime survey_interval = 250 * GST_MSECOND;
    void survey(const ViewerStream& stream, GstClockTime now);
    void leave_last_resort(const ViewerStream& stream, GstClockTime now);
    bool is_silent(GstClockTime now) const { return heard_feedback_ && unanswered_ && now >= unanswered_ + silent; }
    uint64_t tried(const ViewerStream& stream, const PathState& path) const;
    void set_pace(ViewerStream& stream, const PathState& path, GstClockTime now);
    void set_spot_checks(ViewerStream& stream, const PathState& path, GstClockTime now);
    void set_carries(ViewerStream& stream, const PathState& path, GstClockTime now);

    const Start start_;
    BandwidthEstimator estimator_;
    StreamChooser chooser_;
    PlayoutDelay delay_;
    SpotCheck spot_check_;
    PictureRate picture_rate_;
    StreamChooser::Decision decision_;
    std::vector<StreamChooser::Stream> streams_;
    GstClockTime surveyed_ = 0, look_again_ = 0, connected_ = 0;
    bool news_ = false, heard_ = false, heard_feedback_ = false;
    bool narrow_ = false;                          // a near viewer has shown that it is not
    GstClockTime last_arrival_ = 0, answered_ = 0; // the receiver's clock; ours
    GstClockTime unanswered_ = 0;                  // since when something was sent and nothing is heard; 0: all is well
    GstClockTime lost_ = 0, lost_told_ = 0; // the first of those that were lost lately; when the last one was told
    GstClockTime knocked_ = 0;              // the last packet that was to be told of its end
    bool returned_ = false;                 // something comes through again
    uint64_t freezes_ = 0;
    uint64_t learnt_ = 0; // bit/s: that nothing comes through is no rate, for the viewer may be gone
};

} // namespace sluice
