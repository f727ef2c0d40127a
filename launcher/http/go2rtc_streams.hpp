// SPDX-License-Identifier: LGPL-2.1-or-later
// The list of streams as go2rtc gives it, and the streams that dashboards register through it. Pure.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice {

// The version of go2rtc whose interface this is: clients refuse to speak to what they do not know.
constexpr const char* go2rtc_version = "1.9.13";

// One stream of a camera. camera: as in our own list; description: the camera's, or null for those who may not see where it
// comes from; sound: RTP encoding name, may be empty; viewers: as in our own list.
Json go2rtc_stream(const Json& camera, const Json& stream, const Json& description, const std::string& sound,
                   const Json& viewers);

struct Go2rtcRegistration {
    struct Source {
        std::string url, user; // the address without user and password
        Secret password;
    };
    std::vector<Source> sources;
};
// sources: the addresses as they were sent. Error (bad_input): names the one that cannot be registered and what is allowed.
Result<Go2rtcRegistration> go2rtc_registration(const std::string& name, const std::vector<std::string>& sources);

// What stands under /streams/main of the camera; keep(): the name of the file that holds a password.
Result<Json> describe(const Go2rtcRegistration& registration,
                      const std::function<Result<std::string>(const Secret&)>& keep);
// The description's main stream comes from the same addresses, whatever the users and passwords.
bool same_addresses(const Go2rtcRegistration& registration, const Json& description);

} // namespace sluice
