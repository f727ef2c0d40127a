// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/dtls_repeater.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/mapped_buffer.hpp"

namespace sluice {

namespace {
struct Watcher {
    std::weak_ptr<DtlsRepeater> repeater;
    void (DtlsRepeater::*handler)(GstBuffer*);
};
} // namespace

void DtlsRepeater::watch(GstPad* pad, Handler handler) {
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
            const auto* watcher = static_cast<Watcher*>(data);
            const auto self = watcher->repeater.lock();
            if (!self)
                return GST_PAD_PROBE_REMOVE;
            if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
                (self.get()->*watcher->handler)(GST_PAD_PROBE_INFO_BUFFER(info));
                return GST_PAD_PROBE_OK;
            }
            GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
            for (guint i = 0; i < gst_buffer_list_length(list); ++i)
                (self.get()->*watcher->handler)(gst_buffer_list_get(list, i));
            return GST_PAD_PROBE_OK;
        },
        new Watcher{weak_from_this(), handler}, +[](gpointer data) { delete static_cast<Watcher*>(data); });
}

void DtlsRepeater::watch_sent(GstElement* dtlsenc) {
    const auto pad = adopt(gst_element_get_static_pad(dtlsenc, "src"));
    {
        std::lock_guard guard(mutex_);
        out_ = std::make_shared<WeakRef<GstPad>>(pad.get());
    }
    watch(pad.get(), &DtlsRepeater::sent);
}

void DtlsRepeater::watch_received(GstElement* dtlsdec) {
    const auto pad = adopt(gst_element_get_static_pad(dtlsdec, "sink"));
    watch(pad.get(), &DtlsRepeater::came);
}

void DtlsRepeater::sent(GstBuffer* datagram) {
    const MappedBuffer map(datagram);
    std::lock_guard guard(mutex_);
    if (map)
        flight_.sent(datagram, map.data(), channel_now());
}

void DtlsRepeater::came(GstBuffer* datagram) {
    std::vector<Ref<GstBuffer>> again;
    std::shared_ptr<WeakRef<GstPad>> out;
    {
        const MappedBuffer map(datagram);
        std::lock_guard guard(mutex_);
        if (!map || !flight_.came(map.data(), channel_now()))
            return;
        again = flight_.datagrams();
        out = out_;
    }
    const auto pad = out ? out->get() : Ref<GstPad>();
    for (Ref<GstBuffer>& b : again)
        if (pad && gst_pad_push(pad.get(), b.release()) != GST_FLOW_OK)
            return;
}

} // namespace sluice
