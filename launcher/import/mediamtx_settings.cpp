// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/mediamtx_settings.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace sluice {

namespace {

enum class When { set, on, other }; // not empty; true; not the usual value
struct Setting {
    const char* name;
    When when;
    const char* text;
    const char* usual = "";
};

constexpr const char* hook =
    "no program is started when something happens; a program of yours can listen to GET "
    "/api/v1/events. If the command only fetches a camera, give the camera's address as a source";
constexpr const char* tls =
    "certificate and key are not taken over: give the paths of their files as \"tls\" in \"server\", "
    "or let a proxy do TLS";
constexpr const char* proxies = "give the proxies as \"trusted-proxies\" in \"server\"";
constexpr const char* udp_port = "each viewer has a UDP port of its own: open a range in the firewall and give it as "
                                 "\"min-rtp-port\" and \"max-rtp-port\" in \"server\", \"webrtc\"";
constexpr const char* outside =
    "addresses outside of this machine cannot be told to viewers: route to this machine, ask a "
    "STUN server (\"stun-server\"), or use a VPN";
constexpr const char* path_login =
    "logins of single paths are left out: make accounts with `sluice passwd add NAME --camera "
    "CAMERA`";

const Setting global_settings[] = {
    {"api", When::on, "the API of Sluice is another one (docs/http-api.md), and always there"},
    {"metrics", When::on, "there is nothing like it here: left out"},
    {"pprof", When::on, "there is nothing like it here: left out"},
    {"playback", When::on, "nothing is recorded here, so nothing can be played: left out"},
    {"authHTTPAddress", When::set,
     "who may watch is not asked there by itself: set it up as \"auth-request\" in \"server\", \"auth\""},
    {"externalAuthenticationURL", When::set,
     "who may watch is not asked there by itself: set it up as \"auth-request\" in \"server\", \"auth\""},
    {"authJWTJWKS", When::set,
     "tokens of that identity provider are not known by themselves: set it up as \"jwt\" in "
     "\"server\", \"auth\""},
    {"webrtcEncryption", When::on, tls},
    {"apiEncryption", When::on, tls},
    {"hlsEncryption", When::on, tls},
    {"apiTrustedProxies", When::set, proxies},
    {"webrtcTrustedProxies", When::set, proxies},
    {"hlsTrustedProxies", When::set, proxies},
    {"webrtcAddress", When::set,
     "WHEP is at http://HOST:8080/whep/NAME here, no longer at http://HOST:8889/NAME/whep; \"address\" and \"port\" in "
     "\"server\" change that"},
    {"webrtcLocalUDPAddress", When::set, udp_port},
    {"webrtcICEUDPMuxAddress", When::set, udp_port},
    {"webrtcIPsFromInterfacesList", When::set,
     "give the addresses of these interfaces as \"ice-addresses\" in \"server\", \"webrtc\""},
    {"webrtcAdditionalHosts", When::set, outside},
    {"webrtcICEHostNAT1To1IPs", When::set, outside},
};

const Setting path_settings[] = {
    {"record", When::on, "nothing is recorded here: left out"},
    {"maxReaders", When::other, "viewers are not limited per camera: left out", "0"},
    {"srtReadPassphrase", When::set, "streams are not served over SRT: left out"},
    {"useAbsoluteTimestamp", When::on, "left out: frames have the time at which they arrive"},
    {"alwaysAvailable", When::on,
     "left out: viewers stay connected while the camera is away, are told why, and see it when it is back"},
    {"forward", When::set, "streams are not sent on to other servers: left out"},
    {"sourceOnDemandStartTimeout", When::other, "left out: how long a camera may take is not set here", "10s"},
    {"sourceOnDemandCloseAfter", When::other, "left out: how long a camera is kept without viewers is not set here",
     "10s"},
    {"rtspAnyPort", When::on, "left out: with TCP, which is usual here, it is not needed"},
    {"sourceAnyPortEnable", When::on, "left out: with TCP, which is usual here, it is not needed"},
    {"rtspRangeStart", When::set, "left out: cameras are asked for what is now"},
    {"rtspScale", When::set, "left out: cameras are asked for what is now"},
    {"publishUser", When::set, path_login},
    {"readUser", When::set, path_login},
    {"publishIPs", When::set, "who may do what does not depend on addresses here: left out"},
    {"readIPs", When::set, "who may do what does not depend on addresses here: left out"},
};

// Taken over elsewhere, or without a meaning here. What begins so is known.
constexpr const char* known_globals[] = {"api",   "auth",      "dumpPackets", "encryption", "externalAuth", "hls",
                                         "log",   "metrics",   "moq",         "multicast",  "path",         "playback",
                                         "pprof", "protocols", "read",        "record",     "rtcp",         "rtmp",
                                         "rtp",   "rtsp",      "runOn",       "serverCert", "serverKey",    "srt",
                                         "srtcp", "srtp",      "sysLog",      "udp",        "webrtc",       "write"};
constexpr const char* known_paths[] = {"alwaysAvailable",
                                       "disablePublisherOverride",
                                       "fallback",
                                       "forward",
                                       "maxReaders",
                                       "moq",
                                       "mpegts",
                                       "overridePublisher",
                                       "playback",
                                       "publish",
                                       "read",
                                       "record",
                                       "rpiCamera",
                                       "rtp",
                                       "rtsp",
                                       "runOn",
                                       "source",
                                       "srt",
                                       "useAbsoluteTimestamp",
                                       "whep"};

template <size_t N> bool begins_with_one_of(std::string_view name, const char* const (&prefixes)[N]) {
    return std::any_of(std::begin(prefixes), std::end(prefixes), [&](const char* p) { return name.rfind(p, 0) == 0; });
}

bool applies(const Setting& setting, const YamlNode& value) {
    if (is_unset(&value))
        return false;
    switch (setting.when) {
    case When::set: return true;
    case When::on: return value.boolean().value_or(true);
    case When::other: return !value.scalar() || *value.scalar() != setting.usual;
    }
    return true;
}

bool is_hook(std::string_view name, const YamlNode& value) {
    return name.rfind("runOn", 0) == 0 && !name.ends_with("Restart") && !name.ends_with("Timeout") &&
           !name.ends_with("CloseAfter") && !is_unset(&value);
}

template <size_t N, size_t M> void remark(Imported& out, const YamlNode& map, const std::string& where,
                                          const Setting (&settings)[N], const char* const (&known)[M]) {
    for (const YamlNode::Field& field : map.fields) {
        const std::string at = import_pointer(where, field.name);
        const auto* setting = std::find_if(std::begin(settings), std::end(settings),
                                           [&](const Setting& s) { return field.name == s.name; });
        if (setting != std::end(settings) && applies(*setting, field.value))
            out.remark(field.value.line, at, setting->text);
        else if (is_hook(field.name, field.value))
            out.remark(field.value.line, at, hook);
        else if (setting == std::end(settings) && !begins_with_one_of(field.name, known))
            out.remark(field.value.line, at, "this setting is not known: left out");
    }
}

bool switched_off(const YamlNode& root, const std::string& protocol) {
    const YamlNode* on = root.find(protocol);
    const YamlNode* off = root.find(protocol + "Disable"); // older files
    return (on && on->boolean() == false) || (off && off->boolean() == true);
}

} // namespace

bool is_unset(const YamlNode* node) {
    return !node || node->is_null() || (node->kind == YamlNode::Kind::scalar && node->text.empty()) ||
           (node->is_list() && node->items.empty()) || (node->is_map() && node->fields.empty());
}

void remark_mediamtx_globals(Imported& out, const YamlNode& root) {
    std::string served;
    const std::initializer_list<std::pair<const char*, const char*>> protocols = {
        {"rtsp", "RTSP"}, {"rtmp", "RTMP"}, {"hls", "HLS"}, {"srt", "SRT"}, {"moq", "MoQ"}};
    for (const auto& [setting, name] : protocols)
        if (!switched_off(root, setting))
            served += (served.empty() ? "" : ", ") + std::string(name);
    if (!served.empty())
        out.remark(0, "", "MediaMTX serves " + served + " as well, Sluice WebRTC only (WHEP and its own page)");
    if (switched_off(root, "webrtc"))
        out.remark(0, "", "WebRTC is switched off there, and the only thing that is served here");
    remark(out, root, "", global_settings, known_globals);
}

void remark_mediamtx_path(Imported& out, const YamlNode& path, const std::string& where) {
    remark(out, path, where, path_settings, known_paths);
}

} // namespace sluice
