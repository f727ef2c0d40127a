// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/sink_settings.hpp"

#include "plugins/webrtc/text_list.hpp"
#include "plugins/webrtc/websocket.hpp"
#include "plugins/webrtc/whep.hpp"

#include <gst/gst.h>

namespace sluice {

bool SinkSettings::set(guint id, const GValue* value) {
    const auto text = [&] { return g_value_get_string(value) ? g_value_get_string(value) : ""; };
    switch (id) {
    case PROP_CHANNELS: channels = text(); break;
    case PROP_CAMERA: camera = text(); break;
    case PROP_PATH: path = text(); break;
    case PROP_WS_PATH:
        ws_path = text();
        ws_path_wanted = true;
        break;
    case PROP_WS_ORIGINS: ws_origins = text(); break;
    case PROP_ADDRESS: address = text(); break;
    case PROP_PORT: port = g_value_get_uint(value); break;
    case PROP_CREDENTIALS_FILE: credentials_file = text(); break;
    case PROP_STUN_SERVER: ice.stun_server = text(); break;
    case PROP_TURN_SERVERS: ice.turn_servers = split_list(text()); break;
    case PROP_MIN_RTP_PORT: ice.min_rtp_port = g_value_get_uint(value); break;
    case PROP_MAX_RTP_PORT: ice.max_rtp_port = g_value_get_uint(value); break;
    case PROP_ICE_TCP: ice.tcp = g_value_get_boolean(value); break;
    case PROP_ICE_ADDRESSES: ice.addresses = split_list(text()); break;
    case PROP_MAX_SESSIONS: max_sessions = g_value_get_uint(value); break;
    case PROP_MAX_SESSIONS_PER_PEER: max_sessions_per_peer = g_value_get_uint(value); break;
    case PROP_QUALITY: quality = text(); break;
    case PROP_QUALITIES: qualities = text(); break;
    case PROP_OPUS_VERSIONS: opus_versions = g_value_get_boolean(value); break;
    default: return false;
    }
    return true;
}

bool SinkSettings::get(guint id, GValue* value) const {
    switch (id) {
    case PROP_CHANNELS: g_value_set_string(value, channels.c_str()); break;
    case PROP_CAMERA: g_value_set_string(value, camera.c_str()); break;
    case PROP_PATH: g_value_set_string(value, path.c_str()); break;
    case PROP_WS_PATH: g_value_set_string(value, ws_path.c_str()); break;
    case PROP_WS_ORIGINS: g_value_set_string(value, ws_origins.c_str()); break;
    case PROP_ADDRESS: g_value_set_string(value, address.c_str()); break;
    case PROP_PORT: g_value_set_uint(value, port); break;
    case PROP_CREDENTIALS_FILE: g_value_set_string(value, credentials_file.c_str()); break;
    case PROP_STUN_SERVER: g_value_set_string(value, ice.stun_server.c_str()); break;
    case PROP_TURN_SERVERS: g_value_set_string(value, join_list(ice.turn_servers).c_str()); break;
    case PROP_MIN_RTP_PORT: g_value_set_uint(value, ice.min_rtp_port); break;
    case PROP_MAX_RTP_PORT: g_value_set_uint(value, ice.max_rtp_port); break;
    case PROP_ICE_TCP: g_value_set_boolean(value, ice.tcp); break;
    case PROP_ICE_ADDRESSES: g_value_set_string(value, join_list(ice.addresses).c_str()); break;
    case PROP_MAX_SESSIONS: g_value_set_uint(value, max_sessions); break;
    case PROP_MAX_SESSIONS_PER_PEER: g_value_set_uint(value, max_sessions_per_peer); break;
    case PROP_ROUTES: {
        std::vector<ServedRoute> all = Whep::routes(path);
        for (ServedRoute& route : WebsocketSignalling::routes(ws_path))
            all.push_back(std::move(route));
        g_value_take_boxed(value, to_structure(all).release());
        break;
    }
    case PROP_QUALITY: g_value_set_string(value, quality.c_str()); break;
    case PROP_QUALITIES: g_value_set_string(value, qualities.c_str()); break;
    case PROP_OPUS_VERSIONS: g_value_set_boolean(value, opus_versions); break;
    default: return false;
    }
    return true;
}

Result<QualityDefaults> SinkSettings::quality_defaults() const {
    if (!is_quality(quality))
        return Error{ErrorKind::bad_input,
                     "property quality: found '" + quality + "', allowed: auto, or a stream's name"};
    auto cameras = parse_qualities(qualities);
    if (!cameras)
        return Error{cameras.error().kind, "property qualities: " + cameras.error().text};
    return QualityDefaults{quality, std::move(cameras).value()};
}

void install_sink_properties(GObjectClass* klass) {
    constexpr auto flags = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
    const auto text = [&](guint id, const char* name, const char* nick, const char* blurb, const char* fallback) {
        g_object_class_install_property(klass, id, g_param_spec_string(name, nick, blurb, fallback, flags));
    };
    const auto number = [&](guint id, const char* name, const char* nick, const char* blurb, guint min, guint max,
                            guint fallback) {
        g_object_class_install_property(klass, id, g_param_spec_uint(name, nick, blurb, min, max, fallback, flags));
    };
    const auto any_time = [&](guint id, const char* name, const char* nick, const char* blurb, const char* fallback) {
        constexpr auto any = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
        g_object_class_install_property(klass, id, g_param_spec_string(name, nick, blurb, fallback, any));
    };
    any_time(PROP_CHANNELS, "channels", "Channels",
             "Channels of this process that may be watched, as comma separated patterns (front/*, * for all)", "");
    any_time(PROP_QUALITY, "quality", "Quality",
             "What viewers get who do not say: auto (what their path carries), or the name of a stream", quality_auto);
    any_time(PROP_QUALITIES, "qualities", "Qualities",
             "The same for single cameras, comma separated: front=sub, yard=auto", "");
    text(PROP_CAMERA, "camera", "Camera", "Name under which our own pads are watched: {path}/{camera}", "camera");
    text(PROP_PATH, "path", "Path", "Where the HTTP server takes WHEP requests", "/whep");
    text(
        PROP_WS_PATH, "ws-path", "WebSocket path",
        "Where the HTTP server takes WebSocket signalling (empty: nowhere; the default gives way to another element's)",
        "/ws");
    text(PROP_WS_ORIGINS, "ws-origins", "WebSocket origins",
         "Comma separated origins whose pages may connect (* for all); pages of the server itself always may", "");
    text(PROP_ADDRESS, "address", "Address", "IP address to listen on, without an application's server", "0.0.0.0");
    number(PROP_PORT, "port", "Port", "TCP port to listen on, without an application's server (0: any; readable then)",
           0, 65535, 8080);
    text(PROP_CREDENTIALS_FILE, "credentials-file", "Credentials file",
         "Lines of user:hash (crypt(5)); used when no authorize handler is connected. With neither nobody is let in",
         "");
    text(PROP_STUN_SERVER, "stun-server", "STUN server", "stun://host:port (none by default)", "");
    text(PROP_TURN_SERVERS, "turn-servers", "TURN servers", "Comma separated turn(s)://user:password@host:port", "");
    number(PROP_MIN_RTP_PORT, "min-rtp-port", "Minimum RTP port", "First UDP port for media (0: any)", 0, 65535, 0);
    number(PROP_MAX_RTP_PORT, "max-rtp-port", "Maximum RTP port", "Last UDP port for media (0: any)", 0, 65535, 0);
    g_object_class_install_property(
        klass, PROP_ICE_TCP,
        g_param_spec_boolean("ice-tcp", "ICE-TCP",
                             "Also offer TCP, for viewers whose UDP is blocked (costs file descriptors)", FALSE,
                             flags));
    text(PROP_ICE_ADDRESSES, "ice-addresses", "ICE addresses", "Local addresses to offer, comma separated (empty: all)",
         "");
    number(PROP_MAX_SESSIONS, "max-sessions", "Maximum sessions", "Viewers at the same time; more are refused", 1,
           100000, 1000);
    number(PROP_MAX_SESSIONS_PER_PEER, "max-sessions-per-peer", "Maximum sessions per peer",
           "Sessions of one principal from one address; more are refused (0: no limit)", 0, 100000, 500);
    g_object_class_install_property(
        klass, PROP_OPUS_VERSIONS,
        g_param_spec_boolean("opus-versions", "Opus versions",
                             "Make Opus, in this process, of sound that a viewer cannot take as it is (FALSE: whoever "
                             "answers the demand of the channel NAME~opus brings it)",
                             TRUE, flags));
    g_object_class_install_property(klass, PROP_STATS,
                                    g_param_spec_boxed("stats", "Statistics", "Counters, and one structure per viewer",
                                                       GST_TYPE_STRUCTURE,
                                                       GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    g_object_class_install_property(
        klass, PROP_VIEWERS_BY_CAMERA,
        g_param_spec_boxed("viewers-by-camera", "Viewers by camera",
                           "How many viewers each camera has, if any: an array \"cameras\" of name and viewers",
                           GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    g_object_class_install_property(
        klass, PROP_ROUTES,
        g_param_spec_boxed(
            "routes", "Routes",
            "All that is answered over HTTP: an array \"routes\" of method, path, action (what authorize is "
            "asked for; empty: nobody is asked) and websocket",
            GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

} // namespace sluice
