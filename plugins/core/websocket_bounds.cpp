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

namespace {

struct Extension {
    SoupWebsocketExtension parent;
    sluice::WebsocketBounds* bounds;
};
GObjectClass* parent_class = nullptr;

GBytes* process_incoming(SoupWebsocketExtension* self, guint8* header, GBytes* payload, GError** error) {
    if (const auto wrong = reinterpret_cast<Extension*>(self)->bounds->frame(*header, g_bytes_get_size(payload),
                                                                             g_get_monotonic_time())) {
        g_set_error_literal(error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG, wrong->c_str());
        g_bytes_unref(payload);
        return nullptr;
    }
    return payload;
}

void finalize(GObject* object) {
    delete reinterpret_cast<Extension*>(object)->bounds;
    parent_class->finalize(object);
}

void class_init(gpointer klass, gpointer) {
    parent_class = G_OBJECT_CLASS(g_type_class_peek_parent(klass));
    G_OBJECT_CLASS(klass)->finalize = finalize;
    SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->name = "x-sluice-bounds"; // never negotiated
    SOUP_WEBSOCKET_EXTENSION_CLASS(klass)->process_incoming_message = process_incoming;
}

// The launcher and the plugin in its process each have this library: two types need two names.
GType extension_type() {
    static const GType type = [] {
        const std::string name = "SluiceWebsocketBounds" + std::to_string(reinterpret_cast<uintptr_t>(&parent_class));
        return g_type_register_static_simple(SOUP_TYPE_WEBSOCKET_EXTENSION, name.c_str(),
                                             sizeof(SoupWebsocketExtensionClass), class_init, sizeof(Extension),
                                             nullptr, GTypeFlags(0));
    }();
    return type;
}

} // namespace

namespace sluice {

GList* websocket_bounds(size_t max_message) {
    gpointer extension = g_object_new(extension_type(), nullptr);
    static_cast<Extension*>(extension)->bounds = new WebsocketBounds(max_message);
    return g_list_append(nullptr, extension);
}

} // namespace sluice
