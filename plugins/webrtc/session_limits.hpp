// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice {

// How many sessions each peer has, those included that are still to come or on their way out. Thread-safe.
class PeerPlaces {
public:
    // A place, given up when the last reference to it goes. Nothing: the peer has all it may have. limit 0: none.
    static std::shared_ptr<void> take(const std::shared_ptr<PeerPlaces>& all, const std::string& peer, unsigned limit);

private:
    std::mutex mutex_;
    std::map<std::string, unsigned> taken_;
};

// How many more descriptors this process may open; a lower bound where some high numbers are taken and lower ones free.
unsigned long descriptors_left();

} // namespace sluice
