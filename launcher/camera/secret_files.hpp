// SPDX-License-Identifier: LGPL-2.1-or-later
// Passwords that came inside an address: each becomes a file in STATE/secrets, so that the camera's description holds a
// reference, like any other. Names are CAMERA~NUMBER: no camera's name holds a "~", so nobody's own files are touched.
#pragma once

#include "launcher/auth/state_directory.hpp"
#include "launcher/config/config.hpp"

#include <functional>
#include <string>

namespace sluice {

class SecretFiles {
public:
    explicit SecretFiles(const StateDirectory& directory) : directory_(directory) {}

    // The name of a file that holds it: the camera's own that does, or a new one, on disk when this returns.
    Result<std::string> keep(const std::string& camera, const Secret& secret) const;
    // Removes files made by keep() that nobody names any more.
    void drop_unused(const std::function<bool(const std::string& name)>& used) const;

private:
    const StateDirectory& directory_;
};

} // namespace sluice
