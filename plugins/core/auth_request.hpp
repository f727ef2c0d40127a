// SPDX-License-Identifier: LGPL-2.1-or-later
// How an element makes a SluiceAuthRequest and hears the answer.
#pragma once

#include "plugins/core/api.hpp"
#include "plugins/core/error_kind.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/sluiceauthrequest.h"

#include <functional>
#include <map>
#include <string>

namespace sluice {

struct AuthQuestion {
    std::string action, camera, channel, peer_address;
    std::map<std::string, std::string> headers; // lower-case names
};
struct AuthAnswer {
    bool accepted = false;
    std::string principal;      // accepted
    int64_t expires = 0;        // unix seconds, 0: never
    bool known = false;         // denied: who it is was clear, but it may not
    std::string reason;         // denied, for the client to read
    std::string login;          // accepted: by which login, empty: none; a label, opens nothing
    unsigned retry_seconds = 0; // denied for now only: when to ask again; 0: not for that reason

    Error denial() const {
        return {retry_seconds ? ErrorKind::too_many
                : known       ? ErrorKind::forbidden
                              : ErrorKind::unauthenticated,
                reason};
    }
};
// `answer` is called exactly once: with the first answer, from the answering thread, or when the request is dropped unanswered.
SLUICE_API Ref<SluiceAuthRequest> make_auth_request(AuthQuestion question,
                                                    std::function<void(const AuthAnswer&)> answer);

} // namespace sluice
