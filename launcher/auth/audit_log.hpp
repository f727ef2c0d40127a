// SPDX-License-Identifier: LGPL-2.1-or-later
// STATE/audit.log: who came, who was refused, who watched, who changed what. One JSON object per line; docs/design/auth.md has
// the fields. Written by a thread of its own: a disk that hangs holds nobody up, what does not fit into the queue is counted.
#pragma once

#include "launcher/auth/access.hpp"
#include "launcher/auth/audit_limiter.hpp"
#include "plugins/core/json_text.hpp"

#include <glib.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace sluice {

std::string_view to_string(AuthTransport transport);

// Texts may be what a client has sent: they are cut and escaped. Empty ones are left out. None of them is ever a credential.
struct AuditEvent {
    const char* event = "";   // login, logout, denied, viewer-begun, viewer-ended, change, credentials
    const char* outcome = ""; // accepted, refused
    std::string principal;
    std::string
        account; // that was claimed, if there is one by that name; others are not written down: people mistake fields
    std::string peer;
    std::string transport;
    std::string action, camera;
    std::string reason;
    Json more = Json::object(); // what else there is to say
};

// What a question and its answer have to say; event and outcome are the caller's.
AuditEvent audit_event(const AuthRequest& question, const AuthDecision& answer);

struct AuditSettings {
    uint64_t max_bytes = 4 << 20; // of a file, then it becomes audit.log.1
    unsigned old_files = 4;
    size_t max_queue = 1000;
    AuditLimits limits = {};
};

class AuditLog {
public:
    // Belongs to the main context.
    explicit AuditLog(std::string path, AuditSettings settings = {});
    ~AuditLog(); // what is in the queue is written, unless that takes longer than a second
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    void write(const AuditEvent& event);
    // The same for what others can cause at will. False: too many, it is only counted.
    bool write_limited(const AuditEvent& event);
    // What was only counted, now and then by itself.
    void tell_missed(AuditLimiter::Time now);

    static std::string line(const AuditEvent& event, int64_t unix_ms);

private:
    struct Writer; // shared with the thread, which may outlive this if the disk hangs
    AuditLimiter limiter_;
    std::shared_ptr<Writer> writer_;
    guint timer_ = 0;
};

} // namespace sluice
