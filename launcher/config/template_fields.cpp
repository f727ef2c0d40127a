// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/template_fields.hpp"

#include "launcher/config/parameter_value.hpp"
#include "launcher/config/url.hpp"

#include <algorithm>

namespace sluice {

bool TemplateFields::is_field(const std::string& name) const {
    return std::find(fields_.begin(), fields_.end(), name) != fields_.end();
}

// Parameters that a description may give by name.
std::string TemplateFields::parameter_names(const SourceTemplate& source_template) const {
    std::vector<std::string> names;
    for (const auto& item : source_template.parameters)
        if (!is_field(item.first))
            names.push_back(item.first);
    return names.empty() ? "none" : join(names);
}

const SourceTemplate* TemplateFields::find(const std::string& name) const {
    const SourceTemplate* found = context_.templates.find(name);
    return found && found->kind == kind_ ? found : nullptr;
}

const SourceTemplate* TemplateFields::named(const Json& value, const std::string& pointer, const char* otherwise) {
    const std::string at = pointer + "/template";
    if (context_.restricted) {
        error(at,
              std::string("found a template, which only the configuration file of this machine can name, allowed: ") +
                  otherwise);
        return nullptr;
    }
    const std::string* name = text(value, pointer, "template", names().c_str());
    const SourceTemplate* found = name ? find(*name) : nullptr;
    if (name && !found)
        bad_value(at, *name, names());
    return found;
}

void TemplateFields::parameters(const Json& value, const std::string& pointer, const SourceTemplate& source_template,
                                Values& out) {
    const Json* given = field(value, "parameters");
    if (!given)
        return;
    const std::string at = pointer + "/parameters";
    if (!given->is_object()) {
        wrong_type(at, *given,
                   "an object with parameters of the template " + source_template.name + ": " +
                       parameter_names(source_template));
        return;
    }
    for (const auto& item : given->items()) {
        const std::string here = json_pointer(at, item.key());
        const auto known = source_template.parameters.find(item.key());
        if (known == source_template.parameters.end() || is_field(item.key())) {
            error(here, "found a parameter that the template " + source_template.name +
                            (known == source_template.parameters.end() ? " does not have"
                                                                       : " takes from the field of that name") +
                            ", allowed: " + parameter_names(source_template));
            continue;
        }
        if (context_.restricted && chooses_encoder(known->second)) {
            error(here,
                  "found an encoder, which only the configuration file of this machine can name, allowed: none, for "
                  "the best that works");
            continue;
        }
        auto found = parameter_value(item.value());
        if (!found) {
            wrong_type(here, item.value(), allowed_phrase(known->second));
            continue;
        }
        if (const auto allowed = not_allowed(known->second, *found)) {
            if (item.value().is_string() && known->second.type == TemplateParameter::Type::string)
                bad_value(here, item.value().get<std::string>(), *allowed);
            else if (found->index() == static_cast<size_t>(known->second.type))
                error(here, "found " + item.value().dump() + ", allowed: " + *allowed);
            else
                wrong_type(here, item.value(), *allowed);
        } else if (out.count(item.key())) {
            error(here, "found a second value beside the one in the address, allowed: one of them");
        } else {
            out[item.key()] = std::move(*found);
        }
    }
}

void TemplateFields::not_taken(const std::string& at, const SourceTemplate& source_template) {
    error(at, "found a value that the template " + source_template.name + " does not take, allowed: none here");
}

void TemplateFields::check_taken(const Json& value, const std::string& pointer, const char* name,
                                 const SourceTemplate& source_template) {
    if (field(value, name) && !source_template.parameters.count(name))
        not_taken(json_pointer(pointer, name), source_template);
}

void TemplateFields::check_needed(const Json& value, const std::string& pointer, const SourceTemplate& source_template,
                                  const Values& given) {
    for (const auto& [name, parameter] : source_template.parameters) {
        if (!parameter.required || given.count(name) || (is_field(name) && field(value, name.c_str())))
            continue;
        if (const Json* list = field(value, "parameters"); list && list->is_object() && field(*list, name.c_str()))
            continue; // there, and wrong: that has been said
        error(
            is_field(name) ? json_pointer(pointer, name) : json_pointer(pointer + "/parameters", name),
            "found nothing, allowed: " + (name == "url" ? std::string(camera_url_allowed) : allowed_phrase(parameter)) +
                " (the template " + source_template.name + " needs it)");
    }
}

} // namespace sluice
