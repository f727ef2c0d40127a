// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/weak_ref.hpp"
#include "plugins/webrtc/dtls_flight.hpp"

#include <memory>
#include <mutex>

namespace sluice {

// Sends datagrams of webrtcbin's DTLS handshake once more, as DtlsFlight says. Media does not pass through the pads that it watches.
class DtlsRepeater : public std::enable_shared_from_this<DtlsRepeater> {
public:
    void watch_sent(GstElement* dtlsenc);
    void watch_received(GstElement* dtlsdec);

private:
    using Handler = void (DtlsRepeater::*)(GstBuffer*);
    void watch(GstPad* pad, Handler handler);
    void sent(GstBuffer* datagram);
    void came(GstBuffer* datagram);

    std::mutex mutex_; // flight_, out_
    DtlsFlight flight_;
    std::shared_ptr<WeakRef<GstPad>> out_; // of dtlsenc
};

} // namespace sluice
