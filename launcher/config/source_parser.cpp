// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/source_parser.hpp"

#include <algorithm>
#include <cctype>

namespace sluice {

namespace {

constexpr size_t max_user = 256;
constexpr unsigned max_latency_ms = 10'000;
constexpr unsigned udp_latency_ms = 100;
constexpr size_t min_passphrase = 10, max_passphrase = 79; // SRT's own bounds

// What an address of something on this machine gives a value to.
const char* path_parameter(const CameraUrl& url) {
    return url.scheme == "file" ? "location" : url.scheme == "v4l2" ? "device" : "pattern";
}

bool is_local(const CameraUrl& url) { return url.scheme == "file" || url.scheme == "v4l2" || url.scheme == "test"; }

} // namespace

std::string absolute_path(const std::string& directory, const std::string& path) {
    return path.empty() || path.front() == '/' || directory.empty() ? path : directory + "/" + path;
}

std::string SourceParser::absolute(const std::string& path) const { return absolute_path(context_.directory, path); }

SourceConfig SourceParser::parse(const Json& value, const std::string& pointer) {
    out_ = {};
    const std::optional<CameraUrl> url = address(value, pointer);
    const SourceTemplate* source_template = choose_template(value, pointer, url);
    credentials(value, pointer);
    transport(value, pointer, url, source_template);
    fingerprint(value, pointer, url);
    if (source_template) {
        out_.source_template = source_template->name;
        parameters(value, pointer, *source_template, out_.parameters);
        check_fields(value, pointer, url, *source_template);
    }
    return std::move(out_);
}

std::optional<CameraUrl> SourceParser::address(const Json& value, const std::string& pointer) {
    const std::string at = pointer + "/url";
    const std::string* given = text(value, pointer, "url", camera_url_allowed);
    if (!given) {
        if (!field(value, "url") && !field(value, "template"))
            error(at, std::string("found nothing, allowed: ") + camera_url_allowed +
                          " (the field is required, unless there is a template)");
        return std::nullopt;
    }
    std::string why;
    auto url = parse_camera_url(*given, why);
    if (!url) {
        error(at, "found " + quote_for_message(*given) + " (" + why + "), allowed: " + camera_url_allowed);
        return std::nullopt;
    }
    if (url->has_credentials) {
        error(at, "found a user or password in the address, allowed: " + std::string(camera_url_allowed) +
                      ", with the fields \"user\" and \"password\" beside it");
        return std::nullopt;
    }
    if (context_.restricted && (url->scheme == "file" || url->scheme == "v4l2")) {
        error(at, "found something of this machine, which only its configuration file can name, allowed: rtsp://, "
                  "rtsps://, srt://, http://, https:// and test:");
        return std::nullopt;
    }
    if (url->scheme == "file") {
        url->path = absolute(url->path);
        std::string same;
        if (const auto whole = parse_camera_url("file:" + absolute(url->location.substr(5)), same))
            url->location = whole->location;
    }
    out_.url = url->location;
    if (is_local(*url) && !url->path.empty())
        out_.parameters[path_parameter(*url)] = url->path;
    return url;
}

const SourceTemplate* SourceParser::choose_template(const Json& value, const std::string& pointer,
                                                    const std::optional<CameraUrl>& url) {
    if (!field(value, "template")) {
        const SourceTemplate* found = url ? find(url->source_template) : nullptr;
        if (url && !found)
            error(pointer + "/url", "found an address for the template " + url->source_template +
                                        ", which is not installed, allowed: what these play: " + names());
        return found;
    }
    return named(value, pointer, "an address in \"url\"");
}

void SourceParser::credentials(const Json& value, const std::string& pointer) {
    if (const std::string* user = text(value, pointer, "user", "the user name at the camera")) {
        if (user->size() > max_user)
            error(pointer + "/user", "found more than 256 characters, allowed: at most that");
        else if (holds_control_characters(*user))
            error(pointer + "/user", "found a control character, allowed: the user name at the camera");
        out_.user = *user;
    }
    if (const Json* password = field(value, "password"))
        secret(*password, pointer + "/password", out_.password);
}

void SourceParser::secret(const Json& value, const std::string& pointer, Secret& out) {
    constexpr const char* allowed = R"({"env": "NAME"}, {"file": "PATH"} or {"credential": "NAME"})";
    if (value.is_string()) { // never shown, not even that much of it
        error(pointer, std::string("found the password itself, allowed: ") + allowed);
        return;
    }
    if (!object(value, pointer, "secret"))
        return;
    struct Kind {
        const char *name, *names, *gives;
    };
    constexpr Kind kinds[] = {
        {"env", "the name of an environment variable", "an environment variable that is set"},
        {"file", "the path of a file", "a readable file of one line"},
        {"credential", "the name of a credential of the service", "a credential of one line"},
    };
    const Kind* kind = nullptr;
    std::string found;
    for (const Kind& k : kinds)
        if (field(value, k.name)) {
            kind = &k;
            found += (found.empty() ? "" : " and ") + std::string(k.name);
        }
    if (!kind || found != kind->name) {
        error(pointer, "found " + (kind ? found : "none of the three") + ", allowed: " + allowed);
        return;
    }
    const std::string* reference = text(value, pointer, kind->name, kind->names);
    if (!reference)
        return;
    const bool file = kind == &kinds[1];
    const std::string shown = file ? absolute(*reference) : *reference;
    Result<Secret> secret = file            ? secret_from_file(context_.secrets, shown)
                            : kind == kinds ? secret_from_environment(context_.secrets, shown)
                                            : secret_from_credential(context_.secrets, shown);
    if (secret)
        out = std::move(secret).value();
    else
        error(json_pointer(pointer, kind->name), "found " + quote_for_message(shown) + ", which gives no secret: " +
                                                     secret.error().text + ", allowed: " + kind->gives);
}

void SourceParser::transport(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url,
                             const SourceTemplate* source_template) {
    constexpr const char* allowed = "\"tcp\", \"udp\" or \"http\"";
    const auto takes = [&](const char* name) { return !source_template || source_template->parameters.count(name); };
    if (const std::string* name = takes("transport") ? text(value, pointer, "transport", allowed) : nullptr) {
        if (*name == "udp")
            out_.transport = Transport::udp;
        else if (*name == "http")
            out_.transport = Transport::http;
        else if (*name != "tcp")
            bad_value(pointer + "/transport", *name, allowed);
    }
    // The tunnel leads through the port of the camera's pages, not through RTSP's.
    if (url && out_.transport == Transport::http && !url->has_port && !is_local(*url))
        out_.url = with_port(*url, url->scheme == "rtsps" ? 443 : 80);
    if (source_template)
        if (const auto it = source_template->parameters.find("latency"); it != source_template->parameters.end())
            if (const int64_t* fallback = it->second.fallback ? std::get_if<int64_t>(&*it->second.fallback) : nullptr)
                out_.latency_ms = static_cast<unsigned>(std::clamp<int64_t>(*fallback, 0, max_latency_ms));
    // UDP packets come out of order now and then; over TCP they cannot.
    if (out_.transport == Transport::udp)
        out_.latency_ms = std::max(out_.latency_ms, udp_latency_ms);
    if (const auto latency =
            takes("latency") ? number(value, pointer, "latency", 0, max_latency_ms, " (milliseconds)") : std::nullopt)
        out_.latency_ms = static_cast<unsigned>(*latency);
}

void SourceParser::fingerprint(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url) {
    constexpr const char* allowed =
        "the SHA-256 of the camera's certificate, 64 hexadecimal digits with or without colons";
    const std::string* given = text(value, pointer, "tls-fingerprint", allowed);
    if (!given)
        return;
    for (const char c : *given)
        if (c != ':')
            out_.tls_fingerprint += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (out_.tls_fingerprint.size() != 64 ||
        out_.tls_fingerprint.find_first_not_of("0123456789abcdef") != std::string::npos)
        bad_value(pointer + "/tls-fingerprint", *given, allowed);
    else if (url && url->scheme != "rtsps" && url->scheme != "https")
        error(pointer + "/tls-fingerprint", "found one, allowed: only with rtsps:// and https://");
}

// That the template takes what is given and gets what it needs.
void SourceParser::check_fields(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url,
                                const SourceTemplate& source_template) {
    const auto takes = [&](const std::string& name) { return source_template.parameters.count(name) != 0; };
    const bool path = url && is_local(*url);
    for (const std::string& name : fields())
        if (!path || name != "url")
            check_taken(value, pointer, name.c_str(), source_template);
    if (path && !url->path.empty()) {
        const auto it = source_template.parameters.find(path_parameter(*url));
        if (it == source_template.parameters.end())
            not_taken(pointer + "/url", source_template);
        else if (const auto allowed = not_allowed(it->second, url->path))
            error(pointer + "/url", "found " + quote_for_message(url->scheme + ":" + url->path) +
                                        ", allowed: " + url->scheme + ": with " + *allowed);
    }
    if (field(value, "password") && !field(value, "user") && takes("user"))
        error(pointer + "/user", "found nothing, allowed: the user name that the password belongs to");
    if (const size_t size = out_.password.reveal().size();
        url && url->scheme == "srt" && size && (size < min_passphrase || size > max_passphrase))
        error(pointer + "/password", "found a passphrase that SRT does not take, allowed: 10 to 79 characters");
    if (url || !field(value, "url")) // else the error is the address
        check_needed(value, pointer, source_template, out_.parameters);
}

} // namespace sluice
