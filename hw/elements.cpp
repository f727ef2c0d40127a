// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/elements.hpp"

namespace sluice::hw {

void register_elements() {
    gst_element_register(nullptr, encoder_element, GST_RANK_NONE, encoder_element_type());
    gst_element_register(nullptr, decoder_element, GST_RANK_NONE, decoder_element_type());
}

Result<bool> open_element(GstElement* element) {
    const Ref<GstBus> bus = adopt(gst_bus_new());
    gst_element_set_bus(element, bus.get());
    const bool ready = gst_element_set_state(element, GST_STATE_READY) != GST_STATE_CHANGE_FAILURE;
    if (!ready)
        gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, nullptr);
    if (ready)
        return true;
    const Ref<GstMessage> message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    GError* raw = nullptr;
    if (message)
        gst_message_parse_error(message.get(), &raw, nullptr);
    const GErrorPtr error(raw);
    return Error{ErrorKind::unavailable, error ? error->message : "it does not start"};
}

} // namespace sluice::hw
