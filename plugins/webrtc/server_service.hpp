// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/webrtc/authorizer.hpp"
#include "plugins/webrtc/server.hpp"
#include "plugins/webrtc/signaller.hpp"

namespace sluice {

// The sessions of a webrtcserversink, for a signaller.
class ServerService final : public SessionService {
public:
    ServerService(std::shared_ptr<Server> server, std::shared_ptr<Authorizer> authorizer)
        : server_(std::move(server)), authorizer_(std::move(authorizer)) {}

    uint64_t now() const override;
    void authorize(AuthQuestion question, std::function<void(const AuthAnswer&)> answer) override;
    void join(Join join, std::function<void(Result<Joined>)> done) override;
    Result<bool> candidate(const Name& name, const std::string& candidate) override;
    Result<bool> set_quality(const Name& name, const std::string& quality) override;
    Result<bool> leave(const Name& name) override;
    Result<std::string> camera_of(const std::string& session, const std::string& principal) override;
    Result<SentStream> watch(const Name& name, SessionListener listener) override;

private:
    const std::shared_ptr<Server> server_;
    const std::shared_ptr<Authorizer> authorizer_;
};

} // namespace sluice
