// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct IceSettings {
    std::string stun_server;                     // stun://host:port, empty: none
    std::vector<std::string> turn_servers;       // turn(s)://user:password@host:port
    unsigned min_rtp_port = 0, max_rtp_port = 0; // 0: any
    bool tcp = false;                            // passive ICE-TCP candidates, for viewers whose UDP is blocked
    std::vector<std::string> addresses;          // local addresses to offer; empty: all of this machine
};

// What cannot work, in one sentence that repeats no password. webrtcbin would go on without what it does not understand.
std::optional<std::string> complaint_about(const IceSettings& settings);

} // namespace sluice
