// SPDX-License-Identifier: LGPL-2.1-or-later
// The certificate of the HTTP server: where it comes from, and what replaces it while the server runs.
#pragma once

#include "launcher/auth/state_directory.hpp"
#include "launcher/config/config.hpp"
#include "launcher/config/file_stamp.hpp"
#include "plugins/core/tls_server.hpp"

#include <glib.h>

#include <array>
#include <memory>
#include <string>

namespace sluice {

class TlsKeeper {
public:
    // Self-signed: STATE/tls.pem, made if it is not there. Errors name the file. `state` outlives this.
    static Result<std::unique_ptr<TlsKeeper>> open(const TlsConfig& config, const StateDirectory& state, int64_t now);
    ~TlsKeeper();
    TlsKeeper(const TlsKeeper&) = delete;
    TlsKeeper& operator=(const TlsKeeper&) = delete;

    std::shared_ptr<TlsServer> server() const { return server_; }
    const std::string& fingerprint() const { return server_->identity().fingerprint(); }
    // Looks every two seconds from now on, in the main context.
    void watch();
    // One look (unix time). Files that have changed are taken once they rest; what is broken is told once and changes nothing.
    void look(int64_t now);
    // Takes the files as they are now, if they have changed.
    void reload(int64_t now);

private:
    using Stamps = std::array<FileStamp, 2>;

    TlsKeeper(TlsConfig config, const StateDirectory& state) : config_(std::move(config)), state_(state) {}
    Stamps stamps() const;
    Result<std::shared_ptr<const TlsIdentity>> read() const;
    Result<std::shared_ptr<const TlsIdentity>> read_or_make(int64_t now) const;

    const TlsConfig config_;
    const StateDirectory& state_;
    std::shared_ptr<TlsServer> server_;
    Stamps taken_, seen_;
    int64_t warned_ = 0; // which end of a certificate was told
    guint watch_ = 0;
};

} // namespace sluice
