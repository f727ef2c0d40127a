// SPDX-License-Identifier: LGPL-2.1-or-later
// A small file that is read again when it has changed.
#pragma once

#include "plugins/core/result.hpp"

#include <sys/stat.h>

#include <optional>
#include <string>

namespace sluice {

class KeyFile {
public:
    explicit KeyFile(std::string path) : path_(std::move(path)) {}

    // What it holds; nothing: the same as the last time that it was read. Error: why not, without its name.
    Result<std::optional<std::string>> read();

private:
    const std::string path_;
    std::optional<struct stat> seen_;
};

} // namespace sluice
