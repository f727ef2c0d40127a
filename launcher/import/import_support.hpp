// SPDX-License-Identifier: LGPL-2.1-or-later
// What the readers of both formats do in the same way.
#pragma once

#include "launcher/import/imported.hpp"
#include "launcher/import/yaml_tree.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice {

// A list's texts, or the one text that stands for a list of one.
std::vector<const YamlNode*> import_list(const YamlNode& node);

// "sluice passwd add NAME ..." for a person to run; the password is asked for then. camera_of: what a stream is part of
// now, empty: it is not there any more.
std::string account_command(const ImportedAccount& account,
                            const std::function<std::string(const std::string& stream)>& camera_of);

// stun-server in `server`, from the first address that is one. Remarks the others: TURN is not there.
void import_ice_servers(Imported& out, const std::vector<const YamlNode*>& urls, const std::string& where);

// Keeps what fits into one stream; the same address is not kept twice. False: it is there already, or there are enough.
bool add_source(ImportedStream& stream, ImportedSource source);

} // namespace sluice
