// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/parts.hpp"

#include "plugins/core/refs.hpp"

#include <string>

namespace sluice {

Result<bool> require_parts() {
    struct Part {
        const char* element;
        const char* plugin;
        const char* package; // of Debian; nullptr: our own
    };
    constexpr Part parts[] = {
        {"fanoutsink", "fanout", nullptr},
        {"webrtcserversink", "sluicewebrtc", nullptr},
        {"rtspsrc", "rtsp", "gstreamer1.0-plugins-good"},
        {"rtph264depay", "rtp", "gstreamer1.0-plugins-good"},
        {"rtpbin", "rtpmanager", "gstreamer1.0-plugins-good"},
        {"udpsrc", "udp", "gstreamer1.0-plugins-good"},
        {"h264parse", "videoparsersbad", "gstreamer1.0-plugins-bad"},
        {"webrtcbin", "webrtc", "gstreamer1.0-plugins-bad"},
        {"dtlsenc", "dtls", "gstreamer1.0-plugins-bad"},
        {"srtpenc", "srtp", "gstreamer1.0-plugins-bad"},
        {"nicesink", "nice", "gstreamer1.0-nice"},
    };
    std::string missing;
    bool ours = false;
    for (const Part& part : parts) {
        const Ref<GstElementFactory> factory = adopt(gst_element_factory_find(part.element));
        if (factory)
            continue;
        missing += missing.empty() ? "" : "; ";
        missing += std::string("the element ") + part.element + " is missing: ";
        if (part.package) {
            missing += "install the Debian package " + std::string(part.package) + " (plugin " + part.plugin + ")";
        } else {
            missing += "the plugin " + std::string(part.plugin) + " of Sluice is not where GStreamer looks for it";
            ours = true;
        }
    }
    if (missing.empty())
        return true;
    if (ours)
        missing += "; install Sluice, or run it with `meson devenv`, or set GST_PLUGIN_PATH";
    return Error{ErrorKind::unavailable, missing};
}

} // namespace sluice
