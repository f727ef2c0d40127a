// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/forwarded.hpp"

#include <algorithm>
#include <optional>

namespace sluice {

namespace {

constexpr size_t max_header = 4096, max_hops = 32, max_host = 260, max_prefix = 256;

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

// At the character, but not inside of quotes.
std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    bool quoted = false;
    size_t begin = 0;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '"') {
            quoted = !quoted;
        } else if (quoted && text[i] == '\\') {
            i++;
        } else if (!quoted && text[i] == at) {
            out.push_back(trim(text.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    out.push_back(trim(text.substr(begin)));
    return out;
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"')
        return std::string(text);
    std::string out;
    for (size_t i = 1; i + 1 < text.size(); i++) {
        if (text[i] == '\\' && i + 2 < text.size())
            i++;
        out += text[i];
    }
    return out;
}

// "192.0.2.7", "192.0.2.7:4711", "[2001:db8::1]:4711", "2001:db8::1"; nothing for "unknown", "_hidden" and nonsense.
std::optional<std::string> address_in(std::string text) {
    if (text.starts_with('[')) {
        const size_t end = text.find(']');
        if (end == std::string::npos)
            return std::nullopt;
        text = text.substr(1, end - 1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        text.erase(text.find(':'));
    }
    const Ref<GInetAddress> address = adopt(g_inet_address_new_from_string(text.c_str()));
    if (!address)
        return std::nullopt;
    return plain_address(GString8(g_inet_address_to_string(address.get())).get());
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= max_host && std::all_of(text.begin(), text.end(), [](char c) {
        return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    });
}

// One proxy's words, from the client's side to ours.
struct Hops {
    std::vector<std::string> addresses; // as written
    std::string proto, host;            // of the first that says so: what the client used
};

std::optional<Hops> x_hops(const ForwardedHeaders& h) {
    if (h.x_for.empty() || h.x_for.size() > max_header)
        return std::nullopt;
    Hops out;
    for (const std::string_view hop : split(h.x_for, ','))
        out.addresses.emplace_back(hop);
    out.proto = split(h.x_proto, ',').front();
    out.host = split(h.x_host, ',').front();
    return out;
}

std::optional<Hops> rfc_hops(const ForwardedHeaders& h) {
    if (h.forwarded.empty() || h.forwarded.size() > max_header)
        return std::nullopt;
    Hops out;
    for (const std::string_view hop : split(h.forwarded, ',')) {
        out.addresses.emplace_back();
        for (const std::string_view pair : split(hop, ';')) {
            const size_t equals = pair.find('=');
            if (equals == std::string_view::npos)
                continue;
            const std::string name(trim(pair.substr(0, equals))), value = unquote(trim(pair.substr(equals + 1)));
            if (g_ascii_strcasecmp(name.c_str(), "for") == 0)
                out.addresses.back() = value;
            else if (g_ascii_strcasecmp(name.c_str(), "proto") == 0 && out.proto.empty())
                out.proto = value;
            else if (g_ascii_strcasecmp(name.c_str(), "host") == 0 && out.host.empty())
                out.host = value;
        }
    }
    return out;
}

std::string client_in(const AddressList& trusted, const std::string& proxy, const Hops& hops) {
    std::string client = proxy;
    size_t seen = 0;
    for (auto hop = hops.addresses.rbegin(); hop != hops.addresses.rend() && seen < max_hops; ++hop, ++seen) {
        const auto address = address_in(*hop);
        if (!address)
            break; // whoever is behind that wants to stay unknown: the last one that we know answers for him
        client = *address;
        if (!trusted.contains(client))
            break;
    }
    return client;
}

} // namespace

std::optional<std::string> plain_prefix(std::string_view text) {
    while (text.ends_with('/'))
        text.remove_suffix(1);
    if (text.empty() || text.size() > max_prefix || text.front() != '/')
        return std::nullopt;
    for (const std::string_view segment : split(text.substr(1), '/'))
        if (segment.empty() || segment == "." || segment == ".." ||
            !std::all_of(segment.begin(), segment.end(),
                         [](char c) { return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == '~'; }))
            return std::nullopt;
    return std::string(text);
}

std::string plain_address(std::string address) {
    if (constexpr std::string_view mapped = "::ffff:";
        address.starts_with(mapped) && address.find('.') != std::string::npos)
        address.erase(0, mapped.size());
    return address;
}

Result<AddressList> AddressList::parse(std::string_view text) {
    AddressList out;
    for (const std::string_view entry : split(text, ',')) {
        if (entry.empty())
            continue;
        const std::string name(entry);
        Ref<GInetAddressMask> mask = adopt(g_inet_address_mask_new_from_string(name.c_str(), nullptr));
        if (!mask)
            return Error{ErrorKind::bad_config, "'" + name + "' is no address and no network (10.0.0.0/8, ::1)"};
        out.masks_.push_back(std::move(mask));
    }
    return out;
}

bool AddressList::contains(const std::string& address) const {
    const Ref<GInetAddress> parsed = adopt(g_inet_address_new_from_string(plain_address(address).c_str()));
    return parsed && std::any_of(masks_.begin(), masks_.end(), [&](const Ref<GInetAddressMask>& mask) {
               return g_inet_address_mask_matches(mask.get(), parsed.get());
           });
}

ClientView client_view(const AddressList& trusted, const ClientView& direct, const ForwardedHeaders& headers) {
    if (!trusted.contains(direct.peer))
        return direct;
    const auto x = x_hops(headers), rfc = rfc_hops(headers);
    if (!x && !rfc)
        return direct;
    const std::string client = client_in(trusted, direct.peer, x ? *x : *rfc);
    if (x && rfc && client_in(trusted, direct.peer, *rfc) != client)
        return direct;
    const Hops& hops = x ? *x : *rfc;
    ClientView out = direct;
    out.peer = client;
    if (!hops.proto.empty())
        out.secure =
            g_ascii_strcasecmp(hops.proto.c_str(), "https") == 0 || g_ascii_strcasecmp(hops.proto.c_str(), "wss") == 0;
    if (is_host(hops.host))
        out.host = hops.host;
    if (x)
        if (const auto prefix = plain_prefix(split(headers.x_prefix, ',').front()))
            out.prefix = *prefix;
    return out;
}

} // namespace sluice
