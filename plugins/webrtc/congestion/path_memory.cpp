// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/path_memory.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sluice {

std::string PathMemory::network_of(const std::string& address) {
    std::string host = address;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    std::string zone;
    if (const auto percent = host.find('%'); percent != std::string::npos) {
        zone = host.substr(percent);
        host.resize(percent);
    }
    char text[INET6_ADDRSTRLEN] = {};
    in6_addr six{};
    in_addr four{};
    if (inet_pton(AF_INET6, host.c_str(), &six) == 1) {
        if (!IN6_IS_ADDR_V4MAPPED(&six)) {
            std::memset(six.s6_addr + 7, 0, 9);
            // fe80:: is another network on each interface.
            const bool local = IN6_IS_ADDR_LINKLOCAL(&six);
            return std::string(inet_ntop(AF_INET6, &six, text, sizeof text)) + (local ? zone : "") + "/56";
        }
        std::memcpy(&four, six.s6_addr + 12, 4);
    } else if (!zone.empty() || inet_pton(AF_INET, host.c_str(), &four) != 1)
        return {};
    four.s_addr &= htonl(0xffffff00);
    return std::string(inet_ntop(AF_INET, &four, text, sizeof text)) + "/24";
}

uint64_t PathMemory::worth(const Entry& entry, GstClockTime now) {
    const GstClockTime age = now > entry.at ? now - entry.at : 0;
    if (age >= life)
        return 0;
    return static_cast<uint64_t>(static_cast<double>(entry.estimate) *
                                 std::exp2(-static_cast<double>(age) / static_cast<double>(half_life)));
}

void PathMemory::learn(const std::string& address, uint64_t estimate, GstClockTime lasted, GstClockTime now) {
    const std::string network = network_of(address);
    if (estimate == 0 || network.empty())
        return;
    std::lock_guard lock(mutex_);
    const auto it = entries_.find(network);
    if (it != entries_.end()) {
        if (lasted < sound_session && estimate < worth(it->second, now))
            return;
        ages_.erase(it->second.age);
        entries_.erase(it);
    }
    ages_.push_front(network);
    entries_[network] = {estimate, now, ages_.begin()};
    if (entries_.size() > most_networks) {
        entries_.erase(ages_.back());
        ages_.pop_back();
    }
}

uint64_t PathMemory::estimate(const std::string& address, GstClockTime now) const {
    const std::string network = network_of(address);
    std::lock_guard lock(mutex_);
    const auto it = entries_.find(network);
    return it == entries_.end() ? 0 : worth(it->second, now);
}

std::shared_ptr<LeastRoundTrip> PathMemory::round_trip(const std::string& address) {
    const std::string network = network_of(address);
    if (network.empty())
        return nullptr;
    std::lock_guard lock(mutex_);
    auto shared = round_trips_[network].lock();
    if (!shared) {
        std::erase_if(round_trips_, [](const auto& entry) { return entry.second.expired(); });
        round_trips_[network] = shared = std::make_shared<LeastRoundTrip>();
    }
    return shared;
}

size_t PathMemory::size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

} // namespace sluice
