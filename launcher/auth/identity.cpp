// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/identity.hpp"

#include "launcher/auth/auth_request_check.hpp"
#include "launcher/auth/http_fetch.hpp"
#include "launcher/auth/jwt_check.hpp"
#include "launcher/auth/key_file.hpp"
#include "launcher/auth/key_keeper.hpp"
#include "launcher/config/secret.hpp"
#include "launcher/log.hpp"

#include <ctime>

namespace sluice {

namespace {

constexpr guint tick_seconds = 2;

int64_t unix_time() { return std::time(nullptr); }
std::chrono::steady_clock::time_point steady() { return std::chrono::steady_clock::now(); }

KeyKeeper::Fetch from_file(const std::string& path) {
    return [file = std::make_shared<KeyFile>(path)](const std::function<void(KeyKeeper::Answer)>& done) {
        done(file->read());
    };
}

KeyKeeper::Fetch from_url(const std::string& url) {
    return [http = std::make_shared<HttpFetch>(false), url](const std::function<void(KeyKeeper::Answer)>& done) {
        HttpAsk ask;
        ask.url = url;
        ask.headers = {{"Accept", "application/jwk-set+json, application/json"}};
        ask.max_body = max_jwks_bytes;
        http->get(ask, [done](const HttpReply& reply) {
            if (reply.status == 200)
                done(std::optional(reply.body));
            else
                done(Error{ErrorKind::unavailable,
                           reply.status == 0 ? reply.error : "answered with status " + std::to_string(reply.status)});
        });
    };
}

// Calls tick() as long as the check lives.
class TickingCheck final : public CredentialCheck {
public:
    TickingCheck(std::unique_ptr<CredentialCheck> check, KeyKeeper& keys) : check_(std::move(check)) {
        keys.tick();
        source_ = g_timeout_add_seconds(
            tick_seconds,
            [](gpointer data) -> gboolean {
                static_cast<KeyKeeper*>(data)->tick();
                return G_SOURCE_CONTINUE;
            },
            &keys);
    }
    ~TickingCheck() override { g_source_remove(source_); }
    TickingCheck(const TickingCheck&) = delete;
    TickingCheck& operator=(const TickingCheck&) = delete;

    bool takes(const AuthRequest& request) const override { return check_->takes(request); }
    void check(const AuthRequest& request, std::function<void(AuthDecision)> done) override {
        check_->check(request, std::move(done));
    }

private:
    std::unique_ptr<CredentialCheck> check_;
    guint source_ = 0;
};

std::unique_ptr<CredentialCheck> tokens(const JwtConfig& config) {
    const bool file = !config.keys_file.empty();
    KeyKeeper::Times times;
    if (file) {
        // Two stat() calls at most per tick, and a new key counts at once.
        times.refresh = std::chrono::seconds(tick_seconds);
        times.retry = times.longest_retry = times.refresh;
        times.between = std::chrono::seconds(0);
    }
    auto keys =
        std::make_unique<KeyKeeper>(file ? from_file(config.keys_file) : from_url(config.keys_url), times, steady,
                                    [where = file ? config.keys_file : std::string("/server/auth/jwt/jwks/url")](
                                        const std::string& text) { log_warning(where + ": " + text); });
    KeyKeeper& held = *keys;
    return std::make_unique<TickingCheck>(std::make_unique<JwtCheck>(config, std::move(keys), unix_time), held);
}

std::unique_ptr<CredentialCheck> other_server(const AuthRequestConfig& config) {
    // Credentials go there: nobody on the way gets them because of a variable of the environment.
    const auto http = std::make_shared<HttpFetch>(true);
    return std::make_unique<AuthRequestCheck>(
        config, [http](const HttpAsk& ask, std::function<void(HttpReply)> done) { http->get(ask, std::move(done)); },
        AuthRequestCheck::Clocks{steady, unix_time},
        [](const std::string& text) { log_warning("/server/auth/auth-request: " + text); }, AuthRequestCheck::Limits());
}

} // namespace

Result<bool> check_identity(const AuthConfig& config) {
    if (!config.jwt || config.jwt->keys_file.empty())
        return true;
    const std::string& path = config.jwt->keys_file;
    const Result<std::optional<std::string>> text = KeyFile(path).read();
    if (!text)
        return Error{text.error().kind, path + ": " + text.error().text};
    std::vector<std::string> ignored;
    if (const Result<JwkSet> set = JwkSet::parse(text.value().value_or(""), ignored); !set)
        return Error{ErrorKind::bad_config, path + ": " + set.error().text};
    return true;
}

Result<bool> add_identity(Authenticator& auth, const AuthConfig& config, const SignedUrls& signed_urls) {
    if (Result<bool> usable = check_identity(config); !usable)
        return usable;
    auth.add_check(std::make_unique<SignedUrlCheck>(signed_urls, unix_time));
    if (config.jwt)
        auth.add_check(tokens(*config.jwt));
    if (config.auth_request)
        auth.add_check(other_server(*config.auth_request));
    return true;
}

} // namespace sluice
