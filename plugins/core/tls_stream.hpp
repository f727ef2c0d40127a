// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/tls_server.hpp"

#include <gio/gio.h>

#include <memory>

namespace sluice {

// What libsoup reads and writes behind a handshake that is done. Holds the connection until what was written last is sent.
Ref<GIOStream> make_tls_stream(GSocketConnection* connection, std::shared_ptr<TlsSession> session);

} // namespace sluice
