// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/server_service.hpp"

#include "plugins/core/channel_access.hpp"

namespace sluice {

namespace {
Server::Session session_of(const SessionService::Name& name) { return {name.session, name.camera, name.principal}; }

} // namespace

uint64_t ServerService::now() const { return channel_now(); }

void ServerService::authorize(AuthQuestion question, std::function<void(const AuthAnswer&)> answer) {
    authorizer_->ask(std::move(question), channel_now(), std::move(answer));
}

void ServerService::join(Join join, std::function<void(Result<Joined>)> done) {
    server_->join({.camera = std::move(join.camera),
                   .quality = std::move(join.quality),
                   .offer = std::move(join.offer),
                   .principal = std::move(join.principal),
                   .expires = join.expires,
                   .peer_address = std::move(join.peer_address),
                   .login = std::move(join.login),
                   .posted = join.asked},
                  [done = std::move(done)](Result<Server::Joined> result) {
                      if (result)
                          done(Joined{result->id, result->answer});
                      else
                          done(result.error());
                  });
}

Result<bool> ServerService::candidate(const Name& name, const std::string& candidate) {
    return server_->trickle(session_of(name),
                            candidate.empty() ? "a=end-of-candidates\r\n" : "a=" + candidate + "\r\n");
}

Result<bool> ServerService::set_quality(const Name& name, const std::string& quality) {
    return server_->set_quality(session_of(name), quality);
}

Result<bool> ServerService::leave(const Name& name) { return server_->leave(session_of(name)); }

Result<std::string> ServerService::camera_of(const std::string& session, const std::string& principal) {
    return server_->camera_of(session, principal);
}

Result<SentStream> ServerService::watch(const Name& name, SessionListener listener) {
    return server_->watch(session_of(name), std::move(listener));
}

} // namespace sluice
