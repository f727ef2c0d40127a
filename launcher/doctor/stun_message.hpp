// SPDX-License-Identifier: LGPL-2.1-or-later
// STUN binding requests as ICE sends them (RFC 8489, RFC 8445 section 7.2.2), padded to a size, and the answers to them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::doctor {

using StunId = std::array<uint8_t, 12>;

struct IceCredentials {
    std::string local_ufrag, remote_ufrag, remote_password;
};

constexpr size_t stun_least = 128; // room for everything but the padding

// size: of the message, a multiple of 4; at least stun_least, smaller ones are made that.
std::vector<uint8_t> stun_request(const StunId& id, const IceCredentials& who, size_t size);

struct StunAnswer {
    StunId id{};
    bool success = false;
    std::string mapped; // our address as the other end sees it: "10.0.0.5:4000"
};
std::optional<StunAnswer> parse_stun_answer(std::span<const uint8_t> message);

// Of an SDP: the first of each.
std::optional<std::pair<std::string, std::string>> ice_credentials_of(const std::string& sdp); // ufrag, password
std::optional<std::string> fingerprint_of(const std::string& sdp);                             // of sha-256, upper case

} // namespace sluice::doctor
