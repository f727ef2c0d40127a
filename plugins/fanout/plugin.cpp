// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/elements.hpp"

#define PACKAGE "sluice"

static gboolean plugin_init(GstPlugin* plugin) {
    return gst_element_register(plugin, "fanoutsink", GST_RANK_NONE, SLUICE_TYPE_FANOUT_SINK) &&
           gst_element_register(plugin, "fanoutsrc", GST_RANK_NONE, SLUICE_TYPE_FANOUT_SRC) &&
           gst_element_register(plugin, "keyframefanout", GST_RANK_NONE, SLUICE_TYPE_KEYFRAME_FANOUT);
}

GST_PLUGIN_DEFINE(
    GST_VERSION_MAJOR, GST_VERSION_MINOR, sluicefanout,
    "One source, any number of readers that start at a key unit: named channels between pipelines, and a tee",
    plugin_init, SLUICE_VERSION, "LGPL", "Sluice", "Unknown package origin")
