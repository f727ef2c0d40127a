// SPDX-License-Identifier: LGPL-2.1-or-later
// What the description of a stream says of its template: which one, and values of its parameters.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/config_context.hpp"
#include "launcher/config/field_reader.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice {

class TemplateFields : protected FieldReader {
protected:
    using Values = std::map<std::string, ParameterValue>;

    // fields: those that give the parameters of their names a value; all others have theirs in "parameters".
    TemplateFields(const ConfigContext& context, std::vector<ConfigError>& errors, SourceTemplate::Kind kind,
                   std::vector<std::string> fields)
        : FieldReader(errors), context_(context), kind_(kind), fields_(std::move(fields)) {}

    std::string names() const { return join(context_.templates.names(kind_)); }
    const SourceTemplate* find(const std::string& name) const;
    // That of the field "template", which is there; nullptr with an error. otherwise: what an author gets who may name none.
    const SourceTemplate* named(const Json& value, const std::string& pointer, const char* otherwise);
    // Of the object "parameters", if it is there.
    void parameters(const Json& value, const std::string& pointer, const SourceTemplate& source_template, Values& out);
    // A field that is there and that the template does not take.
    void check_taken(const Json& value, const std::string& pointer, const char* name,
                     const SourceTemplate& source_template);
    void not_taken(const std::string& at, const SourceTemplate& source_template);
    // What the template needs and does not get. given: what has a value without being in a field.
    void check_needed(const Json& value, const std::string& pointer, const SourceTemplate& source_template,
                      const Values& given);
    const std::vector<std::string>& fields() const { return fields_; }

    const ConfigContext& context_;

private:
    bool is_field(const std::string& name) const;
    std::string parameter_names(const SourceTemplate& source_template) const;

    const SourceTemplate::Kind kind_;
    const std::vector<std::string> fields_;
};

} // namespace sluice
