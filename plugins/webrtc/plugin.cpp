// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/elements.hpp"

#define PACKAGE "sluice"

static gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(webrtcserversink, plugin); }

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, sluicewebrtc, "Cameras to browsers over WebRTC", plugin_init,
                  SLUICE_VERSION, "LGPL", "Sluice", "Unknown package origin")
