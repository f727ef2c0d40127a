// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/source_address.hpp"

#include "launcher/config/url.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

namespace sluice {

namespace {

constexpr size_t max_shown = 100;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

bool contains_any(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* w) { return text.find(w) != std::string::npos; });
}

// Cameras that want the password in the query or, some, in the path: that cannot be a reference.
bool has_password_in_place(const std::string& location) {
    return contains_any(lowered(location), {"password=", "passwd=", "pass=", "pwd=", "token=", "auth="});
}

// Takes what has a field of its own out of the query, drops what has none.
std::string srt_address(std::string_view text, ImportedSource& source, std::vector<std::string>& notes) {
    const size_t mark = std::min(text.find('?'), text.size());
    std::string out(text.substr(0, mark)), kept, dropped;
    std::string_view query = text.substr(std::min(mark + 1, text.size()));
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(item.size() + 1, query.size()));
        const std::string key = lowered(item.substr(0, item.find('=')));
        if (key == "passphrase") {
            const size_t value = std::min(item.find('='), item.size() - 1) + 1;
            char* decoded = g_uri_unescape_string(std::string(item.substr(value)).c_str(), nullptr);
            source.password = Secret(decoded ? decoded : std::string(item.substr(value)));
            g_free(decoded);
        } else if (key == "mode" || key == "streamid" || key == "pbkeylen") {
            kept += (kept.empty() ? "?" : "&") + std::string(item);
        } else {
            dropped = "parameters of SRT other than mode, streamid, pbkeylen and passphrase are left out";
        }
    }
    if (!dropped.empty())
        notes.push_back(dropped);
    if (!out.empty() && out.back() == '/')
        out.pop_back();
    return out + kept;
}

} // namespace

const char* const certificate_note =
    "its certificate was not checked until now; here it is: run Sluice once, compare the SHA-256 that it names when it "
    "refuses the camera, and write it into \"tls-fingerprint\"";
const char* const query_note = "the address has a password in its path or query, where no reference to a secret can "
                               "stand: it is taken over as it is, so keep the result to yourself";

std::string import_pointer(const std::string& pointer, std::string_view name) {
    std::string shown = hide_queries(redact_urls(name));
    if (shown.size() > max_shown) {
        size_t end = max_shown;
        while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80)
            end--; // not half a UTF-8 character
        shown.resize(end);
        shown += "...";
    }
    return json_pointer(pointer, shown);
}

std::string scheme_of(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > 32)
        return {};
    const std::string scheme = lowered(text.substr(0, colon));
    const bool word = std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
    });
    return word ? scheme : std::string();
}

AddressResult read_address(std::string_view text) {
    AddressResult out;
    ImportedSource source;
    const std::string scheme = scheme_of(text);
    const std::string whole = scheme == "srt" ? srt_address(text, source, out.notes) : std::string(text);
    std::string why;
    const auto url = parse_camera_url(whole, why);
    if (!url) {
        out.why = why;
        return out;
    }
    source.url = url->location;
    source.user = url->user;
    if (url->has_credentials)
        source.password = Secret(url->password);
    const std::string path = lowered(source.url.substr(0, source.url.find('#')));
    const std::string file = path.substr(0, path.find('?'));
    const auto ends = [&](const char* tail) { return file.ends_with(tail); };
    if (scheme == "http" || scheme == "https") {
        if (ends(".m3u8"))
            out.why = "HLS is not read: give the camera's RTSP address";
        else if (ends(".flv") || ends("/flv") || ends(".ts") || ends(".mp4"))
            out.why = "over HTTP only motion JPEG is read: give the camera's RTSP address";
        else if (ends(".jpg") || ends(".jpeg") || contains_any(file, {"snapshot", "/snap."}))
            out.why = "single pictures are not made into a stream: give the camera's RTSP or motion JPEG address";
        else if (!contains_any(path, {"mjpg", "mjpeg"}))
            out.notes.emplace_back("taken for motion JPEG, the only thing that is read over HTTP; if it is anything "
                                   "else, give the camera's RTSP address");
        if (!out.why.empty())
            return out;
    }
    if (has_password_in_place(source.url))
        out.notes.emplace_back(query_note);
    out.source = std::move(source);
    return out;
}

const char* missing_kind(const std::string& scheme) {
    struct Kind {
        std::initializer_list<const char*> schemes;
        const char* text;
    };
    static const Kind kinds[] = {
        {{"exec"}, "no program is started for a stream: give the camera's own address, or a pipeline template"},
        {{"echo", "expr"}, "no script is asked for an address: write the address itself"},
        {{"ffmpeg"}, "FFmpeg is not started: give the address that it reads"},
        {{"hass"}, "Home Assistant is not asked for cameras: give the camera's own RTSP address"},
        {{"onvif"},
         "ONVIF is not asked for the address: give the RTSP address that it names (the camera's pages show it)"},
        {{"rtmp", "rtmps", "rtmpx"}, "RTMP is not read: most cameras that speak it have an RTSP address, too"},
        {{"isapi", "multitrans"}, "it is for speaking to the camera only, which is not possible here"},
        {{"webrtc", "whep", "wheps"}, "WebRTC is sent, not read: give the RTSP address"},
        {{"moqt", "udp", "udp+mpegts", "udp+rtp", "unix+mpegts", "tcp"},
         "it is not read: give the camera's RTSP address, or send MPEG-TS by SRT (srt://:PORT?mode=listener)"},
        {{"rtsp+ws", "rtsps+ws"},
         "RTSP over WebSocket is not spoken: give the RTSP address, with \"transport\": \"http\" "
         "if only HTTP comes through"},
        {{"alsa"}, "sound alone is not read"},
        {{"bubble", "doorbird", "dvrip", "eseecloud", "gopro", "homekit", "ivideon", "kasa", "nest", "ring", "roborock",
          "tapo", "tuya", "vigi", "webtorrent", "wyze", "xiaomi", "yandex", "flussonic"},
         "the maker's own protocol is not spoken: many such cameras have an RTSP address that can be switched on"},
    };
    for (const Kind& kind : kinds)
        for (const char* name : kind.schemes)
            if (scheme == name)
                return kind.text;
    return nullptr;
}

std::optional<ListenAddress> read_listen(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos)
        return std::nullopt;
    unsigned port = 0;
    const char* last = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, last, port);
    if (parsed.ec != std::errc() || parsed.ptr != last || port < 1 || port > 65535)
        return std::nullopt;
    ListenAddress out{text.substr(0, colon), static_cast<uint16_t>(port)};
    if (out.address.size() > 2 && out.address.front() == '[' && out.address.back() == ']')
        out.address = out.address.substr(1, out.address.size() - 2);
    if (out.address == "localhost")
        out.address = "127.0.0.1";
    if (!out.address.empty() && !g_hostname_is_ip_address(out.address.c_str()))
        return std::nullopt;
    return out;
}

std::optional<std::string> read_stun(const std::string& text) {
    std::string_view host = text;
    if (host.substr(0, 5) != "stun:")
        return std::nullopt;
    host.remove_prefix(5);
    if (host.substr(0, 2) == "//")
        host.remove_prefix(2);
    const bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    });
    if (!plain)
        return std::nullopt;
    const bool port = host.find(':') != std::string_view::npos && host.back() != ']';
    return "stun://" + std::string(host) + (port ? "" : ":3478");
}

} // namespace sluice
