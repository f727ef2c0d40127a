// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP that falls silent: is it the size of its packets? The same request and answer, both larger than a packet, once as the system
// sends them and once in small segments.
#pragma once

#include "launcher/doctor/facts.hpp"
#include "launcher/doctor/target.hpp"
#include "launcher/doctor/wait.hpp"

namespace sluice::doctor {

// Ten seconds at most. address: of the edge.
TcpSizeFacts probe_tcp_sizes(Wait& wait, const Target& target, const std::string& address);

} // namespace sluice::doctor
