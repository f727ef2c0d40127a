// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/peer.hpp"

#include "plugins/core/error_text.hpp"
#include "plugins/webrtc/fingerprint.hpp"
#include "plugins/webrtc/rtp_source.hpp"

#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <nice/interfaces.h>

#include <chrono>

GST_DEBUG_CATEGORY_STATIC(sluice_peer_debug);
#define GST_CAT_DEFAULT sluice_peer_debug

namespace sluice {

namespace {

constexpr const char* own_request = "sluice-probe"; // for a packet that the viewer does not miss

constexpr auto gather_limit = std::chrono::seconds(2);

struct DescriptionFree {
    void operator()(GstWebRTCSessionDescription* d) const { gst_webrtc_session_description_free(d); }
};
using Description = std::unique_ptr<GstWebRTCSessionDescription, DescriptionFree>;

bool is_factory(GstElement* e, const char* name) {
    GstElementFactory* f = gst_element_get_factory(e);
    return f && !g_strcmp0(GST_OBJECT_NAME(f), name);
}

// Emits an action of webrtcbin that answers by promise and waits for it.
template <typename... Args> Ref<GstPromise> ask(GstElement* webrtcbin, const char* action, Args... args) {
    auto promise = adopt(gst_promise_new());
    g_signal_emit_by_name(webrtcbin, action, args..., promise.get());
    gst_promise_wait(promise.get());
    return promise;
}

std::string promise_error(const Ref<GstPromise>& promise) {
    const GstStructure* reply = gst_promise_get_reply(promise.get());
    GError* error = nullptr;
    if (reply && gst_structure_get(reply, "error", G_TYPE_ERROR, &error, nullptr)) {
        const GErrorPtr owned(error);
        return error->message;
    }
    return {};
}

// webrtcbin's thread may be inside a handler while the Peer goes: a handler sees a Peer that lives, or none.
using WeakPeer = std::weak_ptr<Peer>;
void connect_weak(gpointer object, const char* signal, GCallback handler, const WeakPeer& peer) {
    g_signal_connect_data(
        object, signal, handler, new WeakPeer(peer),
        +[](gpointer data, GClosure*) { delete static_cast<WeakPeer*>(data); }, GConnectFlags(0));
}
std::shared_ptr<Peer> lock(gpointer data) { return static_cast<WeakPeer*>(data)->lock(); }

Ref<GstCaps> rtp_caps(const Peer::Track& track) {
    auto caps = adopt(gst_caps_new_simple(
        "application/x-rtp", "media", G_TYPE_STRING, is_video(track.codec) ? "video" : "audio", "encoding-name",
        G_TYPE_STRING, codec_name(track.codec), "payload", G_TYPE_INT, int(track.choice.payload_type), "clock-rate",
        G_TYPE_INT, int(rtp_clock_rate(track.codec)), "ssrc", G_TYPE_UINT, track.ssrc, nullptr));
    if (track.codec == Codec::h264)
        gst_caps_set_simple(caps.get(), "profile-level-id", G_TYPE_STRING, track.choice.profile_level_id.c_str(),
                            "packetization-mode", G_TYPE_STRING, "1", nullptr);
    if (!track.choice.level_asymmetry.empty())
        gst_caps_set_simple(caps.get(), "level-asymmetry-allowed", G_TYPE_STRING, track.choice.level_asymmetry.c_str(),
                            nullptr);
    if (track.transport_extension)
        gst_caps_set_simple(caps.get(), ("extmap-" + std::to_string(track.transport_extension)).c_str(), G_TYPE_STRING,
                            transport_extension_uri, nullptr);
    if (track.delay_extension)
        gst_caps_set_simple(caps.get(), ("extmap-" + std::to_string(track.delay_extension)).c_str(), G_TYPE_STRING,
                            delay_extension_uri, nullptr);
    if (track.codec == Codec::opus) // always, for mono too (RFC 7587 section 7)
        gst_caps_set_simple(caps.get(), "encoding-params", G_TYPE_STRING, "2", nullptr);
    return caps;
}

// webrtcbin compares every parameter of the offer with our caps and leaves out in silence what differs. To go on then is fatal:
// 1.22 aborts when the first m-line is not sent, and the pad of a track without an m-line blocks whoever pushes.
bool answers(const GstSDPMessage* sdp, const Peer::Track& track) {
    const std::string payload_type = std::to_string(track.choice.payload_type);
    for (guint i = 0; i < gst_sdp_message_medias_len(sdp); ++i) {
        const GstSDPMedia* media = gst_sdp_message_get_media(sdp, i);
        if (g_strcmp0(gst_sdp_media_get_media(media), is_video(track.codec) ? "video" : "audio") != 0 ||
            gst_sdp_media_get_port(media) == 0 || !gst_sdp_media_get_attribute_val(media, "sendonly"))
            continue;
        for (guint n = 0; n < gst_sdp_media_formats_len(media); ++n)
            if (payload_type == gst_sdp_media_get_format(media, n))
                return true;
    }
    return false;
}

} // namespace

Result<std::shared_ptr<Peer>> Peer::create(const SdpOffer& offer, const Media& media, const IceSettings& ice,
                                           bool loopback_viewer, Events events) {
    static std::once_flag once;
    std::call_once(
        once, [] { GST_DEBUG_CATEGORY_INIT(sluice_peer_debug, "sluicepeer", 0, "Sluice: webrtcbin of one viewer"); });
    std::shared_ptr<Peer> peer(new Peer);
    peer->events_ = std::move(events);
    peer->fingerprints_ = offer.fingerprints;
    peer->ssrc_ = media.video.ssrc;
    peer->ssrcs_ = {media.video.ssrc, media.audio ? media.audio->ssrc : media.video.ssrc};
    peer->numbers_ = std::make_shared<TransportNumbers>(media.video.transport_extension);
    auto ok = peer->negotiate(offer, media, ice, loopback_viewer);
    if (!ok) {
        peer->close();
        return ok.error();
    }
    return peer;
}

Peer::~Peer() { close(); }

void Peer::set_up_ice(const IceSettings& ice, bool loopback_viewer) {
    Ref<GObject> gst_ice, agent;
    g_object_get(webrtcbin_.get(), "ice-agent", gst_ice.out(), nullptr);
    g_object_get(gst_ice.get(), "agent", agent.out(), nullptr);
    // UPnP would open listeners and holes on the branch's router, and costs 200 ms of gathering.
    g_object_set(agent.get(), "upnp", FALSE, "ice-tcp", gboolean(ice.tcp), nullptr);
    if (ice.min_rtp_port)
        g_object_set(gst_ice.get(), "min-rtp-port", ice.min_rtp_port, nullptr);
    if (ice.max_rtp_port)
        g_object_set(gst_ice.get(), "max-rtp-port", ice.max_rtp_port, nullptr);
    const auto add_address = [&](const char* address) {
        gboolean added = FALSE;
        g_signal_emit_by_name(gst_ice.get(), "add-local-ip-address", address, &added);
        if (!added)
            GST_WARNING("%s is not an address to gather candidates on", address);
    };
    for (const std::string& a : ice.addresses)
        add_address(a.c_str());
    if (ice.addresses.empty() && loopback_viewer) {
        // libnice leaves loopback out by default: a browser on this machine would find no way when there is no other interface.
        GList* all = nice_interfaces_get_local_ips(TRUE);
        for (GList* i = all; i; i = i->next)
            add_address(static_cast<char*>(i->data));
        g_list_free_full(all, g_free);
    }
    if (!ice.stun_server.empty())
        g_object_set(webrtcbin_.get(), "stun-server", ice.stun_server.c_str(), nullptr);
    for (const std::string& turn : ice.turn_servers) {
        gboolean added = FALSE;
        g_signal_emit_by_name(webrtcbin_.get(), "add-turn-server", turn.c_str(), &added);
    }
}

Result<bool> Peer::negotiate(const SdpOffer& offer, const Media& media, const IceSettings& ice, bool loopback_viewer) {
    pipeline_ = sink(gst_pipeline_new(nullptr));
    webrtcbin_ = ref(gst_element_factory_make_full("webrtcbin", "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE,
                                                   "latency", 0u, nullptr));
    if (!webrtcbin_)
        return Error{ErrorKind::internal,
                     "the element webrtcbin is missing (Debian: gstreamer1.0-plugins-bad, gstreamer1.0-nice)"};
    handshake_ = std::make_shared<DtlsHandshake>([weak = weak_from_this()] {
        if (const auto self = weak.lock())
            self->on_connection_state();
    });
    // Elements appear in webrtcbin while it negotiates; each is set right when it comes.
    connect_weak(pipeline_.get(), "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* e, gpointer data) {
                     if (is_factory(e, "clocksync")) { // a sender thread never waits for a clock
                         g_object_set(e, "sync", FALSE, nullptr);
                     } else if (is_factory(e, "rtprtxsend")) {
                         if (auto self = lock(data)) {
                             self->watch_retransmissions(e);
                             TransportNumbers::watch(e, self->numbers_, self->ssrcs_);
                             std::lock_guard guard(self->mutex_);
                             self->rtx_ = ref(e);
                         }
                     } else if (is_factory(e, "dtlsenc")) {
                         if (auto self = lock(data))
                             self->handshake_->watch_sent(e);
                     } else if (is_factory(e, "dtlsdec")) {
                         if (auto self = lock(data))
                             self->handshake_->watch_received(e);
                     } else if (is_factory(e, "rtpulpfecenc")) {
                         if (auto self = lock(data)) {
                             std::lock_guard guard(self->mutex_);
                             self->fec_.push_back(ref(e));
                         }
                     }
                 }),
                 weak_from_this());
    set_up_ice(ice, loopback_viewer);
    gst_bin_add(GST_BIN(pipeline_.get()), webrtcbin_.get());

    // Capture time, not sending time: with the default the sender reports of 1.22 are wrong by the running time.
    if (auto rtpbin = adopt(gst_bin_get_by_name(GST_BIN(webrtcbin_.get()), "rtpbin")))
        g_object_set(rtpbin.get(), "rtcp-sync-send-time", FALSE, nullptr);

    connect_weak(webrtcbin_.get(), "notify::connection-state", G_CALLBACK(+[](GstElement*, GParamSpec*, gpointer data) {
                     if (auto self = lock(data))
                         self->on_connection_state();
                 }),
                 weak_from_this());
    connect_weak(webrtcbin_.get(), "notify::ice-gathering-state",
                 G_CALLBACK(+[](GstElement* e, GParamSpec*, gpointer data) {
                     GstWebRTCICEGatheringState state;
                     g_object_get(e, "ice-gathering-state", &state, nullptr);
                     auto self = lock(data);
                     if (!self || state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
                         return;
                     std::lock_guard guard(self->mutex_);
                     self->gathered_ = true;
                     self->gathered_changed_.notify_all();
                 }),
                 weak_from_this());
    // Nobody reads this bus: an undrained one would keep every message, and through them webrtcbin, alive.
    const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(
        bus.get(),
        +[](GstBus*, GstMessage* message, gpointer data) {
            auto self = lock(data);
            if (self && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
                self->fail(error_text(message));
            gst_message_unref(message);
            return GST_BUS_DROP;
        },
        new WeakPeer(weak_from_this()), +[](gpointer data) { delete static_cast<WeakPeer*>(data); });

    if (auto ok = add_track(Kind::video, media.video); !ok)
        return ok;
    if (media.audio)
        if (auto ok = add_track(Kind::audio, *media.audio); !ok)
            return ok;
    // Running time is channel time, so that nothing has to be converted and sender reports carry capture time.
    const auto clock = adopt(gst_system_clock_obtain());
    gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());
    gst_element_set_start_time(pipeline_.get(), GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(pipeline_.get(), 0);
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return Error{ErrorKind::internal, "webrtcbin does not start"};
    for (const auto& [kind, source] : sources_)
        rtp_source_begin(source.get());

    auto answer = make_answer(offer, media);
    if (!answer)
        return answer.error();
    answer_ = std::move(answer).value();
    return true;
}

Result<bool> Peer::add_track(Kind kind, const Track& track) {
    const auto caps = rtp_caps(track);
    auto source = make_rtp_source(caps.get());
    gst_bin_add(GST_BIN(pipeline_.get()), source.get());
    auto pad = adopt(gst_element_request_pad_simple(webrtcbin_.get(), "sink_%u"));
    const auto source_pad = adopt(gst_element_get_static_pad(source.get(), "src"));
    if (!pad || gst_pad_link(source_pad.get(), pad.get()) != GST_PAD_LINK_OK)
        return Error{ErrorKind::internal, "webrtcbin gives no pad"};
    Ref<GstWebRTCRTPTransceiver> transceiver;
    g_object_get(pad.get(), "transceiver", transceiver.out(), nullptr);
    // Lost sound is over before it could be sent again.
    g_object_set(transceiver.get(), "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "codec-preferences",
                 caps.get(), "do-nack", gboolean(kind == Kind::video), nullptr);
    if (kind == Kind::video) {
        rtp_source_set_key_unit_handler(source.get(), events_.key_unit_wanted);
        pad_ = std::move(pad);
    }
    sources_[kind] = std::move(source);
    return true;
}

Result<std::string> Peer::make_answer(const SdpOffer& offer, const Media& media) {
    GstSDPMessage* sdp = nullptr;
    if (gst_sdp_message_new_from_text(offer.text.c_str(), &sdp) != GST_SDP_OK)
        return Error{ErrorKind::bad_input, "SDP offer: cannot be parsed"};
    const Description remote(gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, sdp));
    if (const auto e = promise_error(ask(webrtcbin_.get(), "set-remote-description", remote.get())); !e.empty())
        return Error{ErrorKind::bad_input, "SDP offer: " + e};
    const auto reply = ask(webrtcbin_.get(), "create-answer", static_cast<GstStructure*>(nullptr));
    GstWebRTCSessionDescription* raw = nullptr;
    if (const GstStructure* s = gst_promise_get_reply(reply.get()))
        gst_structure_get(s, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
    const Description local(raw);
    if (!local) {
        const auto why = promise_error(reply);
        return Error{ErrorKind::bad_input, "SDP offer cannot be answered" + (why.empty() ? "" : ": " + why)};
    }
    for (const Track* track : {&media.video, media.audio ? &*media.audio : nullptr})
        if (track && !answers(local->sdp, *track))
            return Error{ErrorKind::not_acceptable, std::string("SDP offer: nothing can be sent as its payload type ") +
                                                        std::to_string(track->choice.payload_type) + " (" +
                                                        codec_name(track->codec) +
                                                        "): the parameters in its a=fmtp are not understood"};
    // The answer has the extension; the RTP session is not to hear of it (TransportNumbers).
    for (const auto& [kind, source] : sources_)
        rtp_source_leave_out(source.get(), ("extmap-" + std::to_string(media.video.transport_extension)).c_str());
    if (const auto e = promise_error(ask(webrtcbin_.get(), "set-local-description", local.get())); !e.empty())
        return Error{ErrorKind::internal, "answer: " + e};
    {
        std::unique_lock guard(mutex_);
        gathered_changed_.wait_for(guard, gather_limit, [this] { return gathered_; });
    }
    watch_reports();
    g_object_get(webrtcbin_.get(), "local-description", &raw, nullptr);
    const Description complete(raw);
    const GString8 text(complete ? gst_sdp_message_as_text(complete->sdp) : nullptr);
    if (!text)
        return Error{ErrorKind::internal, "webrtcbin has no local description"};
    std::string answer = text.get();
    // All ports of the range taken, or no such address on this machine.
    if (answer.find("a=candidate:") == std::string::npos)
        return Error{ErrorKind::unavailable, "the server has no address and UDP port to offer to this viewer"};
    return answer;
}

void Peer::watch_reports() {
    const auto rtpbin = adopt(gst_bin_get_by_name(GST_BIN(webrtcbin_.get()), "rtpbin"));
    if (!rtpbin)
        return;
    // Sender reports each second: the first round-trip time comes soon, and sound is aligned soon.
    Ref<GObject> session;
    g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0u, session.out());
    if (session)
        g_object_set(session.get(), "rtcp-min-interval", guint64(GST_SECOND), nullptr);
    const auto pad = adopt(gst_element_get_static_pad(rtpbin.get(), "recv_rtcp_sink_0"));
    if (!pad) {
        GST_WARNING_OBJECT(rtpbin.get(), "no pad for RTCP: nothing will be heard of the viewer");
        return;
    }
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
            auto self = lock(data);
            return self && self->take_rtcp(GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
        },
        new WeakPeer(weak_from_this()), +[](gpointer data) { delete static_cast<WeakPeer*>(data); });
}

// True: it is of no use to the RTP session, which knows no transport-wide numbers.
bool Peer::take_rtcp(GstBuffer* rtcp) {
    if (ended_)
        return false;
    const ViewerRtcp found = read_viewer_rtcp(rtcp, ssrc_, [this](std::span<const uint8_t> fci) {
        const auto results = numbers_->feedback().read(fci);
        if (!results.empty() && events_.feedback)
            events_.feedback(results);
    });
    if (events_.heard)
        events_.heard(found.report);
    return found.only_feedback;
}

// A request to send a packet again comes upstream, one for each that is missed; rtprtxsend obeys all it sees.
void Peer::watch_retransmissions(GstElement* rtprtxsend) {
    const auto pad = adopt(gst_element_get_static_pad(rtprtxsend, "src"));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
        +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
            const GstStructure* request = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
            guint seq = 0, ssrc = 0;
            if (!request || !gst_structure_has_name(request, "GstRTPRetransmissionRequest") ||
                !gst_structure_get_uint(request, "seqnum", &seq) || !gst_structure_get_uint(request, "ssrc", &ssrc))
                return GST_PAD_PROBE_OK;
            auto self = lock(data);
            if (!self || ssrc != self->ssrc_ || gst_structure_has_field(request, own_request))
                return GST_PAD_PROBE_OK;
            return !self->ended_ && self->events_.missed && self->events_.missed(static_cast<uint16_t>(seq))
                       ? GST_PAD_PROBE_OK
                       : GST_PAD_PROBE_DROP;
        },
        new WeakPeer(weak_from_this()), +[](gpointer data) { delete static_cast<WeakPeer*>(data); });
}

void Peer::fail(const std::string& reason) {
    if (!ended_.exchange(true) && events_.failed)
        events_.failed(reason);
}

Ref<GstElement> Peer::webrtcbin() const {
    std::lock_guard guard(mutex_);
    return webrtcbin_;
}

std::string Peer::remote_certificate() const {
    Ref<GstPad> pad;
    {
        std::lock_guard guard(mutex_);
        pad = pad_;
    }
    Ref<GstWebRTCRTPTransceiver> transceiver;
    Ref<GObject> sender, transport;
    if (pad)
        g_object_get(pad.get(), "transceiver", transceiver.out(), nullptr);
    if (transceiver)
        g_object_get(transceiver.get(), "sender", sender.out(), nullptr);
    if (sender)
        g_object_get(sender.get(), "transport", transport.out(), nullptr);
    char* pem = nullptr;
    if (transport)
        g_object_get(transport.get(), "remote-certificate", &pem, nullptr);
    const GString8 owned(pem);
    return pem ? pem : "";
}

// Both webrtcbin and our side of the handshake have to be ready, and each tells it in a thread of its own.
void Peer::on_connection_state() {
    const auto bin = webrtcbin();
    if (!bin || ended_)
        return;
    GstWebRTCPeerConnectionState state;
    g_object_get(bin.get(), "connection-state", &state, nullptr);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED) {
        fail(connected_ ? "the viewer can no longer be reached"
                        : "no way to the viewer was found (ICE or DTLS failed)");
    } else if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED && handshake_->finished() && !connected_) {
        if (!certificate_matches(remote_certificate(), fingerprints_))
            fail("the DTLS certificate is not the one announced in the offer");
        else if (!connected_.exchange(true)) // from here on push() lets media through
            events_.connected();
    }
}

// webrtcbin 1.22 puts a FEC encoder bin behind every sink pad, used or not, which cuts buffer lists into single packets.
void Peer::bypass_fec() {
    std::vector<Ref<GstElement>> encoders;
    {
        std::lock_guard guard(mutex_);
        std::swap(encoders, fec_);
    }
    for (const auto& fec : encoders) {
        const auto bin = adopt(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(fec.get()))));
        if (!bin || is_factory(bin.get(), "webrtcbin"))
            continue;
        const auto in = adopt(gst_element_get_static_pad(bin.get(), "sink"));
        const auto out = adopt(gst_element_get_static_pad(bin.get(), "src"));
        const auto before = in ? adopt(gst_pad_get_peer(in.get())) : Ref<GstPad>();
        const auto after = out ? adopt(gst_pad_get_peer(out.get())) : Ref<GstPad>();
        if (!before || !after)
            continue;
        gst_pad_unlink(before.get(), in.get());
        gst_pad_unlink(out.get(), after.get());
        if (gst_pad_link_full(before.get(), after.get(), GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK) {
            GST_WARNING_OBJECT(bin.get(), "cannot go round the FEC encoder; lists will be split");
            gst_pad_link(before.get(), in.get());
            gst_pad_link(out.get(), after.get());
        }
    }
}

bool Peer::push(Kind kind, Ref<GstBufferList> packets, Numbered numbered, GstClockTime now) {
    if (!connected_ || ended_)
        return false;
    if (!std::exchange(pushed_, true))
        bypass_fec();
    const auto source = sources_.find(kind);
    if (source == sources_.end())
        return false;
    numbers_->write(packets.get(), numbered, now);
    return rtp_source_push(source->second.get(), std::move(packets)) == GST_FLOW_OK;
}

void Peer::send_again(const std::vector<uint16_t>& packets) {
    Ref<GstElement> rtx;
    {
        std::lock_guard guard(mutex_);
        rtx = rtx_;
    }
    const auto pad = rtx ? adopt(gst_element_get_static_pad(rtx.get(), "src")) : Ref<GstPad>();
    for (const uint16_t seq : packets)
        if (pad)
            gst_pad_send_event(
                pad.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                                                gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT,
                                                                  guint(seq), "ssrc", G_TYPE_UINT, ssrc_, own_request,
                                                                  G_TYPE_BOOLEAN, TRUE, nullptr)));
}

void Peer::add_candidate(const std::string& candidate) {
    if (const auto bin = webrtcbin())
        g_signal_emit_by_name(bin.get(), "add-ice-candidate", 0u, candidate.c_str());
}

Peer::Stats Peer::stats() const {
    Stats s;
    const auto bin = webrtcbin();
    const auto rtpbin = bin ? adopt(gst_bin_get_by_name(GST_BIN(bin.get()), "rtpbin")) : Ref<GstElement>();
    Ref<GObject> session;
    if (rtpbin)
        g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0u, session.out());
    if (!session)
        return s;
    GstStructure* raw = nullptr;
    g_object_get(session.get(), "stats", &raw, nullptr);
    const GstStructurePtr all(raw);
    const GValue* value = all ? gst_structure_get_value(all.get(), "source-stats") : nullptr;
    if (!value)
        return s;
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS // the only form GStreamer gives these in
        const auto* sources = static_cast<GValueArray*>(g_value_get_boxed(value));
    for (guint i = 0; sources && i < sources->n_values; ++i) {
        const GstStructure* source = gst_value_get_structure(&sources->values[i]);
        gboolean have = FALSE;
        guint about = 0, fraction = 0, round_trip = 0;
        gint lost = 0;
        if (!gst_structure_get_boolean(source, "have-rb", &have) || !have)
            continue;
        if (gst_structure_get_uint(source, "rb-ssrc", &about) && about != ssrc_)
            continue;
        gst_structure_get_uint(source, "rb-fractionlost", &fraction);
        gst_structure_get_int(source, "rb-packetslost", &lost);
        gst_structure_get_uint(source, "rb-round-trip", &round_trip);
        s.fraction_lost = fraction / 256.0;
        s.packets_lost = lost;
        s.rtt_ms = round_trip / 65.536; // 16.16 seconds
    }
    G_GNUC_END_IGNORE_DEPRECATIONS
    return s;
}

void Peer::close() {
    ended_ = true;
    // Let go here and now: the last reference dropped on webrtcbin's own thread would join that thread with itself.
    Ref<GstElement> pipeline, bin, rtx;
    std::vector<Ref<GstElement>> fec;
    std::map<Kind, Ref<GstElement>> sources;
    Ref<GstPad> pad;
    {
        std::lock_guard guard(mutex_);
        pipeline = std::move(pipeline_);
        bin = std::move(webrtcbin_);
        std::swap(fec, fec_);
        rtx = std::move(rtx_);
        pad = std::move(pad_);
        std::swap(sources, sources_);
    }
    for (const auto& [kind, source] : sources)
        rtp_source_set_key_unit_handler(source.get(), nullptr);
    if (!pipeline)
        return;
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    const auto bus = adopt(gst_element_get_bus(pipeline.get()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
    gst_bus_set_flushing(bus.get(), TRUE);
}

} // namespace sluice
