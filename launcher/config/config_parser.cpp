// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/config_parser.hpp"

#include "launcher/config/auth_parser.hpp"
#include "launcher/config/derived_parser.hpp"
#include "launcher/config/field_reader.hpp"
#include "launcher/config/server_parser.hpp"
#include "launcher/config/source_parser.hpp"
#include "launcher/config/url.hpp"

#include <gio/gio.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr int64_t min_stall_ms = 500, max_stall_ms = 60'000;
constexpr int64_t max_transcodes = 64;
// Fields of a stream that have no meaning without "from".
constexpr const char* derived_only[] = {"width", "height", "framerate", "bitrate"};

class Parser : FieldReader {
public:
    Parser(const ConfigContext& context, ConfigResult& result)
        : FieldReader(result.errors), context_(context), result_(result) {}

    // One camera of that name, as a document of its own.
    void parse_camera(const std::string& name, const Json& root) { camera(name, root, ""); }

    void parse(const Json& root) {
        if (!object(root, "", "config"))
            return;
        version(root);
        if (const Json* value = field(root, "server"))
            server(*value, "/server");
        const Json* cameras = field(root, "cameras");
        if (!cameras) {
            error("/cameras", "found nothing, allowed: an object with at least one camera (the field is required)");
            return;
        }
        if (!cameras->is_object()) {
            wrong_type("/cameras", *cameras, "an object with one field per camera");
            return;
        }
        if (cameras->empty() && context_.camera_needed)
            error("/cameras", "found no camera, allowed: at least one");
        if (cameras->size() > max_cameras)
            error("/cameras", "found " + std::to_string(cameras->size()) + " cameras, allowed: at most 4096");
        for (const auto& item : cameras->items())
            camera(item.key(), item.value(), json_pointer("/cameras", item.key()));
    }

private:
    void version(const Json& root) {
        if (const Json* value = field(root, "version"); !value)
            error("/version", "found nothing, allowed: 1 (the field is required)");
        else if (!value->is_number_integer())
            wrong_type("/version", *value, "1");
        else if (*value != 1)
            error("/version", "found " + value->dump() + ", allowed: 1");
    }

    static bool is_address(const std::string& text) { return g_hostname_is_ip_address(text.c_str()); }

    void server(const Json& value, const std::string& pointer) {
        if (!object(value, pointer, "server"))
            return;
        ServerConfig& out = result_.config.server;
        constexpr const char* address_allowed = "an IP address, as \"0.0.0.0\" (all), \"127.0.0.1\" or \"::\"";
        if (const std::string* found = text(value, pointer, "address", address_allowed)) {
            if (is_address(*found))
                out.address = *found;
            else
                bad_value(pointer + "/address", *found, address_allowed);
        }
        if (const auto port = number(value, pointer, "port", 0, 65535, " (0: any free one)"))
            out.port = static_cast<uint16_t>(*port);
        if (const std::string* found = text(value, pointer, "state", "the path of a directory"))
            out.state = absolute_path(context_.directory, *found);
        if (const auto most = number(value, pointer, "transcodes", 0, max_transcodes, " (at once)"))
            out.transcodes = static_cast<unsigned>(*most);
        if (const auto most = number(value, pointer, "transcode-cpu", 1, 100, " (percent of the machine)"))
            out.transcode_cpu = static_cast<unsigned>(*most);
        parse_reach(value, pointer, context_.directory, out, errors_);
        if (const Json* webrtc = field(value, "webrtc"))
            server_webrtc(*webrtc, pointer + "/webrtc");
        if (const Json* auth = field(value, "auth"))
            out.auth = AuthParser(context_, errors_).parse(*auth, pointer + "/auth");
    }

    void server_webrtc(const Json& value, const std::string& pointer) {
        if (!object(value, pointer, "server-webrtc"))
            return;
        WebrtcServerConfig& out = result_.config.server.webrtc;
        constexpr const char* stun_allowed = "stun://HOST:PORT";
        if (const std::string* found = text(value, pointer, "stun-server", stun_allowed)) {
            if (found->rfind("stun://", 0) == 0 && found->size() > 7 && found->find('@') == std::string::npos)
                out.stun_server = *found;
            else
                bad_value(pointer + "/stun-server", *found, stun_allowed);
        }
        if (const auto port = number(value, pointer, "min-rtp-port", 1024, 65535, ""))
            out.min_rtp_port = static_cast<uint16_t>(*port);
        if (const auto port = number(value, pointer, "max-rtp-port", 1024, 65535, ""))
            out.max_rtp_port = static_cast<uint16_t>(*port);
        if (out.min_rtp_port && out.max_rtp_port && *out.min_rtp_port > *out.max_rtp_port)
            error(pointer + "/max-rtp-port", "found " + std::to_string(*out.max_rtp_port) +
                                                 ", allowed: not below min-rtp-port, which is " +
                                                 std::to_string(*out.min_rtp_port));
        boolean(value, pointer, "ice-tcp", out.ice_tcp);
        if (const Json* list = field(value, "ice-addresses")) {
            const std::string at = pointer + "/ice-addresses";
            if (!list->is_array()) {
                wrong_type(at, *list, "a list of IP addresses of this machine");
                return;
            }
            for (size_t i = 0; i < list->size(); i++) {
                const Json& item = (*list)[i];
                if (!item.is_string())
                    wrong_type(json_pointer(at, std::to_string(i)), item, "an IP address of this machine");
                else if (!is_address(item.get<std::string>()))
                    bad_value(json_pointer(at, std::to_string(i)), item.get<std::string>(),
                              "an IP address of this machine");
                else
                    out.ice_addresses.push_back(item.get<std::string>());
            }
        }
    }

    void camera(const std::string& name, const Json& value, const std::string& pointer) {
        if (!is_config_name(name))
            error(pointer, "found the camera name " + quote_for_message(name) + ", allowed: " + config_name_allowed);
        if (!object(value, pointer, "camera"))
            return;
        CameraConfig out;
        out.name = name;
        out.description = value.dump(-1, ' ', false, Json::error_handler_t::replace);
        const std::string at = pointer + "/streams";
        const Json* streams = field(value, "streams");
        constexpr const char* streams_allowed = "an object with the stream main and, if there is one, sub";
        if (!streams) {
            error(at, std::string("found nothing, allowed: ") + streams_allowed + " (the field is required)");
        } else if (!streams->is_object()) {
            wrong_type(at, *streams, streams_allowed);
        } else {
            object(*streams, at, "streams");
            if (!field(*streams, "main"))
                error(at + "/main", "found nothing, allowed: a stream (the field is required)");
            for (const char* stream_name : {"main", "sub"})
                if (const Json* item = field(*streams, stream_name))
                    stream(stream_name, *item, json_pointer(at, stream_name), out);
        }
        if (const Json* outputs = field(value, "outputs"); outputs && object(*outputs, pointer + "/outputs", "outputs"))
            if (const Json* webrtc = field(*outputs, "webrtc");
                webrtc && object(*webrtc, pointer + "/outputs/webrtc", "webrtc"))
                webrtc_output(*webrtc, pointer + "/outputs/webrtc", out);
        result_.config.cameras.push_back(std::move(out));
    }

    void webrtc_output(const Json& value, const std::string& pointer, CameraConfig& camera) {
        boolean(value, pointer, "enabled", camera.webrtc.enabled);
        boolean(value, pointer, "transcode", camera.webrtc.transcode);
        std::vector<std::string> names{camera.webrtc.quality};
        for (const StreamConfig& s : camera.streams)
            names.push_back(s.name);
        const std::string allowed = join(names) + " (auto, or a stream of this camera)";
        const std::string* found = text(value, pointer, "quality", allowed.c_str());
        if (found && !camera.streams.empty() && std::find(names.begin(), names.end(), *found) == names.end())
            bad_value(pointer + "/quality", *found, allowed);
        else if (found)
            camera.webrtc.quality = *found;
    }

    void stream(const char* name, const Json& value, const std::string& pointer, CameraConfig& camera) {
        if (!object(value, pointer, "stream"))
            return;
        StreamConfig out;
        out.name = name;
        if (field(value, "from"))
            derived(value, pointer, out);
        else
            from_camera(value, pointer, out);
        boolean(value, pointer, "on-demand", out.on_demand);
        if (const auto stall = number(value, pointer, "stall-timeout", min_stall_ms, max_stall_ms, " (milliseconds)"))
            out.stall_ms = static_cast<unsigned>(*stall);
        camera.streams.push_back(std::move(out));
    }

    // Made of another stream of the camera, only while somebody watches.
    void derived(const Json& value, const std::string& pointer, StreamConfig& out) {
        out.on_demand = true;
        out.sources.push_back(DerivedParser(context_, errors_).parse(value, pointer, out.name));
    }

    void from_camera(const Json& value, const std::string& pointer, StreamConfig& out) {
        for (const char* name : derived_only)
            if (field(value, name))
                error(json_pointer(pointer, name), "found it without \"from\", allowed: beside that only");
        sources(value, pointer, out);
    }

    // One, written into the stream itself, or a list.
    void sources(const Json& value, const std::string& pointer, StreamConfig& out) {
        SourceParser parser(context_, errors_);
        const std::string at = pointer + "/sources";
        const Json* list = field(value, "sources");
        if (!list) {
            out.sources.push_back(parser.parse(value, pointer));
            return;
        }
        for (const std::string& name : config_fields().at("source"))
            if (field(value, name.c_str()))
                error(json_pointer(pointer, name), "found it beside a list of sources, allowed: in the list only");
        const std::string allowed = "a list of 1 to " + std::to_string(max_sources) + " sources";
        if (!list->is_array()) {
            wrong_type(at, *list, allowed);
            return;
        }
        if (list->empty() || list->size() > max_sources)
            error(at, "found " + std::to_string(list->size()) + ", allowed: " + allowed);
        for (size_t i = 0; i < std::min(list->size(), max_sources); i++) {
            const std::string here = json_pointer(at, std::to_string(i));
            if (object((*list)[i], here, "source"))
                out.sources.push_back(parser.parse((*list)[i], here));
        }
    }

    const ConfigContext& context_;
    ConfigResult& result_;
};

} // namespace

const std::map<std::string, std::vector<std::string>>& config_fields() {
    static const std::map<std::string, std::vector<std::string>> fields = {
        {"config", {"version", "server", "cameras"}},
        {"server",
         {"address", "port", "state", "tls", "trusted-proxies", "path-prefix", "allowed-origins", "webrtc",
          "transcodes", "transcode-cpu", "auth"}},
        {"tls", {"cert", "key"}},
        {"server-webrtc", {"stun-server", "ice-addresses", "min-rtp-port", "max-rtp-port", "ice-tcp"}},
        {"server-auth", {"jwt", "auth-request"}},
        {"jwt", {"jwks", "issuer", "audience", "leeway-seconds", "rights"}},
        {"jwks", {"file", "url"}},
        {"claim-rule", {"claim", "value", "cameras", "actions", "grants"}},
        {"auth-request", {"url", "timeout-ms", "cache-seconds", "viewer-seconds", "without-credentials", "actions"}},
        {"camera", {"streams", "outputs"}},
        {"streams", {"main", "sub"}},
        {"stream",
         {"url", "user", "password", "transport", "latency", "tls-fingerprint", "template", "parameters", "sources",
          "on-demand", "stall-timeout", "from", "width", "height", "framerate", "bitrate"}},
        {"source", {"url", "user", "password", "transport", "latency", "tls-fingerprint", "template", "parameters"}},
        {"secret", {"env", "file", "credential"}},
        {"outputs", {"webrtc"}},
        {"webrtc", {"enabled", "quality", "transcode"}},
    };
    return fields;
}

namespace {

// Nothing if the text is no document that can be looked into.
std::optional<Json> document(std::string_view text, ConfigResult& result) {
    Json root = parse_json_text(text, result.errors);
    if (!root.is_discarded() && (result.errors.empty() || root.is_object()) &&
        std::none_of(result.errors.begin(), result.errors.end(),
                     [](const ConfigError& e) { return e.where.empty() || e.where.front() != '/'; }))
        return root;
    return std::nullopt;
}

} // namespace

ConfigResult parse_config(std::string_view text, const ConfigContext& context) {
    ConfigResult result;
    if (const auto root = document(text, result))
        Parser(context, result).parse(*root);
    return result;
}

ConfigResult parse_camera(const std::string& name, std::string_view text, const ConfigContext& context) {
    ConfigResult result;
    if (const auto root = document(text, result))
        Parser(context, result).parse_camera(name, *root);
    return result;
}

Result<ConfigResult> load_config(const std::string& path, const Templates& templates, const SecretSource& secrets) {
    const Result<std::string> text = read_small_file(path, max_json_bytes);
    if (!text)
        return Error{ErrorKind::missing_file, path + ": cannot be read: " + text.error().text};
    const size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "" : path.substr(0, std::max<size_t>(slash, 1));
    return parse_config(text.value(), {templates, secrets, directory});
}

} // namespace sluice
