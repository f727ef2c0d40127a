// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream that is made of another one of its camera: which, by what template, and how large.
#pragma once

#include "launcher/config/template_fields.hpp"

#include <string>
#include <vector>

namespace sluice {

class DerivedParser : TemplateFields {
public:
    DerivedParser(const ConfigContext& context, std::vector<ConfigError>& errors)
        : TemplateFields(context, errors, SourceTemplate::Kind::derived, {"width", "height", "framerate", "bitrate"}) {}

    // value: the object of a stream with "from". stream: its name. The result is meaningful only without errors.
    SourceConfig parse(const Json& value, const std::string& pointer, const std::string& stream);

private:
    const SourceTemplate* choose_template(const Json& value, const std::string& pointer);
    void figure(const Json& value, const std::string& pointer, const char* name, int64_t least, int64_t most,
                const char* unit, const SourceTemplate* source_template, unsigned& out);
};

// The fields of a stream that stand beside "from".
const std::vector<std::string>& derived_fields();

} // namespace sluice
