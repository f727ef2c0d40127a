// SPDX-License-Identifier: LGPL-2.1-or-later
// The listening socket of our own HTTP servers.
#pragma once

#include "plugins/core/connection_table.hpp"
#include "plugins/core/forwarded.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"
#include "plugins/core/tls_server.hpp"

#include <libsoup/soup.h>

#include <memory>
#include <string>
#include <unordered_map>

namespace sluice {

// Accepts connections for a SoupServer in the thread-default context of its maker, who alone may use and destroy it (before the
// server). libsoup 3.2's own listener never accepts again after one EMFILE, keeps silent connections for ever and takes any number.
class HttpListener {
public:
    // Limits fit for this process: its descriptor limit is shared with cameras and viewers.
    static ConnectionTable::Limits default_limits();
    struct Settings {
        ConnectionTable::Limits limits = default_limits();
        std::shared_ptr<TlsServer> tls = {}; // none: plain
        // What is said of each connection (connection_data).
        std::string trusted_proxies = {}, path_prefix = {}, allowed_origins = {};
    };
    // `bad_config` also: the proxies. `busy`: the port is taken. `unavailable`: it may not be used. `bad_config`: the address is no IP address.
    static Result<std::unique_ptr<HttpListener>> open(SoupServer* server, const std::string& address, uint16_t port,
                                                      Settings settings);
    static Result<std::unique_ptr<HttpListener>> open(SoupServer* server, const std::string& address, uint16_t port,
                                                      ConnectionTable::Limits limits = default_limits());
    ~HttpListener();
    HttpListener(const HttpListener&) = delete;
    HttpListener& operator=(const HttpListener&) = delete;

    uint16_t port() const { return port_; }
    size_t connections() const { return table_.size(); }

private:
    struct Handshake;
    HttpListener(SoupServer* server, Ref<GSocket> socket, uint16_t port, Settings settings, AddressList proxies);
    void watch();
    void accept_some();
    bool admit(const Ref<GSocket>& socket); // false: out of descriptors or memory
    void pause();
    void begin_handshake(ConnectionTable::Id id, GSocketConnection* connection, GSocketAddress* remote);
    void go_on(ConnectionTable::Id id);
    void hand_over(GIOStream* stream, GSocketConnection* connection, GSocketAddress* remote);
    void close_overdue();
    void schedule();
    void shut(ConnectionTable::Id id);
    static ConnectionTable::Id id_of(SoupServerMessage* message);

    struct Guard; // what outlives the listener to hear that a connection has gone

    Ref<SoupServer> server_;
    const Ref<GSocket> socket_;
    const uint16_t port_;
    const Settings settings_;
    const AddressList proxies_;
    ConnectionTable table_;
    std::unordered_map<ConnectionTable::Id, std::unique_ptr<Handshake>> handshakes_;
    std::unordered_map<ConnectionTable::Id, GSocketConnection*> open_; // not owned: libsoup has them
    std::shared_ptr<Guard> guard_;
    GSource* ready_ = nullptr;    // a client waits to be accepted
    GSource* retry_ = nullptr;    // after running out of descriptors
    GSource* deadline_ = nullptr; // of the connection that waits longest
    gulong handlers_[4] = {};
};

// libsoup before 3.3 no longer watches a connection after its first answer: one that the client closes stays open on our side for
// ever, and so anybody could use up the file descriptors. Does nothing where it is not needed.
void close_after_answer(SoupServerMessage* message);
// The client of a message that is not answered yet has closed its side: libsoup does not look while a message is paused. A client
// that only says it has no more to send is taken for gone, too.
bool has_hung_up(SoupServerMessage* message);
// Ends the connection of a message without an answer, whoever accepted it.
void cut_off(SoupServerMessage* message);

} // namespace sluice
