// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/path_probe.hpp"

#include "launcher/doctor/route.hpp"
#include "launcher/doctor/udp_socket.hpp"

#include <gio/gio.h>
#include <glib-unix.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::doctor {

namespace {

// Whole IP packets. 1232: our largest; 1280: IPv6's least; 1360 to 1492: VPNs and PPPoE; 1500: Ethernet.
constexpr unsigned sizes[] = {300, 576, 800, 1000, 1100, 1180, 1232, 1280, 1360, 1400, 1420, 1440, 1492, 1500};
constexpr unsigned small = 300, whole = 1500;
constexpr int rounds = 5;
constexpr double round_seconds = 0.1, last_seconds = 1.0;

class Prober {
public:
    Prober(Wait& wait, UdpSocket& socket, const IceCredentials& who) : wait_(wait), socket_(socket), who_(who) {
        source_ = g_unix_fd_add(
            socket.fd(), G_IO_IN,
            +[](int, GIOCondition, gpointer self) -> gboolean {
                static_cast<Prober*>(self)->receive();
                return G_SOURCE_CONTINUE;
            },
            this);
    }
    ~Prober() { g_source_remove(source_); }
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    // Each is sent until it is answered, or cannot be sent, or has been sent `rounds` times.
    void run(std::vector<SizeProbe>& probes) {
        probes_ = &probes;
        for (int round = 0; round < rounds && !done(); round++) {
            for (size_t i = 0; i < probes.size(); i++)
                send(i, round);
            wait_.until([this] { return done(); }, round_seconds);
        }
        wait_.until([this] { return done(); }, last_seconds);
        probes_ = nullptr;
    }

    std::string error, mapped;
    std::optional<double> rtt;

private:
    bool done() const {
        return std::all_of(probes_->begin(), probes_->end(),
                           [](const SizeProbe& p) { return p.answered || p.too_large; });
    }
    void send(size_t index, int round) {
        SizeProbe& probe = (*probes_)[index];
        if (probe.answered || probe.too_large)
            return;
        StunId id;
        for (size_t i = 0; i < 8; i += 4) {
            const guint32 random = g_random_int();
            std::memcpy(id.data() + i, &random, 4);
        }
        id[8] = static_cast<uint8_t>(index);
        id[9] = static_cast<uint8_t>(round);
        const auto message = stun_request(id, who_, probe.size - socket_.headers());
        sent_[id] = {index, g_get_monotonic_time()};
        // Later rounds: what an ICMP message has said of the path holds for the same size, too.
        probe.too_large = socket_.send(message, error) == UdpSocket::Sent::too_large;
    }
    void receive() {
        std::array<uint8_t, 2048> data;
        for (;;) {
            const ssize_t size = recv(socket_.fd(), data.data(), data.size(), 0);
            if (size < 0) {
                if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EMSGSIZE)
                    error = std::strerror(errno);
                return;
            }
            const auto answer = parse_stun_answer({data.data(), static_cast<size_t>(size)});
            const auto it = answer ? sent_.find(answer->id) : sent_.end();
            if (it == sent_.end() || !probes_)
                continue;
            (*probes_)[it->second.first].answered = true;
            const double ms = static_cast<double>(g_get_monotonic_time() - it->second.second) / 1000;
            rtt = rtt ? std::min(*rtt, ms) : ms;
            if (answer->success && !answer->mapped.empty())
                mapped = answer->mapped;
        }
    }

    Wait& wait_;
    UdpSocket& socket_;
    const IceCredentials who_;
    guint source_ = 0;
    std::map<StunId, std::pair<size_t, int64_t>> sent_;
    std::vector<SizeProbe>* probes_ = nullptr;
};

} // namespace

void probe_address(Wait& wait, AddressProbe& probe, const IceCredentials& who) {
    auto socket = UdpSocket::connect(probe.candidate.address, static_cast<uint16_t>(probe.candidate.port));
    if (!socket) {
        probe.error = socket.error().text;
        return;
    }
    Prober prober(wait, socket.value(), who);
    std::vector<SizeProbe> probes{{.size = small}};
    prober.run(probes);
    probe.answered = probes.front().answered;
    probe.error = prober.error;
}

PathFacts probe_path(Wait& wait, const IceCandidate& remote, const IceCredentials& who) {
    PathFacts out;
    const Route route = route_to(remote.address, static_cast<uint16_t>(remote.port));
    out.interface_name = route.interface_name;
    out.interface_mtu = route.interface_mtu;
    out.tunnel = route.tunnel;
    auto socket = UdpSocket::connect(remote.address, static_cast<uint16_t>(remote.port));
    if (!socket) {
        out.why_not = socket.error().text;
        return out;
    }
    out.probed = true;
    Prober prober(wait, socket.value(), who);
    socket->set_dont_fragment(true);
    for (const unsigned size : sizes)
        out.probes.push_back({.size = size});
    prober.run(out.probes);
    const unsigned known = socket->path_mtu();
    out.signalled = known && known < out.interface_mtu ? known : 0;
    out.rtt = prober.rtt;
    out.seen_as = prober.mapped;
    if (!out.probes.back().answered && !wait.interrupted()) {
        socket->set_dont_fragment(false);
        std::vector<SizeProbe> cut{{.size = whole, .dont_fragment = false}};
        prober.run(cut);
        out.probes.push_back(cut.front());
    }
    return out;
}

} // namespace sluice::doctor
