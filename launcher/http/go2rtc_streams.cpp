// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/go2rtc_streams.hpp"

#include "launcher/config/url.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr const char* registered = "rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH, rtsps://..., http://... or https://... "
                                   "(MJPEG), srt://HOST:PORT, test:[PATTERN]";

// Addresses of a stream's sources, as they are written.
std::vector<std::string> addresses(const Json& description, const std::string& stream) {
    const Json streams = description.is_object() ? description.value("streams", Json::object()) : Json::object();
    const Json one = streams.is_object() ? streams.value(stream, Json::object()) : Json::object();
    std::vector<std::string> out;
    if (one.is_object() && one.contains("url"))
        out.push_back(text_of(one, "url"));
    if (one.is_object() && one.contains("sources") && one["sources"].is_array())
        for (const Json& source : one["sources"])
            out.push_back(text_of(source, "url"));
    return out;
}

std::string location_of(const std::string& address) {
    std::string why;
    const auto url = parse_camera_url(address, why);
    return url ? url->location : "";
}

// RTP's words as go2rtc writes them.
std::string sound_format(const std::string& codec) {
    if (codec == "PCMU" || codec == "PCMA")
        return codec + "/8000";
    return codec == "OPUS" ? "OPUS/48000/2" : codec;
}

Json producer(const Json& stream, const std::string& address, bool plays, const std::string& sound) {
    Json out{{"url", address}};
    if (!plays)
        return out;
    const std::string scheme = address.substr(0, address.find(':'));
    out["format_name"] = scheme == "rtsps" ? "rtsp" : scheme;
    out["medias"] = Json::array();
    if (const std::string codec = text_of(stream, "codec"); !codec.empty())
        out["medias"].push_back("video, recvonly, " + codec);
    if (!sound.empty())
        out["medias"].push_back("audio, recvonly, " + sound_format(sound));
    return out;
}

} // namespace

Json go2rtc_stream(const Json& camera, const Json& stream, const Json& description, const std::string& sound,
                   const Json& viewers) {
    const std::string name = text_of(stream, "name");
    Json out{{"producers", Json::array()}, {"consumers", Json::array()}};
    std::vector<std::string> from = addresses(description, name);
    if (from.empty())
        from.push_back("sluice:" + text_of(stream, "channel"));
    const auto playing = stream.value("source", size_t(0));
    for (size_t i = 0; i < from.size(); i++) {
        std::string where = location_of(from[i]);
        if (where.empty()) // a template's own, or none that is an address
            where = "sluice:" + text_of(stream, "channel");
        out["producers"].push_back(
            producer(stream, hide_queries(where), i == playing && text_of(stream, "state") == "streaming", sound));
    }
    for (const Json& viewer : viewers)
        if (text_of(viewer, "camera") == text_of(camera, "name") && text_of(viewer, "stream") == name) {
            Json consumer{{"format_name", "webrtc"}, {"protocol", "webrtc"}};
            if (description.is_object())
                consumer["remote_addr"] = text_of(viewer, "peer");
            out["consumers"].push_back(consumer);
        }
    return out;
}

Result<Go2rtcRegistration> go2rtc_registration(const std::string& name, const std::vector<std::string>& sources) {
    Go2rtcRegistration out;
    for (const std::string& source : sources) {
        // Asks for the same stream with its sound in another codec: what a viewer cannot take is converted here anyway.
        if (source.starts_with("ffmpeg:" + name + "#") || source == "ffmpeg:" + name)
            continue;
        std::string_view address = source;
        address = address.substr(0, address.find('#')); // go2rtc's own options, that is
        std::string why;
        const auto url = parse_camera_url(address, why);
        if (!url || url->scheme == "file" || url->scheme == "v4l2") {
            if (url)
                why = "only the configuration file of this machine can name what is on it";
            const size_t colon = source.find(':');
            const std::string scheme = colon == std::string::npos ? "" : source.substr(0, colon + 1);
            return Error{ErrorKind::bad_input, "src: found " +
                                                   (scheme.empty() ? "no address" : quote_for_message(scheme) + "...") +
                                                   " (" + why + "), allowed: " + registered};
        }
        out.sources.push_back({url->location, url->user, Secret(url->password)});
    }
    if (out.sources.empty())
        return Error{ErrorKind::bad_input, std::string("src: found nothing to register, allowed: ") + registered};
    if (out.sources.size() > max_sources)
        return Error{ErrorKind::bad_input, "src: found " + std::to_string(out.sources.size()) +
                                               " of them, allowed: " + std::to_string(max_sources)};
    return out;
}

Result<Json> describe(const Go2rtcRegistration& registration,
                      const std::function<Result<std::string>(const Secret&)>& keep) {
    Json all = Json::array();
    for (const auto& source : registration.sources) {
        Json one{{"url", source.url}};
        if (!source.user.empty())
            one["user"] = source.user;
        if (!source.password.empty()) {
            const Result<std::string> file = keep(source.password);
            if (!file)
                return file.error();
            one["password"] = Json{{"file", file.value()}};
        }
        all.push_back(std::move(one));
    }
    if (all.size() == 1)
        return Json(all[0]);
    return Json{{"sources", std::move(all)}};
}

bool same_addresses(const Go2rtcRegistration& registration, const Json& description) {
    const std::vector<std::string> there = addresses(description, "main");
    return std::equal(there.begin(), there.end(), registration.sources.begin(), registration.sources.end(),
                      [](const std::string& a, const auto& b) { return location_of(a) == b.url; });
}

} // namespace sluice
