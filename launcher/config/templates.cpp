// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/templates.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace sluice {

namespace {

constexpr size_t max_templates = 256;

// Names of the templates in a directory: its files *.json, without that ending. Error: what is wrong with the directory.
Result<std::vector<std::string>> names_in(const std::string& directory) {
    std::vector<std::string> out;
    std::error_code problem;
    for (std::filesystem::directory_iterator it(directory, problem), end; !problem && it != end; it.increment(problem))
        if (it->path().extension() == ".json")
            out.push_back(it->path().stem().string());
    if (problem)
        return Error{ErrorKind::missing_file, "templates in " + directory + ": cannot be read: " + problem.message() +
                                                  " (SLUICE_PIPELINES names the directories of templates)"};
    if (out.size() > max_templates)
        return Error{ErrorKind::bad_config, "templates in " + directory + ": found " + std::to_string(out.size()) +
                                                " files, allowed: at most " + std::to_string(max_templates)};
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

Result<Templates> Templates::load(const std::string& directories) {
    Templates out;
    std::optional<Error> wrong;
    for (size_t begin = 0; begin <= directories.size();) {
        const size_t end = std::min(directories.find(':', begin), directories.size());
        const std::string directory = directories.substr(begin, end - begin);
        begin = end + 1;
        if (directory.empty())
            continue;
        const Result<std::vector<std::string>> names = names_in(directory);
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

std::vector<std::string> Templates::names() const {
    std::vector<std::string> out;
    for (const auto& item : templates_)
        out.push_back(item.first);
    return out;
}

std::string template_directories() {
    const char* given = std::getenv("SLUICE_PIPELINES");
    return given && *given ? given : SLUICE_PIPELINES_DIR;
}

} // namespace sluice
