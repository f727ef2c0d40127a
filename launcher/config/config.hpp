// SPDX-License-Identifier: LGPL-2.1-or-later
// What a configuration file says, as plain data. No GStreamer, no I/O.
#pragma once

#include "launcher/config/auth_config.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {

// How RTP comes from a camera: udp falls to TCP by itself, http is RTSP tunnelled over HTTP.
enum class Transport { tcp, udp, http };

// Of a template's parameter.
using ParameterValue = std::variant<std::string, int64_t, bool>;

// A secret's value, kept apart from std::string so that it cannot slip into a message by accident.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    const std::string& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }
    bool operator==(const Secret&) const = default;

private:
    std::string value_;
};

// A stream that is made of another one of the same camera, by a template of the kind derived. 0: the template takes none.
struct DerivedConfig {
    std::string from = "main";
    unsigned width = 0, height = 0, framerate = 0; // at most; 0: as the source has it
    unsigned bitrate = 2000;                       // kbit/s
    bool operator==(const DerivedConfig&) const = default;
};

// One place a stream can come from.
struct SourceConfig {
    std::string url; // never with user or password; empty: the template needs none
    std::string user;
    Secret password;
    Transport transport = Transport::tcp;
    unsigned latency_ms = 0;     // of the jitter buffer; over TCP nothing needs to be put in order
    std::string tls_fingerprint; // SHA-256 of the one certificate that is taken, hexadecimal; empty: authorities decide
    std::string source_template; // "rtsp", "file"...
    std::map<std::string, ParameterValue> parameters; // of the template, beside those that have fields above
    std::optional<DerivedConfig> derived;             // then of all that only the last two count
    bool operator==(const SourceConfig&) const = default;
};

constexpr size_t max_sources = 8;

// The stream that is made for viewers who can play no other one.
constexpr const char* web_stream = "web";

struct StreamConfig {
    std::string name;                  // "main", "sub"
    std::vector<SourceConfig> sources; // in order of preference, at least one
    bool on_demand = false;            // contacted only while somebody reads
    unsigned stall_ms = 3000;          // without a picture for so long a source counts as lost
    bool last_resort = false;          // for viewers only who can play no other stream of the camera
    bool operator==(const StreamConfig&) const = default;
};

struct WebrtcOutput {
    bool enabled = true;
    std::string quality = "auto"; // of viewers who do not say: "auto", or the name of a stream
    bool transcode = true;        // for viewers who can play none of the streams
    bool operator==(const WebrtcOutput&) const = default;
};

struct CameraConfig {
    std::string name;
    std::vector<StreamConfig> streams; // at least "main", which comes first
    WebrtcOutput webrtc;
    std::string description; // what was written, as one line of JSON; secrets stand in it as references only
};

// How viewers are reached: properties of webrtcserversink.
struct WebrtcServerConfig {
    std::string stun_server;                // "stun://host:port"; empty: none
    std::vector<std::string> ice_addresses; // local addresses to offer; empty: all
    std::optional<uint16_t> min_rtp_port, max_rtp_port;
    bool ice_tcp = false;
};

// Certificate and key of the HTTP server: made by ourselves, or PEM files.
struct TlsConfig {
    bool self_signed = false;
    std::string certificate, key;
    bool operator==(const TlsConfig&) const = default;
};

struct ServerConfig {
    std::optional<std::string> address;
    std::optional<uint16_t> port; // 0: any free one
    std::optional<std::string> state;
    std::optional<TlsConfig> tls;
    std::vector<std::string> trusted_proxies; // addresses and networks
    std::vector<std::string> allowed_origins; // whose pages may connect, beside our own
    std::string path_prefix;                  // below which proxies serve us, unless they say it
    std::optional<unsigned> transcodes;       // how many may run at once; nothing: as many as there are cores
    unsigned transcode_cpu = 80;              // percent of the whole machine that they may use together
    WebrtcServerConfig webrtc;
    AuthConfig auth;
};

struct Config {
    ServerConfig server;
    std::vector<CameraConfig> cameras; // in the file's order
};

constexpr const char* default_address = "0.0.0.0";
constexpr uint16_t default_port = 8080;

} // namespace sluice
