// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_path.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {
// Payloads of 1180 bytes: RTP, SRTP, UDP and IP add this much.
uint64_t on_the_wire(uint64_t payload_bitrate) { return payload_bitrate + payload_bitrate / 16; }
constexpr GstClockTime queued = 100 * GST_MSECOND; // more than a key unit does
constexpr double heavy_loss = 0.1;
constexpr uint64_t knock_bitrate = 100'000; // one packet
constexpr GstClockTime knock_time = GST_MSECOND;
constexpr uint64_t near_bitrate = 100'000'000;

// So many reports in a row are not lost by themselves.
constexpr GstClockTime surely_out = 1500 * GST_MSECOND;
// The first report after an outage is of all that was sent meanwhile. Where only reports had been lost it is of what arrived.
bool mostly_lost(const std::vector<PacketResult>& packets) {
    const auto lost = std::count_if(packets.begin(), packets.end(), [](const PacketResult& p) { return p.lost; });
    return 2 * static_cast<size_t>(lost) > packets.size();
}
} // namespace

ViewerPath::ViewerPath(const Start& start)
    : start_(start), estimator_(start.near ? 0 : start.remembered),
      chooser_(start.near ? near_bitrate : start.remembered, start.near ? "the viewer is on this machine" : "") {
    chooser_.pin(start.quality);
}

void ViewerPath::pin(const std::string& quality) {
    chooser_.pin(quality);
    news_ = true;
}

void ViewerPath::connected(GstClockTime now, ViewerStream& stream) {
    connected_ = now;
    chooser_.start(now);
    look_again_ = now;
    if (start_.near || !start_.reports)
        stream.pace().set_unlimited();
    else if (start_.remembered)
        stream.pace().set_estimate(start_.remembered, now);
    else
        stream.pace().set_unknown(now);
}

void ViewerPath::feedback(const std::vector<PacketResult>& packets, GstClockTime now) {
    returned_ |= is_silent(now) && (now >= unanswered_ + surely_out || mostly_lost(packets));
    unanswered_ = 0;
    estimator_.on_feedback(packets, now);
    heard_ = heard_feedback_ = news_ = true;
    for (const PacketResult& p : packets) {
        answered_ = std::max(answered_, p.sent);
        if (p.lost) {
            lost_ = now < lost_told_ + loss_chain ? std::min(lost_, p.sent) : p.sent;
            lost_told_ = now;
            continue;
        }
        if (last_arrival_ && p.arrived > last_arrival_ + freeze)
            ++freezes_;
        last_arrival_ = std::max(last_arrival_, p.arrived);
    }
}

void ViewerPath::report(double fraction_lost, GstClockTime rtt, GstClockTime now) {
    if (heard_feedback_)
        return;
    estimator_.on_report(fraction_lost, rtt, now);
    heard_ = news_ = true;
}

void ViewerPath::spot_report(double fraction_lost, GstClockTime behind, GstClockTime now) {
    if (fraction_lost > SpotCheck::reported_loss ||
        behind > estimator_.state(now).usual_rtt + SpotCheck::reported_queue)
        disturbed(now);
}

// Best first: main, then what has more bits.
void ViewerPath::survey(const ViewerStream& stream, GstClockTime now) {
    if (surveyed_ && now < surveyed_ + survey_interval)
        return;
    surveyed_ = now;
    streams_.clear();
    for (const auto& [name, channel] : stream.scene()) {
        const ChannelStats s = channel->stats(now);
        const TrackPtr track = channel->video_track();
        streams_.push_back({.name = name,
                            .bitrate = on_the_wire(s.bitrate),
                            .peak = on_the_wire(s.peak_bitrate),
                            .playable = s.producer_present && track && track->codec == stream.codec() && !s.reorder,
                            .cached = s.gop_complete,
                            .burst = ViewerStream::burst_rate(s)});
    }
    leave_last_resort(stream, now);
    std::stable_sort(streams_.begin(), streams_.end(), [](const auto& a, const auto& b) {
        return (a.name == "main") != (b.name == "main") ? a.name == "main" : a.bitrate > b.bitrate;
    });
}

// What is made for viewers who can play nothing else is all there is for them until the camera sends something that they can
// play, and from then on it is nothing for them, unless they ask for it. A whole GOP has to come first: B-frames show only then.
void ViewerPath::leave_last_resort(const ViewerStream& stream, GstClockTime now) {
    const auto made = [&](const std::string& name) {
        const auto channel = stream.channel(name);
        return channel && channel->last_resort();
    };
    const bool has_it = made(stream.stream()) || made(stream.wanted());
    bool other = false;
    for (StreamChooser::Stream& s : streams_) {
        if (made(s.name))
            continue;
        s.playable = s.playable && (!has_it || stream.channel(s.name)->stats(now).key_interval > 0);
        other |= s.playable;
    }
    const bool stays = has_it && (!other || made(quality()));
    std::erase_if(streams_, [&](const auto& s) { return made(s.name) != stays; });
}

// Bit/s that may leave though the estimate is lower, as long as no queue stands.
uint64_t ViewerPath::tried(const ViewerStream& stream, const PathState& path) const {
    const auto enough = [](const StreamChooser::Stream& s) { return s.bitrate * 13 / 10; };
    // Receiver reports show no more than what was sent: a stream that waits here for them would never leave.
    if (!heard_feedback_) {
        const auto wanted =
            std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.name == stream.wanted(); });
        return wanted == streams_.end() ? 0 : enough(*wanted);
    }
    // Others who join make the estimate collapse, and it grows slowly: the smallest stream is tried all the same.
    return streams_.size() < 2 ? 0 : std::min(enough(streams_.back()), 2 * path.estimate);
}

void ViewerPath::set_pace(ViewerStream& stream, const PathState& path, GstClockTime now) {
    PathPacer& pace = stream.pace();
    stream.acknowledged(answered_, now < lost_told_ + mended ? lost_ : answered_);
    stream.retransmissions().set_round_trip(path.rtt + path.queue_delay);
    narrow_ |= heard_ && (path.overuse || path.loss > heavy_loss);
    if (start_.near && !narrow_)
        return;
    const bool full = path.overuse || path.queue_delay > queued;
    stream.set_strain(full || path.loss > heavy_loss, path.queue_delay);
    if (path.estimate != 0 && heard_) {
        pace.set_estimate(full ? path.estimate : std::max(path.estimate, tried(stream, path)), now, full);
        const uint64_t proven = path.received != 0 ? std::min(path.estimate, 2 * path.received) : path.estimate;
        stream.retransmissions().set_rate(full ? proven / 4 : proven);
    } else if (chooser_.answers() && now >= connected_ + StreamChooser::silence) {
        pace.set_unlimited(); // it tells nothing
    } else if (!chooser_.answers() && now >= connected_ + unheard_limit) {
        pace.set_estimate(unheard_bitrate, now);
    }
}

// As long as the stream is the best one there is, or the one that was asked for, nothing is to be found out.
void ViewerPath::set_spot_checks(ViewerStream& stream, const PathState& path, GstClockTime now) {
    const auto sent = std::find_if(streams_.begin(), streams_.end(), [&](const StreamChooser::Stream& s) {
        return s.playable && (quality() == quality_auto || s.name == quality());
    });
    SpotCheck::Sending sending{.near = start_.near && !narrow_, .queue = stream.late(now)};
    if (sent != streams_.end()) {
        sending.bitrate = std::max(sent->bitrate, sent->peak);
        sending.settled = heard_feedback_ && sent->name == stream.stream() && sent->name == stream.wanted();
    }
    if (is_silent(now))
        spot_check_.disturbed(now);
    else if (decision_.probe_bitrate)
        spot_check_.interrupt();
    else
        spot_check_.observe(path, sending, now);
    stream.set_spot_checks(spot_check_.on());
}

// An encoder that makes this stream can make it smaller.
void ViewerPath::set_carries(ViewerStream& stream, const PathState& path, GstClockTime now) {
    if (is_silent(now))
        picture_rate_.silent(now);
    if (!stream.wants_rate() || (start_.near && !narrow_) || !chooser_.limited())
        return;
    if (const auto rate = picture_rate_.look(path, stream.sound() ? stream.sound()->writer().bytes() : 0, now))
        stream.set_carries(*rate);
}

const StreamChooser::Decision& ViewerPath::decide(ViewerStream& stream, GstClockTime now) {
    news_ = false;
    survey(stream, now);
    estimator_.tick(now);
    const PathState path = estimator_.state(now);
    if (heard_feedback_ && path.usual_rtt != 0 && start_.round_trip)
        estimator_.set_least_rtt(start_.round_trip->of_all(path.usual_rtt, now));
    if (connected_) {
        set_pace(stream, path, now);
        if (start_.reports && !heard_feedback_ && now >= connected_ + feedback_limit)
            stream.leave_extension_out();
    }
    if (heard_) {
        delay_.observe(path, now);
        stream.ask_delay(delay_.asked(), now);
    }
    const bool returned = std::exchange(returned_, false);
    if (returned) {
        const auto current = stream.channel(stream.stream());
        if (current && current->stats(now).next_key_in(now) > key_soon) // unknown is longer
            chooser_.returned();
    }
    decision_ = chooser_.observe(streams_, path, is_silent(now) ? 0 : stream.late(now), now);
    if (!is_silent(now))
        learnt_ = chooser_.carries();
    set_spot_checks(stream, path, now);
    set_carries(stream, path, now);
    if (returned && decision_.stream == stream.stream())
        stream.come_back(now);
    look_again_ = decision_.look_again;
    if (stream.pace().waits_for_news() && heard_) // everything waits for what the first flight shows
        look_again_ = std::min(look_again_, now + 10 * GST_MSECOND);
    if (is_silent(now)) {
        look_again_ = std::min(look_again_, now + knock_interval);
        if (!stream.probing() && now >= knocked_ + knock_interval) {
            stream.probe(knock_bitrate, knock_time);
            knocked_ = now;
        }
    } else if (decision_.probe_bitrate)
        stream.probe(*decision_.probe_bitrate, decision_.probe_time);
    return decision_;
}

ViewerPath::Figures ViewerPath::figures(GstClockTime now) const {
    return {.path = estimator_.state(now),
            .heard = heard_,
            .carries = chooser_.carries(),
            .freezes = freezes_,
            .playout_delay = delay_.asked()};
}

} // namespace sluice
