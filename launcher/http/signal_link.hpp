// SPDX-License-Identifier: LGPL-2.1-or-later
// One connection to the signalling of webrtcserversink (its action create-signaller): JSON in, JSON out. Lives in the main
// context, which is that of the HTTP server.
#pragma once

#include "plugins/core/json_text.hpp"
#include "plugins/core/refs.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace sluice {

struct ApiCall;

class SignalLink {
public:
    // What it is to the server: who, from where, and the headers that each join is authorised with.
    struct Client {
        std::string principal, peer;
        std::map<std::string, std::string> headers; // lower-case names
    };
    // NULL: the element takes nobody any more.
    static std::shared_ptr<SignalLink> open(GstElement* element, const Client& client);
    ~SignalLink(); // sessions that were joined live on
    SignalLink(const SignalLink&) = delete;
    SignalLink& operator=(const SignalLink&) = delete;

    // Both may be called from within say(). on_close: nothing comes any more.
    std::function<void(const Json& message)> on_message;
    std::function<void()> on_close;
    void say(const Json& message);
    void leave(); // in order: the sessions that were joined end

private:
    explicit SignalLink(Ref<GObject> signaller) : signaller_(std::move(signaller)) {}
    const Ref<GObject> signaller_;
};

// Of a request that has been let in.
SignalLink::Client link_client(const ApiCall& call);

} // namespace sluice
