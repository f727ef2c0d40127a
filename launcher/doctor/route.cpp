// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/route.hpp"

#include "launcher/doctor/udp_socket.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace sluice::doctor {

namespace {

bool same_address(const sockaddr* a, const sockaddr_storage& b) {
    if (!a || a->sa_family != b.ss_family)
        return false;
    if (a->sa_family == AF_INET)
        return reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr ==
               reinterpret_cast<const sockaddr_in*>(&b)->sin_addr.s_addr;
    if (a->sa_family == AF_INET6)
        return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr,
                           &reinterpret_cast<const sockaddr_in6*>(&b)->sin6_addr, sizeof(in6_addr)) == 0;
    return false;
}

} // namespace

Route route_to(const std::string& address, uint16_t port) {
    Route out;
    const auto socket = UdpSocket::connect(address, port);
    if (!socket) {
        out.error = socket.error().text;
        return out;
    }
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (getsockname(socket->fd(), reinterpret_cast<sockaddr*>(&local), &size) != 0)
        return out;
    out.local_address = text_of(local);
    ifaddrs* raw = nullptr;
    if (getifaddrs(&raw) != 0)
        return out;
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(raw, freeifaddrs);
    for (const ifaddrs* i = all.get(); i; i = i->ifa_next) {
        if (!same_address(i->ifa_addr, local))
            continue;
        out.interface_name = i->ifa_name;
        out.tunnel = i->ifa_flags & IFF_POINTOPOINT;
        ifreq request{};
        std::strncpy(request.ifr_name, i->ifa_name, IFNAMSIZ - 1);
        if (ioctl(socket->fd(), SIOCGIFMTU, &request) == 0)
            out.interface_mtu = static_cast<unsigned>(request.ifr_mtu);
        break;
    }
    return out;
}

} // namespace sluice::doctor
