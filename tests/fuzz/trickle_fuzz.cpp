// SPDX-License-Identifier: LGPL-2.1-or-later
// The body of a WHEP PATCH: a trickle fragment (RFC 8840). What comes out is handed to the ICE agent.
#include "plugins/webrtc/sdp_offer.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <gio/gio.h>

#include <algorithm>

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto candidates = parse_trickle(text);
    FUZZ_CHECK(candidates.size() <= max_remote_candidates);
    FUZZ_CHECK(parse_trickle(text, false, 1).size() == std::min<size_t>(candidates.size(), 1));
    for (const std::string& candidate : candidates) {
        FUZZ_CHECK(candidate.starts_with("candidate:") && candidate.size() < 512);
        FUZZ_CHECK(candidate.find_first_of("\r\n") == std::string::npos);
        // As the agent reads it, who would ask for a name at whatever server it is told to.
        char** words = g_strsplit(candidate.c_str(), " ", 6);
        FUZZ_CHECK(g_strv_length(words) == 6 && g_hostname_is_ip_address(words[4]));
        g_strfreev(words);
        FUZZ_CHECK(parse_trickle("a=" + candidate + "\r\n").size() == 1);
    }
    return 0;
}
