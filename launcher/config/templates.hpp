// SPDX-License-Identifier: LGPL-2.1-or-later
// All templates there are, by name. Read once at the start.
#pragma once

#include "launcher/config/source_template.hpp"
#include "plugins/core/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

class Templates {
public:
    // directories: as in PATH; of two templates of one name the first counts. The Error lists everything that is wrong with
    // any of the files (bad_config), or says that there is no such directory (missing_file).
    static Result<Templates> load(const std::string& directories);

    void add(SourceTemplate source_template);
    const SourceTemplate* find(const std::string& name) const;
    std::vector<std::string> names(SourceTemplate::Kind kind) const;

private:
    std::map<std::string, SourceTemplate> templates_;
};

// $SLUICE_PIPELINES, else where templates are installed.
std::string template_directories();

} // namespace sluice
