// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel.hpp"
#include "plugins/core/heard_track.hpp"
#include "plugins/webrtc/rtp_writer.hpp"

namespace sluice {

// The sound that one viewer gets beside its picture: a cursor of its own, always at the live edge, in the channel that it watches
// or in the Opus version of that one's sound. The codec is that of the session's m-line and never changes. No I/O, no threads.
class ViewerSound {
public:
    // A viewer so many units behind goes on with what is new: old sound is of no use to anybody.
    static constexpr uint64_t skip_backlog = 64;

    ViewerSound(Codec codec, const RtpWriter::Identity& id) : codec_(codec), writer_(id) {}

    struct Source {
        std::shared_ptr<Channel> stream; // what is watched...
        bool as_opus = false;            // ...and whether its sound has to be made Opus first
        bool operator==(const Source&) const = default;
    };
    struct Feed {
        Source source;
        std::shared_ptr<Channel> channel; // that brings it
        std::unique_ptr<Channel::Reader> reader;
    };
    // Where the sound of a viewer of `stream` comes from, if that is not where it is read now. A stream that has no sound of
    // its own leaves the viewer with what it hears.
    std::optional<Source> wanted(const std::shared_ptr<Channel>& stream) const;
    // Reads there from now on; the feed before it comes back, to be let go with no lock held.
    void take(Feed& feed) {
        std::swap(feed_, feed);
        heard_.forget();
    }
    void start(); // what came so far is old
    void set_numbered(Numbered numbered) { writer_.set_numbered(numbered); }
    void leave_extension_out() { writer_.leave_extension_out(); }

    struct Step {
        Ref<GstBufferList> packets; // to be sent now
        bool misfit = false;        // the channel brings sound of another codec: look where it is wanted()
    };
    Step step();

    Codec codec() const { return codec_; }
    const std::shared_ptr<Channel>& channel() const { return feed_.channel; } // may be NULL
    bool as_opus() const { return feed_.source.as_opus; }
    const RtpWriter& writer() const { return writer_; }

private:
    const Codec codec_;
    RtpWriter writer_;
    Feed feed_;
    HeardTrack heard_;
};

} // namespace sluice
