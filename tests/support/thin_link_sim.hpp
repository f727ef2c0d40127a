// SPDX-License-Identifier: LGPL-2.1-or-later
// Cameras, the sender as it is, a path that several viewers may share and their receivers, in steps of a millisecond.
#pragma once

#include "plugins/webrtc/viewer_control.hpp"
#include "tests/support/rtp_packet.hpp"
#include "tests/support/rtp_receiver_sim.hpp"
#include "tests/support/sim_link.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sluice::test {

constexpr GstClockTime sim_begin = 1000 * GST_SECOND;

struct SimEncoding {
    std::string name;
    double bitrate = 0;
    unsigned key_min = 0, key_max = 0; // bytes
    double gop = 2, phase = 0;         // s
};
inline SimEncoding main_encoding(double bitrate = 4e6, double gop = 2) {
    return {"main", bitrate, 80'000, 180'000, gop, 0};
}
inline SimEncoding sub_encoding(double bitrate = 0.5e6, double gop = 2) {
    return {"sub", bitrate, 5'000, 14'000, gop, gop / 2};
}

// One encoding of a camera, 25 pictures a second. Each unit bears its number.
class SimCamera {
public:
    SimCamera(const SimEncoding& e, unsigned stream, unsigned seed)
        : channel(std::make_shared<Channel>("front/" + e.name)), producer_(channel), encoding_(e), random_(seed),
          first_(static_cast<unsigned>((e.gop - e.phase) * 25)), gop_(static_cast<unsigned>(e.gop * 25)),
          stream_(stream) {}

    bool due(GstClockTime now) const { return now >= next_; }
    void shoot(GstClockTime now) {
        next_ = now + 40 * GST_MSECOND;
        const bool key = (unit_ + first_) % gop_ == 0;
        if (key)
            key_size_ = std::uniform_int_distribution<unsigned>(encoding_.key_min, encoding_.key_max)(random_);
        const double rest = (encoding_.bitrate / 8 * encoding_.gop - key_size_) / (gop_ - 1);
        const double size = key ? key_size_ : rest * std::uniform_real_distribution<double>(0.7, 1.3)(random_);
        Bytes picture = key ? idr(static_cast<size_t>(size)) : p_slice(static_cast<size_t>(size));
        for (size_t i = 0; i < 4; ++i) // behind the start code, the NAL header and the first byte of the slice
            picture[6 + i] = static_cast<uint8_t>(0x80 | (unit_ >> (7 * i) & 0x7f));
        captured_.push_back(now);
        ++unit_;
        producer_.now = now;
        producer_.write(key ? sps() + pps() + picture : picture, now);
    }
    GstClockTime captured(uint32_t unit) const { return captured_.at(unit); }
    unsigned stream() const { return stream_; }
    // As an encoder does it that is asked for another rate.
    void set_bitrate(double bitrate) {
        const double part = bitrate / encoding_.bitrate;
        encoding_.bitrate = bitrate;
        encoding_.key_min = static_cast<unsigned>(encoding_.key_min * part);
        encoding_.key_max = static_cast<unsigned>(encoding_.key_max * part);
        key_size_ = static_cast<unsigned>(key_size_ * part);
    }
    void on_carried(std::function<void(uint64_t)> handler) {
        channel->set_rate_handler(producer_.token, std::move(handler));
    }

    const std::shared_ptr<Channel> channel;

private:
    Producer producer_;
    SimEncoding encoding_;
    std::mt19937 random_;
    const unsigned first_, gop_, stream_;
    uint32_t unit_ = 0;
    unsigned key_size_ = 50'000;
    GstClockTime next_ = 0;
    std::vector<GstClockTime> captured_;
};

struct SimSettings {
    SimPath path;
    unsigned seed = 1;
    std::vector<SimEncoding> encodings{main_encoding(), sub_encoding()};
    ViewerPath::Start start;
    unsigned feedback_ms = 50; // 0: none ever comes
    unsigned reports_ms = 0;   // receiver reports; 0: none ever comes
    bool gone = false;         // nothing is ever heard of it
    uint32_t tunnel = 0;       // bytes that each packet is longer on the path
    unsigned flow = 0;
    double joined = 3.3; // s after the cameras began
};

// One viewer of one camera.
class SimViewer {
public:
    struct Moment { // each 10 ms
        GstClockTime at;
        PathState path;
        GstClockTime late;
        double link_ms;
        unsigned stream;
        bool spot_checks;
    };
    SimViewer(const SimSettings& s, std::shared_ptr<SimLink> link)
        : settings(s), link_(std::move(link)), random_(s.seed * 7 + s.flow) {
        unsigned n = 0;
        for (const SimEncoding& e : s.encodings) {
            cameras_.push_back(std::make_unique<SimCamera>(e, n, s.seed * 100 + s.flow * 10 + n));
            ++n;
        }
    }

    const SimSettings settings;
    RtpReceiverSim receiver;
    std::vector<Moment> moments;
    std::vector<std::pair<GstClockTime, std::string>> switches; // first packets of another stream left
    uint64_t numbered = 0;                                      // packets
    uint64_t runs = 0;                                          // how often it was looked at, once in 1 ms at most
    uint64_t refused = 0, rtx_bytes = 0, padding_bytes = 0, media_bytes = 0;
    GstClockTime joined() const { return joined_; }
    ViewerStream& stream() { return *stream_; }
    ViewerPath& path() { return *path_; }
    SimCamera& camera(unsigned stream) { return *cameras_.at(stream); }
    bool talk = false;

    void cameras(GstClockTime now) {
        for (auto& c : cameras_) {
            if (!c->due(now))
                continue;
            c->shoot(now);
            wake_ = 0;
        }
    }
    void send(GstClockTime now) {
        if (!stream_) {
            if (now < sim_begin + static_cast<GstClockTime>(settings.joined * 1e9))
                return;
            join(now);
        }
        retransmit(now);
        for (; !feedback_.empty() && feedback_.front().first <= now; feedback_.pop_front()) {
            path_->feedback(feedback_.front().second, now);
            const PathState path = path_->figures(now).path;
            if (path.probed_at == now)
                note(now, "probe shows " + std::to_string(path.probed / 1000));
            wake_ = 0; // a kick for those that wait for it, and nothing is lost with the others
        }
        if (now >= wake_)
            run(now);
        if (now % (10 * GST_MSECOND) == 0)
            moments.push_back(
                {now, path_->figures(now).path, stream_->late(now), link_->queue_ms(), at_, path_->spot_checks()});
    }
    void receive(const SimLink::Packet& p, GstClockTime now) {
        const SimPacket& packet = on_the_way_.at(p.seq);
        ++told_;
        told_lost_ += p.lost;
        if (packet.number)
            waiting_.push_back(
                {packet.number, p.sent, p.lost ? 0 : p.arrived + 5000 * GST_SECOND, packet.bytes, p.lost});
        if (!p.lost) {
            highest_ = std::max(highest_, packet.seq);
            receiver.receive(packet, now);
        }
        on_the_way_.erase(p.seq);
    }
    void answer(GstClockTime now) {
        if (!stream_)
            return;
        const auto back = now + static_cast<GstClockTime>(link_->path().delay_ms * 1e6);
        if (!settings.gone)
            path_->heard_of();
        if (settings.feedback_ms && (now - sim_begin) / GST_MSECOND % settings.feedback_ms == 0)
            report(back);
        const GstClockTime rtt = static_cast<GstClockTime>(2e6 * link_->path().delay_ms + 1e6 * link_->queue_ms());
        if (settings.reports_ms && (now - sim_begin) / GST_MSECOND % settings.reports_ms == 0 && told_ != 0) {
            const double lost = static_cast<double>(std::exchange(told_lost_, 0)) / std::exchange(told_, 0);
            control_->heard(ReceiverReport{static_cast<uint16_t>(highest_), lost}, now);
            path_->report(lost, rtt, now);
            wake_ = 0;
        }
        const auto ask = receiver.due_nacks(now, rtt);
        if (!ask.empty() && passes())
            for (const uint64_t seq : ask)
                asked_.emplace_back(back, seq);
        if (receiver.pli_due(now) && passes())
            plis_.push_back(back);
    }

private:
    bool passes() {
        std::uniform_real_distribution<double> dice;
        return !link_->path().hole && !link_->path().deaf && dice(random_) >= link_->path().loss;
    }
    void join(GstClockTime now) {
        ViewerStream::Scene scene;
        for (auto& c : cameras_)
            scene[settings.encodings[c->stream()].name] = c->channel;
        const RtpWriter::Identity id{
            .ssrc = 1, .payload_type = 96, .first_seq = 100, .timestamp_offset = 77, .extension_id = 3};
        stream_ = std::make_unique<ViewerStream>(scene, scene.begin()->first, Codec::h264, id);
        path_ = std::make_unique<ViewerPath>(settings.start);
        control_ = std::make_unique<ViewerControl>(*stream_, *path_);
        follow(path_->decide(*stream_, now), now);
        path_->connected(now, *stream_);
        follow(path_->decide(*stream_, now), now);
        stream_->start();
        joined_ = now;
        wake_ = now;
    }
    void follow(const StreamChooser::Decision& orders, GstClockTime now) {
        auto change = control_->prepare(orders);
        control_->carry_out(change, now);
    }
    // As Viewer::run() does it.
    void run(GstClockTime now) {
        ++runs;
        for (int turns = 0; turns < 64; ++turns) {
            auto turn = control_->turn(now);
            if (turn.orders) {
                follow(*turn.orders, now);
                note(now,
                     "-> " + turn.orders->stream + (turn.orders->burst ? " (burst): " : ": ") + turn.orders->reason);
                continue;
            }
            if (turn.step.rate_changed)
                turn.step.rate_changed->tell_rate();
            if (turn.step.dropped)
                note(now, "drop");
            if (turn.step.probe)
                note(now, std::string(turn.step.probe->extra ? "padding" : "train") + " sent " +
                              std::to_string(turn.step.probe->bitrate / 1000) + " in ms " +
                              std::to_string((turn.step.probe->to - turn.step.probe->from) / GST_MSECOND));
            for (const uint16_t seq : turn.step.again)
                put_again(seq, now);
            if (turn.step.packets)
                hand_over(turn.step.packets.get(), now);
            else {
                wake_ = std::max(turn.come_back(), now + 1);
                return;
            }
        }
        wake_ = now + 1;
    }
    // What the receiver has already: it only loads the link and is reported.
    void put_again(uint16_t seq, GstClockTime now) {
        for (auto it = history_.rbegin(); it != history_.rend(); ++it)
            if (static_cast<uint16_t>(it->first) == seq) {
                padding_bytes += it->second.bytes;
                put(it->second, now);
                return;
            }
    }
    void hand_over(GstBufferList* list, GstClockTime now) {
        now_ = now;
        for (guint i = 0; i < gst_buffer_list_length(list); ++i) {
            GstBuffer* buffer = gst_buffer_list_get(list, i);
            SimPacket p = read(rtp_packet(buffer));
            p.bytes = static_cast<uint32_t>(gst_buffer_get_size(buffer)) + 38; // SRTP, UDP, IP
            (p.padding ? padding_bytes : media_bytes) += p.bytes;
            history_[p.seq] = p;
            put(p, now);
        }
        while (history_.size() > 500) // as webrtcbin does
            history_.erase(history_.begin());
    }
    SimPacket read(const RtpPacket& rtp) {
        if (sent_any_)
            last_seq_ += static_cast<uint16_t>(rtp.seq - static_cast<uint16_t>(last_seq_));
        else
            last_seq_ = rtp.seq;
        sent_any_ = true;
        SimPacket p{.seq = last_seq_, .timestamp = rtp.timestamp, .marker = rtp.marker, .padding = rtp.padding};
        p.number = rtp.extension; // the only one that this viewer takes; counted when it leaves
        if (rtp.padding)
            return p;
        p.first = last_.padding || rtp.timestamp != last_.timestamp;
        const bool fragment = (rtp.payload[0] & 0x1f) == 28;
        const unsigned type = rtp.payload[fragment ? 1 : 0] & 0x1f;
        if (p.first)
            p.key = type != 1;
        else
            p.key = last_.key;
        if (type == 1 || type == 5) {
            if (!fragment || (rtp.payload[1] & 0x80)) {
                const size_t at = fragment ? 3 : 2;
                for (size_t i = 0; i < 4; ++i)
                    unit_number_ = (i ? unit_number_ : 0) | (rtp.payload[at + i] & 0x7fu) << (7 * i);
            }
        }
        p.stream = at_ = current_stream();
        p.unit = unit_number_;
        p.captured = type == 1 || type == 5 ? cameras_[at_]->captured(unit_number_) : 0;
        if (p.first && at_ != last_.stream && last_.timestamp)
            switches.emplace_back(now_, settings.encodings[at_].name);
        last_ = p;
        return p;
    }
    unsigned current_stream() const {
        for (unsigned i = 0; i < settings.encodings.size(); ++i)
            if (settings.encodings[i].name == stream_->stream())
                return i;
        return 0;
    }
    // As TransportNumbers does it: what has a place for a number gets one.
    void put(const SimPacket& p, GstClockTime now) {
        SimPacket& packet = on_the_way_[++left_] = p;
        if (p.number)
            packet.number = transport_seq_++;
        numbered += p.number != 0;
        link_->push({.seq = left_, .flow = settings.flow, .bytes = p.bytes + settings.tunnel, .sent = now}, now);
    }
    void retransmit(GstClockTime now) {
        for (; !asked_.empty() && asked_.front().first <= now; asked_.pop_front()) {
            const auto it = history_.find(asked_.front().second);
            if (it == history_.end())
                continue;
            if (!control_->retransmit(static_cast<uint16_t>(it->first), now)) {
                ++refused;
                continue;
            }
            rtx_bytes += it->second.bytes;
            put(it->second, now);
        }
        for (; !plis_.empty() && plis_.front() <= now; plis_.pop_front()) {
            note(now, "PLI");
            control_->request_key_unit(now);
            wake_ = 0;
        }
    }
    void report(GstClockTime at) {
        size_t count = waiting_.size(); // losses are known only with a packet that arrived behind them
        while (count > 0 && waiting_[count - 1].lost)
            --count;
        if (count == 0)
            return;
        std::vector<PacketResult> results(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
        std::sort(results.begin(), results.end(), [](const auto& a, const auto& b) { return a.seq < b.seq; });
        if (passes())
            feedback_.emplace_back(at, std::move(results));
    }
    void note(GstClockTime now, const std::string& what) {
        char text[400];
        std::snprintf(text, sizeof text, "%8.3f %s", static_cast<double>(now - joined_) / 1e9, what.c_str());
        if (talk)
            std::printf("%s\n", text);
    }

    std::shared_ptr<SimLink> link_;
    std::mt19937 random_;
    std::vector<std::unique_ptr<SimCamera>> cameras_;
    std::unique_ptr<ViewerStream> stream_;
    std::unique_ptr<ViewerPath> path_;
    std::unique_ptr<ViewerControl> control_;
    GstClockTime wake_ = 0, joined_ = 0, now_ = 0;
    unsigned told_ = 0, told_lost_ = 0; // packets since the last receiver report
    uint64_t highest_ = 0;              // sequence number that has arrived
    unsigned at_ = 0;
    uint64_t transport_seq_ = 1, left_ = 0, last_seq_ = 0;
    bool sent_any_ = false;
    uint32_t unit_number_ = 0;
    SimPacket last_;
    std::map<uint64_t, SimPacket> history_, on_the_way_;
    std::vector<PacketResult> waiting_;
    std::deque<std::pair<GstClockTime, std::vector<PacketResult>>> feedback_;
    std::deque<std::pair<GstClockTime, uint64_t>> asked_;
    std::deque<GstClockTime> plis_;
};

// What the viewer saw.
struct Seen {
    double first = -1;                     // s after the join
    double longest = 0, frozen = 0;        // gap between pictures; share of the time in gaps of more than half a second
    unsigned freezes = 0, freezes_1s = 0;  // gaps of more than 0.5 and 1 s
    double latency = 0, worst_latency = 0; // median, all
    double back = 0;    // s, the longest time in which pictures older than one shown before were shown
    double link_ms = 0; // the longest queue of the path
};

class ThinLinkSim {
public:
    explicit ThinLinkSim(const std::vector<SimSettings>& all)
        : link_(std::make_shared<SimLink>(all[0].path, all[0].seed)) {
        for (SimSettings s : all) {
            s.flow = static_cast<unsigned>(viewers.size());
            viewers.push_back(std::make_unique<SimViewer>(s, link_));
        }
        link_->advance(now_);
    }
    std::vector<std::unique_ptr<SimViewer>> viewers;
    SimViewer& viewer() { return *viewers[0]; }
    SimLink& link() { return *link_; }
    GstClockTime now() const { return now_; }
    // s after the first viewer joined
    double seconds() const { return static_cast<double>(now_ - sim_begin) / 1e9 - viewers[0]->settings.joined; }
    std::function<void(ThinLinkSim&)> each_ms = [](ThinLinkSim&) {};

    void run_until(double second) {
        while (seconds() < second) {
            now_ += GST_MSECOND;
            each_ms(*this);
            for (auto& v : viewers)
                v->cameras(now_);
            for (auto& v : viewers)
                v->send(now_);
            link_->advance(now_);
            SimLink::Packet p;
            while (link_->pop(now_, p))
                viewers[p.flow]->receive(p, now_);
            for (auto& v : viewers)
                v->answer(now_);
        }
    }

    Seen seen(double from = 0, double to = 1e9, size_t who = 0) const {
        Seen s;
        SimViewer& v = *viewers[who];
        const auto moment = [&](double t) { return v.joined() + static_cast<GstClockTime>(std::min(t, 1e6) * 1e9); };
        const GstClockTime begin = moment(from), end = std::min(moment(to), now_);
        std::vector<double> latencies;
        GstClockTime last = 0, newest = 0, back_since = 0;
        for (const ShownPicture& p : v.receiver.shown) {
            if (s.first < 0)
                s.first = static_cast<double>(p.at - v.joined()) / 1e9;
            if (p.captured < newest) {
                back_since = back_since ? back_since : p.at;
                if (p.at >= begin && p.at <= end)
                    s.back = std::max(s.back, static_cast<double>(p.at - back_since) / 1e9 + 0.001);
            } else {
                back_since = 0;
            }
            newest = std::max(newest, p.captured);
            if (p.at > end)
                break;
            if (p.at >= begin) {
                latencies.push_back(static_cast<double>(p.at - p.captured) / 1e9);
                gap(s, last < begin && last ? begin : last, p.at);
            }
            last = p.at;
        }
        if (last)
            gap(s, std::max(last, begin), end);
        if (end > begin)
            s.frozen /= static_cast<double>(end - begin) / 1e9;
        std::sort(latencies.begin(), latencies.end());
        if (!latencies.empty()) {
            s.latency = latencies[latencies.size() / 2];
            s.worst_latency = latencies.back();
        }
        for (const SimViewer::Moment& m : v.moments)
            if (m.at >= begin && m.at <= end)
                s.link_ms = std::max(s.link_ms, m.link_ms);
        return s;
    }
    // Share of [from, to] in which packets of that stream left.
    double share_of(const std::string& stream, double from = 0, double to = 1e9, size_t who = 0) const {
        const SimViewer& v = *viewers[who];
        size_t all = 0, on = 0;
        for (const auto& m : v.moments) {
            const double t = static_cast<double>(m.at - v.joined()) / 1e9;
            if (t < from || t > to)
                continue;
            ++all;
            on += v.settings.encodings[m.stream].name == stream;
        }
        return all ? static_cast<double>(on) / static_cast<double>(all) : 0;
    }
    // When packets of it first leave, from then on; -1: never.
    double first_on(const std::string& stream, double from = 0, size_t who = 0) const {
        const SimViewer& v = *viewers[who];
        for (const auto& m : v.moments) {
            const double t = static_cast<double>(m.at - v.joined()) / 1e9;
            if (t >= from && v.settings.encodings[m.stream].name == stream)
                return t;
        }
        return -1;
    }
    size_t most_switches_in_a_minute(size_t who = 0) const {
        const auto& list = viewers[who]->switches;
        size_t most = 0;
        for (size_t i = 0; i < list.size(); ++i) {
            size_t j = i;
            while (j < list.size() && list[j].first <= list[i].first + 60 * GST_SECOND)
                ++j;
            most = std::max(most, j - i);
        }
        return most;
    }

private:
    static void gap(Seen& s, GstClockTime from, GstClockTime to) {
        if (!from || to <= from)
            return;
        const double g = static_cast<double>(to - from) / 1e9;
        s.longest = std::max(s.longest, g);
        s.freezes += g > 0.5;
        s.freezes_1s += g > 1.0;
        if (g > 0.5)
            s.frozen += g;
    }

    std::shared_ptr<SimLink> link_;
    GstClockTime now_ = sim_begin;
};

} // namespace sluice::test
