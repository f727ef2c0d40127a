// SPDX-License-Identifier: LGPL-2.1-or-later
// What a description is read against: the world outside its text.
#pragma once

#include "launcher/config/secret.hpp"
#include "launcher/config/templates.hpp"

#include <string>

namespace sluice {

struct ConfigContext {
    const Templates& templates;
    SecretSource secrets;
    std::string directory = {}; // what relative paths are relative to; empty: the working directory
    // The author may change cameras, but need not own the machine: no files, devices or templates of it.
    bool restricted = false;
    bool camera_needed = true; // a text without any camera is a mistake
};

} // namespace sluice
