// SPDX-License-Identifier: LGPL-2.1-or-later
// Datagrams of a DTLS handshake (RFC 6347 sections 4.1 and 4.2.2), as far as one sees them from outside.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::test::dtls {

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline Bytes record(uint8_t type, uint8_t epoch, const Bytes& body) {
    const auto size = body.size();
    const Bytes number(6), length{static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
    return Bytes{type, 0xfe, 0xfd, 0, epoch} + number + length + body;
}

// A piece of a handshake message.
inline Bytes message(uint8_t seq, uint8_t offset = 0, size_t size = 40) {
    Bytes m{1, 0, 0, static_cast<uint8_t>(2 * size), 0, seq, 0, 0, offset, 0, 0, static_cast<uint8_t>(size)};
    m.resize(m.size() + size, 0xaa);
    return record(22, 0, m);
}

inline const Bytes change_cipher = record(20, 0, {1}), finished = record(22, 1, Bytes(40, 0xbb));

} // namespace sluice::test::dtls
