// SPDX-License-Identifier: LGPL-2.1-or-later
// TLS behind the listener's bounds: real sockets on loopback.
#include "launcher/http/self_signed.hpp"
#include "plugins/core/http_listener.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/listener_rig.hpp"

#include <gnutls/gnutls.h>

#include <chrono>
#include <dirent.h>
#include <list>

namespace sluice {
namespace {

using namespace test;

std::shared_ptr<const TlsIdentity> identity() {
    const auto pem = make_self_signed({{"localhost"}, {"127.0.0.1"}}, g_get_real_time() / G_USEC_PER_SEC);
    return TlsIdentity::parse(pem.value(), pem.value()).value();
}

HttpListener::Settings with_tls(ConnectionTable::Limits limits = {}) {
    return {.limits = limits, .tls = std::make_shared<TlsServer>(identity())};
}

size_t threads() {
    DIR* all = opendir("/proc/self/task");
    size_t n = 0;
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

// A blocking client that shows whose certificate it got.
class TlsClient {
public:
    explicit TlsClient(uint16_t port, const char* priorities = "NORMAL") : raw_(port) {
        gnutls_certificate_allocate_credentials(&credentials_);
        gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
        gnutls_priority_set_direct(session_, priorities, nullptr);
        gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
        gnutls_transport_set_int(session_, raw_.fd());
        gnutls_handshake_set_timeout(session_, 10'000);
        result_ = gnutls_handshake(session_);
    }
    ~TlsClient() {
        gnutls_deinit(session_);
        gnutls_certificate_free_credentials(credentials_);
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;
    int result() const { return result_; }
    std::string fingerprint() const {
        unsigned count = 0;
        const gnutls_datum_t* shown = gnutls_certificate_get_peers(session_, &count);
        unsigned char digest[32];
        size_t size = sizeof digest;
        if (!count || gnutls_fingerprint(GNUTLS_DIG_SHA256, &shown[0], digest, &size) < 0)
            return {};
        return fingerprint_text(digest, size);
    }
    bool send(std::string_view text) {
        return gnutls_record_send(session_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    // All that comes, with pauses as of a thin link. The last result tells how it ended.
    std::string read_to_end(ssize_t& end, std::chrono::milliseconds pause = 0ms) {
        std::string out;
        std::string block(16384, '\0');
        for (;;) {
            do
                end = gnutls_record_recv(session_, block.data(), block.size());
            while (end == GNUTLS_E_AGAIN || end == GNUTLS_E_INTERRUPTED);
            if (end <= 0)
                return out;
            out.append(block, 0, static_cast<size_t>(end));
            if (pause.count())
                std::this_thread::sleep_for(pause);
        }
    }

private:
    Client raw_;
    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_session_t session_ = nullptr;
    int result_ = 0;
};

constexpr const char* get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST(TlsListener, ServesOverTls) {
    const auto settings = with_tls();
    Served served(settings);
    for (int i = 0; i < 3; ++i) {
        const HttpAnswer answer = http("GET", served.url("https"));
        EXPECT_EQ(answer.status, 200u) << answer.error;
        EXPECT_EQ(answer.body, "hello");
    }
    TlsClient client(served.port());
    ASSERT_EQ(client.result(), GNUTLS_E_SUCCESS);
    EXPECT_EQ(client.fingerprint(), settings.tls->identity().fingerprint());
    ASSERT_TRUE(client.send(get));
    ssize_t end = -1;
    EXPECT_TRUE(client.read_to_end(end).starts_with("HTTP/1.1 200"));
    EXPECT_EQ(end, 0) << "said goodbye";
    for (int i = 0; i < 1000 && served.connections(); ++i)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(served.connections(), 0u);
}

TEST(TlsListener, AnAnswerLargerThanAllBuffersArrivesWhole) {
    std::string body(24 << 20, 'x');
    for (size_t i = 0; i < body.size(); i += 997)
        body[i] = static_cast<char>('a' + i % 23);
    Served served(with_tls(), body);
    TlsClient client(served.port());
    ASSERT_EQ(client.result(), GNUTLS_E_SUCCESS);
    ASSERT_TRUE(client.send(get));
    ssize_t end = -1;
    const std::string all = client.read_to_end(end, 1ms);
    EXPECT_EQ(end, 0);
    const size_t at = all.find("\r\n\r\n");
    ASSERT_NE(at, std::string::npos);
    EXPECT_TRUE(all.substr(at + 4) == body) << all.size();
}

TEST(TlsListener, OnlyTls12AndNewer) {
    Served served(with_tls());
    EXPECT_EQ(TlsClient(served.port(), "NORMAL:-VERS-ALL:+VERS-TLS1.2").result(), GNUTLS_E_SUCCESS);
    EXPECT_EQ(TlsClient(served.port(), "NORMAL:-VERS-ALL:+VERS-TLS1.3").result(), GNUTLS_E_SUCCESS);
    EXPECT_NE(TlsClient(served.port(), "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT").result(),
              GNUTLS_E_SUCCESS);
}

// A client that stops in the middle of the handshake costs a descriptor for a while: no thread, and nobody else's time.
TEST(TlsListener, SilentClientsHoldUpNobodyAndAreClosedAtTheirLimit) {
    Served patient(with_tls(ConnectionTable::Limits{.waiting_per_address = 200, .request = 1h}));
    ASSERT_EQ(http("GET", patient.url("https")).status, 200u);
    const size_t before = threads();
    std::list<Client> silent;
    for (int i = 0; i < 60; ++i) {
        silent.emplace_back(patient.port());
        constexpr std::string_view begins("\x16\x03\x01\x02\x00\x01", 6); // as a handshake does
        ASSERT_TRUE(silent.back().send(begins.substr(0, i % 7)));
    }
    EXPECT_EQ(http("GET", patient.url("https")).status, 200u);
    EXPECT_LE(threads(), before + 1) << "libsoup's client may have one";
    EXPECT_GE(patient.connections(), 60u);

    Served strict(with_tls(ConnectionTable::Limits{.request = 100ms}));
    Client nothing(strict.port()), half(strict.port());
    ASSERT_TRUE(half.send("\x16\x03"));
    EXPECT_EQ(nothing.read_to_end(), "");
    EXPECT_TRUE(half.read_to_end());
    TlsClient idle(strict.port());
    ASSERT_EQ(idle.result(), GNUTLS_E_SUCCESS);
    ssize_t end = 1;
    EXPECT_EQ(idle.read_to_end(end), "") << "no request came";
    EXPECT_LE(end, 0);
    EXPECT_EQ(strict.connections(), 0u);
}

TEST(TlsListener, PlainHttpIsToldAndNonsenseIsEnded) {
    Served served(with_tls());
    Client plain(served.port());
    ASSERT_TRUE(plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    const auto told = plain.read_to_end();
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->starts_with("HTTP/1.1 400")) << *told;
    EXPECT_NE(told->find("https://"), std::string::npos);
    Client nonsense(served.port());
    ASSERT_TRUE(nonsense.send(std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff", 10)));
    EXPECT_TRUE(nonsense.read_to_end());
    Client other(served.port());
    ASSERT_TRUE(other.send(std::string_view("\x80\x2e\x01", 3)));
    EXPECT_TRUE(other.read_to_end());
    EXPECT_EQ(http("GET", served.url("https")).status, 200u);
}

TEST(TlsListener, ANewCertificateIsForNewConnections) {
    const auto settings = with_tls();
    Served served(settings);
    TlsClient old(served.port());
    const std::string first = old.fingerprint();
    const auto next = identity();
    served.call([&] { settings.tls->replace(next); });
    TlsClient fresh(served.port());
    EXPECT_EQ(fresh.fingerprint(), next->fingerprint());
    EXPECT_NE(fresh.fingerprint(), first);
    ASSERT_TRUE(old.send(get));
    ssize_t end = -1;
    EXPECT_TRUE(old.read_to_end(end).starts_with("HTTP/1.1 200"));
}

TEST(HttpListenerProxy, SpeaksForManyAndForWhomItNames) {
    Served served(HttpListener::Settings{.limits = {.connections = 100, .waiting_per_address = 3, .request = 1h},
                                         .trusted_proxies = "127.0.0.1"});
    std::list<Client> silent;
    for (int i = 0; i < 20; ++i)
        silent.emplace_back(served.port());
    const HttpAnswer answer = http("GET", served.url() + "peer", {{"X-Forwarded-For", "192.0.2.7"}});
    EXPECT_EQ(answer.body, "192.0.2.7") << answer.error;
    Served alone;
    EXPECT_EQ(http("GET", alone.url() + "peer", {{"X-Forwarded-For", "192.0.2.7"}}).body, "127.0.0.1");
}

} // namespace
} // namespace sluice
