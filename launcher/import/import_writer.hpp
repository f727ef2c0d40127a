// SPDX-License-Identifier: LGPL-2.1-or-later
// What was understood -> a configuration of Sluice, read by its own parser before anybody gets to see it.
#pragma once

#include "launcher/config/templates.hpp"
#include "launcher/import/imported.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct ImportedSecret {
    std::string reference; // name of the variable, or of the file in the directory of secrets
    Secret value;          // empty: the variable has it already
    std::string camera;
};

struct ImportResult {
    std::string json; // empty: no camera is left
    size_t cameras = 0;
    std::vector<ImportedSecret> secrets;
    std::vector<std::string> commands; // for accounts
    std::vector<Remark> remarks;       // in the file's order
    std::vector<std::string> errors;   // of the whole configuration; there is no json then
};

// secrets_directory: as references in the configuration name it; nothing: secrets are to come from the environment.
// Cameras that Sluice would not take are left out, with what its parser says about them.
ImportResult write_import(Imported imported, const ImportOptions& options, const Templates& templates,
                          const std::optional<std::string>& secrets_directory);

} // namespace sluice
