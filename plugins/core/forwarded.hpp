// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is asking when a reverse proxy asks for him. Pure.
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <gio/gio.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Addresses and networks: "::1,10.0.0.0/8".
class AddressList {
public:
    // Empty entries are passed over. Error (bad_config): names the one that is none.
    static Result<AddressList> parse(std::string_view text);
    bool contains(const std::string& address) const; // an IP address without a port
    bool empty() const { return masks_.empty(); }

private:
    std::vector<Ref<GInetAddressMask>> masks_;
};

// What the headers say, each as a whole (several of one name joined by commas); empty: not sent.
struct ForwardedHeaders {
    std::string forwarded;                        // RFC 7239
    std::string x_for, x_proto, x_host, x_prefix; // X-Forwarded-*
};

struct ClientView {
    std::string peer;    // IP address
    bool secure = false; // TLS, as far as the client can see
    std::string host;    // as in a Host header: what the client calls us
    std::string prefix;  // below which path, as "/site-7"; empty: none
};

// `direct` is what the connection itself says. The headers count only if it comes from a trusted proxy. The client is the address
// furthest to the right that is no trusted proxy: what stands left of it anybody may have written. A proxy writes one kind of
// header and may pass on the other as the client sent it: if both are there and name different clients, neither counts.
ClientView client_view(const AddressList& trusted, const ClientView& direct, const ForwardedHeaders& headers);

// "/a/b", also for "/a/b/"; nothing if it is no plain path.
std::optional<std::string> plain_prefix(std::string_view text);

// "192.0.2.7", also for "::ffff:192.0.2.7".
std::string plain_address(std::string address);

} // namespace sluice
