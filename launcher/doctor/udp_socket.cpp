// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/udp_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::doctor {

Result<UdpSocket> UdpSocket::connect(const std::string& address, uint16_t port) {
    sockaddr_storage where{};
    socklen_t size = 0;
    auto* four = reinterpret_cast<sockaddr_in*>(&where);
    auto* six = reinterpret_cast<sockaddr_in6*>(&where);
    if (inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        size = sizeof *four;
    } else if (inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        size = sizeof *six;
    } else {
        return Error{ErrorKind::unavailable, "not an IP address"};
    }
    const int fd = socket(where.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return Error{ErrorKind::unavailable, std::strerror(errno)};
    UdpSocket out(fd, where.ss_family == AF_INET6);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), size) != 0)
        return Error{ErrorKind::unavailable, std::strerror(errno)};
    return out;
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), v6_(other.v6_) {}

UdpSocket::~UdpSocket() {
    if (fd_ >= 0)
        close(fd_);
}

void UdpSocket::set_dont_fragment(bool on) {
    // DO and not PROBE: what ICMP says of the path is wanted.
    const int value = v6_ ? (on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT) : (on ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
    setsockopt(fd_, v6_ ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP),
               v6_ ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &value, sizeof value);
}

unsigned UdpSocket::path_mtu() const {
    int value = 0;
    socklen_t size = sizeof value;
    const int got = getsockopt(fd_, v6_ ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP),
                               v6_ ? IPV6_MTU : IP_MTU, &value, &size);
    return got == 0 && value > 0 ? static_cast<unsigned>(value) : 0;
}

UdpSocket::Sent UdpSocket::send(std::span<const uint8_t> data, std::string& error) {
    // An ICMP message about an earlier packet is told to the next call, which then has sent nothing.
    for (int tries = 0; tries < 2; tries++) {
        if (::send(fd_, data.data(), data.size(), MSG_NOSIGNAL) >= 0)
            return Sent::sent;
        if (errno == EMSGSIZE)
            return Sent::too_large;
        error = std::strerror(errno);
    }
    return Sent::failed;
}

std::string text_of(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.ss_family == AF_INET)
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text, sizeof text);
    else if (address.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr, text, sizeof text);
    return text;
}

} // namespace sluice::doctor
