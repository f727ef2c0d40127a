// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes from a worker process. The first byte says in pieces of which size.
#include "launcher/worker/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    const size_t piece = data[0] + size_t(1);
    WireReader reader;
    for (size_t at = 1; at < size;) {
        const auto room = reader.room();
        FUZZ_CHECK(!room.empty());
        const size_t take = std::min({room.size(), piece, size - at});
        std::copy_n(data + at, take, room.begin());
        at += take;
        const bool broken = !reader.broken().empty();
        if (const auto message = reader.took(take)) {
            FUZZ_CHECK(!broken);
            FUZZ_CHECK(message->header.size <= max_wire_unit && message->text().size() == message->header.size);
            FUZZ_CHECK(message->header.type == WireType::unit || message->header.size <= max_wire_text);
        }
        FUZZ_CHECK(!broken || !reader.broken().empty());
    }
    return 0;
}
