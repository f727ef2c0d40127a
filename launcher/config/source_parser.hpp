// SPDX-License-Identifier: LGPL-2.1-or-later
// One source of a stream: where it is, what it asks for, which template plays it.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/template_fields.hpp"
#include "launcher/config/url.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

class SourceParser : TemplateFields {
public:
    SourceParser(const ConfigContext& context, std::vector<ConfigError>& errors)
        : TemplateFields(context, errors, SourceTemplate::Kind::source,
                         {"url", "user", "password", "transport", "latency"}) {}

    // value: an object whose fields are known to be allowed. The result is meaningful only without errors.
    SourceConfig parse(const Json& value, const std::string& pointer);

private:
    std::optional<CameraUrl> address(const Json& value, const std::string& pointer);
    const SourceTemplate* choose_template(const Json& value, const std::string& pointer,
                                          const std::optional<CameraUrl>& url);
    void credentials(const Json& value, const std::string& pointer);
    void secret(const Json& value, const std::string& pointer, Secret& out);
    void transport(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url,
                   const SourceTemplate* source_template);
    void fingerprint(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url);
    void check_fields(const Json& value, const std::string& pointer, const std::optional<CameraUrl>& url,
                      const SourceTemplate& source_template);
    std::string absolute(const std::string& path) const;

    SourceConfig out_;
};

// directory: empty for the working directory.
std::string absolute_path(const std::string& directory, const std::string& path);

} // namespace sluice
