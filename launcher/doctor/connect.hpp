// SPDX-License-Identifier: LGPL-2.1-or-later
// The first steps of a connection, one by one: name, TCP to each address, the proxy's CONNECT, TLS.
#pragma once

#include "launcher/doctor/facts.hpp"
#include "launcher/doctor/target.hpp"
#include "launcher/doctor/wait.hpp"

#include <gio/gio.h>

#include <optional>

namespace sluice::doctor {

NameFacts resolve(Wait& wait, const std::string& host, double seconds);

// Each address gets `seconds`; the first connection is left in `connected` if it is asked for.
std::vector<TcpTry> try_addresses(Wait& wait, const std::vector<std::string>& addresses, uint16_t port, double seconds,
                                  Ref<GSocketConnection>* connected = nullptr);

struct ProxyTry {
    Ref<GSocketConnection> connection;
    std::string error;
    bool asks_credentials = false;
};
ProxyTry connect_through(Wait& wait, const Via& via, const Target& target, double seconds);

// Looks at whatever certificate comes. authorities: nothing: those of this system.
TlsFacts shake_hands(Wait& wait, GIOStream* connection, const Target& target, GTlsDatabase* authorities,
                     double seconds);

TcpError tcp_error_of(const GError* error);

} // namespace sluice::doctor
