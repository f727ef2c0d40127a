// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"
#include "plugins/webrtc/congestion/feedback.hpp"
#include "plugins/webrtc/pacer.hpp"
#include "plugins/webrtc/path_pacer.hpp"
#include "plugins/webrtc/retransmission_budget.hpp"
#include "plugins/webrtc/rtp_writer.hpp"
#include "plugins/webrtc/viewer_sound.hpp"

#include <deque>
#include <map>
#include <string>

namespace sluice {

// What one viewer gets and when: the cursor in a channel, the choice between the channels of the scene (main, sub), bursts and
// their pace. One mechanism serves start, repeat after a PLI, skip and switch. No I/O, no threads: one sender thread at a time
// calls step(), time comes in as a parameter.
class ViewerStream {
public:
    // A second burst sooner than this would only fill the link that has just lost the first one.
    static constexpr GstClockTime repeat_interval = GST_SECOND;
    // A viewer this far behind with a newer key unit at hand is moved there.
    static constexpr uint64_t skip_backlog = 8;
    // Pictures that wait longer for their place on the path are dropped, up to the next key unit.
    static constexpr GstClockTime latest = 500 * GST_MSECOND;
    // ...and a key unit that takes long is worth some of its pictures all the same: no more than so late in all.
    static constexpr GstClockTime latest_of_all = GST_SECOND;
    // A switch leaves in the middle of a unit if the rest of that would take longer.
    static constexpr GstClockTime worth_finishing = 50 * GST_MSECOND;
    // A switch brings the past from the last key unit on if that leaves within this time; else it waits for the next one.
    static constexpr GstClockTime longest_burst_up = GST_SECOND, longest_burst_down = 1500 * GST_MSECOND;
    // A key unit that comes so soon is worth waiting for: a burst is the past, seen once more.
    static constexpr GstClockTime key_near = 700 * GST_MSECOND;
    // Who goes on asking for so long gets a burst, whatever it costs.
    static constexpr GstClockTime most_patience = 2 * GST_SECOND;
    // ...and for who sees nothing any more, it must be sooner.
    static constexpr GstClockTime key_very_near = 500 * GST_MSECOND;
    static constexpr GstClockTime longest_repeat = 300 * GST_MSECOND; // on a path in trouble
    // A burst of which nothing is heard for so long is lost.
    static constexpr GstClockTime burst_lost = 5 * GST_SECOND;
    // Packets sent one behind the other are a train, which shows what the path carries.
    static constexpr GstClockTime train_gap = 15 * GST_MSECOND, longest_train = 60 * GST_MSECOND;
    static constexpr unsigned train_packets = 5;

    using Scene = std::map<std::string, std::shared_ptr<Channel>>; // stream name -> channel

    // sound: nothing if the session has no m-line for it.
    ViewerStream(Scene scene, const std::string& stream, Codec codec, const RtpWriter::Identity& id,
                 std::optional<ViewerSound> sound = {});

    struct Step {
        Ref<GstBufferList> packets; // to be sent now, then step() again
        uint64_t bytes = 0;         // that they are
        bool sound = false;         // they are sound
        Numbered numbered = Numbered::all;
        GstClockTime wait_until = 0; // no packets: come back then (0: when a channel wakes)
        std::vector<uint16_t>
            again; // packets of the picture to be sent once more (RFC 4588), to see what the path carries
        std::optional<Probe> probe; // is being sent: a train, or packets once more; the same `from` moves its end
        bool dropped = false;       // the rest of a GOP, for it came too late
        bool wrong_codec = false;   // the source has become something this viewer did not negotiate
        // For the caller to do without its lock, for all come to other people's code: to let go, to ask for a key unit, to tell of
        // a rate, to look whether sound is to be read elsewhere (sound_wanted).
        std::unique_ptr<Channel::Reader> retired;
        std::shared_ptr<Channel> key_unit_wanted;
        std::shared_ptr<Channel> rate_changed; // of what its readers' paths carry: tell_rate()
        bool look_for_sound = false;
    };
    Step step(ChannelTime now);

    void start(); // connected: the cached GOP goes out
    void request_key_unit() { pli_ = true; }
    // What the path carries decides how fast packets leave. Without limits until told otherwise.
    PathPacer& pace() { return path_; }
    // For a while nothing came through, now it does: the cached GOP once more, unless the next key unit is sooner there.
    void come_back(ChannelTime now);
    // What a path is to carry, bit/s, so that the cached GOP of a better stream is no reason to wait for its next key unit; with what
    // the pacer adds, there is some room for what is cached meanwhile.
    static uint64_t burst_rate(const ChannelStats& stream);
    // The newest packets once more for so long at that rate (bit/s), as soon as no picture is being sent.
    void probe(uint64_t bitrate, GstClockTime time) { again_ = Again{.bitrate = bitrate, .time = time}; }
    bool probing() const { return again_.has_value(); }
    // The viewer misses a packet of the picture. True: it may be sent once more, now.
    bool retransmit(uint16_t seq, ChannelTime now);
    // Whether what is sent once more is reported, as it was.
    Numbered numbered_again() const { return newest_.empty() ? Numbered::none : Numbered::all; }
    RetransmissionBudget& retransmissions() { return retransmissions_; }
    // strained: the path loses much, or its queue fills: no time for large bursts. queue: how long what leaves now waits there.
    void set_strain(bool strained, GstClockTime queue) {
        strained_ = strained;
        queue_ = queue;
    }
    // What was sent until then has arrived, or is lost; what was sent before `doubtful` has arrived.
    void acknowledged(ChannelTime sent, ChannelTime doubtful) {
        acknowledged_ = std::max(acknowledged_, sent);
        doubtful_ = doubtful;
    }
    // When the first picture left of which something is newer than that packet, the newest one that has arrived; 0: there is none.
    ChannelTime missing_since(uint16_t highest) const;
    // How late the picture is that waits to be sent; 0: nothing waits, or what waits is the past that a burst brings.
    GstClockTime late(ChannelTime now) const;
    // Whoever makes the stream that is sent wants to know what the path carries of its picture: bit/s, 0: nothing is known.
    bool wants_rate() const { return reader_->channel().wants_rates(); }
    void set_carries(uint64_t bits_per_second) {
        if (reader_->set_carries(bits_per_second))
            rate_changed_ = scene_.at(stream_);
    }
    // Only the last packet of a picture now and then is to be reported, as long as that is so, and pictures leave whole.
    static constexpr GstClockTime spot_interval = 500 * GST_MSECOND; // to the next picture
    void set_spot_checks(bool on);
    // No more header extension for the transport-wide sequence number.
    void leave_extension_out();
    // The viewer is to hold pictures back for so long; 0: as it likes. Told again and again for a while, and with each key unit:
    // packets get lost.
    void ask_delay(GstClockTime delay, ChannelTime now);
    void leave_delay_out() { writer_.leave_delay_out(); }
    static constexpr GstClockTime tell_delay = 2 * GST_SECOND;
    static constexpr GstClockTime any_delay = 10 * GST_SECOND; // what browsers have for the most without being told
    // The switch happens at a key unit of the other stream. reader: one of reader_for(stream); what is no longer needed after.
    enum class Way {
        burst,    // from the key unit that is cached, if there is one and the path can bear it
        key_unit, // from the next one
        flight    // as soon as may be: the path does not carry what is sent now, and nothing more of that leaves
    };
    void request_stream(const std::string& stream, std::unique_ptr<Channel::Reader>& reader, ChannelTime now,
                        Way way = Way::burst);
    // NULL if the scene has no such stream. Needs no lock, nor may one be held: the channel tells that it is read.
    std::unique_ptr<Channel::Reader> reader_for(const std::string& stream) const;
    // Where sound is to be read from now on, if there is to be any and that changes; a reader of it is handed to take_sound(),
    // under the rules of request_stream().
    std::optional<ViewerSound::Source> sound_wanted() const;
    void take_sound(ViewerSound::Feed& feed);

    Codec codec() const { return codec_; }
    const Scene& scene() const { return scene_; }
    const std::string& wanted() const { return wanted_; } // the stream to be sent as soon as it has a key unit
    std::shared_ptr<Channel> channel(const std::string& stream) const {
        const auto it = scene_.find(stream);
        return it == scene_.end() ? nullptr : it->second;
    }
    // The pictures of the stream being sent come in another order than they are shown.
    bool reordered(ChannelTime now) const;
    const std::string& stream() const { return stream_; }
    // The channels whose news matter now: the one being read, and the one waited for to switch to.
    std::vector<std::shared_ptr<Channel>> listening() const;

    struct Stats {
        uint64_t units = 0, plis = 0, repeats = 0, switches = 0, skips = 0;
        uint64_t drops = 0; // GOPs of which the rest was left out, for it came too late
        uint64_t retransmitted = 0, retransmissions_refused = 0; // packets that the viewer missed
        ChannelTime first_unit = 0;                              // when the first one was sent, 0: none yet
    };
    Stats stats() const;
    const RtpWriter& writer() const { return writer_; }
    const std::optional<ViewerSound>& sound() const { return sound_; }

private:
    // Written, on its way to the path in pieces.
    struct Outgoing {
        Ref<GstBufferList> packets;
        guint next = 0;
        uint16_t first_seq = 0;
        uint64_t left = 0;              // bytes
        ChannelTime time = 0, from = 0; // of the picture; its first packet's
        bool key = false;
        Numbered numbered = Numbered::all;
    };
    struct Again {
        uint64_t bitrate = 0;
        GstClockTime time = 0, from = 0;
        uint64_t bytes = 0;
        size_t next = 0;
    };
    struct Packet {
        uint16_t seq = 0;
        uint32_t bytes = 0;
    };
    struct Train {
        GstClockTime from = 0, last = 0;
        uint64_t bytes = 0, packets = 0;
    };
    struct Left {
        ChannelTime at = 0, time = 0; // its last packet's; of the picture
        uint16_t last_seq = 0;
    };
    static constexpr size_t most_left = 128;
    // What has just arrived may lack its last packet, or not be shown yet; and what is told of packets is when they left the pacer.
    static constexpr GstClockTime shown_after = 100 * GST_MSECOND;
    static constexpr GstClockTime longest_hidden = 100 * GST_MSECOND;
    static constexpr size_t newest = 32; // packets that a probe is made of
    void rewind();
    void send_piece(ChannelTime now, Step& step);
    void send_again(ChannelTime now, Step& step);
    void remember(GstBufferList* packets, guint first, guint next);
    void repeat(ChannelTime now);
    void forget_outgoing();
    void caught_up(ChannelTime now);
    void add_to_train(ChannelTime now, uint64_t bytes, unsigned packets);
    void end_train(ChannelTime now);
    std::optional<Probe> train_so_far() const;
    GstClockTime burst_time(const Channel& channel, ChannelTime now) const;
    bool better_wait(const Channel& channel, ChannelTime now) const;
    bool may_repeat(ChannelTime now);
    void end_of_unit(ChannelTime now);
    ChannelTime newest_seen() const;
    void hide_the_past(ChannelTime key, ChannelTime now);
    bool too_late(ChannelTime now) const;
    bool worth_leaving() const;
    bool costs_too_much(const Channel& to, ChannelTime now) const;
    bool switch_now(ChannelTime now, Channel::Reader::Next& first, Step& step);

    const Scene scene_;
    const Codec codec_;
    std::string stream_;
    std::string wanted_;
    RtpWriter writer_;
    std::optional<ViewerSound> sound_;
    bool waits_for_key_ = false; // the rest of a GOP was dropped
    bool strained_ = false;
    bool spot_checks_ = false;
    ChannelTime spot_checked_ = 0;
    ChannelTime refused_ = 0; // the first of the PLIs that were not answered; 0: none
    GstClockTime queue_ = 0;
    bool look_for_sound_ = false; // the stream was switched, or the sound fits no longer
    Pacer pacer_;                 // of bursts, where the path does not matter
    PathPacer path_;              // of everything, where it does
    Outgoing outgoing_;
    std::optional<Again> again_;
    std::deque<Packet> newest_;
    Train train_;
    RetransmissionBudget retransmissions_;
    ChannelTime acknowledged_ = 0, doubtful_ = 0;
    std::deque<Left> left_;                                 // the newest pictures that were sent
    ChannelTime seen_ = 0;                                  // the newest one of those before them that was seen
    bool begins_in_the_past_ = false;                       // the next unit is the first one of another stream
    bool fleeing_ = false;                                  // from a stream that the path does not carry
    bool catching_up_ = false;                              // the past goes out: it is late by nature...
    ChannelTime live_since_ = 0;                            // ...its last unit, too
    GstClockTime behind_ = 0;                               // the burst began with pictures so old
    ChannelTime key_left_ = 0;                              // the last packet of the last key unit...
    GstClockTime key_took_ = 0;                             // ...so long after the first
    std::unique_ptr<Channel::Reader> reader_, next_reader_; // next_reader_: of wanted_, until it has a key unit
    Channel::Reader::Next held_;                            // fetched, waiting for its deadline
    bool pli_ = false;
    std::shared_ptr<Channel> rate_changed_;
    std::shared_ptr<Channel> ask_key_; // waited for a key unit of, none is cached
    ChannelTime last_burst_ = 0;
    std::optional<GstClockTime> delay_; // nothing: never asked for one
    ChannelTime tell_delay_until_ = 0;
    uint64_t old_skips_ = 0; // of readers that were switched away from
    Stats stats_;
};

} // namespace sluice
