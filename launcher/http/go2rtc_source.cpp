// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/go2rtc_source.hpp"

#include "launcher/config/url.hpp"

namespace sluice {

Go2rtcSource go2rtc_source(std::string_view text) {
    text = text.substr(0, text.find_first_of("?&#"));
    const size_t slash = text.find('/');
    Go2rtcSource out{std::string(text.substr(0, slash)), {}};
    if (slash != std::string_view::npos)
        out.stream = text.substr(slash + 1);
    return out;
}

Go2rtcSource go2rtc_source(const std::map<std::string, std::string, std::less<>>& query, const std::string& parameter) {
    const auto given = query.find(parameter);
    if (given == query.end())
        return {};
    const auto name = query.find("name");
    Go2rtcSource out =
        go2rtc_source(name != query.end() && looks_like_url(given->second) ? name->second : given->second);
    if (const auto quality = query.find("quality"); quality != query.end() && out.stream.empty())
        out.quality = quality->second;
    return out;
}

} // namespace sluice
