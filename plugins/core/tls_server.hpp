// SPDX-License-Identifier: LGPL-2.1-or-later
// The server's side of TLS, without threads: GIO's own (glib-networking) gives a thread of the process to each handshake until it
// ends, so that a few clients that say nothing would hold up everybody.
#pragma once

#include "plugins/core/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>

namespace sluice {

// A certificate (with its chain) and its key. Never changes: a connection keeps the one it began with.
class TlsIdentity {
public:
    // PEM. Errors (bad_config) say what is wrong without quoting either.
    static Result<std::shared_ptr<const TlsIdentity>> parse(const std::string& certificate, const std::string& key);
    ~TlsIdentity();
    TlsIdentity(const TlsIdentity&) = delete;
    TlsIdentity& operator=(const TlsIdentity&) = delete;

    const std::string& fingerprint() const { return fingerprint_; } // SHA-256, "AB:CD:..."
    int64_t begins() const { return begins_; }                      // unix time
    int64_t ends() const { return ends_; }

private:
    friend class TlsSession;
    struct Held;
    TlsIdentity();
    const std::unique_ptr<Held> held_;
    std::string fingerprint_;
    int64_t begins_ = 0, ends_ = 0;
};

// One connection, on a socket that does not block. TLS 1.2 and 1.3.
class TlsSession {
public:
    enum class State { done, read, write, failed }; // read, write: what to wait for
    struct Moved {
        State state = State::done;
        size_t bytes = 0; // done; read: 0 is the end
        std::string why;  // failed
    };

    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    Moved handshake();
    Moved read(void* data, size_t size);
    // What was taken counts as written: it goes out with the next write() or flush().
    Moved write(const void* data, size_t size);
    Moved flush();
    Moved say_goodbye(); // nothing more comes from us
    bool has_unread() const;

private:
    friend class TlsServer;
    struct Held;
    TlsSession(std::shared_ptr<const TlsIdentity> identity, int fd);
    const std::shared_ptr<const TlsIdentity> identity_;
    const std::unique_ptr<Held> held_;
    bool unsent_ = false, goodbye_ = false, broken_ = false;
};

// Lives in the thread of the listener that uses it.
class TlsServer {
public:
    explicit TlsServer(std::shared_ptr<const TlsIdentity> identity);
    ~TlsServer();
    // For connections to come.
    void replace(std::shared_ptr<const TlsIdentity> identity) { identity_ = std::move(identity); }
    const TlsIdentity& identity() const { return *identity_; }
    // The socket stays the caller's, and open for longer than the session.
    std::shared_ptr<TlsSession> accept(int fd) const;

private:
    struct Tickets;
    std::shared_ptr<const TlsIdentity> identity_;
    const std::unique_ptr<Tickets> tickets_;
};

// "ab01..." -> "AB:01:...", as browsers and openssl show it.
std::string fingerprint_text(const unsigned char* digest, size_t size);

} // namespace sluice
