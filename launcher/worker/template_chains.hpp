// SPDX-License-Identifier: LGPL-2.1-or-later
// The branches of a template as a worker process gets them: with the pieces that belong to the values given, and with what is to
// be set in them. Pure.
#pragma once

#include "launcher/config/source_template.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

// What a track of such caps goes through.
struct TemplateChain {
    std::string caps, pipeline;
    bool operator==(const TemplateChain&) const = default;
};

struct TemplateChains {
    std::vector<TemplateChain> chains;
    std::vector<PropertySetting> settings; // each for those chains that have such an element
    bool operator==(const TemplateChains&) const = default;
};

// Error (bad_config): the values do not fit the template.
Result<TemplateChains> chains_of(const SourceTemplate& source_template,
                                 const std::map<std::string, ParameterValue>& values);
// As the fields "chains" and "settings" of an object.
void put_chains(Json& out, const std::vector<TemplateChain>& chains, const std::vector<PropertySetting>& settings);
// False: there are none.
bool take_chains(const Json& value, std::vector<TemplateChain>& chains, std::vector<PropertySetting>& settings);
// Of an object's field; false: it has none that is a text.
bool take_text(const Json& value, const char* field, std::string& out);

} // namespace sluice
