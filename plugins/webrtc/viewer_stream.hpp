// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"
#include "plugins/webrtc/pacer.hpp"
#include "plugins/webrtc/rtp_writer.hpp"
#include "plugins/webrtc/viewer_sound.hpp"

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

    using Scene = std::map<std::string, std::shared_ptr<Channel>>; // stream name -> channel

    // sound: nothing if the session has no m-line for it.
    ViewerStream(Scene scene, const std::string& stream, Codec codec, const RtpWriter::Identity& id,
                 std::optional<ViewerSound> sound = {});

    struct Step {
        Ref<GstBufferList> packets;  // to be sent now, then step() again
        bool sound = false;          // they are sound
        GstClockTime wait_until = 0; // no packets: come back then (0: when a channel wakes)
        bool wrong_codec = false;    // the source has become something this viewer did not negotiate
        // For the caller to do without its lock, for all come to other people's code: to let go, to ask for a key unit, to
        // look whether sound is to be read elsewhere (sound_wanted).
        std::unique_ptr<Channel::Reader> retired;
        std::shared_ptr<Channel> key_unit_wanted;
        bool look_for_sound = false;
    };
    Step step(ChannelTime now);

    void start(); // connected: the cached GOP goes out
    void request_key_unit() { pli_ = true; }
    // The switch happens at a key unit of the other stream. reader: one of reader_for(stream); what is no longer needed after.
    void request_stream(const std::string& stream, std::unique_ptr<Channel::Reader>& reader);
    // NULL if the scene has no such stream. Needs no lock, nor may one be held: the channel tells that it is read.
    std::unique_ptr<Channel::Reader> reader_for(const std::string& stream) const;
    // Where sound is to be read from now on, if there is to be any and that changes; a reader of it is handed to take_sound(),
    // under the rules of request_stream().
    std::optional<ViewerSound::Source> sound_wanted() const;
    void take_sound(ViewerSound::Feed& feed);

    Codec codec() const { return codec_; }
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
        ChannelTime first_unit = 0; // when the first one was sent, 0: none yet
    };
    Stats stats() const;
    const RtpWriter& writer() const { return writer_; }
    const std::optional<ViewerSound>& sound() const { return sound_; }

private:
    void rewind();
    bool switch_now(ChannelTime now, Channel::Reader::Next& first, Step& step);

    const Scene scene_;
    const Codec codec_;
    std::string stream_;
    std::string wanted_;
    RtpWriter writer_;
    std::optional<ViewerSound> sound_;
    bool look_for_sound_ = false; // the stream was switched, or the sound fits no longer
    Pacer pacer_;
    std::unique_ptr<Channel::Reader> reader_, next_reader_; // next_reader_: of wanted_, until it has a key unit
    Channel::Reader::Next held_;                            // fetched, waiting for its deadline
    bool pli_ = false;
    std::shared_ptr<Channel> ask_key_; // waited for a key unit of, none is cached
    ChannelTime last_burst_ = 0;
    uint64_t old_skips_ = 0; // of readers that were switched away from
    Stats stats_;
};

} // namespace sluice
