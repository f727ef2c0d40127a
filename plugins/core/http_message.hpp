// SPDX-License-Identifier: LGPL-2.1-or-later
// What a request says of itself.
#pragma once

#include "plugins/core/forwarded.hpp"

#include <libsoup/soup.h>

#include <string>

namespace sluice {

// Several headers of one name are joined by ", " (RFC 9110 section 5.3). Empty: not sent.
std::string request_header(SoupServerMessage* message, const char* name);

// Data of a connection's remote address, which comes back with each of its messages. Texts, so that a program and a plugin may
// have been built apart. HttpListener sets them; so may an application with an HTTP server of its own.
namespace connection_data {
inline constexpr const char* trusted_proxies = "sluice-trusted-proxies"; // as AddressList reads it
inline constexpr const char* path_prefix = "sluice-path-prefix";         // of a proxy that does not say it
inline constexpr const char* allowed_origins = "sluice-allowed-origins"; // comma separated
inline constexpr const char* tls = "sluice-tls";                         // any text: the connection is encrypted
} // namespace connection_data

// The client as it sees itself, also behind a trusted proxy. An IPv4 address is one also on a socket that listens on "::"; no
// address: not from a network.
ClientView client_of(SoupServerMessage* message);
std::string peer_address(SoupServerMessage* message); // client_of().peer
std::string called_host(SoupServerMessage* message);  // client_of().host

// The request comes from a page of another host that was allowed to.
bool from_allowed_origin(SoupServerMessage* message);

} // namespace sluice
