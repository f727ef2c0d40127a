// SPDX-License-Identifier: LGPL-2.1-or-later
// For those who watch over the process. They need no credentials, so they hear no more than one word.
#include "launcher/http/message.hpp"
#include "launcher/http/routes.hpp"

namespace sluice {

void add_health_routes(RouteTable& table, const HttpServices& s) {
    constexpr const char* text = "text/plain; charset=utf-8";
    table.add({"GET", "/healthz", ApiRoute::Access::everybody},
              [](const ApiCall& call) { respond(call.message, 200, text, "ok\n"); });
    table.add({"GET", "/readyz", ApiRoute::Access::everybody}, [&s](const ApiCall& call) {
        const bool ready = s.ready && s.ready();
        respond(call.message, ready ? 200 : 503, text, ready ? "ready\n" : "not ready\n");
    });
}

} // namespace sluice
