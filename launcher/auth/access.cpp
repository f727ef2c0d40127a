// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/access.hpp"

#include <glib.h>

#include <utility>

namespace sluice {

AuthDecision refused(AuthDecision::Verdict verdict, std::string reason, unsigned retry_seconds) {
    AuthDecision out;
    out.verdict = verdict;
    out.reason = std::move(reason);
    out.retry_seconds = retry_seconds;
    return out;
}

std::string lacks_right(const std::string& principal, Action action, const std::optional<std::string>& camera) {
    return principal + " lacks the right \"" + std::string(to_string(action)) + "\" on " +
           (camera ? "the camera " + *camera : std::string("all cameras"));
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size() ||
        g_ascii_strncasecmp(authorization.data(), scheme.data(), scheme.size()) != 0)
        return std::nullopt;
    return authorization.substr(scheme.size());
}

} // namespace sluice
