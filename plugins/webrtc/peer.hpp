// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"
#include "plugins/webrtc/ice_settings.hpp"
#include "plugins/webrtc/sdp_offer.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice {

// The webrtcbin of one viewer, in a private pipeline: the viewer offers, we answer, we send one video track.
// Blocking calls (create, close) belong on worker threads; events come from webrtcbin's own thread and must not call back in.
class Peer : public std::enable_shared_from_this<Peer> {
public:
    struct Events {
        std::function<void()> connected;                // ICE and DTLS are up and the certificate is the announced one
        std::function<void(const std::string&)> failed; // for good; the reason is for people
        std::function<void()> key_unit_wanted;          // PLI or FIR
        std::function<void()> heard;                    // a report (RTCP) has come from the viewer
    };
    struct Media {
        Codec codec = Codec::h264;
        SdpOffer::Choice choice;
        uint32_t ssrc = 0;
    };
    struct Stats {
        double rtt_ms = -1; // from receiver reports, -1: none yet
        double fraction_lost = 0;
        int64_t packets_lost = 0;
    };

    // Negotiates. Takes some milliseconds, up to gather_limit with STUN or TURN servers.
    static Result<std::shared_ptr<Peer>> create(const SdpOffer& offer, const Media& media, const IceSettings& ice,
                                                bool loopback_viewer, Events events);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    const std::string& answer() const { return answer_; }
    void add_candidate(const std::string& candidate);
    // Only between `connected` and close(), from one thread at a time.
    bool push(Ref<GstBufferList> packets);
    Stats stats() const;
    // Ends everything; no event comes after it. Idempotent.
    void close();

private:
    Peer() = default;
    Result<bool> negotiate(const SdpOffer& offer, const Media& media, const IceSettings& ice, bool loopback_viewer);
    void set_up_ice(const IceSettings& ice, bool loopback_viewer);
    void on_connection_state(GstElement* webrtcbin);
    void fail(const std::string& reason);
    void bypass_fec();
    std::string remote_certificate() const;

    Ref<GstElement> webrtcbin() const;

    mutable std::mutex mutex_; // pipeline_ to gathered_, but source_
    Ref<GstElement> pipeline_, webrtcbin_;
    Ref<GstPad> pad_;     // of webrtcbin
    Ref<GstElement> fec_; // webrtcbin's FEC encoder, to be taken out of the way
    bool gathered_ = false;
    std::condition_variable gathered_changed_;
    Ref<GstElement> source_; // used by negotiate(), then by the sender thread, then by close()
    Events events_;
    std::vector<Fingerprint> fingerprints_;
    std::string answer_;
    uint32_t ssrc_ = 0;
    std::atomic<bool> connected_{false}, ended_{false};
    bool pushed_ = false;
};

} // namespace sluice
