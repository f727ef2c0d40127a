// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/dtls_flight.hpp"

#include <utility>

namespace sluice {

namespace {
// RFC 6347 sections 4.1 and 4.2.2.
constexpr size_t record_header = 13, handshake_header = 12;
constexpr uint8_t handshake = 22;

uint64_t number(std::span<const uint8_t> bytes) {
    uint64_t n = 0;
    for (const uint8_t b : bytes)
        n = n << 8 | b;
    return n;
}
} // namespace

void DtlsFlight::sent(GstBuffer* datagram, GstClockTime now) {
    for (const auto& known : datagrams_)
        if (known.get() == datagram)
            return; // once more
    if (answered_) {
        answered_ = false;
        datagrams_.clear();
        repeats_ = 0;
    }
    left_ = now;
    if (datagrams_.size() < most_datagrams)
        datagrams_.push_back(ref(datagram));
}

DtlsFlight::News DtlsFlight::look(std::span<const uint8_t> datagram) {
    News news = News::none;
    while (datagram.size() >= record_header) {
        const size_t length = number(datagram.subspan(11, 2));
        if (datagram.size() < record_header + length)
            break;
        const auto body = datagram.subspan(record_header, length);
        const bool is_handshake = datagram[0] == handshake, encrypted = number(datagram.subspan(3, 2)) > 0;
        datagram = datagram.subspan(record_header + length);
        bool fresh = false;
        if (is_handshake && encrypted)
            fresh = !std::exchange(encrypted_, true);
        else if (is_handshake && body.size() >= handshake_header && seen_.size() < most_messages)
            fresh = seen_.insert(number(body.subspan(4, 2)) << 24 | number(body.subspan(6, 3))).second;
        else
            continue;
        if (fresh)
            news = News::fresh;
        else if (news == News::none)
            news = News::repeated;
    }
    return news;
}

bool DtlsFlight::came(std::span<const uint8_t> datagram, GstClockTime now) {
    const News news = look(datagram);
    answered_ |= news == News::fresh;
    if (news != News::repeated || answered_ || datagrams_.empty() || repeats_ >= most_repeats || now < left_ + pause)
        return false;
    ++repeats_;
    left_ = now;
    return true;
}

} // namespace sluice
