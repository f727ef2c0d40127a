// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of `sluice doctor`.
#pragma once

#include "plugins/core/result.hpp"

#include <glib.h>

#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct DoctorOptions {
    std::string url;
    std::optional<std::string> user, password_file, token_file, camera, via, ca;
    unsigned seconds = 10;
    bool json = false, insecure = false;
};

// What GLib writes into while it parses.
class DoctorEntries {
public:
    DoctorEntries() = default;
    ~DoctorEntries();
    DoctorEntries(const DoctorEntries&) = delete;
    DoctorEntries& operator=(const DoctorEntries&) = delete;

    void add_to(std::vector<GOptionEntry>& entries);
    Result<DoctorOptions> take(const std::string& url) const;

private:
    char *user_ = nullptr, *password_file_ = nullptr, *token_file_ = nullptr, *camera_ = nullptr, *via_ = nullptr,
         *ca_ = nullptr;
    int seconds_ = 10;
    gboolean json_ = FALSE, insecure_ = FALSE;
};

} // namespace sluice
