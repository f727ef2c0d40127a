// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/config_parser.hpp"

#include "launcher/config/url.hpp"

#include <gio/gio.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr size_t max_user = 256;
constexpr unsigned max_latency_ms = 10'000;

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

class Parser {
public:
    Parser(const std::string& directory, const SecretSource& secrets, ConfigResult& result)
        : directory_(directory), secrets_(secrets), result_(result) {}

    // One camera of that name, as a document of its own.
    void parse_camera(const std::string& name, const Json& root) { camera(name, root, ""); }

    void parse(const Json& root, bool camera_needed) {
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
        if (cameras->empty() && camera_needed)
            error("/cameras", "found no camera, allowed: at least one");
        if (cameras->size() > max_cameras)
            error("/cameras", "found " + std::to_string(cameras->size()) + " cameras, allowed: at most 4096");
        for (const auto& item : cameras->items())
            camera(item.key(), item.value(), json_pointer("/cameras", item.key()));
    }

private:
    void error(const std::string& pointer, std::string text) { result_.errors.push_back({pointer, std::move(text)}); }
    void wrong_type(const std::string& pointer, const Json& value, const std::string& allowed) {
        error(pointer, std::string("found ") + json_type_phrase(value) + ", allowed: " + allowed);
    }
    void bad_value(const std::string& pointer, const std::string& value, const std::string& allowed) {
        error(pointer, "found " + quote_for_message(value) + ", allowed: " + allowed);
    }

    static const Json* field(const Json& value, const char* name) {
        const auto it = value.find(name);
        return it == value.end() ? nullptr : &*it;
    }

    // An object of that kind, without fields nobody knows.
    bool object(const Json& value, const std::string& pointer, const char* kind) {
        const std::vector<std::string>& known = config_fields().at(kind);
        if (!value.is_object()) {
            wrong_type(pointer, value, "an object with the fields " + join(known));
            return false;
        }
        for (const auto& item : value.items()) {
            if (std::find(known.begin(), known.end(), item.key()) == known.end())
                error(json_pointer(pointer, item.key()),
                      "found an unknown field, allowed: " + (known.empty() ? "none here" : join(known)));
        }
        return true;
    }

    const std::string* text(const Json& parent, const std::string& pointer, const char* name, const char* allowed) {
        const Json* value = field(parent, name);
        if (!value)
            return nullptr;
        const std::string at = json_pointer(pointer, name);
        if (!value->is_string()) {
            wrong_type(at, *value, allowed);
            return nullptr;
        }
        const auto& found = value->get_ref<const std::string&>();
        if (found.empty() || found.find('\0') != std::string::npos) {
            bad_value(at, found, allowed);
            return nullptr;
        }
        return &found;
    }

    std::optional<int64_t> number(const Json& parent, const std::string& pointer, const char* name, int64_t min,
                                  int64_t max, const char* unit) {
        const Json* value = field(parent, name);
        if (!value)
            return std::nullopt;
        const std::string at = json_pointer(pointer, name);
        const std::string allowed = "a whole number from " + std::to_string(min) + " to " + std::to_string(max) + unit;
        if (!value->is_number_integer()) {
            wrong_type(at, *value, allowed);
            return std::nullopt;
        }
        const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
        if (huge || value->get<int64_t>() < min || value->get<int64_t>() > max) {
            error(at, "found " + value->dump() + ", allowed: " + allowed);
            return std::nullopt;
        }
        return value->get<int64_t>();
    }

    void boolean(const Json& parent, const std::string& pointer, const char* name, bool& out) {
        const Json* value = field(parent, name);
        if (value && value->is_boolean())
            out = value->get<bool>();
        else if (value)
            wrong_type(json_pointer(pointer, name), *value, "true or false");
    }

    void version(const Json& root) {
        if (const Json* value = field(root, "version"); !value)
            error("/version", "found nothing, allowed: 1 (the field is required)");
        else if (!value->is_number_integer())
            wrong_type("/version", *value, "1");
        else if (*value != 1)
            error("/version", "found " + value->dump() + ", allowed: 1");
    }

    std::string absolute(const std::string& path) const {
        return path.front() == '/' || directory_.empty() ? path : directory_ + "/" + path;
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
            out.state = absolute(*found);
        if (const Json* webrtc = field(value, "webrtc"))
            server_webrtc(*webrtc, pointer + "/webrtc");
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
                boolean(*webrtc, pointer + "/outputs/webrtc", "enabled", out.webrtc.enabled);
        result_.config.cameras.push_back(std::move(out));
    }

    void stream(const char* name, const Json& value, const std::string& pointer, CameraConfig& camera) {
        if (!object(value, pointer, "stream"))
            return;
        StreamConfig out;
        out.name = name;
        if (const std::string* url = text(value, pointer, "url", camera_url_allowed))
            camera_url(*url, pointer + "/url", out);
        else if (!field(value, "url"))
            error(pointer + "/url",
                  std::string("found nothing, allowed: ") + camera_url_allowed + " (the field is required)");
        if (const std::string* user = text(value, pointer, "user", "the user name at the camera")) {
            if (user->size() > max_user)
                error(pointer + "/user", "found more than 256 characters, allowed: at most that");
            out.user = *user;
        }
        if (const Json* password = field(value, "password")) {
            secret(*password, pointer + "/password", out.password);
            if (!field(value, "user"))
                error(pointer + "/user", "found nothing, allowed: the user name that the password belongs to");
        }
        constexpr const char* transport_allowed = "\"tcp\" or \"udp\"";
        if (const std::string* transport = text(value, pointer, "transport", transport_allowed)) {
            if (*transport == "udp")
                out.transport = Transport::udp;
            else if (*transport != "tcp")
                bad_value(pointer + "/transport", *transport, transport_allowed);
        }
        // UDP packets come out of order now and then; over TCP they cannot.
        out.latency_ms = out.transport == Transport::udp ? 100 : 0;
        if (const auto latency = number(value, pointer, "latency", 0, max_latency_ms, " (milliseconds)"))
            out.latency_ms = static_cast<unsigned>(*latency);
        camera.streams.push_back(std::move(out));
    }

    void camera_url(const std::string& text, const std::string& pointer, StreamConfig& out) {
        std::string why;
        const auto url = parse_camera_url(text, why);
        if (!url)
            error(pointer, "found " + quote_for_message(text) + " (" + why + "), allowed: " + camera_url_allowed);
        else if (url->has_credentials)
            error(pointer, "found a user or password in the address, allowed: " + std::string(camera_url_allowed) +
                               ", with the fields \"user\" and \"password\" beside it");
        else
            out.url = url->location;
    }

    void secret(const Json& value, const std::string& pointer, Secret& out) {
        constexpr const char* allowed = R"({"env": "NAME"} or {"file": "PATH"})";
        if (value.is_string()) { // never shown, not even that much of it
            error(pointer, std::string("found the password itself, allowed: ") + allowed);
            return;
        }
        if (!object(value, pointer, "secret"))
            return;
        const Json* env = field(value, "env");
        const Json* file = field(value, "file");
        if ((env != nullptr) == (file != nullptr)) {
            error(pointer, std::string("found ") + (env ? "both env and file" : "neither env nor file") +
                               ", allowed: " + allowed);
            return;
        }
        const char* name = env ? "env" : "file";
        const std::string* reference =
            text(value, pointer, name, env ? "the name of an environment variable" : "the path of a file");
        if (!reference)
            return;
        const std::string shown = env ? *reference : absolute(*reference);
        Result<Secret> found = env ? secret_from_environment(secrets_, *reference) : secret_from_file(secrets_, shown);
        if (found)
            out = std::move(found).value();
        else
            error(json_pointer(pointer, name),
                  "found " + quote_for_message(shown) + ", which gives no secret: " + found.error().text +
                      ", allowed: " + (env ? "an environment variable that is set" : "a readable file of one line"));
    }

    const std::string& directory_;
    const SecretSource& secrets_;
    ConfigResult& result_;
};

} // namespace

const std::map<std::string, std::vector<std::string>>& config_fields() {
    static const std::map<std::string, std::vector<std::string>> fields = {
        {"config", {"version", "server", "cameras"}},
        {"server", {"address", "port", "state", "webrtc"}},
        {"server-webrtc", {"stun-server", "ice-addresses", "min-rtp-port", "max-rtp-port", "ice-tcp"}},
        {"camera", {"streams", "outputs"}},
        {"streams", {"main", "sub"}},
        {"stream", {"url", "user", "password", "transport", "latency"}},
        {"secret", {"env", "file"}},
        {"outputs", {"webrtc"}},
        {"webrtc", {"enabled"}},
    };
    return fields;
}

bool is_config_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
           });
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

ConfigResult parse_config(std::string_view text, const std::string& directory, const SecretSource& secrets,
                          bool camera_needed) {
    ConfigResult result;
    if (const auto root = document(text, result))
        Parser(directory, secrets, result).parse(*root, camera_needed);
    return result;
}

ConfigResult parse_camera(const std::string& name, std::string_view text, const std::string& directory,
                          const SecretSource& secrets) {
    ConfigResult result;
    if (const auto root = document(text, result))
        Parser(directory, secrets, result).parse_camera(name, *root);
    return result;
}

Result<ConfigResult> load_config(const std::string& path, const SecretSource& secrets) {
    const Result<std::string> text = read_small_file(path, max_json_bytes);
    if (!text)
        return Error{ErrorKind::missing_file, path + ": cannot be read: " + text.error().text};
    const size_t slash = path.rfind('/');
    return parse_config(text.value(), slash == std::string::npos ? "" : path.substr(0, std::max<size_t>(slash, 1)),
                        secrets);
}

std::string to_string(const std::string& file, const ConfigError& error) {
    if (error.where.empty())
        return file + ": " + error.text;
    return file + ":" + (error.where.front() == '/' ? " " : "") + error.where + ": " + error.text;
}

} // namespace sluice
