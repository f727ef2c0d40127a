// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/peer.hpp"
#include "plugins/webrtc/sender_pool.hpp"
#include "plugins/webrtc/session_event.hpp"
#include "plugins/webrtc/session_life.hpp"
#include "plugins/webrtc/viewer_control.hpp"
#include "plugins/webrtc/viewer_path.hpp"
#include "plugins/webrtc/viewer_stream.hpp"

namespace sluice {

// One session: who watches what through which peer.
class Viewer final : public Sendable {
public:
    struct Info {
        std::string id, principal, camera, peer_address, login;
        std::string instead; // why it does not get the stream that it asked for; empty: it does
        int64_t joined_unix_ms = 0;
        ChannelTime posted = 0; // when the request came in
        int64_t expires = 0;
        std::shared_ptr<void> place; // given up when the viewer has gone
    };
    // The channel that brings a channel's sound as Opus; NULL: there is none. From any thread.
    using OpusOf = std::function<std::shared_ptr<Channel>(const std::shared_ptr<Channel>&)>;
    // on_end: must be closed from our side, with the reason; from any thread.
    Viewer(Info info, std::unique_ptr<ViewerStream> stream, const ViewerPath::Start& path,
           std::function<void(const std::string&)> on_end, OpusOf opus_of = {});

    // Sendable; on a sender thread.
    GstClockTime run() override;
    std::vector<std::shared_ptr<Channel>> listening() override;

    void set_peer(std::shared_ptr<Peer> peer) { peer_ = std::move(peer); }
    Peer& peer() const { return *peer_; }
    // Each remote candidate makes us send checks to an address of the viewer's choice: so many of a session, then no more.
    bool takes_candidate() { return candidates_++ < max_remote_candidates; }
    const Info& info() const { return info_; }

    bool connected(ChannelTime now); // false: closed meanwhile
    // RTCP has come; what it tells of the picture.
    void heard(const std::optional<ReceiverReport>& report, ChannelTime now);
    // What became of packets. True: run it soon.
    bool feedback(const std::vector<PacketResult>& packets, ChannelTime now);
    // The viewer misses a packet of the picture. True: it is to be sent once more.
    bool missed(uint16_t seq, ChannelTime now);
    // Looks what the receiver reports say, if nothing better is there. Now and then.
    void read_reports(ChannelTime now);
    void leave_extension_out();
    void leave_delay_out();
    // What its path carries and since when it plays; for who comes next from there.
    struct Learnt {
        uint64_t carries = 0; // bit/s, 0: nothing
        GstClockTime lasted = 0;
    };
    Learnt learnt(ChannelTime now) const;
    bool close(const std::string& reason);
    std::optional<std::string> overdue(ChannelTime now, int64_t unix_now) const;
    void request_key_unit();
    Codec codec() const { return stream_->codec(); }
    // NULL if the scene has no such stream.
    std::shared_ptr<Channel> channel(const std::string& stream) const { return stream_->channel(stream); }
    // "auto", or a stream: that one and no other. False if the scene has no such stream.
    bool set_quality(const std::string& quality);
    std::string quality() const;

    // What is being sent; nothing: the session is closed already. The listener replaces the one before.
    std::optional<SentStream> watch(SessionListener listener);
    void tell(const SessionEvent& event);
    // Tells when pictures stop coming, and when they come again. Now and then.
    void check_source(ChannelTime now);

    struct Stats {
        std::string state, stream, quality, stream_reason;
        // What is known of the path to the viewer.
        struct Path {
            bool known = false, feedback = false;
            uint64_t estimate = 0, received = 0; // bit/s, 0: unknown
            double loss = 0;                     // 0..1
            double rtt_ms = 0;                   // 0: unknown
            double queue_delay_ms = 0;
        } path;
        uint64_t freezes = 0; // pictures that came so late that the viewer must have stood still
        double connected_ms = -1, first_frame_ms = -1; // from the request, -1: not yet
        uint64_t packets = 0, bytes = 0, bitrate = 0;  // bitrate: of all, the others: of the picture
        std::string audio_codec;                       // empty: the session has no sound
        bool audio_transcoded = false;
        uint64_t audio_packets = 0, audio_bytes = 0;
        double playout_delay_ms = 0; // that the viewer is asked to hold pictures back for, 0: none
        ViewerStream::Stats media;
        Peer::Stats network;
    };
    Stats stats(ChannelTime now) const;

private:
    std::atomic<unsigned> candidates_ = 0;
    static constexpr GstClockTime picture_limit = 3 * GST_SECOND; // without a new access unit: they have stopped

    void follow_sound();
    void follow(const StreamChooser::Decision& orders);
    // Why this stream; under the lock.
    std::string reason() const;
    SentStream sent_now() const { // under the lock
        return {stream_->stream(), path_.quality(), reason()};
    }

    const Info info_;
    const std::function<void(const std::string&)> on_end_;
    const OpusOf opus_of_;
    std::shared_ptr<Peer> peer_;
    mutable std::mutex mutex_; // all below; never held while pushing
    std::unique_ptr<ViewerStream> stream_;
    ViewerPath path_;
    ViewerControl control_; // turns on the sender thread
    ChannelTime connected_at_ = 0;
    SessionLife life_;
    RateMeter rate_;
    std::shared_ptr<const SessionListener> listener_;
    std::string told_stream_; // what the listener was told last
    bool told_waiting_ = false;
};

} // namespace sluice
