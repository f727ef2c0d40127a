// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel_access.hpp"
#include "plugins/fanout/sink_gate.hpp"
#include "plugins/fanout/source_counts.hpp"

#include <set>
#include <string>

namespace sluice {

// One track. Used under the pad's stream lock, but for what the writer's mutex guards.
struct SinkPad {
    unsigned index = 0;
    GstSegment segment{};
    bool lost = false; // units before the next one were flushed
    UnitMaker maker;
    Channel::Token wrote = 0; // the generation that it has written to
    // Guarded by the writer:
    Ref<GstCaps> caps;
    Channel::Token told = 0; // the generation that has these caps
    bool eos = false;
    bool video = false;
    GstClockTime position = GST_CLOCK_TIME_NONE; // stream time

    static SinkPad& of(GstPad* pad) { return *static_cast<SinkPad*>(gst_pad_get_element_private(pad)); }
};

// What a fanoutsink does with what its pads get: takes the channel, opens and closes the generation, writes, counts. Thread-safe;
// part of the element and gone with it.
class SinkWriter {
public:
    explicit SinkWriter(GstElement* element) : element_(element) {}
    SinkWriter(const SinkWriter&) = delete;
    SinkWriter& operator=(const SinkWriter&) = delete;

    // --- properties ---
    void set_name(const char* name);
    std::string name() const;
    void set_key_unit_requests(bool on);
    bool key_unit_requests() const;
    void set_recovery_points(bool on); // from the next start on
    bool recovery_points() const;
    void set_bitrate_requests(bool on); // from the next start on
    bool bitrate_requests() const;
    void set_standby(bool on);
    bool standby() const;
    Ref<SluiceChannel> face() const; // NULL in the state NULL
    GstStructure* source_stats() const;

    // --- state ---
    bool take_channel(); // false with an error message posted: no name, or one that is not allowed
    void leave_channel();
    void start();
    void stop(); // a thread that is on its way through a pad writes nothing any more
    void set_playing(bool on);
    void reset_pads(); // no thread is in them
    void post_eos_if_due();

    // --- pads ---
    void add(GstPad* pad);
    void forget(GstPad* pad); // it was not added after all
    void release(GstPad* pad);
    unsigned take_index(std::optional<unsigned> wanted);
    std::vector<Ref<GstPad>> pads() const;
    std::optional<GstClockTime> position() const;
    // In the pad's thread.
    bool set_caps(GstPad* pad, const GstCaps* caps);
    void stream_started(GstPad* pad);
    void flushed(GstPad* pad);
    void ended(GstPad* pad, guint32 seqnum);
    GstFlowReturn write(GstPad* pad, GstBuffer* buffer);

private:
    struct Target {
        std::shared_ptr<Channel> channel;
        Channel::Token token = 0;
    };
    using Ticket = SinkGate::Ticket;
    using Unit = std::shared_ptr<AccessUnit>;

    Channel::Token open(Ticket ticket, bool at_once);
    GstFlowReturn tell_caps(GstPad* pad, const Target& target);
    bool sound_alone(GstPad* pad) const;
    void request_key_unit();
    void request_bitrate();
    Ref<GstPad> video_pad() const; // under the lock
    GstFlowReturn refused(const Target& target);
    GstFlowReturn pass_on(GstPad* pad, const Target& target, Unit unit, GstClockTime pts, ChannelTime now,
                          bool discont);
    void post(const char* name);

    GstElement* const element_;
    mutable std::mutex mutex_; // everything below; never held while the channel is called
    std::string name_;
    bool key_unit_requests_ = false, recovery_points_ = false;
    bool recovery_points_now_ = false; // since the start
    bool bitrate_requests_ = false;
    uint64_t carried_ = 0, asked_ = 0; // what the channel told last, bit/s, and what was asked for upstream
    bool asking_ = false;              // a thread does, and goes on until nothing is new
    Ref<SluiceChannel> face_;
    std::shared_ptr<Channel> channel_;
    SinkGate gate_;
    Channel::Token after_standby_ = 0; // the generation that was opened behind a standby
    Channel::Token written_ = 0;       // the generation that has got a unit
    SourceCounts counts_;
    bool playing_ = false;
    unsigned next_index_ = 0;
    std::set<GstPad*> pads_; // owned by the element
    guint32 eos_seqnum_ = GST_SEQNUM_INVALID;
    ChannelTime next_key_unit_request_ = 0;
    guint key_unit_requests_sent_ = 0;
};

} // namespace sluice
