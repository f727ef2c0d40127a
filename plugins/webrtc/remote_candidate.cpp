// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/remote_candidate.hpp"

#include "plugins/core/refs.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace sluice {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

// As webrtcbin and libnice read it, who split at each single blank: with two of them in a row another word would be the address
// there. Nothing: it is not spelled like that, or holds control characters.
std::vector<std::string> words_of(std::string_view text) {
    while (text.ends_with(' '))
        text.remove_suffix(1);
    std::vector<std::string> words;
    while (!text.empty()) {
        const size_t end = std::min(text.find(' '), text.size());
        if (end == 0 || std::any_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), is_control))
            return {};
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

// An IPv4 address in IPv6's clothes (::ffff:127.0.0.1) is judged as what it is.
Ref<GInetAddress> address_of(const std::string& text) {
    const Ref<GInetAddress> address = adopt(g_inet_address_new_from_string(text.c_str()));
    if (!address || g_inet_address_get_family(address.get()) != G_SOCKET_FAMILY_IPV6)
        return address;
    const guint8* bytes = g_inet_address_to_bytes(address.get());
    constexpr guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(mapped, mapped + 12, bytes)
               ? adopt(g_inet_address_new_from_bytes(bytes + 12, G_SOCKET_FAMILY_IPV4))
               : address;
}

bool is_place_of_a_viewer(GInetAddress* address, bool loopback) {
    if (g_inet_address_get_is_any(address) || g_inet_address_get_is_multicast(address))
        return false;
    if (g_inet_address_get_is_loopback(address))
        return loopback;
    const guint8* bytes = g_inet_address_to_bytes(address);
    const bool v4 = g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV4;
    // 0.0.0.0/8 is this network, 240.0.0.0/4 is kept for nothing, with the broadcast address at its end.
    return !v4 || (bytes[0] != 0 && bytes[0] < 240);
}

} // namespace

bool may_be_tried(std::string_view candidate, bool loopback) {
    const std::vector<std::string> words = words_of(candidate);
    if (words.size() < 8)
        return false;
    if (g_ascii_strcasecmp(words[2].c_str(), "tcp") == 0) {
        unsigned types = 0, active = 0; // of two the other one might count
        for (size_t i = 8; i + 1 < words.size(); i += 2)
            if (words[i] == "tcptype")
                ++types, active += words[i + 1] == "active";
        if (types != 1 || active != 1)
            return false;
    } else if (g_ascii_strcasecmp(words[2].c_str(), "udp") != 0) {
        return false;
    }
    const std::string& number = words[5];
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
    if (error != std::errc() || end != number.data() + number.size() || port == 0)
        return false;
    const Ref<GInetAddress> address = address_of(words[4]);
    return address && is_place_of_a_viewer(address.get(), loopback);
}

} // namespace sluice
