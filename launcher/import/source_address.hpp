// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses as other programs write them, with everything in one text, to sources as ours.
#pragma once

#include "launcher/import/imported.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct AddressResult {
    std::optional<ImportedSource> source;
    std::string why;                // if there is none; never repeats the address
    std::vector<std::string> notes; // what is different although there is one
};

// rtsp, rtsps, http, https, srt, file. Credentials go into their fields, SRT's passphrase, too.
AddressResult read_address(std::string_view text);

// "rtsp" of "rtsp://..." and of "rtsp:...", lower case; empty: there is none.
std::string scheme_of(std::string_view text);

// Remarks that more than one format needs.
extern const char* const certificate_note;
extern const char* const query_note;

// Why a kind of source cannot be taken over and what to do; nullptr: the kind is not known.
const char* missing_kind(const std::string& scheme);

// What ":1984", "0.0.0.0:1984" and "[::1]:1984" say.
struct ListenAddress {
    std::string address; // empty: all
    uint16_t port = 0;
};
std::optional<ListenAddress> read_listen(const std::string& text);

// "stun:host", "stun:host:port", "stun://host:port" to "stun://host:port"; nothing if it is anything else.
std::optional<std::string> read_stun(const std::string& text);

} // namespace sluice
