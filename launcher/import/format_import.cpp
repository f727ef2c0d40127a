// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/format_import.hpp"

#include <algorithm>

namespace sluice {

std::optional<ImportFormat> parse_import_format(std::string_view word) {
    for (const ImportFormat format : {ImportFormat::go2rtc, ImportFormat::mediamtx})
        if (word == to_string(format))
            return format;
    return std::nullopt;
}

const char* to_string(ImportFormat format) { return format == ImportFormat::go2rtc ? "go2rtc" : "mediamtx"; }

std::optional<ImportFormat> guess_import_format(const YamlNode& root) {
    const bool go2rtc = root.find("streams") != nullptr;
    const bool mediamtx = root.find("paths") || root.find("pathDefaults");
    if (go2rtc == mediamtx)
        return std::nullopt;
    return go2rtc ? ImportFormat::go2rtc : ImportFormat::mediamtx;
}

} // namespace sluice
