// SPDX-License-Identifier: LGPL-2.1-or-later
// MediaMTX has some 250 settings, and files that list them all: what to say about which, and when nothing.
#pragma once

#include "launcher/import/imported.hpp"
#include "launcher/import/yaml_tree.hpp"

#include <string>

namespace sluice {

// Settings of the server, except those that are taken over.
void remark_mediamtx_globals(Imported& out, const YamlNode& root);
// Settings of a path or of pathDefaults, except those that are taken over.
void remark_mediamtx_path(Imported& out, const YamlNode& path, const std::string& where);

// Not there, null, empty, an empty list.
bool is_unset(const YamlNode* node);

} // namespace sluice
