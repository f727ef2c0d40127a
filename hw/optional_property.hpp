// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace sluice::hw {

// A property that some elements of a kind have and others do not.
inline void set_if_there(GstElement* element, const char* property, const char* value) {
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
        gst_util_set_object_arg(G_OBJECT(element), property, value);
}

} // namespace sluice::hw
