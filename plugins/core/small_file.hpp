// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/result.hpp"

#include <cstddef>
#include <string>

namespace sluice {

// The whole file, or an Error (missing_file, bad_config) that says why not, without its name.
Result<std::string> read_small_file(const std::string& path, size_t max_bytes);

} // namespace sluice
