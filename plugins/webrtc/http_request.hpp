// SPDX-License-Identifier: LGPL-2.1-or-later
// What the HTTP transports have in common.
#pragma once

#include "plugins/core/auth_request.hpp"
#include "plugins/core/error_kind.hpp"
#include "plugins/core/http_message.hpp"
#include "plugins/core/refs.hpp"

#include <libsoup/soup.h>

#include <string>

namespace sluice {

// A message whose answer comes later, from elsewhere. Touched in the server's context only.
class LateAnswer {
public:
    explicit LateAnswer(SoupServerMessage* message);
    ~LateAnswer() { forget(); }
    LateAnswer(const LateAnswer&) = delete;
    LateAnswer& operator=(const LateAnswer&) = delete;

    SoupServerMessage* message() const { return message_.get(); }
    bool client_gone() const { return gone_; }
    void wait();     // at the handler's end: the message is paused, unless it has been answered meanwhile
    void answered(); // the answer is in the message

private:
    void forget();
    const Ref<SoupServerMessage> message_;
    gulong handlers_[2] = {};
    bool gone_ = false, answered_ = false, paused_ = false;
};

// quality: that of a join, empty or auto asks for the camera's main stream.
AuthQuestion auth_question(SoupServerMessage* message, const std::string& action, const std::string& camera,
                           const std::string& quality);
void reply(SoupServerMessage* message, unsigned status, const char* type, const std::string& body);
// application/problem+json. retry_seconds: for errors that pass.
void reply(SoupServerMessage* message, const Error& error, unsigned retry_seconds = 1);

} // namespace sluice
