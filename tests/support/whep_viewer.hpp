// SPDX-License-Identifier: LGPL-2.1-or-later
// A viewer: a webrtcbin that offers to receive H.264, and sound if it is told so, and writes down what comes.
#pragma once

#include "tests/support/rtp_packet.hpp"
#include "tests/support/webrtc_rig.hpp"

#include <gst/sdp/sdp.h>
#include <gst/video/video.h>
#include <gst/webrtc/webrtc.h>

namespace sluice::test {

class WhepViewer {
public:
    static constexpr const char* browser_sound =
        "application/x-rtp, media=audio, encoding-name=OPUS, clock-rate=48000, payload=111, "
        "encoding-params=(string)2; "
        "application/x-rtp, media=audio, encoding-name=PCMU, clock-rate=8000, payload=0; "
        "application/x-rtp, media=audio, encoding-name=PCMA, clock-rate=8000, payload=8";
    // sound: what it takes as RTP caps, several by ';', the payload type in each; NULL: no m-line for sound.
    explicit WhepViewer(const char* sound = nullptr) {
        pipeline_ = sink(gst_pipeline_new(nullptr));
        bin_ = ref(gst_element_factory_make_full("webrtcbin", "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE,
                                                 "latency", 0u, nullptr));
        if (!bin_)
            throw std::runtime_error("no element webrtcbin");
        Ref<GObject> ice, agent;
        g_object_get(bin_.get(), "ice-agent", ice.out(), nullptr);
        g_object_get(ice.get(), "agent", agent.out(), nullptr);
        g_object_set(agent.get(), "upnp", FALSE, "ice-tcp", FALSE, nullptr);
        gboolean added = FALSE; // libnice leaves loopback out by default
        g_signal_emit_by_name(ice.get(), "add-local-ip-address", "127.0.0.1", &added);
        gst_bin_add(GST_BIN(pipeline_.get()), bin_.get());
        g_signal_connect(bin_.get(), "pad-added", G_CALLBACK(pad_added), this);
        g_signal_connect(bin_.get(), "notify::ice-gathering-state", G_CALLBACK(state_changed), this);
        g_signal_connect(bin_.get(), "notify::connection-state", G_CALLBACK(state_changed), this);
        // An undrained bus would keep everything alive.
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        gst_bus_set_sync_handler(
            bus.get(),
            +[](GstBus*, GstMessage* m, gpointer) {
                gst_message_unref(m);
                return GST_BUS_DROP;
            },
            nullptr, nullptr);
        const auto wanted = caps("application/x-rtp, media=video, encoding-name=H264, clock-rate=90000, payload=96, "
                                 "packetization-mode=(string)1, profile-level-id=(string)42e01f, "
                                 "rtcp-fb-nack-pli=(boolean)true");
        Ref<GstWebRTCRTPTransceiver> transceiver;
        g_signal_emit_by_name(bin_.get(), "add-transceiver", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY,
                              wanted.get(), transceiver.out());
        if (sound) {
            const auto taken = caps(sound);
            g_signal_emit_by_name(bin_.get(), "add-transceiver", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY,
                                  taken.get(), transceiver.out());
        }
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    ~WhepViewer() { close(); }
    WhepViewer(const WhepViewer&) = delete;
    WhepViewer& operator=(const WhepViewer&) = delete;

    void close() {
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
        gst_bus_set_flushing(bus.get(), TRUE);
    }

    std::string offer() {
        const auto promise = adopt(gst_promise_new());
        g_signal_emit_by_name(bin_.get(), "create-offer", nullptr, promise.get());
        gst_promise_wait(promise.get());
        GstWebRTCSessionDescription* offer = nullptr;
        gst_structure_get(gst_promise_get_reply(promise.get()), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer,
                          nullptr);
        const auto set = adopt(gst_promise_new());
        g_signal_emit_by_name(bin_.get(), "set-local-description", offer, set.get());
        gst_promise_wait(set.get());
        gst_webrtc_session_description_free(offer);
        wait([this] { return gathered_; });
        g_object_get(bin_.get(), "local-description", &offer, nullptr);
        const GString8 text(gst_sdp_message_as_text(offer->sdp));
        gst_webrtc_session_description_free(offer);
        return text.get();
    }
    void take_answer(const std::string& text) {
        GstSDPMessage* sdp = nullptr;
        ASSERT_EQ(gst_sdp_message_new_from_text(text.c_str(), &sdp), GST_SDP_OK);
        GstWebRTCSessionDescription* answer = gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
        const auto set = adopt(gst_promise_new());
        g_signal_emit_by_name(bin_.get(), "set-remote-description", answer, set.get());
        gst_promise_wait(set.get());
        gst_webrtc_session_description_free(answer);
    }
    // POSTs, takes the answer; the path of the session is in `location`.
    HttpAnswer join(const WebrtcServer& server, const std::string& path = "/whep/front",
                    const std::function<void(std::string&)>& change = {}) {
        std::string text = offer();
        if (change)
            change(text);
        const auto answer = server.post(path, text);
        if (answer.status == 201) {
            location = "/whep/" + answer.header("location");
            take_answer(answer.body);
        }
        return answer;
    }
    std::string id() const { return session_of(location); }

    void ask_for_key_unit() {
        Ref<GstPad> pad;
        {
            std::lock_guard lock(mutex_);
            pad = pad_;
        }
        ASSERT_TRUE(pad);
        gst_pad_send_event(pad.get(), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
    }

    // Units as they came: K7 key unit with the last byte 7, d8 delta unit.
    std::string received() {
        std::lock_guard lock(mutex_);
        return units_;
    }
    bool wait_for(const std::string& what) {
        return wait([&] { return units_.find(what) != std::string::npos; });
    }
    bool wait_connected() {
        return wait([&] { return connected_; });
    }
    size_t packet_count() {
        std::lock_guard lock(mutex_);
        return packets_.size();
    }
    std::vector<RtpPacket> packets() {
        std::lock_guard lock(mutex_);
        return packets_;
    }
    std::vector<RtpPacket> sound_packets() {
        std::lock_guard lock(mutex_);
        return sound_packets_;
    }
    bool wait_for_sound(size_t packets) {
        return wait([&] { return sound_packets_.size() >= packets; });
    }
    // What the newest sender report says of a stream: which moment (NTP, in ns) its RTP time is.
    struct Report {
        uint32_t rtp_time = 0;
        int64_t ntp_ns = 0;
        int64_t time_of(uint32_t rtp, unsigned clock_rate) const {
            return ntp_ns + static_cast<int32_t>(rtp - rtp_time) * INT64_C(1'000'000'000) / clock_rate;
        }
    };
    std::optional<Report> report_of(uint32_t ssrc) {
        const auto rtpbin = adopt(gst_bin_get_by_name(GST_BIN(bin_.get()), "rtpbin"));
        Ref<GObject> session;
        g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0u, session.out());
        if (!session)
            return std::nullopt;
        GstStructure* raw = nullptr;
        g_object_get(session.get(), "stats", &raw, nullptr);
        const GstStructurePtr all(raw);
        G_GNUC_BEGIN_IGNORE_DEPRECATIONS // the only form GStreamer gives these in
            const auto* sources =
                static_cast<GValueArray*>(g_value_get_boxed(gst_structure_get_value(all.get(), "source-stats")));
        for (guint i = 0; sources && i < sources->n_values; ++i) {
            const GstStructure* source = gst_value_get_structure(&sources->values[i]);
            guint about = 0, rtp = 0;
            guint64 ntp = 0;
            gboolean have = FALSE;
            if (gst_structure_get(source, "ssrc", G_TYPE_UINT, &about, "have-sr", G_TYPE_BOOLEAN, &have, "sr-ntptime",
                                  G_TYPE_UINT64, &ntp, "sr-rtptime", G_TYPE_UINT, &rtp, nullptr) &&
                have && about == ssrc)
                return Report{rtp, static_cast<int64_t>((ntp >> 32) * 1'000'000'000 +
                                                        ((ntp & 0xffffffff) * 1'000'000'000 >> 32))};
        }
        G_GNUC_END_IGNORE_DEPRECATIONS
        return std::nullopt;
    }
    void forget() {
        std::lock_guard lock(mutex_);
        units_.clear();
    }
    // When each unit was complete, monotonic microseconds; keeps the last one as the beginning of the next report.
    std::vector<int64_t> take_unit_times() {
        std::lock_guard lock(mutex_);
        const std::vector<int64_t> out = unit_times_;
        if (!unit_times_.empty())
            unit_times_ = {unit_times_.back()};
        return out;
    }
    std::string location;
    // Each packet, whole; from the threads they come in. Set before join().
    std::function<void(bool sound, GstBuffer* packet)> on_packet;
    bool keep = true; // false: on_packet is all that is done with them; for those that stay long

private:
    template <typename F> bool wait(F condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, condition);
    }
    static void state_changed(GstElement* bin, GParamSpec*, gpointer user) {
        auto* self = static_cast<WhepViewer*>(user);
        GstWebRTCICEGatheringState gathering;
        GstWebRTCPeerConnectionState connection;
        g_object_get(bin, "ice-gathering-state", &gathering, "connection-state", &connection, nullptr);
        std::lock_guard lock(self->mutex_);
        self->gathered_ |= gathering == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
        self->connected_ |= connection == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED;
        self->changed_.notify_all();
    }
    static void pad_added(GstElement*, GstPad* pad, gpointer user) {
        if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
            return;
        auto* self = static_cast<WhepViewer*>(user);
        GstElement* end = gst_element_factory_make_full("fakesink", "sync", FALSE, "async", FALSE, nullptr);
        gst_bin_add(GST_BIN(self->pipeline_.get()), end);
        gst_element_sync_state_with_parent(end);
        const auto in = adopt(gst_element_get_static_pad(end, "sink"));
        const auto of = adopt(gst_pad_get_current_caps(pad));
        const bool sound = !g_strcmp0(gst_structure_get_string(gst_caps_get_structure(of.get(), 0), "media"), "audio");
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, sound ? sound_came : picture_came, self, nullptr);
        gst_pad_link(pad, in.get());
        std::lock_guard lock(self->mutex_);
        if (!sound)
            self->pad_ = ref(pad);
    }
    static GstPadProbeReturn picture_came(GstPad*, GstPadProbeInfo* info, gpointer user) {
        auto* self = static_cast<WhepViewer*>(user);
        if (self->on_packet)
            self->on_packet(false, GST_PAD_PROBE_INFO_BUFFER(info));
        if (self->keep)
            self->take(rtp_packet(GST_PAD_PROBE_INFO_BUFFER(info)));
        return GST_PAD_PROBE_OK;
    }
    static GstPadProbeReturn sound_came(GstPad*, GstPadProbeInfo* info, gpointer user) {
        auto* self = static_cast<WhepViewer*>(user);
        if (self->on_packet)
            self->on_packet(true, GST_PAD_PROBE_INFO_BUFFER(info));
        if (!self->keep)
            return GST_PAD_PROBE_OK;
        std::lock_guard lock(self->mutex_);
        self->sound_packets_.push_back(rtp_packet(GST_PAD_PROBE_INFO_BUFFER(info)));
        self->changed_.notify_all();
        return GST_PAD_PROBE_OK;
    }
    void take(const RtpPacket& p) {
        std::lock_guard lock(mutex_);
        packets_.push_back(p);
        if (!p.payload.empty()) {
            const uint8_t type = p.payload[0] & 0x1f;
            // SPS and PPS stand in front of each key unit, in one packet with it or in one of their own.
            key_ |= type == 24 || type == 7 || type == 5;
            if (p.marker) {
                unit_times_.push_back(g_get_monotonic_time());
                units_ +=
                    (units_.empty() ? "" : " ") + std::string(key_ ? "K" : "d") + std::to_string(p.payload.back());
                key_ = false;
            }
        }
        changed_.notify_all();
    }

    Ref<GstElement> pipeline_, bin_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Ref<GstPad> pad_;
    bool gathered_ = false, connected_ = false, key_ = false;
    std::string units_;
    std::vector<RtpPacket> packets_, sound_packets_;
    std::vector<int64_t> unit_times_;
};

} // namespace sluice::test
