// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace sluice {

// The last datagrams that were sent of a DTLS handshake, and when they have to be sent once more: when the other side repeats its own
// (RFC 6347 section 4.2.4), for then ours were lost. OpenSSL takes no notice of that and waits for its own timer, 1 s. Pure.
class DtlsFlight {
public:
    static constexpr size_t most_datagrams = 16;
    static constexpr size_t most_messages = 64; // pieces of handshake messages that are remembered
    static constexpr unsigned most_repeats = 6;
    // What is repeated comes in several datagrams, and what was just sent is still on its way.
    static constexpr GstClockTime pause = 80 * GST_MSECOND;

    void sent(GstBuffer* datagram, GstClockTime now);
    // A datagram of the other side, any bytes. True: datagrams() are to be sent once more, now.
    bool came(std::span<const uint8_t> datagram, GstClockTime now);
    const std::vector<Ref<GstBuffer>>& datagrams() const { return datagrams_; }

private:
    enum class News { none, repeated, fresh };
    News look(std::span<const uint8_t> datagram);

    std::vector<Ref<GstBuffer>> datagrams_;
    std::set<uint64_t> seen_; // message and offset of what came
    bool encrypted_ = false;  // so did the end of the handshake
    bool answered_ = false;   // something new has come: what is sent next is another flight
    unsigned repeats_ = 0;    // of this flight
    GstClockTime left_ = 0;
};

} // namespace sluice
