// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/stall/elements.hpp"

#define PACKAGE "sluice"

static gboolean plugin_init(GstPlugin* plugin) {
    return gst_element_register(plugin, "stalldetect", GST_RANK_NONE, SLUICE_TYPE_STALL_DETECT);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, sluicestall,
                  "Tells when a stream is up and yet brings no usable media", plugin_init, SLUICE_VERSION, "LGPL",
                  "Sluice", "Unknown package origin")
