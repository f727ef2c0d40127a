// SPDX-License-Identifier: LGPL-2.1-or-later
// Which way the system takes to an address. Asks the routing table only: nothing is sent.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::doctor {

struct Route {
    std::string local_address, interface_name;
    unsigned interface_mtu = 0;
    bool tunnel = false; // point to point: a VPN, most likely
    std::string error;   // there is none
};

Route route_to(const std::string& address, uint16_t port);

} // namespace sluice::doctor
