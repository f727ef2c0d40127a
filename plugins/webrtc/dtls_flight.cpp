// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/dtls_flight.hpp"

#include <algorithm>

namespace sluice {

namespace {
// RFC 6347 sections 4.1 and 4.2.2.
constexpr size_t record_header = 13, handshake_header = 12;
constexpr uint8_t handshake = 22;

uint32_t number(std::span<const uint8_t> bytes) {
    uint32_t n = 0;
    for (const uint8_t b : bytes)
        n = n << 8 | b;
    return n;
}
} // namespace

std::vector<uint32_t> DtlsFlight::messages(std::span<const uint8_t> data) {
    std::vector<uint32_t> list;
    while (data.size() >= record_header) {
        if ((data[0] & 0xe0) == 0x20) { // DTLS 1.3 has another header for what is encrypted (RFC 9147 section 4)
            list.push_back(encrypted);
            break;
        }
        const size_t length = number(data.subspan(11, 2));
        if (data.size() < record_header + length)
            break;
        const auto body = data.subspan(record_header, length);
        if (data[0] == handshake && number(data.subspan(3, 2)) > 0) // epoch
            list.push_back(encrypted);
        else if (data[0] == handshake && body.size() >= handshake_header)
            list.push_back(number(body.subspan(4, 2)));
        data = data.subspan(record_header + length);
    }
    return list;
}

bool DtlsFlight::ends(std::span<const uint8_t> data) {
    const auto all = messages(data);
    return std::find(all.begin(), all.end(), encrypted) != all.end();
}

void DtlsFlight::sent(GstBuffer* datagram, std::span<const uint8_t> data, GstClockTime now) {
    for (const auto& known : datagrams_)
        if (known.get() == datagram)
            return; // once more
    const auto all = messages(data);
    const uint32_t first = all.empty() ? encrypted : all.front();
    // Its own timer repeats it, too, in other buffers.
    const bool repeated = !datagrams_.empty() && first == first_ && now >= left_ + pause;
    if (answered_ || repeated || datagrams_.empty()) {
        repeats_ = answered_ ? 0 : repeats_;
        answered_ = false;
        datagrams_.clear();
        first_ = first;
    }
    left_ = now;
    if (datagrams_.size() < most_datagrams)
        datagrams_.push_back(ref(datagram));
}

bool DtlsFlight::came(std::span<const uint8_t> data, GstClockTime now) {
    const auto all = messages(data);
    for (const uint32_t message : all)
        if (seen_.size() < most_messages)
            answered_ |= seen_.insert(message).second;
    if (all.empty() || answered_ || datagrams_.empty() || repeats_ >= most_repeats || now < left_ + pause)
        return false;
    ++repeats_;
    left_ = now;
    return true;
}

} // namespace sluice
