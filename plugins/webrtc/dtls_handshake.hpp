// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/weak_ref.hpp"
#include "plugins/webrtc/dtls_flight.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

namespace sluice {

// Looks on while webrtcbin shakes hands over DTLS. Sends datagrams once more, as DtlsFlight says, and knows when our last message has
// left: whoever waits for it drops all media that comes before. Media does not pass through the pads that it watches.
class DtlsHandshake : public std::enable_shared_from_this<DtlsHandshake> {
public:
    // finished: told once, in the thread that sends, when finished() has become true.
    explicit DtlsHandshake(std::function<void()> finished) : on_finished_(std::move(finished)) {}
    void watch_sent(GstElement* dtlsenc);
    void watch_received(GstElement* dtlsdec);
    // Our Finished message (RFC 6347 section 4.2.4) has been given to the network.
    bool finished() const { return finished_; }

private:
    using Handler = GstPadProbeReturn (DtlsHandshake::*)(GstPad*, GstPadProbeInfo*);
    void watch(GstPad* pad, Handler handler);
    GstPadProbeReturn sent(GstPad* pad, GstPadProbeInfo* info);
    GstPadProbeReturn came(GstPad* pad, GstPadProbeInfo* info);

    const std::function<void()> on_finished_;
    std::atomic<bool> finished_{false};
    std::mutex mutex_; // flight_, out_
    DtlsFlight flight_;
    std::shared_ptr<WeakRef<GstPad>> out_; // of dtlsenc
};

} // namespace sluice
