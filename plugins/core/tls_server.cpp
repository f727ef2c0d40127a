// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/tls_server.hpp"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <vector>

namespace sluice {

namespace {

// RSA key exchange has no forward secrecy, and the CBC suites of TLS 1.2 a history of their own.
constexpr const char* priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-AES-128-CBC:-AES-256-CBC:"
                                   "-CAMELLIA-128-GCM:-CAMELLIA-256-GCM:%SERVER_PRECEDENCE";
constexpr unsigned max_chain = 16;

gnutls_datum_t datum(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), static_cast<unsigned>(text.size())};
}

gnutls_priority_t priority() {
    static const gnutls_priority_t made = [] {
        gnutls_priority_t p = nullptr;
        gnutls_priority_init(&p, priorities, nullptr);
        return p;
    }();
    return made;
}

std::string wrong_pair(int code) {
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return "the key does not belong to the certificate";
    return std::string("certificate and key cannot be used: ") + gnutls_strerror(code);
}

} // namespace

std::string fingerprint_text(const unsigned char* digest, size_t size) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string out;
    for (size_t i = 0; i < size; i++) {
        if (i)
            out += ':';
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15];
    }
    return out;
}

struct TlsIdentity::Held {
    gnutls_certificate_credentials_t credentials = nullptr;
};

TlsIdentity::TlsIdentity() : held_(std::make_unique<Held>()) {}

TlsIdentity::~TlsIdentity() {
    if (held_->credentials)
        gnutls_certificate_free_credentials(held_->credentials);
}

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::parse(const std::string& certificate, const std::string& key) {
    const gnutls_datum_t certificate_text = datum(certificate), key_text = datum(key);
    std::vector<gnutls_x509_crt_t> chain(max_chain);
    unsigned count = max_chain;
    if (const int code = gnutls_x509_crt_list_import(chain.data(), &count, &certificate_text, GNUTLS_X509_FMT_PEM,
                                                     GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
        code < 1)
        return Error{ErrorKind::bad_config, std::string("no certificate in PEM can be read: ") + gnutls_strerror(code)};
    const std::shared_ptr<TlsIdentity> out(new TlsIdentity);
    std::array<unsigned char, 32> digest{};
    size_t size = digest.size();
    gnutls_x509_crt_get_fingerprint(chain[0], GNUTLS_DIG_SHA256, digest.data(), &size);
    out->fingerprint_ = fingerprint_text(digest.data(), size);
    out->begins_ = gnutls_x509_crt_get_activation_time(chain[0]);
    out->ends_ = gnutls_x509_crt_get_expiration_time(chain[0]);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);

    gnutls_x509_privkey_t parsed = nullptr;
    gnutls_x509_privkey_init(&parsed);
    const int code = gnutls_x509_privkey_import2(parsed, &key_text, GNUTLS_X509_FMT_PEM, nullptr, GNUTLS_PKCS_PLAIN);
    gnutls_x509_privkey_deinit(parsed);
    if (code == GNUTLS_E_DECRYPTION_FAILED)
        return Error{ErrorKind::bad_config, "the key has a passphrase, and nobody is there to type it"};
    if (code < 0)
        return Error{ErrorKind::bad_config, std::string("no key in PEM can be read: ") + gnutls_strerror(code)};
    if (gnutls_certificate_allocate_credentials(&out->held_->credentials) < 0)
        return Error{ErrorKind::internal, "no memory for a certificate"};
    if (const int pair = gnutls_certificate_set_x509_key_mem2(out->held_->credentials, &certificate_text, &key_text,
                                                              GNUTLS_X509_FMT_PEM, nullptr, 0);
        pair < 0)
        return Error{ErrorKind::bad_config, wrong_pair(pair)};
    return std::shared_ptr<const TlsIdentity>(out);
}

struct TlsSession::Held {
    gnutls_session_t session = nullptr;
};

TlsSession::TlsSession(std::shared_ptr<const TlsIdentity> identity, int fd)
    : identity_(std::move(identity)), held_(std::make_unique<Held>()) {
    if (gnutls_init(&held_->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        held_->session = nullptr;
        broken_ = true;
        return;
    }
    gnutls_priority_set(held_->session, priority());
    gnutls_credentials_set(held_->session, GNUTLS_CRD_CERTIFICATE, identity_->held_->credentials);
    gnutls_certificate_server_set_request(held_->session, GNUTLS_CERT_IGNORE);
    constexpr char http[] = "http/1.1";
    const gnutls_datum_t protocol{reinterpret_cast<unsigned char*>(const_cast<char*>(http)), sizeof http - 1};
    gnutls_alpn_set_protocols(held_->session, &protocol, 1, 0);
    gnutls_handshake_set_timeout(held_->session, 0); // the listener counts
    gnutls_transport_set_int(held_->session, fd);
}

TlsSession::~TlsSession() {
    if (held_->session)
        gnutls_deinit(held_->session);
}

namespace {

bool passing(int64_t code) { return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED; }

TlsSession::Moved failure(int64_t code) {
    return {TlsSession::State::failed, 0, gnutls_strerror(static_cast<int>(code))};
}

TlsSession::Moved wait(gnutls_session_t session) {
    return {gnutls_record_get_direction(session) ? TlsSession::State::write : TlsSession::State::read, 0, {}};
}

} // namespace

TlsSession::Moved TlsSession::handshake() {
    if (broken_)
        return failure(GNUTLS_E_INTERNAL_ERROR);
    for (;;) {
        const int code = gnutls_handshake(held_->session);
        if (code == GNUTLS_E_SUCCESS)
            return {};
        if (passing(code))
            return wait(held_->session);
        if (gnutls_error_is_fatal(code)) {
            broken_ = true;
            gnutls_alert_send_appropriate(held_->session, code);
            return failure(code);
        }
    }
}

TlsSession::Moved TlsSession::read(void* data, size_t size) {
    if (broken_)
        return failure(GNUTLS_E_INVALID_SESSION);
    for (;;) {
        const ssize_t n = gnutls_record_recv(held_->session, data, size);
        if (n >= 0)
            return {State::done, static_cast<size_t>(n), {}};
        if (n == GNUTLS_E_PREMATURE_TERMINATION) // HTTP says by itself where a message ends
            return {};
        if (n == GNUTLS_E_AGAIN)
            return wait(held_->session);
        // A client that wants to negotiate anew is ended: TLS 1.3 has done away with that.
        if (n == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal(static_cast<int>(n))) {
            broken_ = true;
            return failure(n);
        }
    }
}

TlsSession::Moved TlsSession::flush() {
    if (broken_)
        return failure(GNUTLS_E_INVALID_SESSION);
    while (unsent_) {
        const ssize_t n = gnutls_record_send(held_->session, nullptr, 0);
        if (n == GNUTLS_E_AGAIN)
            return {State::write, 0, {}};
        if (n < 0 && n != GNUTLS_E_INTERRUPTED) {
            broken_ = true;
            return failure(n);
        }
        unsent_ = n < 0;
    }
    return {};
}

TlsSession::Moved TlsSession::write(const void* data, size_t size) {
    if (Moved before = flush(); before.state != State::done)
        return before;
    if (goodbye_)
        return failure(GNUTLS_E_INVALID_SESSION);
    if (size == 0)
        return {};
    size = std::min(size, gnutls_record_get_max_size(held_->session));
    const ssize_t n = gnutls_record_send(held_->session, data, size);
    if (n >= 0)
        return {State::done, static_cast<size_t>(n), {}};
    // It stands encrypted in the session, and whoever writes next may come with something else.
    if (passing(n)) {
        unsent_ = true;
        return {State::done, size, {}};
    }
    broken_ = true;
    return failure(n);
}

TlsSession::Moved TlsSession::say_goodbye() {
    if (Moved before = flush(); before.state != State::done)
        return before;
    goodbye_ = true;
    for (;;) {
        const int code = gnutls_bye(held_->session, GNUTLS_SHUT_WR);
        if (code == GNUTLS_E_SUCCESS)
            return {};
        if (code == GNUTLS_E_INTERRUPTED)
            continue;
        if (code == GNUTLS_E_AGAIN)
            return {State::write, 0, {}};
        broken_ = true;
        return failure(code);
    }
}

bool TlsSession::has_unread() const { return !broken_ && gnutls_record_check_pending(held_->session) > 0; }

struct TlsServer::Tickets {
    gnutls_datum_t key{};
};

TlsServer::TlsServer(std::shared_ptr<const TlsIdentity> identity)
    : identity_(std::move(identity)), tickets_(std::make_unique<Tickets>()) {
    gnutls_session_ticket_key_generate(&tickets_->key);
}

TlsServer::~TlsServer() {
    gnutls_memset(tickets_->key.data, 0, tickets_->key.size);
    gnutls_free(tickets_->key.data);
}

std::shared_ptr<TlsSession> TlsServer::accept(int fd) const {
    std::shared_ptr<TlsSession> out(new TlsSession(identity_, fd));
    // A page opens six connections: five need no new signature.
    if (!out->broken_ && tickets_->key.data)
        gnutls_session_ticket_enable_server(out->held_->session, &tickets_->key);
    return out;
}

} // namespace sluice
