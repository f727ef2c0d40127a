// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP and WebSockets as a dashboard's server speaks them: through the proxy if there is one, with a limit to every wait and body.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/doctor/facts.hpp"
#include "launcher/doctor/target.hpp"
#include "launcher/doctor/wait.hpp"

#include <libsoup/soup.h>

#include <optional>

namespace sluice::doctor {

struct WebSettings {
    std::optional<Via> via;
    Ref<GTlsDatabase> authorities; // nothing: those of this system
    bool check_certificate = true;
    Secret authorization; // the header's value; empty: none
};

struct WebRequest {
    std::string method = "GET", url;
    bool with_credentials = true;
    std::string type = {}, body = {};
    double seconds = 10;
};

class Web {
public:
    Web(Wait& wait, WebSettings settings);

    HttpFacts ask(const WebRequest& request);
    // Opens it and waits for its first message.
    struct Socket {
        bool connected = false, message = false;
        HttpFacts answer; // where it was not connected
    };
    Socket open_socket(const std::string& url, const char* protocol, const std::string& origin, double seconds);

private:
    Ref<SoupMessage> message(const std::string& method, const std::string& url, bool with_credentials) const;

    Wait& wait_;
    const WebSettings settings_;
    Ref<SoupSession> session_;
};

} // namespace sluice::doctor
