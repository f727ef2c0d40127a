// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/session_limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace sluice {

std::shared_ptr<void> PeerPlaces::take(const std::shared_ptr<PeerPlaces>& all, const std::string& peer,
                                       unsigned limit) {
    std::lock_guard lock(all->mutex_);
    unsigned& n = all->taken_[peer];
    if (limit != 0 && n >= limit)
        return nullptr;
    ++n;
    return {all.get(), [all, peer](void*) {
                std::lock_guard guard(all->mutex_);
                const auto it = all->taken_.find(peer);
                if (--it->second == 0)
                    all->taken_.erase(it);
            }};
}

unsigned long descriptors_left() {
    rlimit limit{};
    const int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (next >= 0)
        ::close(next);
    else if (errno == EMFILE)
        return 0;
    if (next < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ULONG_MAX;
    return limit.rlim_cur > static_cast<rlim_t>(next) ? limit.rlim_cur - static_cast<rlim_t>(next) : 0;
}

} // namespace sluice
