// SPDX-License-Identifier: LGPL-2.1-or-later
// The formats that are understood. Pure: no files, no network.
#pragma once

#include "launcher/import/imported.hpp"
#include "launcher/import/variables.hpp"
#include "launcher/import/yaml_tree.hpp"

#include <optional>
#include <string_view>

namespace sluice {

enum class ImportFormat { go2rtc, mediamtx };
std::optional<ImportFormat> parse_import_format(std::string_view word);
const char* to_string(ImportFormat format);

// By what stands at the top; nothing if that fits none or both.
std::optional<ImportFormat> guess_import_format(const YamlNode& root);

// Everything in the document is either taken over or remarked, if it says something else than Sluice does anyway.
Imported import_go2rtc(const YamlNode& root, const ImportOptions& options, const Variables::Environment& environment);
Imported import_mediamtx(const YamlNode& root, const ImportOptions& options);

} // namespace sluice
