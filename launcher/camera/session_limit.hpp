// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out whether a camera ends its sessions because it hears no keep-alive. rtspsrc 1.22 sends none over TCP while media
// flow; nearly all cameras take its RTCP reports for one, and asking rtspsrc to send a request can cost the packet that it
// is just reading. So only cameras that end session after session at the same age are sent any.
#pragma once

#include <chrono>
#include <optional>

namespace sluice {

class SessionLimit {
public:
    using Duration = std::chrono::milliseconds;
    // The default timeout of a session is 60 s (RFC 2326, 12.37); what is much longer is no timeout of that kind.
    static constexpr Duration shortest{4000}, longest{180'000};

    // The camera has ended a connection of that age by itself.
    void ended(Duration age) {
        const auto before = last_;
        last_ = age >= shortest && age <= longest ? std::optional(age) : std::nullopt;
        if (last_ && before && std::chrono::abs(*last_ - *before) <= *before / 8)
            keep_alive_ = age / 3;
    }
    // Something else went wrong: that age says nothing.
    void failed() { last_.reset(); }

    // How often the camera is to be asked for something; nothing: not at all.
    std::optional<Duration> keep_alive() const { return keep_alive_; }

private:
    std::optional<Duration> last_, keep_alive_;
};

} // namespace sluice
