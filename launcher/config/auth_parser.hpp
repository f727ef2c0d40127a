// SPDX-License-Identifier: LGPL-2.1-or-later
// /server/auth: identity providers and servers that are asked.
#pragma once

#include "launcher/config/auth_config.hpp"
#include "launcher/config/config_context.hpp"
#include "launcher/config/field_reader.hpp"

#include <string>
#include <vector>

namespace sluice {

class AuthParser : FieldReader {
public:
    AuthParser(const ConfigContext& context, std::vector<ConfigError>& errors)
        : FieldReader(errors), context_(context) {}

    // The result is meaningful only without errors.
    AuthConfig parse(const Json& value, const std::string& pointer);

private:
    JwtConfig jwt(const Json& value, const std::string& pointer);
    void keys(const Json& value, const std::string& pointer, JwtConfig& out);
    ClaimRule rule(const Json& value, const std::string& pointer);
    AuthRequestConfig auth_request(const Json& value, const std::string& pointer);
    std::vector<std::string> actions(const Json& value, const std::string& pointer);
    // The text of a field that must be there.
    std::string needed(const Json& value, const std::string& pointer, const char* name, const char* allowed);
    // An http(s) address without credentials. only_local_clear: http to this machine alone.
    std::string address(const Json& value, const std::string& pointer, const char* name, bool only_local_clear);

    const ConfigContext& context_;
};

} // namespace sluice
