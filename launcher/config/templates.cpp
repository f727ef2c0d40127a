// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/templates.hpp"

#include "plugins/core/small_file.hpp"

#include <cstdlib>
#include <optional>

namespace sluice {

namespace {

constexpr size_t max_templates = 256;

} // namespace

Result<Templates> Templates::load(const std::string& directories) {
    Templates out;
    std::optional<Error> wrong;
    for (const std::string& directory : directories_in(directories)) {
        const auto names = json_names_in(directory, "templates", "SLUICE_PIPELINES", max_templates);
        if (!names)
            return names.error();
        for (const std::string& name : names.value()) {
            if (out.find(name))
                continue;
            Result<SourceTemplate> loaded = load_template(directory, name);
            if (loaded)
                out.add(std::move(loaded).value());
            else if (wrong)
                wrong->text += "\n" + loaded.error().text;
            else
                wrong = loaded.error();
        }
    }
    if (wrong)
        return *wrong;
    return out;
}

void Templates::add(SourceTemplate source_template) {
    const std::string name = source_template.name;
    templates_.emplace(name, std::move(source_template));
}

const SourceTemplate* Templates::find(const std::string& name) const {
    const auto it = templates_.find(name);
    return it == templates_.end() ? nullptr : &it->second;
}

std::vector<std::string> Templates::names(SourceTemplate::Kind kind) const {
    std::vector<std::string> out;
    for (const auto& [name, source_template] : templates_)
        if (source_template.kind == kind)
            out.push_back(name);
    return out;
}

std::string template_directories() {
    const char* given = std::getenv("SLUICE_PIPELINES");
    return given && *given ? given : SLUICE_PIPELINES_DIR;
}

} // namespace sluice
