// SPDX-License-Identifier: LGPL-2.1-or-later
// STUN requests of our own to an address of the edge, beside ICE: is it reached by UDP at all, and with packets of which size? The edge
// answers them as it answers those of ICE, so they need the credentials of a session.
#pragma once

#include "launcher/doctor/facts.hpp"
#include "launcher/doctor/stun_message.hpp"
#include "launcher/doctor/wait.hpp"

namespace sluice::doctor {

// Half a second at most.
void probe_address(Wait& wait, AddressProbe& probe, const IceCredentials& who);

// Three seconds at most.
PathFacts probe_path(Wait& wait, const IceCandidate& remote, const IceCredentials& who);

} // namespace sluice::doctor
