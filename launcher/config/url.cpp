// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluice {

namespace {

constexpr size_t max_url = 2048;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A percent sign that starts no escape stands for itself: passwords are pasted as they are.
std::string percent_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_host_char(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_char(char c) { return hex_value(c) >= 0 || c == ':' || c == '.' || c == '%' || is_host_char(c); }

struct Scheme {
    const char* name;
    const char* source_template;
    uint16_t port; // 0: has to be named, or there is none
};
constexpr Scheme schemes[] = {{"rtsp", "rtsp", 554},   {"rtsps", "rtsp", 322}, {"http", "mjpeg", 80},
                              {"https", "mjpeg", 443}, {"srt", "srt", 0},      {"file", "file", 0},
                              {"v4l2", "v4l2", 0},     {"test", "test", 0}};

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

// What a path may not hold in an address; everything else stays readable.
std::string encode_path(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (c == '%')
            out += "%25";
        else if (c == ' ')
            out += "%20";
        else
            out += c;
    }
    return out;
}

// What a thing of this machine is called. `why` is set if it is none.
void parse_local(CameraUrl& url, std::string_view rest, std::string& why) {
    if (url.scheme == "test") {
        if (!std::all_of(rest.begin(), rest.end(),
                         [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }))
            why = "the name of a pattern holds only a-z, 0-9 and -";
        url.path = rest;
        url.location = "test:" + url.path;
        return;
    }
    if (rest.rfind("//", 0) == 0) { // file:///a, file://localhost/a
        rest.remove_prefix(2);
        if (rest.rfind("localhost/", 0) == 0)
            rest.remove_prefix(9);
        if (rest.empty() || rest.front() != '/')
            why = "it names a host, and only what is on this machine can be read";
    }
    url.path = percent_decode(rest);
    if (const size_t slashes = std::min(url.path.find_first_not_of('/'), url.path.size()); slashes > 1)
        url.path.erase(0, slashes - 1); // two of them would be read as the mark of a host
    url.location = url.scheme + ":" + encode_path(url.path);
    if (std::any_of(url.path.begin(), url.path.end(), is_control))
        why = "it holds a control character";
    else if (url.scheme == "v4l2" && (url.path.rfind("/dev/", 0) != 0 || url.path.find("..") != std::string::npos))
        why = "it names no device in /dev";
    else if (url.path.empty() || url.path.back() == '/')
        why = "it names no file";
}

// SRT's parameters that an address may have; others have fields beside it, or nothing to do here.
void check_srt(CameraUrl& url, std::string_view path, std::string& why) {
    const size_t mark = path.find('?');
    std::string_view query = mark == std::string_view::npos ? std::string_view() : path.substr(mark + 1);
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(item.size() + 1, query.size()));
        const std::string_view key = item.substr(0, item.find('='));
        const std::string_view value = item.substr(std::min(key.size() + 1, item.size()));
        if (key == "passphrase")
            why = "the passphrase belongs into the field \"password\"";
        else if (key != "mode" && key != "streamid" && key != "pbkeylen")
            why = "of SRT's parameters only mode, streamid and pbkeylen can be given";
        else if (key == "mode" && value != "caller" && value != "listener")
            why = "the mode is neither caller nor listener";
        url.listens = url.listens || (key == "mode" && value == "listener");
    }
    if (!path.substr(0, mark).empty() && path.substr(0, mark) != "/")
        why = "SRT has no paths";
    else if (url.has_credentials)
        why = "SRT has no users";
    else if (!url.has_port)
        why = "it names no port";
    else if (url.host.empty() && !url.listens)
        why = "it names no host";
}

void parse_authority(CameraUrl& url, std::string_view authority, std::string& why) {
    std::string_view host = authority, port;
    if (!authority.empty() && authority.front() == '[') {
        const size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            why = "the bracket of the IPv6 address is not closed";
            return;
        }
        host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
        if (host.find(':') == std::string_view::npos || !std::all_of(host.begin(), host.end(), is_ipv6_char)) {
            why = "what stands in brackets is not an IPv6 address";
            return;
        }
    } else {
        const size_t split = std::min(authority.find(':'), authority.size());
        host = authority.substr(0, split);
        port = authority.substr(split);
        if (!std::all_of(host.begin(), host.end(), is_host_char)) {
            why = "the host name holds a character that host names do not have";
            return;
        }
    }
    url.host = host;
    if (host.empty() && url.scheme != "srt") {
        why = "it names no host";
        return;
    }
    if (port.empty())
        return;
    unsigned number = 0;
    const char* last = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, last, number);
    if (port.front() != ':' || parsed.ec != std::errc() || parsed.ptr != last || number < 1 || number > 65535) {
        why = "the port is not a number from 1 to 65535";
        return;
    }
    url.port = static_cast<uint16_t>(number);
    url.has_port = true;
}

void parse_remote(CameraUrl& url, std::string_view rest, std::string& why) {
    rest.remove_prefix(2); // "//"
    const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, end);
    const std::string_view path = rest.substr(end);
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view userinfo = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        const size_t split = std::min(userinfo.find(':'), userinfo.size());
        url.has_credentials = true;
        url.user = percent_decode(userinfo.substr(0, split));
        if (split < userinfo.size())
            url.password = percent_decode(userinfo.substr(split + 1));
    }
    parse_authority(url, authority, why);
    if (url.scheme == "srt" && why.empty())
        check_srt(url, path, why);
    url.location = url.scheme + "://" + std::string(authority) + std::string(path);
}

} // namespace

std::optional<CameraUrl> parse_camera_url(std::string_view text, std::string& why) {
    CameraUrl url;
    why.clear();
    const size_t colon = std::min(text.find(':'), text.size());
    url.scheme = text.substr(0, colon);
    std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(), lower);
    const bool local = url.scheme == "file" || url.scheme == "v4l2" || url.scheme == "test";
    const auto* scheme =
        std::find_if(std::begin(schemes), std::end(schemes), [&](const Scheme& s) { return url.scheme == s.name; });
    if (text.size() > max_url)
        why = "it is longer than 2048 characters";
    else if (std::any_of(text.begin(), text.end(),
                         [&](char c) { return is_control(c) || (c == ' ' && url.scheme != "file"); }))
        why = "it holds a blank or a control character";
    else if (scheme == std::end(schemes) || colon == text.size() ||
             (!local && text.substr(colon + 1).rfind("//", 0) != 0))
        why = "it begins with no scheme that is known here";
    if (!why.empty())
        return std::nullopt;
    url.source_template = scheme->source_template;
    url.port = scheme->port;
    (local ? parse_local : parse_remote)(url, text.substr(colon + 1), why);
    if (!why.empty())
        return std::nullopt;
    return url;
}

bool looks_like_url(std::string_view text) {
    if (text.find("://") != std::string_view::npos)
        return true;
    std::string name(text.substr(0, text.find(':')));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    return name.size() < text.size() &&
           std::any_of(std::begin(schemes), std::end(schemes), [&](const Scheme& s) { return name == s.name; });
}

std::string with_port(const CameraUrl& url, uint16_t port) {
    const size_t begin = url.scheme.size() + 3;
    const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
    const size_t end = std::min(url.location.find_first_of("/?#", begin), url.location.size());
    return url.location.substr(0, begin) + host + ":" + std::to_string(port) + url.location.substr(end);
}

} // namespace sluice
