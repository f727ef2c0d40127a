// SPDX-License-Identifier: LGPL-2.1-or-later
// How the server is reached: what the configuration says of it, for the listener and for people.
#pragma once

#include "launcher/auth/state_directory.hpp"
#include "launcher/config/config.hpp"
#include "launcher/http/tls_keeper.hpp"
#include "plugins/core/http_listener.hpp"

#include <memory>
#include <string>

namespace sluice {

class Reach {
public:
    // `state` outlives this.
    static Result<Reach> open(const ServerConfig& config, const StateDirectory& state);

    HttpListener::Settings settings() const;
    // Takes over changed certificates from now on.
    void watch();
    void reload();
    // "https://edge:8443/"
    std::string url(const std::string& address, uint16_t port) const;
    // Lines of the log that belong to it: the fingerprint, what is not safe.
    void tell(const std::string& address) const;

private:
    explicit Reach(const ServerConfig& config) : config_(config) {}
    ServerConfig config_;
    std::unique_ptr<TlsKeeper> tls_; // none: plain
};

} // namespace sluice
