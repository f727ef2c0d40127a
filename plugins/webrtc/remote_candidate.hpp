// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace sluice {

// Whether a viewer's ICE candidate ("candidate:F C TRANSPORT PRIORITY ADDRESS PORT typ ...", RFC 8839 section 5.1) may be tried:
// each makes us send to a place that the viewer names. Names are left out (Chromium's mDNS names; others would make us ask
// name servers): our own candidates suffice, since the viewer's checks tell its address, and webrtcbin 1.22 leaks what it
// resolves. So are places where no viewer can be: groups, broadcast, 0.0.0.0, port 0, this machine itself unless the viewer is
// there (loopback), and TCP ports that we would have to connect to: we only wait for connections.
bool may_be_tried(std::string_view candidate, bool loopback);

} // namespace sluice
