// SPDX-License-Identifier: LGPL-2.1-or-later
// Where secrets come from: the environment, a file or the service manager, never the configuration itself.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/result.hpp"
#include "plugins/core/small_file.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

constexpr size_t max_secret_bytes = 4096;

// Names of the environment variables that SecretSource::real() has given: no business of processes that we start.
// Any thread.
std::vector<std::string> secret_variables();

// The outside world as the parser sees it; tests give their own.
struct SecretSource {
    std::function<std::optional<std::string>(const std::string& name)> environment;
    std::function<Result<std::string>(const std::string& path)> file; // the whole content
    // What may be asked for at all; empty: anything.
    std::string only_prefix = {};    // of a variable's name
    std::string only_directory = {}; // which a file is directly in
    std::string credentials = {};    // directory of those that the service manager gave; empty: none

    static SecretSource real();
};

// A file's content without the line end that editors put there. Error: what is wrong with it, without its name.
Result<Secret> secret_from_file(const SecretSource& source, const std::string& path);
// One that systemd has put into $CREDENTIALS_DIRECTORY: by LoadCredential=NAME:FILE, or =sluice:DIRECTORY with the file NAME in it.
Result<Secret> secret_from_credential(const SecretSource& source, const std::string& name);
Result<Secret> secret_from_environment(const SecretSource& source, const std::string& name);

} // namespace sluice
