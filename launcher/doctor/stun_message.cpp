// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/stun_message.hpp"

#include <arpa/inet.h>
#include <glib.h>

#include <algorithm>
#include <memory>

namespace sluice::doctor {

namespace {

constexpr uint16_t binding_request = 0x0001, binding_success = 0x0101, binding_error = 0x0111;
constexpr uint32_t magic = 0x2112a442;
constexpr size_t header_size = 20, integrity_size = 4 + 20, fingerprint_size = 4 + 4;
constexpr uint16_t username = 0x0006, message_integrity = 0x0008, xor_mapped_address = 0x0020, priority = 0x0024,
                   fingerprint = 0x8028, ice_controlling = 0x802a;
// PADDING (RFC 5780) is refused by who does not know it; a type from the range that may be ignored is not.
constexpr uint16_t ignored = 0xfffe;
constexpr uint32_t least_priority = 1; // never better than a pair of the session

void put16(std::vector<uint8_t>& out, unsigned value) {
    out.push_back(static_cast<uint8_t>(value >> 8));
    out.push_back(static_cast<uint8_t>(value));
}
void put32(std::vector<uint8_t>& out, uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}
void put_attribute(std::vector<uint8_t>& out, uint16_t type, std::span<const uint8_t> value) {
    put16(out, type);
    put16(out, static_cast<unsigned>(value.size()));
    out.insert(out.end(), value.begin(), value.end());
    while (out.size() % 4)
        out.push_back(0);
}
void set_length(std::vector<uint8_t>& message, size_t length) {
    message[2] = static_cast<uint8_t>(length >> 8);
    message[3] = static_cast<uint8_t>(length);
}
unsigned get16(std::span<const uint8_t> data, size_t at) { return static_cast<unsigned>(data[at] << 8 | data[at + 1]); }

uint32_t crc32(std::span<const uint8_t> data) { // ITU-T V.42
    uint32_t crc = 0xffffffff;
    for (const uint8_t byte : data) {
        crc ^= byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

std::array<uint8_t, 20> hmac_sha1(const std::string& key, std::span<const uint8_t> data) {
    std::array<uint8_t, 20> out{};
    const std::unique_ptr<GHmac, decltype(&g_hmac_unref)> hmac(
        g_hmac_new(G_CHECKSUM_SHA1, reinterpret_cast<const guchar*>(key.data()), key.size()), g_hmac_unref);
    g_hmac_update(hmac.get(), data.data(), static_cast<gssize>(data.size()));
    gsize size = out.size();
    g_hmac_get_digest(hmac.get(), out.data(), &size);
    return out;
}

std::string text_of_address(std::span<const uint8_t> value, const StunId& id) {
    if (value.size() < 8)
        return {};
    std::array<uint8_t, 16> mask{0x21, 0x12, 0xa4, 0x42};
    std::copy(id.begin(), id.end(), mask.begin() + 4);
    const bool six = value[1] == 2;
    const size_t length = six ? 16 : 4;
    if (value.size() < 4 + length)
        return {};
    const unsigned port = get16(value, 2) ^ (magic >> 16);
    std::array<uint8_t, 16> address{};
    for (size_t i = 0; i < length; i++)
        address[i] = value[4 + i] ^ mask[i];
    char text[INET6_ADDRSTRLEN];
    if (!inet_ntop(six ? AF_INET6 : AF_INET, address.data(), text, sizeof text))
        return {};
    return (six ? "[" + std::string(text) + "]" : std::string(text)) + ":" + std::to_string(port);
}

std::optional<std::string> line_of(const std::string& sdp, const std::string& key) {
    const size_t at = sdp.find(key);
    if (at == std::string::npos || (at > 0 && sdp[at - 1] != '\n'))
        return std::nullopt;
    const size_t begin = at + key.size();
    return sdp.substr(begin, sdp.find_first_of("\r\n", begin) - begin);
}

} // namespace

std::vector<uint8_t> stun_request(const StunId& id, const IceCredentials& who, size_t size) {
    std::vector<uint8_t> out;
    put16(out, binding_request);
    put16(out, 0);
    put32(out, magic);
    out.insert(out.end(), id.begin(), id.end());
    const std::string name = who.remote_ufrag + ":" + who.local_ufrag;
    put_attribute(out, username, {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
    put16(out, priority);
    put16(out, 4);
    put32(out, least_priority);
    const std::array<uint8_t, 8> tie_breaker{};
    put_attribute(out, ice_controlling, tie_breaker); // without USE-CANDIDATE: nothing is nominated
    const size_t end = std::max(size, stun_least) / 4 * 4 - integrity_size - fingerprint_size;
    if (out.size() + 4 <= end)
        put_attribute(out, ignored, std::vector<uint8_t>(end - out.size() - 4));
    // The length covers what is signed: up to and with the integrity, then up to and with the fingerprint.
    set_length(out, out.size() + integrity_size - header_size);
    put_attribute(out, message_integrity, hmac_sha1(who.remote_password, out));
    set_length(out, out.size() + fingerprint_size - header_size);
    const uint32_t crc = crc32(out) ^ 0x5354554e;
    put16(out, fingerprint);
    put16(out, 4);
    put32(out, crc);
    return out;
}

std::optional<StunAnswer> parse_stun_answer(std::span<const uint8_t> m) {
    if (m.size() < header_size || get16(m, 4) != magic >> 16 || get16(m, 6) != (magic & 0xffff))
        return std::nullopt;
    const unsigned type = get16(m, 0);
    if (type != binding_success && type != binding_error)
        return std::nullopt;
    StunAnswer out;
    out.success = type == binding_success;
    std::copy_n(m.begin() + 8, out.id.size(), out.id.begin());
    const size_t end = std::min(m.size(), header_size + get16(m, 2));
    for (size_t at = header_size; at + 4 <= end;) {
        const size_t length = get16(m, at + 2);
        if (length > end - at - 4)
            break;
        if (get16(m, at) == xor_mapped_address)
            out.mapped = text_of_address(m.subspan(at + 4, length), out.id);
        at += 4 + (length + 3) / 4 * 4;
    }
    return out;
}

std::optional<std::pair<std::string, std::string>> ice_credentials_of(const std::string& sdp) {
    const auto ufrag = line_of(sdp, "a=ice-ufrag:"), password = line_of(sdp, "a=ice-pwd:");
    if (!ufrag || !password)
        return std::nullopt;
    return std::pair(*ufrag, *password);
}

std::optional<std::string> fingerprint_of(const std::string& sdp) {
    const auto value = line_of(sdp, "a=fingerprint:sha-256 ");
    if (!value)
        return std::nullopt;
    std::string out = *value;
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return g_ascii_toupper(c); });
    return out;
}

} // namespace sluice::doctor
