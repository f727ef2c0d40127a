// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/dtls_handshake.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/mapped_buffer.hpp"

namespace sluice {

namespace {
struct Watcher {
    std::weak_ptr<DtlsHandshake> handshake;
    GstPadProbeReturn (DtlsHandshake::*handler)(GstPad*, GstPadProbeInfo*);
};

bool is_one(const GstPadProbeInfo* info) { return (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0; }

template <typename F> void for_each_datagram(GstPadProbeInfo* info, F function) {
    const auto take = [&](GstBuffer* datagram) {
        if (const MappedBuffer map(datagram); map)
            function(datagram, map.data());
    };
    if (is_one(info))
        return take(GST_PAD_PROBE_INFO_BUFFER(info));
    GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
    for (guint i = 0; i < gst_buffer_list_length(list); ++i)
        take(gst_buffer_list_get(list, i));
}
} // namespace

void DtlsHandshake::watch(GstPad* pad, Handler handler) {
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        +[](GstPad* of, GstPadProbeInfo* info, gpointer data) {
            const auto* watcher = static_cast<Watcher*>(data);
            const auto self = watcher->handshake.lock();
            return self ? (self.get()->*watcher->handler)(of, info) : GST_PAD_PROBE_REMOVE;
        },
        new Watcher{weak_from_this(), handler}, +[](gpointer data) { delete static_cast<Watcher*>(data); });
}

void DtlsHandshake::watch_sent(GstElement* dtlsenc) {
    const auto pad = adopt(gst_element_get_static_pad(dtlsenc, "src"));
    {
        std::lock_guard guard(mutex_);
        out_ = std::make_shared<WeakRef<GstPad>>(pad.get());
    }
    watch(pad.get(), &DtlsHandshake::sent);
}

void DtlsHandshake::watch_received(GstElement* dtlsdec) {
    const auto pad = adopt(gst_element_get_static_pad(dtlsdec, "sink"));
    watch(pad.get(), &DtlsHandshake::came);
}

GstPadProbeReturn DtlsHandshake::sent(GstPad* pad, GstPadProbeInfo* info) {
    bool ends = false;
    for_each_datagram(info, [&](GstBuffer* datagram, std::span<const uint8_t> data) {
        std::lock_guard guard(mutex_);
        flight_.sent(datagram, data, channel_now());
        ends |= DtlsFlight::ends(data);
    });
    const auto next = ends && !finished_ ? adopt(gst_pad_get_peer(pad)) : Ref<GstPad>();
    if (!next)
        return GST_PAD_PROBE_OK;
    // A probe is called before the data goes on, and media must not overtake it: it goes on from here.
    if (is_one(info))
        gst_pad_chain(next.get(), gst_buffer_ref(GST_PAD_PROBE_INFO_BUFFER(info)));
    else
        gst_pad_chain_list(next.get(), gst_buffer_list_ref(GST_PAD_PROBE_INFO_BUFFER_LIST(info)));
    finished_ = true;
    if (on_finished_)
        on_finished_();
    return GST_PAD_PROBE_DROP;
}

GstPadProbeReturn DtlsHandshake::came(GstPad*, GstPadProbeInfo* info) {
    std::vector<Ref<GstBuffer>> again;
    std::shared_ptr<WeakRef<GstPad>> out;
    for_each_datagram(info, [&](GstBuffer*, std::span<const uint8_t> data) {
        std::lock_guard guard(mutex_);
        if (!flight_.came(data, channel_now()))
            return;
        again = flight_.datagrams();
        out = out_;
    });
    const auto pad = out ? out->get() : Ref<GstPad>();
    for (Ref<GstBuffer>& b : again)
        if (pad && gst_pad_push(pad.get(), b.release()) != GST_FLOW_OK)
            break;
    return GST_PAD_PROBE_OK;
}

} // namespace sluice
