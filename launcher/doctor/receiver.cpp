// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/receiver.hpp"

#include "launcher/doctor/wait.hpp"
#include "plugins/core/error_text.hpp"
#include "plugins/core/mapped_buffer.hpp"

#include <gio/gio.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <nice/agent.h>

#include <algorithm>
#include <sstream>

namespace sluice::doctor {

namespace {

constexpr unsigned video_payload = 96;
constexpr unsigned video_rate = 90000;
constexpr guint ice_component = 1; // RTP and RTCP share it

// As browsers offer: baseline, packetization-mode 1, lost packets asked for again.
constexpr const char* video_caps =
    "application/x-rtp, media=video, encoding-name=H264, clock-rate=90000, payload=96, packetization-mode=(string)1, "
    "profile-level-id=(string)42e01f, level-asymmetry-allowed=(string)1, rtcp-fb-nack=(boolean)true, "
    "rtcp-fb-nack-pli=(boolean)true";
constexpr const char* audio_caps =
    "application/x-rtp, media=audio, encoding-name=OPUS, clock-rate=48000, encoding-params=(string)2, payload=111; "
    "application/x-rtp, media=audio, encoding-name=PCMU, clock-rate=8000, payload=0; "
    "application/x-rtp, media=audio, encoding-name=PCMA, clock-rate=8000, payload=8";

Ref<GstCaps> caps(const char* text) { return adopt(gst_caps_from_string(text)); }

struct DescriptionFree {
    void operator()(GstWebRTCSessionDescription* d) const { gst_webrtc_session_description_free(d); }
};
using Description = std::unique_ptr<GstWebRTCSessionDescription, DescriptionFree>;

bool is_factory(GstElement* e, const char* name) {
    GstElementFactory* f = gst_element_get_factory(e);
    return f && !g_strcmp0(GST_OBJECT_NAME(f), name);
}

IceCandidate candidate_of(const NiceCandidate* c) {
    IceCandidate out;
    char address[NICE_ADDRESS_STRING_LEN] = "";
    nice_address_to_string(&c->addr, address);
    out.address = address;
    out.port = nice_address_get_port(&c->addr);
    out.protocol = c->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp";
    switch (c->type) {
    case NICE_CANDIDATE_TYPE_HOST: out.type = "host"; break;
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE: out.type = "srflx"; break;
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE: out.type = "prflx"; break;
    case NICE_CANDIDATE_TYPE_RELAYED: out.type = "relay"; break;
    }
    return out;
}

} // namespace

struct Receiver::Shared : std::enable_shared_from_this<Receiver::Shared> {
    mutable std::mutex mutex;
    State state;
    bool gathered = false, described = false;
    RtpWatch video{video_rate}, audio{48000, false};

    using Held = std::shared_ptr<Shared>;
    static Held& of(gpointer data) { return *static_cast<Held*>(data); }
    static void release(gpointer data, GClosure*) { delete static_cast<Held*>(data); }
    static void drop(gpointer data) { delete static_cast<Held*>(data); }

    template <typename F> void change(F f) {
        {
            const std::lock_guard lock(mutex);
            f(state);
        }
        wake();
    }
    void fail(const std::string& why) {
        change([&](State& s) {
            if (s.error.empty())
                s.error = why;
            s.failed = true;
        });
    }
    void packet_came(GstBuffer* buffer) {
        const MappedBuffer map(buffer);
        if (!map || map.data().size() < 12)
            return;
        const std::span<const uint8_t> bytes = map.data();
        const std::lock_guard lock(mutex);
        const bool had = video.first_key_frame().has_value();
        ((bytes[1] & 0x7f) == video_payload ? video : audio).take(bytes, g_get_monotonic_time());
        if (!had && video.first_key_frame())
            wake();
    }
};

namespace {

void connect(gpointer object, const char* signal, GCallback handler, gpointer held, GClosureNotify release) {
    g_signal_connect_data(object, signal, handler, held, release, GConnectFlags(0));
}

} // namespace

Result<std::unique_ptr<Receiver>> Receiver::create(bool loopback) {
    for (const char* name : {"webrtcbin", "rtpbin", "dtlsdec", "srtpdec", "nicesrc", "fakesink"}) {
        const Ref<GstElementFactory> factory = adopt(gst_element_factory_find(name));
        if (!factory)
            return Error{ErrorKind::unavailable, std::string("the element ") + name + " is missing"};
    }
    using Held = Shared::Held;
    std::unique_ptr<Receiver> r(new Receiver(std::make_shared<Shared>()));
    r->pipeline_ = sink(gst_pipeline_new(nullptr));
    // latency 0: packets go on at once; what is late or lost is counted in front of the jitter buffer.
    r->bin_ = ref(gst_element_factory_make_full("webrtcbin", "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE,
                                                "latency", 0u, nullptr));
    g_object_get(r->bin_.get(), "ice-agent", r->ice_.out(), nullptr);
    g_object_get(r->ice_.get(), "agent", r->agent_.out(), nullptr);
    g_object_set(r->agent_.get(), "upnp", FALSE, "ice-tcp", TRUE, nullptr);
    if (loopback) {
        gboolean added = FALSE;
        g_signal_emit_by_name(r->ice_.get(), "add-local-ip-address", "127.0.0.1", &added);
    }
    connect(r->pipeline_.get(), "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* e, gpointer data) {
                if (!is_factory(e, "rtpjitterbuffer"))
                    return;
                const Ref<GstPad> pad = adopt(gst_element_get_static_pad(e, "sink"));
                gst_pad_add_probe(
                    pad.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    +[](GstPad*, GstPadProbeInfo* info, gpointer user) {
                        if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
                            GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
                            for (guint i = 0; i < gst_buffer_list_length(list); i++)
                                Shared::of(user)->packet_came(gst_buffer_list_get(list, i));
                        } else {
                            Shared::of(user)->packet_came(GST_PAD_PROBE_INFO_BUFFER(info));
                        }
                        return GST_PAD_PROBE_OK;
                    },
                    new Held(Shared::of(data)), Shared::drop);
            }),
            new Held(r->shared_), Shared::release);
    gst_bin_add(GST_BIN(r->pipeline_.get()), GST_ELEMENT(gst_object_ref(r->bin_.get())));
    connect(r->bin_.get(), "pad-added", G_CALLBACK(+[](GstElement* bin, GstPad* pad, gpointer) {
                if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
                    return;
                GstElement* end = gst_element_factory_make_full("fakesink", "sync", FALSE, "async", FALSE, nullptr);
                const Ref<GstObject> parent = adopt(gst_object_get_parent(GST_OBJECT(bin)));
                gst_bin_add(GST_BIN(parent.get()), end);
                gst_element_sync_state_with_parent(end);
                const Ref<GstPad> in = adopt(gst_element_get_static_pad(end, "sink"));
                gst_pad_link(pad, in.get());
            }),
            nullptr, nullptr);
    const auto on_state = G_CALLBACK(+[](GstElement* bin, GParamSpec*, gpointer data) {
        GstWebRTCICEGatheringState gathering;
        GstWebRTCICEConnectionState ice;
        GstWebRTCPeerConnectionState connection;
        g_object_get(bin, "ice-gathering-state", &gathering, "ice-connection-state", &ice, "connection-state",
                     &connection, nullptr);
        const int64_t now = g_get_monotonic_time();
        Shared& shared = *Shared::of(data);
        shared.change([&](State& s) {
            shared.gathered |= gathering == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
            if (!s.ice_connected &&
                (ice == GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED || ice == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED))
                s.ice_connected = now;
            s.ice_failed |= ice == GST_WEBRTC_ICE_CONNECTION_STATE_FAILED;
            if (!s.dtls_connected && connection == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED)
                s.dtls_connected = now;
            s.failed |= connection == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED && s.ice_connected;
        });
    });
    for (const char* signal :
         {"notify::ice-gathering-state", "notify::ice-connection-state", "notify::connection-state"})
        connect(r->bin_.get(), signal, on_state, new Held(r->shared_), Shared::release);
    const Ref<GstBus> bus = adopt(gst_element_get_bus(r->pipeline_.get()));
    // An undrained bus would keep everything alive.
    gst_bus_set_sync_handler(
        bus.get(),
        +[](GstBus*, GstMessage* m, gpointer data) {
            if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR)
                Shared::of(data)->fail(error_text(m));
            gst_message_unref(m);
            return GST_BUS_DROP;
        },
        new Held(r->shared_), Shared::drop);
    for (const char* text : {video_caps, audio_caps}) {
        Ref<GstWebRTCRTPTransceiver> transceiver;
        const Ref<GstCaps> wanted = caps(text);
        g_signal_emit_by_name(r->bin_.get(), "add-transceiver", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY,
                              wanted.get(), transceiver.out());
        if (text == video_caps)
            g_object_set(transceiver.get(), "do-nack", TRUE, nullptr);
    }
    if (gst_element_set_state(r->pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return Error{ErrorKind::unavailable, "webrtcbin does not start"};
    return r;
}

Receiver::~Receiver() {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
    gst_bus_set_flushing(bus.get(), TRUE);
}

Receiver::State Receiver::state() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->state;
}

std::string Receiver::offer() const {
    {
        const std::lock_guard lock(shared_->mutex);
        if (!shared_->gathered || !shared_->described)
            return {};
    }
    GstWebRTCSessionDescription* raw = nullptr;
    g_object_get(bin_.get(), "local-description", &raw, nullptr);
    const Description description(raw);
    if (!description)
        return {};
    const GString8 text(gst_sdp_message_as_text(description->sdp));
    return text.get();
}

void Receiver::make_offer() {
    struct Step {
        Shared::Held shared;
        Ref<GstElement> bin;
    };
    GstPromise* promise = gst_promise_new_with_change_func(
        +[](GstPromise* p, gpointer data) {
            Step& step = *static_cast<Step*>(data);
            const GstStructure* reply = gst_promise_get_reply(p);
            GstWebRTCSessionDescription* raw = nullptr;
            if (reply)
                gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
            const Description offer(raw);
            if (!offer)
                return step.shared->fail("webrtcbin makes no offer");
            GstPromise* set = gst_promise_new_with_change_func(
                +[](GstPromise*, gpointer held) {
                    Shared& shared = *Shared::of(held);
                    shared.change([&](State&) { shared.described = true; });
                },
                new Shared::Held(step.shared), Shared::drop);
            g_signal_emit_by_name(step.bin.get(), "set-local-description", offer.get(), set);
            gst_promise_unref(set);
        },
        new Step{shared_, bin_}, +[](gpointer data) { delete static_cast<Step*>(data); });
    g_signal_emit_by_name(bin_.get(), "create-offer", nullptr, promise);
    gst_promise_unref(promise);
}

void Receiver::take_answer(const std::string& text) {
    GstSDPMessage* sdp = nullptr;
    if (gst_sdp_message_new_from_text(text.c_str(), &sdp) != GST_SDP_OK)
        return shared_->fail("the answer is no SDP");
    const Description answer(gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp));
    GstPromise* promise = gst_promise_new_with_change_func(
        +[](GstPromise* p, gpointer data) {
            const GstStructure* reply = gst_promise_get_reply(p);
            GError* raw = nullptr;
            if (reply && gst_structure_get(reply, "error", G_TYPE_ERROR, &raw, nullptr)) {
                const GErrorPtr error(raw);
                return Shared::of(data)->fail(error->message);
            }
            Shared::of(data)->change([](State& s) { s.answer_taken = true; });
        },
        new Shared::Held(shared_), Shared::drop);
    g_signal_emit_by_name(bin_.get(), "set-remote-description", answer.get(), promise);
    gst_promise_unref(promise);
}

std::optional<std::pair<IceCandidate, IceCandidate>> Receiver::selected_pair() const {
    NiceCandidate *local = nullptr, *remote = nullptr;
    // Streams are numbered from 1; with everything in one bundle there is one that is used.
    for (guint stream = 1; stream <= 2; stream++)
        if (nice_agent_get_selected_pair(NICE_AGENT(agent_.get()), stream, ice_component, &local, &remote))
            return std::pair(candidate_of(local), candidate_of(remote));
    return std::nullopt;
}

std::optional<std::string> Receiver::remote_fingerprint() const {
    GArray* transceivers = nullptr;
    g_signal_emit_by_name(bin_.get(), "get-transceivers", &transceivers);
    if (!transceivers)
        return std::nullopt;
    const std::unique_ptr<GArray, decltype(&g_array_unref)> held(transceivers, g_array_unref);
    if (transceivers->len == 0)
        return std::nullopt;
    Ref<GObject> rtp_receiver, transport;
    g_object_get(g_array_index(transceivers, GstWebRTCRTPTransceiver*, 0), "receiver", rtp_receiver.out(), nullptr);
    if (rtp_receiver)
        g_object_get(rtp_receiver.get(), "transport", transport.out(), nullptr);
    if (!transport)
        return std::nullopt;
    char* raw = nullptr;
    g_object_get(transport.get(), "remote-certificate", &raw, nullptr);
    const GString8 pem(raw);
    if (!pem || !*pem)
        return std::nullopt;
    const Ref<GTlsCertificate> certificate = adopt(g_tls_certificate_new_from_pem(pem.get(), -1, nullptr));
    if (!certificate)
        return std::nullopt;
    GByteArray* der = nullptr;
    g_object_get(certificate.get(), "certificate", &der, nullptr);
    if (!der)
        return std::nullopt;
    const GString8 hex(g_compute_checksum_for_data(G_CHECKSUM_SHA256, der->data, der->len));
    g_byte_array_unref(der);
    std::string out;
    for (size_t i = 0; hex.get()[i]; i++) {
        out += i && i % 2 == 0 ? ":" : "";
        out += g_ascii_toupper(hex.get()[i]);
    }
    return out;
}

std::optional<int64_t> Receiver::first_key_frame() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->video.first_key_frame();
}

void Receiver::begin_window(int64_t now_us) {
    const std::lock_guard lock(shared_->mutex);
    shared_->video.begin_window(now_us);
    shared_->audio.begin_window(now_us);
}

RtpFacts Receiver::video(int64_t now_us) const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->video.facts(now_us);
}

RtpFacts Receiver::audio(int64_t now_us) const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->audio.facts(now_us);
}

std::vector<IceCandidate> candidates_of(const std::string& sdp) {
    constexpr size_t most = 64;
    std::vector<IceCandidate> out;
    std::istringstream lines(sdp);
    for (std::string line; std::getline(lines, line) && out.size() < most;) {
        const std::string key = "a=candidate:";
        if (line.rfind(key, 0) != 0)
            continue;
        std::istringstream words(line.substr(key.size()));
        std::string foundation, protocol, typ;
        unsigned component = 0, priority = 0;
        IceCandidate c;
        if (!(words >> foundation >> component >> protocol >> priority >> c.address >> c.port >> typ >> c.type) ||
            typ != "typ" || !g_hostname_is_ip_address(c.address.c_str()))
            continue;
        const GString8 lower(g_ascii_strdown(protocol.c_str(), -1));
        c.protocol = lower.get();
        if (component == 1 && std::find(out.begin(), out.end(), c) == out.end())
            out.push_back(std::move(c));
    }
    return out;
}

} // namespace sluice::doctor
