// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/template_chains.hpp"

#include "launcher/config/parameter_value.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice {

namespace {

bool parameter(const Json& value, const char* field, ParameterValue& out) {
    const auto it = value.find(field);
    auto found = it == value.end() ? std::nullopt : parameter_value(*it);
    if (found)
        out = std::move(*found);
    return found.has_value();
}

// Of a list of objects; false: it is none, or one of them is not what it should be.
template <typename Take> bool each(const Json& value, const char* field, Take take) {
    const auto it = value.find(field);
    return it != value.end() && it->is_array() &&
           std::all_of(it->begin(), it->end(), [&](const Json& item) { return item.is_object() && take(item); });
}

} // namespace

bool take_text(const Json& value, const char* field, std::string& out) {
    const auto it = value.find(field);
    if (it == value.end() || !it->is_string())
        return false;
    out = it->get<std::string>();
    return true;
}

Result<TemplateChains> chains_of(const SourceTemplate& source_template,
                                 const std::map<std::string, ParameterValue>& values) {
    auto settings = bind_parameters(source_template, values);
    if (!settings)
        return settings.error();
    TemplateChains out{.chains = {}, .settings = std::move(settings).value()};
    std::set<std::string> given;
    for (const auto& [name, parameter] : source_template.parameters)
        if (parameter.fallback || values.count(name))
            given.insert(name);
    for (const SourceTemplate::Branch& branch : source_template.branches)
        out.chains.push_back({branch.caps, branch.text(given)});
    return out;
}

void put_chains(Json& out, const std::vector<TemplateChain>& chains, const std::vector<PropertySetting>& settings) {
    out["chains"] = Json::array();
    out["settings"] = Json::array();
    for (const TemplateChain& chain : chains)
        out["chains"].push_back({{"caps", chain.caps}, {"pipeline", chain.pipeline}});
    for (const PropertySetting& s : settings) {
        Json one{{"element", s.element}, {"property", s.property}, {"field", s.field}};
        std::visit([&](const auto& value) { one["value"] = value; }, s.value);
        out["settings"].push_back(std::move(one));
    }
}

bool take_chains(const Json& value, std::vector<TemplateChain>& chains, std::vector<PropertySetting>& settings) {
    return each(value, "chains",
                [&](const Json& item) {
                    TemplateChain& chain = chains.emplace_back();
                    return take_text(item, "caps", chain.caps) && take_text(item, "pipeline", chain.pipeline);
                }) &&
           each(value, "settings", [&](const Json& item) {
               PropertySetting& s = settings.emplace_back();
               return take_text(item, "element", s.element) && take_text(item, "property", s.property) &&
                      take_text(item, "field", s.field) && parameter(item, "value", s.value);
           });
}

} // namespace sluice
