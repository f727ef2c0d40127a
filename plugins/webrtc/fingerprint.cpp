// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/fingerprint.hpp"

#include "plugins/core/refs.hpp"

#include <glib.h>

#include <algorithm>
#include <cctype>

namespace sluice {

namespace {

std::optional<GChecksumType> hash_of(std::string_view algorithm) {
    if (algorithm == "sha-256")
        return G_CHECKSUM_SHA256;
    if (algorithm == "sha-384")
        return G_CHECKSUM_SHA384;
    if (algorithm == "sha-512")
        return G_CHECKSUM_SHA512;
    return std::nullopt;
}

std::vector<unsigned char> pem_to_der(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
    const size_t from = pem.find(begin);
    const size_t to = pem.find(end);
    if (from == std::string_view::npos || to == std::string_view::npos || to < from + begin.size())
        return {};
    const std::string base64(pem.substr(from + begin.size(), to - from - begin.size()));
    gsize size = 0;
    const std::unique_ptr<guchar, GFree> der(g_base64_decode(base64.c_str(), &size));
    return {der.get(), der.get() + size};
}

std::string hex_with_colons(const unsigned char* data, size_t size, GChecksumType type) {
    const GString8 plain(g_compute_checksum_for_data(type, data, size));
    std::string out;
    for (size_t i = 0; plain.get()[i]; ++i) {
        if (i && i % 2 == 0)
            out += ':';
        out += static_cast<char>(std::toupper(static_cast<unsigned char>(plain.get()[i])));
    }
    return out;
}

} // namespace

std::optional<Fingerprint> parse_fingerprint(std::string_view value) {
    const size_t space = value.find(' ');
    if (space == std::string_view::npos)
        return std::nullopt;
    Fingerprint f{std::string(value.substr(0, space)), std::string(value.substr(value.find_last_of(' ') + 1))};
    std::transform(f.algorithm.begin(), f.algorithm.end(), f.algorithm.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    std::transform(f.digest.begin(), f.digest.end(), f.digest.begin(), [](unsigned char c) { return std::toupper(c); });
    const auto hash = hash_of(f.algorithm);
    if (!hash)
        return std::nullopt;
    const size_t bytes = static_cast<size_t>(g_checksum_type_get_length(*hash));
    if (f.digest.size() != bytes * 3 - 1)
        return std::nullopt;
    for (size_t i = 0; i < f.digest.size(); ++i)
        if (i % 3 == 2 ? f.digest[i] != ':' : !std::isxdigit(static_cast<unsigned char>(f.digest[i])))
            return std::nullopt;
    return f;
}

bool certificate_matches(std::string_view pem, const std::vector<Fingerprint>& allowed) {
    const auto der = pem_to_der(pem);
    if (der.empty())
        return false;
    return std::any_of(allowed.begin(), allowed.end(), [&](const Fingerprint& f) {
        const auto hash = hash_of(f.algorithm);
        return hash && hex_with_colons(der.data(), der.size(), *hash) == f.digest;
    });
}

} // namespace sluice
