// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/stream_memory.hpp"

#include "launcher/config/secret.hpp"
#include "launcher/log.hpp"
#include "plugins/core/json_text.hpp"

namespace sluice {

namespace {

constexpr const char* file_name = "streams.json";
constexpr size_t max_streams = 8192, max_caps = 4096;

} // namespace

StreamMemory::StreamMemory(const StateDirectory& directory) : directory_(directory) {
    if (const Result<std::string> text = read_small_file(directory_.file(file_name), max_json_bytes))
        streams_ = parse(text.value());
}

StreamMemory::Media StreamMemory::of(const std::string& channel) const {
    const auto it = streams_.find(channel);
    return it == streams_.end() ? Media() : it->second;
}

void StreamMemory::learn(const std::string& channel, const Media& media) {
    if (media == of(channel) || media.video.size() > max_caps || media.audio.size() > max_caps)
        return;
    if (streams_.size() >= max_streams && !streams_.count(channel))
        return;
    streams_[channel] = media;
    write();
}

void StreamMemory::write() {
    const Result<bool> written = directory_.write(file_name, dump(streams_));
    if (!written && !complained_)
        log_warning(directory_.file(file_name) + ": cannot be written: " + written.error().text +
                    "; after a restart the first viewer of an on-demand camera waits a moment longer");
    complained_ = !written;
}

// Whatever does not look like it should is left out: it is learned again.
std::map<std::string, StreamMemory::Media> StreamMemory::parse(std::string_view text) {
    std::map<std::string, Media> out;
    std::vector<ConfigError> errors;
    const Json root = parse_json_text(text, errors);
    if (!errors.empty() || !root.is_object() || !root.contains("streams") || !root["streams"].is_object())
        return out;
    for (const auto& item : root["streams"].items()) {
        const Json& value = item.value();
        const auto caps = [&](const char* name) {
            return value.is_object() && value.contains(name) && value[name].is_string() ? value[name].get<std::string>()
                                                                                        : std::string();
        };
        const Media media{caps("video"), caps("audio")};
        if (!media.video.empty() && media.video.size() <= max_caps && media.audio.size() <= max_caps &&
            out.size() < max_streams)
            out[item.key()] = media;
    }
    return out;
}

std::string StreamMemory::dump(const std::map<std::string, Media>& streams) {
    Json all = Json::object();
    for (const auto& [channel, media] : streams) {
        Json one{{"video", media.video}};
        if (!media.audio.empty())
            one["audio"] = media.audio;
        all[channel] = std::move(one);
    }
    return Json{{"version", 1}, {"streams", std::move(all)}}.dump(2) + "\n";
}

} // namespace sluice
