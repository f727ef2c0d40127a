// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice import`: files in, files out, and what a person has to know on standard error.
#pragma once

#include "launcher/config/templates.hpp"
#include "launcher/import/imported.hpp"
#include "plugins/core/result.hpp"

#include <optional>
#include <string>

namespace sluice {

struct ImportCommand {
    std::string file;
    std::optional<std::string> output;  // else standard output
    std::optional<std::string> secrets; // directory for passwords; else they have to come from the environment
    std::optional<std::string> format;  // else by what the file holds
    ImportOptions options;
};

// Writes nothing at all, or everything; nothing that is there already is overwritten.
Result<bool> run_import(const ImportCommand& command, const Templates& templates);

} // namespace sluice
