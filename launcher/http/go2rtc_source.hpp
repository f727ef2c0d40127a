// SPDX-License-Identifier: LGPL-2.1-or-later
// What dashboards made for go2rtc call a camera. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace sluice {

struct Go2rtcSource {
    std::string camera, stream; // stream empty: what the quality says
    std::string quality = {};   // asked for beside the name; empty: the camera's
    // What a join asks for; empty: nothing is said.
    const std::string& wanted() const { return stream.empty() ? quality : stream; }
    std::string name() const { return stream.empty() || stream == "main" ? camera : camera + "/" + stream; }
};

// "front", "front/sub"; what follows a "?", "&" or "#" asks for tracks and codecs, which is settled by the offer here.
Go2rtcSource go2rtc_source(std::string_view text);

// That of a request: the parameter, or "name" beside it if the parameter holds an address, as integrations send that know the
// camera's address and a name for it.
Go2rtcSource go2rtc_source(const std::map<std::string, std::string, std::less<>>& query, const std::string& parameter);

} // namespace sluice
