// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of webrtcserversink, and what the application has set.
#pragma once

#include "plugins/webrtc/ice_settings.hpp"
#include "plugins/webrtc/quality.hpp"

#include <glib-object.h>

#include <string>

namespace sluice {

enum {
    PROP_0,
    PROP_CHANNELS,
    PROP_CAMERA,
    PROP_PATH,
    PROP_WS_PATH,
    PROP_WS_ORIGINS,
    PROP_ADDRESS,
    PROP_PORT,
    PROP_CREDENTIALS_FILE,
    PROP_STUN_SERVER,
    PROP_TURN_SERVERS,
    PROP_MIN_RTP_PORT,
    PROP_MAX_RTP_PORT,
    PROP_ICE_TCP,
    PROP_ICE_ADDRESSES,
    PROP_MAX_SESSIONS,
    PROP_MAX_SESSIONS_PER_PEER,
    PROP_QUALITY,
    PROP_QUALITIES,
    PROP_OPUS_VERSIONS,
    PROP_STATS,
    PROP_VIEWERS_BY_CAMERA,
    PROP_ROUTES,
    N_PROPS
};

struct SinkSettings {
    std::string channels;
    std::string camera = "camera";
    std::string path = "/whep";
    std::string ws_path = "/ws", ws_origins;
    bool ws_path_wanted = false; // set by the application: not to be had is an error
    std::string address = "0.0.0.0";
    unsigned port = 8080;
    std::string credentials_file;
    unsigned max_sessions = 1000;
    unsigned max_sessions_per_peer = 500;
    IceSettings ice;
    std::string quality = quality_auto, qualities;
    bool opus_versions = true;

    // False: there is no such property, or it is none of these settings.
    bool set(guint id, const GValue* value);
    bool get(guint id, GValue* value) const;
    // An error names the property that is wrong.
    Result<QualityDefaults> quality_defaults() const;
};

void install_sink_properties(GObjectClass* klass);

} // namespace sluice
