// SPDX-License-Identifier: LGPL-2.1-or-later
// Where secrets come from: the environment or a file, never the configuration itself.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/result.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sluice {

constexpr size_t max_secret_bytes = 4096;

// The outside world as the parser sees it; tests give their own.
struct SecretSource {
    std::function<std::optional<std::string>(const std::string& name)> environment;
    std::function<Result<std::string>(const std::string& path)> file; // the whole content
    // What may be asked for at all; empty: anything.
    std::string only_prefix = {};    // of a variable's name
    std::string only_directory = {}; // which a file is directly in

    static SecretSource real();
};

// A file's content without the line end that editors put there. Error: what is wrong with it, without its name.
Result<Secret> secret_from_file(const SecretSource& source, const std::string& path);
Result<Secret> secret_from_environment(const SecretSource& source, const std::string& name);

// The whole file, or an Error (missing_file, bad_config) that says why not, without its name.
Result<std::string> read_small_file(const std::string& path, size_t max_bytes);

} // namespace sluice
