// SPDX-License-Identifier: LGPL-2.1-or-later
// What a request says of itself.
#pragma once

#include <libsoup/soup.h>

#include <string>

namespace sluice {

// Several headers of one name are joined by ", " (RFC 9110 section 5.3). Empty: not sent.
std::string request_header(SoupServerMessage* message, const char* name);
// IP address without a port, IPv4 as such also on a socket that listens on "::". Empty: not from a network.
std::string peer_address(SoupServerMessage* message);

} // namespace sluice
