// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/signaller.hpp"

#include "plugins/webrtc/quality.hpp"

#include <utility>

namespace sluice {

std::shared_ptr<Signaller> Signaller::create(std::shared_ptr<SessionService> service, Carrier carrier, Client client) {
    std::shared_ptr<Signaller> s(new Signaller);
    s->service_ = std::move(service);
    s->carrier_ = std::move(carrier);
    s->client_ = std::move(client);
    return s;
}

void Signaller::start() { carrier_.send(signal_text::hello(max_sessions)); }

void Signaller::refuse(const std::string& id, const Error& error) {
    if (open_)
        carrier_.send(signal_text::error(id, error));
}

void Signaller::receive(std::string_view text, int64_t unix_now) {
    if (!open_)
        return;
    if (client_.expires != 0 && unix_now >= client_.expires) {
        open_ = false;
        return carrier_.close(policy, "the permission has expired");
    }
    const auto parsed = parse_signal(text);
    if (const auto* bad = std::get_if<SignalRefusal>(&parsed)) {
        refuse(bad->id, bad->error);
        if (++bad_messages_ >= max_bad_messages && open_) {
            open_ = false;
            carrier_.close(policy, "too many messages that cannot be understood");
        }
        return;
    }
    const auto& m = std::get<SignalMessage>(parsed);
    using Type = SignalMessage::Type;
    if (m.type == Type::ping)
        return carrier_.send(signal_text::pong());
    if (m.type == Type::join)
        return join(m);
    if (m.type == Type::attach)
        return attach(m);
    const auto it = sessions_.find(m.id);
    if (it == sessions_.end() || it->second.left)
        return refuse(m.id, {ErrorKind::not_found, "there is no session '" + m.id + "' on this connection"});
    Session& session = it->second;
    const SessionService::Name name = session.name;
    if (m.type == Type::leave) {
        session.left = true; // one that is still joining is ended when it has joined
        if (!name.session.empty())
            if (const auto result = service_->leave(name); !result) {
                sessions_.erase(m.id);
                refuse(m.id, result.error());
            }
        return;
    }
    if (name.session.empty())
        return refuse(m.id, {ErrorKind::conflict, "session '" + m.id + "' is not answered yet"});
    const auto result =
        m.type == Type::candidate ? service_->candidate(name, m.candidate) : service_->set_quality(name, m.quality);
    if (!result)
        refuse(m.id, result.error());
}

void Signaller::join(const SignalMessage& m) {
    if (!client_.camera.empty() && m.camera != client_.camera)
        return refuse(m.id, {ErrorKind::not_found, "this connection serves camera '" + client_.camera + "' only"});
    if (sessions_.contains(m.id))
        return refuse(m.id, {ErrorKind::conflict, "the id '" + m.id + "' is in use on this connection"});
    if (sessions_.size() >= max_sessions)
        return refuse(m.id, {ErrorKind::too_many,
                             "all " + std::to_string(max_sessions) + " sessions of this connection are taken"});
    sessions_[m.id].name.camera = m.camera;
    AuthQuestion question = client_.question;
    question.action = "view";
    question.camera = m.camera;
    question.channel = m.camera + "/" + (m.quality.empty() || m.quality == quality_auto ? "main" : m.quality);
    service_->authorize(std::move(question),
                        [self = shared_from_this(), m, asked = service_->now()](const AuthAnswer& who) {
                            self->carrier_.post([self, m, who, asked] { self->authorized(m, who, asked); });
                        });
}

void Signaller::authorized(const SignalMessage& m, const AuthAnswer& who, uint64_t asked) {
    const auto it = sessions_.find(m.id);
    if (it == sessions_.end())
        return; // the carrier has ended
    if (it->second.left) {
        sessions_.erase(it);
        return carrier_.send(signal_text::closed(m.id, "the viewer has left"));
    }
    if (!who.accepted) {
        sessions_.erase(it);
        return refuse(m.id, who.denial());
    }
    const SessionService::Name name{"", m.camera, who.principal};
    service_->join(
        {m.camera, m.quality, m.sdp, who.principal, client_.question.peer_address, who.expires, who.login, asked},
        [self = shared_from_this(), id = m.id, name](Result<SessionService::Joined> result) {
            self->carrier_.post([self, id, name, result = std::move(result)] { self->joined(id, name, result); });
        });
}

void Signaller::joined(const std::string& id, const SessionService::Name& asked,
                       const Result<SessionService::Joined>& result) {
    SessionService::Name name = asked;
    if (result)
        name.session = result.value().session;
    const auto it = sessions_.find(id);
    if (it == sessions_.end() || it->second.left || !open_) { // nobody is there to take the answer
        if (it != sessions_.end())
            sessions_.erase(it);
        if (result)
            static_cast<void>(service_->leave(name)); // it may have ended by itself
        if (open_)
            carrier_.send(signal_text::closed(id, "the viewer has left"));
        return;
    }
    if (!result) {
        sessions_.erase(it);
        return refuse(id, result.error());
    }
    it->second.name = name;
    const auto sent = watch(id, name); // before the viewer knows of it: what ends it from now on has a reason
    carrier_.send(signal_text::answer(id, name.session, result.value().answer, sent ? sent.value() : SentStream{}));
    if (!sent)
        event(id, name.session, {SessionEvent::Kind::closed, "the session has ended"});
}

void Signaller::attach(const SignalMessage& m) {
    if (sessions_.contains(m.id))
        return refuse(m.id, {ErrorKind::conflict, "the id '" + m.id + "' is in use on this connection"});
    if (sessions_.size() >= max_sessions)
        return refuse(m.id, {ErrorKind::too_many,
                             "all " + std::to_string(max_sessions) + " sessions of this connection are taken"});
    const auto camera = service_->camera_of(m.session, client_.principal);
    if (!camera)
        return refuse(m.id, camera.error());
    const SessionService::Name name{m.session, camera.value(), client_.principal};
    sessions_[m.id].name = name;
    if (const auto sent = watch(m.id, name)) {
        carrier_.send(signal_text::attached(m.id, m.session, sent.value()));
    } else {
        sessions_.erase(m.id);
        refuse(m.id, sent.error());
    }
}

Result<SentStream> Signaller::watch(const std::string& id, const SessionService::Name& name) {
    const std::weak_ptr<Signaller> weak = weak_from_this();
    return service_->watch(name, [weak, post = carrier_.post, id, session = name.session](const SessionEvent& e) {
        post([weak, id, session, e] {
            if (const auto self = weak.lock())
                self->event(id, session, e);
        });
    });
}

void Signaller::event(const std::string& id, const std::string& session, const SessionEvent& e) {
    const auto it = sessions_.find(id);
    if (!open_ || it == sessions_.end() || it->second.name.session != session)
        return;
    using Kind = SessionEvent::Kind;
    switch (e.kind) {
    case Kind::switched: return carrier_.send(signal_text::switched(id, e.sent));
    case Kind::quality: return carrier_.send(signal_text::quality(id, e.text));
    case Kind::streaming: return carrier_.send(signal_text::state(id, "streaming", ""));
    case Kind::waiting: return carrier_.send(signal_text::state(id, "waiting", e.text));
    case Kind::taken: sessions_.erase(it); return carrier_.send(signal_text::closed(id, "attached elsewhere"));
    case Kind::closed: sessions_.erase(it); return carrier_.send(signal_text::closed(id, e.text));
    }
}

void Signaller::carrier_closed(bool in_order) {
    open_ = false;
    const auto sessions = std::move(sessions_);
    sessions_.clear();
    for (const auto& [id, session] : sessions)
        if (in_order && !session.name.session.empty())
            static_cast<void>(service_->leave(session.name));
}

void Signaller::shut_down(const std::string& reason) {
    if (!std::exchange(open_, false))
        return;
    carrier_.send(signal_text::going_away(reason));
    carrier_.close(going_away, reason);
}

} // namespace sluice
