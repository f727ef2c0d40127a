// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/media.hpp"
#include "plugins/core/rate_meter.hpp"
#include "plugins/core/time_mapper.hpp"
#include "plugins/core/unit_maker.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace sluice {

// Called when a channel has something new: from the producer's thread, with no lock held. Must not block.
class SLUICE_API Wakeup {
public:
    virtual ~Wakeup() = default;
    virtual void wake() = 0;
};

struct ChannelLimits {
    uint64_t max_bytes = 8u << 20; // 0: no limit of this kind
    uint64_t max_buffers = 4096;
    GstClockTime max_time = 15 * GST_SECOND;
};

struct ChannelStats {
    uint64_t generation = 0, access_units = 0, key_units = 0, bytes = 0;
    uint64_t cached_units = 0, cached_bytes = 0;
    GstClockTime cached_time = 0;
    bool gop_complete = false; // a new reader can start now
    uint64_t overflows = 0;    // GOPs that did not fit the limits
    uint64_t skips = 0;        // readers moved to the newest key unit
    uint64_t before_key = 0;   // units dropped because no key unit had come yet
    uint64_t stale_writes = 0; // from producers whose generation is over
    uint64_t refused = 0;      // buffers that are no access unit
    TimeMapper::Repairs time;
    bool producer_present = false, reorder = false;
    bool recovery_points = false; // also count as key units, by the producer's configuration
    SequenceInfo video;
    double fps = 0;
    uint64_t bitrate = 0, peak_bitrate = 0; // of the last seconds; of the fullest of them
    std::optional<ChannelTime> last_unit;   // when the newest unit was written
    ChannelTime last_key = 0;               // when the newest key unit was; 0: none
    GstClockTime key_interval = 0;          // between the last two; 0: unknown
    // How long until the next key unit, as far as those before tell; GST_CLOCK_TIME_NONE: nobody knows.
    GstClockTime next_key_in(ChannelTime now) const {
        const ChannelTime next = last_key + key_interval;
        return key_interval && next >= now ? next - now : GST_CLOCK_TIME_NONE;
    }
    unsigned readers = 0;
    uint64_t carried = 0; // of the picture, bit/s, by the path of the reader who has least; 0: no reader says
};

// Of ChannelStats::recovery_points, in statistics.
constexpr const char* start_points_name(bool recovery_points) {
    return recovery_points ? "recovery-points" : "key-units";
}

// How a generation begins.
struct GenerationOptions {
    bool recovery_points = false; // readers may start there, too (UnitMaker)
    // The producer has its first unit in hand: who watches the channel sees the producer before and then this one, and no moment
    // without any.
    bool at_once = false;
};

// The durable, named point between pipelines: one producer at a time, any number of readers (see docs/design/channel.md).
// Holds the newest GOP of every track. Thread-safe; no call blocks for longer than it takes to append or look up a unit.
class SLUICE_API Channel : public std::enable_shared_from_this<Channel> {
public:
    explicit Channel(std::string name, ChannelLimits limits = {});
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    const std::string& name() const { return name_; }
    void set_limits(const ChannelLimits& limits);
    ChannelLimits limits() const;

    // --- producer ---
    using Token = uint64_t; // the generation it may write to; 0 is none
    enum class Written { ok, before_key, stale, refused };

    // Begins a generation. The one before is over: its token writes nowhere any more.
    Token open(const GenerationOptions& options = {});
    // The producer is gone (nothing if another one has taken over). What is cached stays for readers.
    void close(Token token);
    // Before the first unit of a track, and when its caps change (at a key unit).
    bool set_track(Token token, unsigned index, const GstCaps* caps);
    void remove_track(Token token, unsigned index);
    // buffer: an access unit, byte-stream; copied if it is not one tight memory of its own.
    // pts: presentation, on the channel's clock; now: that clock. discont: something was lost before it.
    Written write(Token token, unsigned track, GstBuffer* buffer, GstClockTime pts, ChannelTime now, bool discont);
    // The same with a unit that a UnitMaker of the track's codec has made; NULL: it was no access unit.
    Written write(Token token, unsigned track, std::shared_ptr<AccessUnit> unit, GstClockTime pts, ChannelTime now,
                  bool discont);

    // What to do when a reader needs a key unit soon; for producers that can make one. Ends with the generation. Called
    // from the reader's thread with no lock held, as often as readers ask: limiting the rate is the handler's part.
    bool set_key_unit_handler(Token token, std::function<void()> handler);
    // What to do when ChannelStats::carried is another one; for producers that can make the picture smaller. Ends with the
    // generation. Called with no lock held, from the thread that made the change, never by two at a time; must not block.
    bool set_rate_handler(Token token, std::function<void(uint64_t bits_per_second)> handler);

    // --- readers ---
    // A reader waits for a key unit: nothing happens if the producer cannot make one.
    void request_key_unit();
    // The producer wants to know what readers' paths carry (Reader::set_carries).
    bool wants_rates() const { return wants_rates_; }
    // Tells it what is new.
    void tell_rate();
    enum class Start { cached_gop, next_key_unit, live };
    class SLUICE_API Reader;
    std::unique_ptr<Reader> attach(Start start, bool video, bool audio);

    void add_wakeup(const std::shared_ptr<Wakeup>& w);
    void remove_wakeup(const std::shared_ptr<Wakeup>& w);

    // --- state ---
    ChannelStats stats(ChannelTime now) const;
    bool producer_present() const;
    // Of the video track: what it is, or was when the last producer left. NULL before the first.
    TrackPtr video_track() const;
    // The same of the first audio track.
    TrackPtr audio_track() const;
    std::vector<TrackPtr> tracks() const;
    // What the stream was, as somebody has kept it: for consumers that come before the first producer. Does nothing about a track
    // that the channel knows already. NULL: not known.
    void remember(const GstCaps* video, const GstCaps* audio);
    void set_unavailable(std::string reason);
    // For consumers only that can use no other channel of the same camera.
    void set_last_resort(bool on) { last_resort_ = on; }
    bool last_resort() const { return last_resort_; }
    std::string unavailable() const;
    // Called with no lock held, from the thread that made the change. Set once, before use.
    std::function<void(bool present)> on_producer_changed;
    std::function<void(unsigned readers)> on_readers_changed;

private:
    struct TrackState {
        TrackPtr track;
        UnitMaker maker; // for producers that hand buffers over
        bool discont = true;
        bool wants_key = true; // video: no unit goes to readers before the first key unit
    };
    using Wakeups = std::vector<std::shared_ptr<Wakeup>>;

    bool is_current(Token token);
    TrackState* track_state(unsigned track, bool discont);
    Written write_unit(std::unique_lock<std::mutex>& lock, TrackState* ts, std::shared_ptr<AccessUnit> unit,
                       GstClockTime pts, ChannelTime now);
    void learn(const AccessUnit& unit);
    void append(std::shared_ptr<AccessUnit> unit);
    void trim();
    // Releases the lock before it tells.
    void set_present(std::unique_lock<std::mutex>& lock, bool present);
    void notify();
    void reader_gone(uint64_t carries);
    uint64_t carried() const { return carried_.empty() ? 0 : *carried_.begin(); }
    void forget_carried(uint64_t carries);
    bool has_video() const;
    bool only_jpeg() const;

    const std::string name_;
    std::atomic<bool> last_resort_{false};
    mutable std::mutex mutex_; // everything below
    ChannelLimits limits_;
    std::deque<AccessUnitPtr> units_;    // decode order, seq contiguous
    uint64_t next_seq_ = 0, videos_ = 0; // ever
    std::optional<uint64_t> newest_key_; // where a new reader starts; empty: it waits for the next key unit
    std::map<unsigned, TrackState> tracks_;
    TrackPtr remembered_video_, remembered_audio_;
    std::vector<uint8_t> last_sps_;
    TimeMapper time_;
    RateMeter rate_;
    ChannelStats stats_;
    bool saw_b_slice_ = false;
    bool begun_ = false; // this generation has written
    std::string unavailable_;
    std::shared_ptr<const std::function<void()>> key_unit_handler_;
    using RateHandler = std::function<void(uint64_t)>;
    std::shared_ptr<const RateHandler> rate_handler_;
    std::atomic<bool> wants_rates_{false};
    std::multiset<uint64_t> carried_; // of each reader that says so
    uint64_t told_rate_ = 0;          // to the handler of now
    bool telling_rate_ = false;       // a thread does, and goes on until nothing is new
    std::shared_ptr<const Wakeups> wakeups_;
};

// One consumer's cursor. Used by one thread at a time; detaches when destroyed.
class SLUICE_API Channel::Reader {
public:
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // The next unit, nothing if there is none yet. `skipped`: the units before it were not delivered (slow reader, start,
    // new producer after a gap): it is a key unit and the consumer's decoder starts afresh.
    struct Next {
        AccessUnitPtr unit;
        bool skipped = false;
    };
    Next next();
    // Back to the newest key unit that is cached (answer to a PLI, switch). False if none is: it waits for the next one.
    bool rewind();
    // Forward to the newest key unit if that lies ahead. True if it moved.
    bool skip_to_newest_key();
    // Key unit ahead of the cursor?
    bool newer_key_waiting() const;
    // Units of the kinds it reads that are still there between the cursor and the end.
    uint64_t backlog() const;
    // Nothing more before the next key unit ahead of the cursor: the rest of the GOP is left out.
    void skip_to_next_key();
    // On with what is written from now on; whether a key unit is waited for does not change.
    void skip_all();
    uint64_t skips() const { return skips_; }
    // What the way to the consumer carries of the picture, bit/s; 0: nothing is known. True: that changes what the channel carries,
    // so tell_rate() is to be called, with no lock held.
    bool set_carries(uint64_t bits_per_second);
    Channel& channel() const { return *channel_; }

private:
    friend class Channel;
    Reader(std::shared_ptr<Channel> c, bool video, bool audio) : channel_(std::move(c)), video_(video), audio_(audio) {}

    const std::shared_ptr<Channel> channel_;
    const bool video_, audio_;
    uint64_t cursor_ = 0;
    bool waiting_key_ = false; // deliver nothing before the next key unit
    bool skipped_ = true;
    uint64_t skips_ = 0;
    uint64_t carries_ = 0;
};

} // namespace sluice
