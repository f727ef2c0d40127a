// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/quality.hpp"

#include "plugins/webrtc/text_list.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr size_t max_name = 64;

std::string trimmed(std::string text) {
    text.erase(0, text.find_first_not_of(" \t"));
    text.erase(text.find_last_not_of(" \t") + 1);
    return text;
}

} // namespace

bool is_quality(std::string_view text) {
    return !text.empty() && text.size() <= max_name && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > 0x20 && c != 0x7f && c != ',' && c != '=' && c != '/';
    });
}

const std::string& QualityDefaults::of(std::string_view camera) const {
    const auto it = cameras.find(camera);
    return it == cameras.end() ? all : it->second;
}

Result<QualityDefaults::Cameras> parse_qualities(std::string_view text) {
    QualityDefaults::Cameras out;
    for (const std::string& item : split_list(std::string(text).c_str())) {
        const size_t sign = item.find('=');
        const std::string camera = trimmed(item.substr(0, sign));
        const std::string quality = sign == std::string::npos ? "" : trimmed(item.substr(sign + 1));
        if (!is_quality(camera) || !is_quality(quality))
            return Error{ErrorKind::bad_input, "found '" + item.substr(0, 140) +
                                                   "', allowed: CAMERA=auto or CAMERA=STREAM, separated by commas"};
        if (!out.emplace(camera, quality).second)
            return Error{ErrorKind::bad_input, "camera '" + camera + "' is named twice"};
    }
    return out;
}

std::string to_text(const QualityDefaults::Cameras& qualities) {
    std::string out;
    for (const auto& [camera, quality] : qualities)
        out += (out.empty() ? "" : ",") + camera + "=" + quality;
    return out;
}

} // namespace sluice
