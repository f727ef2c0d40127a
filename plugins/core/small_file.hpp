// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

// The whole file, or an Error (missing_file, bad_config) that says why not, without its name.
Result<std::string> read_small_file(const std::string& path, size_t max_bytes);

// A list of directories as in PATH; empty ones are left out.
std::vector<std::string> directories_in(const std::string& list);

// The files *.json of a directory, without that ending, in order. Error (missing_file, bad_config): it cannot be read, or holds
// more than `most`. what: "templates"; variable: the environment variable that names the directories of such files.
Result<std::vector<std::string>> json_names_in(const std::string& directory, const std::string& what,
                                               const std::string& variable, size_t most);

} // namespace sluice
