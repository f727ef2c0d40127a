// SPDX-License-Identifier: LGPL-2.1-or-later
// Pads of a bin whose inside comes and goes.
#pragma once

#include "plugins/core/refs.hpp"

namespace sluice::hw {

// As the class' template of that name says; it leads nowhere yet.
inline GstPad* add_ghost_pad(GstElement* bin, const char* name) {
    GstPad* ghost = gst_ghost_pad_new_no_target_from_template(
        name, gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(bin), name));
    gst_element_add_pad(bin, ghost);
    return ghost;
}

// inside: NULL for nowhere.
inline void set_ghost_target(GstPad* ghost, GstElement* inside) {
    const Ref<GstPad> pad = adopt(inside ? gst_element_get_static_pad(inside, GST_PAD_NAME(ghost)) : nullptr);
    gst_ghost_pad_set_target(GST_GHOST_PAD(ghost), pad.get());
}

} // namespace sluice::hw
