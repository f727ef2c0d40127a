// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"
#include "plugins/webrtc/dtls_handshake.hpp"
#include "plugins/webrtc/ice_settings.hpp"
#include "plugins/webrtc/sdp_offer.hpp"
#include "plugins/webrtc/transport_numbers.hpp"
#include "plugins/webrtc/viewer_rtcp.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice {

// The webrtcbin of one viewer, in a private pipeline: the viewer offers, we answer, we send one video track and, if
// the viewer takes it, one of sound: one RTP session and one transport for both.
// Blocking calls (create, close) belong on worker threads; events come from webrtcbin's own threads and must not call back in.
class Peer : public std::enable_shared_from_this<Peer> {
public:
    struct Events {
        std::function<void()> connected;                // ICE and DTLS are up and the certificate is the announced one
        std::function<void(const std::string&)> failed; // for good; the reason is for people
        std::function<void()> key_unit_wanted;          // PLI or FIR
        // RTCP has come from the viewer; what it tells of the picture, if anything
        std::function<void(const std::optional<ReceiverReport>&)> heard;
        std::function<bool(uint16_t)> missed; // a packet of the picture; true: it is to be sent once more
        std::function<void(const std::vector<PacketResult>&)> feedback; // when packets have come; never empty
    };
    enum class Kind { video, audio };
    struct Track {
        Codec codec = Codec::h264;
        SdpOffer::Choice choice;
        uint32_t ssrc = 0;
        uint8_t transport_extension = 0; // as in SdpOffer
        uint8_t delay_extension = 0;     // the same
    };
    struct Media {
        Track video;
        std::optional<Track> audio; // only one that the offer has an m-line for: webrtcbin would block its pad for ever
    };
    struct Stats {
        double rtt_ms = -1; // from receiver reports, -1: none yet
        double fraction_lost = 0;
        int64_t packets_lost = 0; // of the picture
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
    bool push(Kind kind, Ref<GstBufferList> packets, Numbered numbered, GstClockTime now);
    // Packets of the picture that were sent lately, by their sequence numbers: once more, as if the viewer had asked for them.
    void send_again(const std::vector<uint16_t>& packets);
    // The answer keeps the extension of the transport-wide sequence number.
    bool has_feedback() const { return answer_.find(transport_extension_uri) != std::string::npos; }
    // ...that of the delay.
    bool takes_delay() const { return answer_.find(delay_extension_uri) != std::string::npos; }
    Stats stats() const;
    // Ends everything; no event comes after it. Idempotent.
    void close();

private:
    Peer() = default;
    Result<bool> negotiate(const SdpOffer& offer, const Media& media, const IceSettings& ice, bool loopback_viewer);
    void set_up_ice(const IceSettings& ice, bool loopback_viewer);
    void on_connection_state();
    void fail(const std::string& reason);
    void bypass_fec();
    std::string remote_certificate() const;

    Result<bool> add_track(Kind kind, const Track& track);
    Result<std::string> make_answer(const SdpOffer& offer, const Media& media);
    void watch_reports();
    bool take_rtcp(GstBuffer* rtcp);
    void watch_retransmissions(GstElement* rtprtxsend);

    Ref<GstElement> webrtcbin() const;

    std::shared_ptr<DtlsHandshake> handshake_; // of negotiate()
    mutable std::mutex mutex_;                 // pipeline_ to gathered_
    Ref<GstElement> pipeline_, webrtcbin_;
    Ref<GstPad> pad_;                  // of webrtcbin, for the picture
    Ref<GstElement> rtx_;              // webrtcbin's rtprtxsend
    std::vector<Ref<GstElement>> fec_; // webrtcbin's FEC encoders, to be taken out of the way
    bool gathered_ = false;
    std::condition_variable gathered_changed_;
    std::shared_ptr<TransportNumbers> numbers_;
    std::map<Kind, Ref<GstElement>> sources_; // used by negotiate(), then by the sender thread, then by close()
    Events events_;
    std::vector<Fingerprint> fingerprints_;
    std::string answer_;
    uint32_t ssrc_ = 0;        // of the picture
    std::set<uint32_t> ssrcs_; // of all media
    std::atomic<bool> connected_{false}, ended_{false};
    bool pushed_ = false;
};

} // namespace sluice
