// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/reach.hpp"

#include "launcher/log.hpp"
#include "plugins/core/json_fields.hpp"
#include "plugins/core/refs.hpp"

#include <gio/gio.h>
#include <unistd.h>

#include <ctime>

namespace sluice {

namespace {

bool is_loopback(const std::string& address) {
    const Ref<GInetAddress> parsed = adopt(g_inet_address_new_from_string(address.c_str()));
    return parsed && g_inet_address_get_is_loopback(parsed.get());
}

} // namespace

Result<Reach> Reach::open(const ServerConfig& config, const StateDirectory& state) {
    Reach out(config);
    if (config.tls) {
        auto keeper = TlsKeeper::open(*config.tls, state, std::time(nullptr));
        if (!keeper)
            return Error{keeper.error().kind, "TLS: " + keeper.error().text};
        out.tls_ = std::move(keeper).value();
    }
    return out;
}

HttpListener::Settings Reach::settings() const {
    HttpListener::Settings out;
    if (tls_)
        out.tls = tls_->server();
    out.trusted_proxies = join(config_.trusted_proxies);
    out.path_prefix = config_.path_prefix;
    for (const std::string& origin : config_.allowed_origins)
        out.allowed_origins += (out.allowed_origins.empty() ? "" : ",") + origin;
    return out;
}

void Reach::watch() {
    if (tls_)
        tls_->watch();
}

void Reach::reload() {
    if (tls_)
        tls_->reload(std::time(nullptr));
}

std::string Reach::url(const std::string& address, uint16_t port) const {
    const bool all = address == "0.0.0.0" || address == "::";
    char name[256] = "localhost";
    if (all)
        gethostname(name, sizeof name - 1);
    const std::string host = all ? name : address.find(':') == std::string::npos ? address : "[" + address + "]";
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port) + "/";
}

void Reach::tell(const std::string& address) const {
    if (tls_)
        log_info("certificate: SHA-256 " + tls_->fingerprint() + (config_.tls->self_signed ? " (self-signed)" : ""));
    else if (!is_loopback(address) && config_.trusted_proxies.empty())
        log_warning("passwords and pictures cross the network in clear text; \"tls\" under /server ends that");
}

} // namespace sluice
