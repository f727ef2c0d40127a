// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/websocket_bounds.hpp"

namespace sluice {

std::optional<std::string> WebsocketBounds::frame(uint8_t header, size_t payload, int64_t now_us) {
    constexpr uint8_t fin = 0x80, control = 0x08;
    if (header & control) {
        if (now_us - period_began_ > control_period_us) {
            period_began_ = now_us;
            control_ = 0;
        }
        if (++control_ > max_control)
            return "more than " + std::to_string(max_control) + " control frames in 10 s";
        return std::nullopt;
    }
    if (payload > max_message_ - message_)
        return "a message of more than " + std::to_string(max_message_) + " bytes";
    message_ = header & fin ? 0 : message_ + payload;
    return std::nullopt;
}

} // namespace sluice

struct SluiceWebsocketBounds {
    SoupWebsocketExtension parent;
    sluice::WebsocketBounds* bounds;
};
struct SluiceWebsocketBoundsClass {
    SoupWebsocketExtensionClass parent;
};
G_DEFINE_TYPE(SluiceWebsocketBounds, sluice_websocket_bounds, SOUP_TYPE_WEBSOCKET_EXTENSION)

static SluiceWebsocketBounds* self_of(gpointer p) { return static_cast<SluiceWebsocketBounds*>(p); }

static GBytes* process_incoming(SoupWebsocketExtension* self, guint8* header, GBytes* payload, GError** error) {
    if (const auto wrong = self_of(self)->bounds->frame(*header, g_bytes_get_size(payload), g_get_monotonic_time())) {
        g_set_error_literal(error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG, wrong->c_str());
        g_bytes_unref(payload);
        return nullptr;
    }
    return payload;
}

static void sluice_websocket_bounds_finalize(GObject* object) {
    delete self_of(object)->bounds;
    G_OBJECT_CLASS(sluice_websocket_bounds_parent_class)->finalize(object);
}

static void sluice_websocket_bounds_class_init(SluiceWebsocketBoundsClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = sluice_websocket_bounds_finalize;
    SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->name = "x-sluice-bounds"; // never negotiated
    SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->process_incoming_message = process_incoming;
}

static void sluice_websocket_bounds_init(SluiceWebsocketBounds*) {}

namespace sluice {

GList* websocket_bounds(size_t max_message) {
    gpointer extension = g_object_new(sluice_websocket_bounds_get_type(), nullptr);
    self_of(extension)->bounds = new WebsocketBounds(max_message);
    return g_list_append(nullptr, extension);
}

} // namespace sluice
