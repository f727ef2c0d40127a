// SPDX-License-Identifier: LGPL-2.1-or-later
// Configuration text -> Config, or everything that is wrong with it.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/config_context.hpp"
#include "launcher/config/secret.hpp"
#include "plugins/core/json_text.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct ConfigResult {
    Config config; // meaningful only without errors
    std::vector<ConfigError> errors;
};

ConfigResult parse_config(std::string_view text, const ConfigContext& context);

// The description of one camera alone; pointers are into that text. One camera in the result if there are no errors.
ConfigResult parse_camera(const std::string& name, std::string_view text, const ConfigContext& context);

// Reads the file, too; paths in it are relative to its directory. A file that cannot be read is an Error; what it says may
// be wrong in ConfigResult.
Result<ConfigResult> load_config(const std::string& path, const Templates& templates, const SecretSource& secrets);

// The fields the parser knows, per kind of object; the committed JSON Schema names the same ones ("$defs").
const std::map<std::string, std::vector<std::string>>& config_fields();

constexpr size_t max_cameras = 4096;

} // namespace sluice
