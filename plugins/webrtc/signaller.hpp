// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/auth_request.hpp"
#include "plugins/core/result.hpp"
#include "plugins/webrtc/session_event.hpp"
#include "plugins/webrtc/signal_protocol.hpp"

#include <map>
#include <memory>

namespace sluice {

// What a signaller drives. Answers may come from any thread, also before the call returns.
class SessionService {
public:
    struct Join {
        std::string camera, quality, offer, principal, peer_address; // quality: empty is the camera's
        int64_t expires = 0;                                         // unix seconds, 0: never
        std::string login;                                           // as in AuthAnswer
        uint64_t asked = 0; // now() when it was authorized: what is closed from then on closes it, too
    };
    struct Joined {
        std::string session, answer;
    };
    struct Name { // of a session: nobody else finds it
        std::string session, camera, principal;
    };
    virtual ~SessionService() = default;
    virtual uint64_t now() const = 0; // on a clock of its own
    virtual void authorize(AuthQuestion question, std::function<void(const AuthAnswer&)> answer) = 0;
    virtual void join(Join join, std::function<void(Result<Joined>)> done) = 0;
    virtual Result<bool> candidate(const Name& name, const std::string& candidate) = 0;
    virtual Result<bool> set_quality(const Name& name, const std::string& quality) = 0;
    virtual Result<bool> leave(const Name& name) = 0;
    // Which camera a principal's session shows.
    virtual Result<std::string> camera_of(const std::string& session, const std::string& principal) = 0;
    // What is being sent. The listener replaces the one before; it must hold no reference to who it tells.
    virtual Result<SentStream> watch(const Name& name, SessionListener listener) = 0;
};

// The server's side of one signalling connection, whatever carries its texts (docs/signalling.md). All calls come from one
// thread at a time; `post` brings what others have to say there.
class Signaller : public std::enable_shared_from_this<Signaller> {
public:
    static constexpr unsigned max_sessions = 128;                   // of one connection
    static constexpr unsigned max_bad_messages = 16;                // then the connection is closed
    enum CloseCode : unsigned { going_away = 1001, policy = 1008 }; // RFC 6455, section 7.4.1

    struct Carrier {
        std::function<void(const std::string& text)> send;
        std::function<void(unsigned code, const std::string& reason)> close;
        std::function<void(std::function<void()>)> post;
    };
    struct Client {
        std::string principal;
        int64_t expires = 0;
        AuthQuestion question; // headers and address, asked again with each join
        std::string camera;    // the only one, if not empty
    };
    static std::shared_ptr<Signaller> create(std::shared_ptr<SessionService> service, Carrier carrier, Client client);

    void start(); // says hello
    void receive(std::string_view text, int64_t unix_now);
    // The carrier has ended. in_order: the viewer said goodbye, its sessions end; else they live on.
    void carrier_closed(bool in_order);
    // The server is about to end: tells, and closes the carrier.
    void shut_down(const std::string& reason);

private:
    struct Session {
        SessionService::Name name; // session empty: still joining
        bool left = false;
    };
    Signaller() = default;
    void join(const SignalMessage& m);
    void authorized(const SignalMessage& m, const AuthAnswer& who, uint64_t asked);
    void joined(const std::string& id, const SessionService::Name& asked, const Result<SessionService::Joined>& result);
    void attach(const SignalMessage& m);
    Result<SentStream> watch(const std::string& id, const SessionService::Name& name);
    void event(const std::string& id, const std::string& session, const SessionEvent& e);
    void refuse(const std::string& id, const Error& error);

    std::shared_ptr<SessionService> service_;
    Carrier carrier_;
    Client client_;
    std::map<std::string, Session> sessions_;
    unsigned bad_messages_ = 0;
    bool open_ = true;
};

} // namespace sluice
