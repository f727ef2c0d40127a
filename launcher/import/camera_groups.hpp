// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams of programs that know streams only -> cameras, with names that are allowed here.
#pragma once

#include "launcher/import/imported.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct ImportedCamera {
    std::string name; // is_config_name, no two are equal
    const ImportedStream* main = nullptr;
    const ImportedStream* sub = nullptr; // may be nothing
};

// front and front_sub (front_main and front_sub, front/main and front/sub...) are one camera. What became of names that
// dashboards know is remarked. Points into imported.streams.
std::vector<ImportedCamera> group_cameras(Imported& imported, bool separate);

// The nearest name that is allowed; "camera" if nothing is left of it.
std::string allowed_name(std::string_view name);

} // namespace sluice
