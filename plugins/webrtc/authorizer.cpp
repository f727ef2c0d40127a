// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/authorizer.hpp"

#include <atomic>

namespace sluice {

namespace {
constexpr size_t max_open = 256; // questions that wait for an answer; more are refused at once
} // namespace

struct Authorizer::Passwords {
    explicit Passwords(std::shared_ptr<const Credentials> c) : credentials(std::move(c)) {}
    const std::shared_ptr<const Credentials> credentials;
    CredentialCache cache;
};

struct Authorizer::Open {
    Answer answer;
    GstClockTime deadline = 0;
    std::atomic<bool> answered{false};
    std::weak_ptr<std::set<std::shared_ptr<Open>>> list;
    std::weak_ptr<std::mutex> mutex;

    static void give(const std::shared_ptr<Open>& self, const AuthAnswer& a) {
        if (self->answered.exchange(true))
            return;
        if (auto m = self->mutex.lock())
            if (auto l = self->list.lock()) {
                std::lock_guard lock(*m);
                l->erase(self);
            }
        self->answer(a);
    }
};

namespace {
struct PasswordTask {
    std::function<void()> run;
};
} // namespace

Authorizer::Authorizer(Handler handler, std::shared_ptr<const Credentials> credentials)
    : handler_(std::move(handler)), passwords_(std::make_shared<Passwords>(std::move(credentials))),
      mutex_(std::make_shared<std::mutex>()), open_(std::make_shared<std::set<std::shared_ptr<Open>>>()) {
    verifier_ = g_thread_pool_new(
        +[](gpointer data, gpointer) {
            const std::unique_ptr<PasswordTask> task(static_cast<PasswordTask*>(data));
            task->run();
        },
        nullptr, 1, FALSE, nullptr);
}

Authorizer::~Authorizer() { g_thread_pool_free(verifier_, FALSE, FALSE); }

void Authorizer::ask(AuthQuestion question, GstClockTime now, Answer answer) {
    auto open = std::make_shared<Open>();
    open->answer = std::move(answer);
    open->deadline = now + limit;
    open->list = open_;
    open->mutex = mutex_;
    bool full = false, closed = false;
    {
        std::lock_guard lock(*mutex_);
        full = open_->size() >= max_open;
        closed = closed_;
        if (!full && !closed)
            open_->insert(open);
    }
    if (closed)
        return Open::give(open, {.reason = "the server is shutting down"});
    if (full)
        return Open::give(open, {.reason = "too many requests are waiting for authorization"});

    if (handler_.present()) {
        const auto request =
            make_auth_request(std::move(question), [open](const AuthAnswer& a) { Open::give(open, a); });
        return handler_.hand_over(request.get());
    }
    const auto header = question.headers.find("authorization");
    std::string authorization = header == question.headers.end() ? "" : header->second;
    if (!passwords_->credentials)
        return Open::give(open,
                          {.reason = "nobody may watch: neither an authorize handler nor a credentials-file is set"});
    check_password(std::move(authorization), open);
}

void Authorizer::check_password(std::string authorization, const std::shared_ptr<Open>& open) {
    const auto basic = parse_basic(authorization);
    if (!basic)
        return Open::give(open, {.reason = "credentials are needed (HTTP Basic)"});
    const auto now = std::chrono::steady_clock::now();
    if (passwords_->cache.contains(basic->user, basic->password, now))
        return Open::give(open, {.accepted = true, .principal = basic->user});
    auto* task = new PasswordTask{[passwords = passwords_, basic = *basic, open, now] {
        if (passwords->credentials->verify(basic.user, basic.password)) {
            passwords->cache.remember(basic.user, basic.password, now);
            Open::give(open, {.accepted = true, .principal = basic.user});
        } else {
            Open::give(open, {.reason = "wrong user or password"});
        }
    }};
    g_thread_pool_push(verifier_, task, nullptr);
}

void Authorizer::tick(GstClockTime now) {
    std::vector<std::shared_ptr<Open>> late;
    {
        std::lock_guard lock(*mutex_);
        for (const auto& o : *open_)
            if (o->deadline <= now)
                late.push_back(o);
    }
    for (const auto& o : late)
        Open::give(o, {.reason = "the authorization was not answered in time"});
}

void Authorizer::close() {
    std::set<std::shared_ptr<Open>> rest;
    {
        std::lock_guard lock(*mutex_);
        closed_ = true;
        rest = *open_;
    }
    for (const auto& o : rest)
        Open::give(o, {.reason = "the server is shutting down"});
}

size_t Authorizer::open_questions() const {
    std::lock_guard lock(*mutex_);
    return open_->size();
}

} // namespace sluice
