// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes from a worker process. The first byte says in pieces of which size.
#include "launcher/camera/source_job.hpp"
#include "launcher/worker/transcode_job.hpp"
#include "launcher/worker/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace sluice;

// What the launcher makes of an event.
static void check_event(std::string_view text) {
    std::vector<ConfigError> errors;
    const Json said = parse_json_text(text, errors);
    if (!errors.empty())
        return;
    const auto is_line = [](const std::string& reason) {
        return reason.size() <= max_event_reason &&
               std::none_of(reason.begin(), reason.end(), [](unsigned char c) { return c < 0x20; });
    };
    if (const auto failed = transcode_failure(said))
        FUZZ_CHECK(is_line(failed->reason));
    const auto event = source_event(said);
    if (!event)
        return;
    const SourceFailure& failure = event->failure;
    FUZZ_CHECK(!failure.again && !failure.taken_over && is_line(failure.reason));
    FUZZ_CHECK(event->kind != SourceEvent::Kind::failed || !failure.reason.empty());
    FUZZ_CHECK(source_event(to_json(*event)) == event);
}

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
            if (message->header.type == WireType::event)
                check_event(message->text());
        }
        FUZZ_CHECK(!broken || !reader.broken().empty());
    }
    return 0;
}
