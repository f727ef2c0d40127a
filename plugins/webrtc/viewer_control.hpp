// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/viewer_path.hpp"
#include "plugins/webrtc/viewer_rtcp.hpp"
#include "plugins/webrtc/viewer_stream.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

// What one viewer gets and what is known of its path, in one loop: what was sent is told to the path, what that decides is done by
// the stream. No I/O, no threads; time is a parameter.
class ViewerControl {
public:
    ViewerControl(ViewerStream& stream, ViewerPath& path) : stream_(stream), path_(path) {}

    struct Turn {
        // To be followed first, with no lock held (prepare, then carry_out); nothing was sent then.
        std::optional<StreamChooser::Decision> orders;
        ViewerStream::Step step;
        GstClockTime look_again = 0; // for the path's sake, at the latest
        // No packets: when to come back; the next unit may come sooner.
        GstClockTime come_back() const { return step.wait_until ? std::min(step.wait_until, look_again) : look_again; }
    };
    Turn turn(GstClockTime now);
    // The viewer misses a packet of the picture. True: it is to be sent once more, now.
    bool retransmit(uint16_t seq, GstClockTime now);
    // RTCP has come: somebody is there. What it tells of the picture.
    void heard(const std::optional<ReceiverReport>& report, GstClockTime now);
    // The viewer asks for a key unit.
    void request_key_unit(GstClockTime now);

    // Readers change hands in here; what is left in it is to be let go with no lock held.
    struct Change {
        StreamChooser::Decision orders;
        std::map<std::string, std::unique_ptr<Channel::Reader>> kept;
        std::unique_ptr<Channel::Reader> next; // NULL: the stream stays
    };
    // Attaches to what is not read yet. Only from the thread that turns; channels tell that they are read, so with no lock held.
    Change prepare(const StreamChooser::Decision& orders);
    void carry_out(Change& change, GstClockTime now);

private:
    bool asked_for(const StreamChooser::Decision& orders) const;
    bool is_followed(const StreamChooser::Decision& orders) const;

    bool waits_for_key_ = false; // the stream that is wanted was asked for without a burst
    ViewerStream& stream_;
    ViewerPath& path_;
    std::map<std::string, std::unique_ptr<Channel::Reader>> kept_; // streams that may be needed soon
    std::string sent_stream_;                                      // the last packet was of
};

} // namespace sluice
