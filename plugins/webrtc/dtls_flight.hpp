// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace sluice {

// The last datagrams that were sent of a DTLS handshake, and when they have to be sent once more: when the other side repeats its own
// (RFC 6347 section 4.2.4), for then ours were lost. OpenSSL does so only at the end of the handshake; before, it waits for its own timer,
// 1 s. Pure.
class DtlsFlight {
public:
    static constexpr size_t most_datagrams = 16;
    static constexpr size_t most_messages = 64; // of the other side that are remembered
    static constexpr unsigned most_repeats = 6;
    // What is repeated comes in several datagrams, and what was just sent is still on its way.
    static constexpr GstClockTime pause = 80 * GST_MSECOND;

    // data: of the buffer.
    void sent(GstBuffer* datagram, std::span<const uint8_t> data, GstClockTime now);
    // A datagram of the other side, any bytes. True: datagrams() are to be sent once more, now.
    bool came(std::span<const uint8_t> data, GstClockTime now);
    // The datagram has the last message of a side, Finished: the only one that is encrypted.
    static bool ends(std::span<const uint8_t> data);
    const std::vector<Ref<GstBuffer>>& datagrams() const { return datagrams_; }

private:
    // What a datagram has of handshakes: numbers of messages, and one for all that are encrypted.
    static constexpr uint32_t encrypted = 0x10000;
    static std::vector<uint32_t> messages(std::span<const uint8_t> data);

    std::vector<Ref<GstBuffer>> datagrams_;
    uint32_t first_ = 0;      // message of the first of them
    std::set<uint32_t> seen_; // messages that came
    bool answered_ = false;   // something new has come: what is sent next is another flight
    unsigned repeats_ = 0;    // of this flight
    GstClockTime left_ = 0;
};

} // namespace sluice
