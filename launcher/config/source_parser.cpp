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

constexpr const char* source_fields[] = {"url", "user", "password", "transport", "latency"};

bool is_source_field(const std::string& name) {
    return std::find(std::begin(source_fields), std::end(source_fields), name) != std::end(source_fields);
}

// What an address of something on this machine gives a value to.
const char* path_parameter(const CameraUrl& url) {
    return url.scheme == "file" ? "location" : url.scheme == "v4l2" ? "device" : "pattern";
}

bool is_local(const CameraUrl& url) { return url.scheme == "file" || url.scheme == "v4l2" || url.scheme == "test"; }

// Parameters that a description may give by name.
std::string parameter_names(const SourceTemplate& source_template) {
    std::vector<std::string> names;
    for (const auto& item : source_template.parameters)
        if (!is_source_field(item.first))
            names.push_back(item.first);
    return names.empty() ? "none" : join(names);
}

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
        parameters(value, pointer, *source_template);
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
    const std::string at = pointer + "/template";
    if (!field(value, "template")) {
        const SourceTemplate* found = url ? context_.templates.find(url->source_template) : nullptr;
        if (url && !found)
            error(pointer + "/url",
                  "found an address for the template " + url->source_template +
                      ", which is not installed, allowed: what these play: " + join(context_.templates.names()));
        return found;
    }
    if (context_.restricted) {
        error(at, "found a template, which only the configuration file of this machine can name, allowed: an address "
                  "in \"url\"");
        return nullptr;
    }
    const std::string names = join(context_.templates.names());
    const std::string* name = text(value, pointer, "template", names.c_str());
    const SourceTemplate* found = name ? context_.templates.find(*name) : nullptr;
    if (name && !found)
        bad_value(at, *name, names);
    return found;
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

void SourceParser::parameters(const Json& value, const std::string& pointer, const SourceTemplate& source_template) {
    const Json* given = field(value, "parameters");
    if (!given)
        return;
    const std::string at = pointer + "/parameters";
    if (!given->is_object()) {
        wrong_type(at, *given,
                   "an object with parameters of the template " + source_template.name + ": " +
                       parameter_names(source_template));
        return;
    }
    for (const auto& item : given->items()) {
        const std::string here = json_pointer(at, item.key());
        const auto known = source_template.parameters.find(item.key());
        if (known == source_template.parameters.end() || is_source_field(item.key())) {
            error(here, "found a parameter that the template " + source_template.name +
                            (known == source_template.parameters.end() ? " does not have"
                                                                       : " takes from the field of that name") +
                            ", allowed: " + parameter_names(source_template));
            continue;
        }
        ParameterValue found;
        if (item.value().is_string())
            found = item.value().get<std::string>();
        else if (item.value().is_number_integer())
            found = item.value().get<int64_t>();
        else if (item.value().is_boolean())
            found = item.value().get<bool>();
        else {
            wrong_type(here, item.value(), allowed_phrase(known->second));
            continue;
        }
        if (const auto allowed = not_allowed(known->second, found)) {
            if (item.value().is_string() && known->second.type == TemplateParameter::Type::string)
                bad_value(here, item.value().get<std::string>(), *allowed);
            else if (found.index() == static_cast<size_t>(known->second.type))
                error(here, "found " + item.value().dump() + ", allowed: " + *allowed);
            else
                wrong_type(here, item.value(), *allowed);
        } else if (out_.parameters.count(item.key())) {
            error(here, "found a second value beside the one in the address, allowed: one of them");
        } else {
            out_.parameters[item.key()] = std::move(found);
        }
    }
}

// That the template takes what is given and gets what it needs.
void SourceParser::check_fields(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url,
                                const SourceTemplate& source_template) {
    const auto takes = [&](const std::string& name) { return source_template.parameters.count(name) != 0; };
    for (const char* name : source_fields) {
        const bool path = url && is_local(*url) && std::string(name) == "url";
        if (field(value, name) && !path && !takes(name))
            error(json_pointer(pointer, name),
                  "found a value that the template " + source_template.name + " does not take, allowed: none here");
    }
    if (url && is_local(*url) && !url->path.empty()) {
        const auto it = source_template.parameters.find(path_parameter(*url));
        if (it == source_template.parameters.end())
            error(pointer + "/url",
                  "found a value that the template " + source_template.name + " does not take, allowed: none here");
        else if (const auto allowed = not_allowed(it->second, url->path))
            error(pointer + "/url", "found " + quote_for_message(url->scheme + ":" + url->path) +
                                        ", allowed: " + url->scheme + ": with " + *allowed);
    }
    if (field(value, "password") && !field(value, "user") && takes("user"))
        error(pointer + "/user", "found nothing, allowed: the user name that the password belongs to");
    if (const size_t size = out_.password.reveal().size();
        url && url->scheme == "srt" && size && (size < min_passphrase || size > max_passphrase))
        error(pointer + "/password", "found a passphrase that SRT does not take, allowed: 10 to 79 characters");
    for (const auto& [name, parameter] : source_template.parameters) {
        if (!parameter.required || field(value, name.c_str()) || out_.parameters.count(name) ||
            (field(value, "url") && !url))
            continue;
        if (const Json* given = field(value, "parameters"); given && given->is_object() && field(*given, name.c_str()))
            continue; // there, and wrong: that has been said
        error(
            is_source_field(name) ? json_pointer(pointer, name) : json_pointer(pointer + "/parameters", name),
            "found nothing, allowed: " + (name == "url" ? std::string(camera_url_allowed) : allowed_phrase(parameter)) +
                " (the template " + source_template.name + " needs it)");
    }
}

} // namespace sluice
