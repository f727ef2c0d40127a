// SPDX-License-Identifier: LGPL-2.1-or-later
// One source of go2rtc: SCHEME:ADDRESS#option#option.
#pragma once

#include "launcher/import/source_address.hpp"
#include "launcher/import/variables.hpp"

#include <set>
#include <string>

namespace sluice {

struct Go2rtcImportContext {
    const Variables& variables;
    const std::set<std::string>& streams; // names of all of them
    uint16_t rtsp_port = 8554;            // its own RTSP server
};

struct Go2rtcAddress : AddressResult {
    std::string variant_of; // made by go2rtc out of that stream; `source` is empty then
    bool ffmpeg = false;    // `source` is what FFmpeg reads
};

Go2rtcAddress read_go2rtc_source(const std::string& text, const Go2rtcImportContext& context);

} // namespace sluice
