// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/audit_log.hpp"

#include "launcher/config/time_text.hpp"
#include "launcher/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace sluice {

using std::chrono::steady_clock;

namespace {

constexpr size_t max_text = 200;
constexpr guint tell_seconds = 15;
constexpr std::chrono::seconds last_wait{1};

int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string cut(const std::string& text) { return text.size() <= max_text ? text : text.substr(0, max_text) + "..."; }

} // namespace

std::string_view to_string(AuthTransport transport) {
    switch (transport) {
    case AuthTransport::http: return "http";
    case AuthTransport::websocket: return "websocket";
    case AuthTransport::whep: return "whep";
    }
    return "";
}

AuditEvent audit_event(const AuthRequest& q, const AuthDecision& answer) {
    return {.principal = answer.principal,
            .account = answer.account,
            .peer = q.peer,
            .transport = std::string(to_string(q.transport)),
            .action = q.action ? std::string(to_string(*q.action)) : std::string(),
            .camera = q.camera.value_or(""),
            .reason = answer.reason};
}

// The thread's side. It holds no lock while it writes.
struct AuditLog::Writer {
    const std::string path;
    const AuditSettings settings;
    std::mutex mutex;
    std::condition_variable changed, ended;
    std::deque<std::string> queue;
    uint64_t lost = 0;
    bool stopping = false, done = false;

    int fd = -1; // the thread's alone, as all below
    uint64_t size = 0;
    bool complained = false;

    Writer(std::string p, AuditSettings s) : path(std::move(p)), settings(s) {}
    ~Writer() {
        if (fd >= 0)
            close(fd);
    }

    void push(std::string text) {
        const std::lock_guard lock(mutex);
        if (queue.size() >= settings.max_queue)
            lost++;
        else
            queue.push_back(std::move(text));
        changed.notify_one();
    }

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock, [this] { return stopping || !queue.empty(); });
            if (queue.empty())
                break;
            std::string block;
            for (; !queue.empty() && block.size() < 64 * 1024; queue.pop_front())
                block += queue.front();
            if (const uint64_t count = std::exchange(lost, 0)) {
                AuditEvent gap;
                gap.event = "lost";
                gap.reason = "the disk was too slow";
                gap.more["count"] = count;
                block += line(gap, unix_ms());
            }
            lock.unlock();
            append(block);
            lock.lock();
        }
        done = true;
        ended.notify_all();
    }

    void append(const std::string& block) {
        if (fd >= 0 && size >= settings.max_bytes)
            rotate();
        if (fd < 0 && !open_file())
            return complain();
        size_t written = 0;
        while (written < block.size()) {
            const ssize_t n = ::write(fd, block.data() + written, block.size() - written);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return complain();
            written += static_cast<size_t>(n);
        }
        size += block.size();
        complained = false;
    }

    bool open_file() {
        fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat info {};
        if (fd < 0 || fstat(fd, &info) != 0)
            return false;
        size = static_cast<uint64_t>(info.st_size);
        // A line that a crash has cut off must not swallow the next one.
        char last = '\n';
        const int reader = size > 0 ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (reader >= 0) {
            if (pread(reader, &last, 1, info.st_size - 1) == 1 && last != '\n')
                size += static_cast<uint64_t>(std::max<ssize_t>(::write(fd, "\n", 1), 0));
            close(reader);
        }
        return true;
    }

    void rotate() {
        close(std::exchange(fd, -1));
        for (unsigned i = settings.old_files; i > 0; i--) {
            const std::string from = i == 1 ? path : path + "." + std::to_string(i - 1);
            rename(from.c_str(), (path + "." + std::to_string(i)).c_str());
        }
        if (settings.old_files == 0)
            unlink(path.c_str());
    }

    void complain() {
        if (!std::exchange(complained, true))
            log_error(path + ": cannot be written: " + g_strerror(errno));
        if (fd >= 0)
            close(std::exchange(fd, -1)); // the next time anew: it may have been moved away
    }
};

AuditLog::AuditLog(std::string path, AuditSettings settings)
    : limiter_(settings.limits), writer_(std::make_shared<Writer>(std::move(path), settings)) {
    std::thread([writer = writer_] { writer->run(); }).detach();
    timer_ = g_timeout_add_seconds(
        tell_seconds,
        [](gpointer self) -> gboolean {
            static_cast<AuditLog*>(self)->tell_missed(steady_clock::now());
            return G_SOURCE_CONTINUE;
        },
        this);
}

AuditLog::~AuditLog() {
    g_source_remove(timer_);
    tell_missed(AuditLimiter::Time::max());
    std::unique_lock lock(writer_->mutex);
    writer_->stopping = true;
    writer_->changed.notify_all();
    writer_->ended.wait_for(lock, last_wait, [this] { return writer_->done; });
}

void AuditLog::write(const AuditEvent& event) { writer_->push(line(event, unix_ms())); }

bool AuditLog::write_limited(const AuditEvent& event) {
    if (!limiter_.pass(event.peer, steady_clock::now()))
        return false;
    write(event);
    return true;
}

void AuditLog::tell_missed(AuditLimiter::Time now) {
    for (const AuditLimiter::Missed& missed : limiter_.missed(now)) {
        AuditEvent event;
        event.event = "denied";
        event.outcome = "refused";
        event.peer = missed.peer;
        event.reason = "more of the same, not written one by one";
        event.more["count"] = missed.count;
        write(event);
    }
}

std::string AuditLog::line(const AuditEvent& event, int64_t ms) {
    Json out = Json::object();
    out["time"] = utc_text(ms);
    const auto put = [&](const char* name, const std::string& value) {
        if (!value.empty())
            out[name] = cut(value);
    };
    put("event", event.event);
    put("outcome", event.outcome);
    put("principal", event.principal);
    put("account", event.account);
    put("peer", event.peer);
    put("transport", event.transport);
    put("action", event.action);
    put("camera", event.camera);
    put("reason", event.reason);
    for (const auto& field : event.more.items())
        out[field.key()] = field.value().is_string() ? Json(cut(field.value().get<std::string>())) : field.value();
    return out.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"; // ASCII only
}

} // namespace sluice
