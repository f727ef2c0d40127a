// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of `sluice probe`.
#pragma once

#include "launcher/config/camera_address.hpp"
#include "plugins/core/result.hpp"

#include <glib.h>

#include <string>
#include <vector>

namespace sluice {

struct ProbeOptions {
    CameraAddress address;
    unsigned seconds = 6;
    bool json = false;
};

// What GLib writes into while it parses.
class ProbeEntries {
public:
    ProbeEntries() = default;
    ~ProbeEntries();
    ProbeEntries(const ProbeEntries&) = delete;
    ProbeEntries& operator=(const ProbeEntries&) = delete;

    void add_to(std::vector<GOptionEntry>& entries);
    Result<ProbeOptions> take(const std::string& address) const;

private:
    char *user_ = nullptr, *password_file_ = nullptr, *transport_ = nullptr, *fingerprint_ = nullptr;
    int seconds_ = 6;
    gboolean json_ = FALSE;
};

} // namespace sluice
