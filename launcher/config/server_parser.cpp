// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/server_parser.hpp"

#include "launcher/config/source_parser.hpp"
#include "plugins/core/forwarded.hpp"

#include <algorithm>
#include <functional>

namespace sluice {

namespace {

constexpr size_t max_list = 64;

bool is_origin(const std::string& text) {
    const size_t scheme = text.find("://");
    if (scheme == std::string::npos || (text.substr(0, scheme) != "https" && text.substr(0, scheme) != "http"))
        return false;
    const std::string host = text.substr(scheme + 3);
    return !host.empty() && host.size() <= 260 && std::all_of(host.begin(), host.end(), [](char c) {
        return g_ascii_isdigit(c) || g_ascii_islower(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
    });
}

class Reader : FieldReader {
public:
    Reader(std::vector<ConfigError>& errors, const std::string& directory)
        : FieldReader(errors), directory_(directory) {}

    void read(const Json& server, const std::string& pointer, ServerConfig& out) {
        if (const Json* value = field(server, "tls"))
            tls(*value, pointer + "/tls", out);
        list(
            server, pointer, "trusted-proxies", "an IP address or a network, as \"10.0.0.0/8\" or \"::1\"",
            [](const std::string& text) {
                const auto parsed = AddressList::parse(text);
                return parsed && !parsed->empty() && text.find(',') == std::string::npos;
            },
            out.trusted_proxies);
        list(server, pointer, "allowed-origins", "an origin, as \"https://hq.example\" (lower case, no path)",
             is_origin, out.allowed_origins);
        constexpr const char* prefix_allowed = "a path, as \"/site-7\"";
        if (const std::string* found = text(server, pointer, "path-prefix", prefix_allowed)) {
            const auto prefix = plain_prefix(*found);
            if (!prefix)
                bad_value(pointer + "/path-prefix", *found, prefix_allowed);
            else if (out.trusted_proxies.empty())
                error(pointer + "/path-prefix",
                      "found it without trusted-proxies, allowed: only for requests of a proxy");
            else
                out.path_prefix = *prefix;
        }
    }

private:
    void tls(const Json& value, const std::string& pointer, ServerConfig& out) {
        constexpr const char* allowed = "\"self-signed\", or an object with the fields cert, key";
        if (value.is_string()) {
            if (value == "self-signed")
                out.tls = TlsConfig{true, {}, {}};
            else
                bad_value(pointer, value.get<std::string>(), allowed);
            return;
        }
        if (!value.is_object()) {
            wrong_type(pointer, value, allowed);
            return;
        }
        object(value, pointer, "tls");
        TlsConfig files;
        for (const auto& [name, path] : {std::pair{"cert", &files.certificate}, std::pair{"key", &files.key}}) {
            constexpr const char* file = "the path of a PEM file";
            if (!field(value, name))
                error(json_pointer(pointer, name),
                      std::string("found nothing, allowed: ") + file + " (the field is required)");
            else if (const std::string* found = text(value, pointer, name, file))
                *path = absolute_path(directory_, *found);
        }
        out.tls = files;
    }

    void list(const Json& parent, const std::string& pointer, const char* name, const char* allowed,
              const std::function<bool(const std::string&)>& good, std::vector<std::string>& out) {
        const Json* value = field(parent, name);
        if (!value)
            return;
        const std::string at = json_pointer(pointer, name);
        if (!value->is_array()) {
            wrong_type(at, *value, std::string("a list; each is ") + allowed);
            return;
        }
        if (value->size() > max_list)
            error(at,
                  "found " + std::to_string(value->size()) + " entries, allowed: at most " + std::to_string(max_list));
        for (size_t i = 0; i < std::min(value->size(), max_list); i++) {
            const Json& item = (*value)[i];
            const std::string here = json_pointer(at, std::to_string(i));
            if (!item.is_string())
                wrong_type(here, item, allowed);
            else if (!good(item.get<std::string>()))
                bad_value(here, item.get<std::string>(), allowed);
            else
                out.push_back(item.get<std::string>());
        }
    }

    const std::string& directory_;
};

} // namespace

void parse_reach(const Json& server, const std::string& pointer, const std::string& directory, ServerConfig& out,
                 std::vector<ConfigError>& errors) {
    Reader(errors, directory).read(server, pointer, out);
}

} // namespace sluice
