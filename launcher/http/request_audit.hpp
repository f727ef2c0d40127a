// SPDX-License-Identifier: LGPL-2.1-or-later
// What requests of the API leave in the audit: each refusal, and each change that was asked for, with its outcome.
#pragma once

#include "launcher/auth/audit_log.hpp"
#include "launcher/http/route_table.hpp"

namespace sluice {

// Looks at the answer when it is on its way. call.who is the decision; route: nothing if there is none at the address.
// The log outlives all requests.
void audit_request(AuditLog* audit, const ApiCall& call, const ApiRoute* route, const AuthRequest& request);

} // namespace sluice
