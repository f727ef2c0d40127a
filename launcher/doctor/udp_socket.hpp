// SPDX-License-Identifier: LGPL-2.1-or-later
// A connected UDP socket, non-blocking.
#pragma once

#include "plugins/core/result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string>

namespace sluice::doctor {

class UdpSocket {
public:
    // Error (unavailable): there is no route, or it is not an IP address.
    static Result<UdpSocket> connect(const std::string& address, uint16_t port);
    UdpSocket(UdpSocket&& other) noexcept;
    UdpSocket& operator=(UdpSocket&&) = delete;
    ~UdpSocket();

    int fd() const { return fd_; }
    bool is_v6() const { return v6_; }
    unsigned headers() const { return (v6_ ? 40 : 20) + 8; } // what a packet has beside its payload
    // true: a packet that is too large is refused or lost, never cut.
    void set_dont_fragment(bool on);
    unsigned path_mtu() const; // as the system knows it; 0: it does not

    enum class Sent : uint8_t { sent, too_large, failed };
    Sent send(std::span<const uint8_t> data, std::string& error);

private:
    UdpSocket(int fd, bool v6) : fd_(fd), v6_(v6) {}
    int fd_;
    bool v6_;
};

std::string text_of(const sockaddr_storage& address); // without the port

} // namespace sluice::doctor
