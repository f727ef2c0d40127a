// SPDX-License-Identifier: LGPL-2.1-or-later
// A message of WebSocket signalling.
#include "plugins/webrtc/signal_protocol.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto parsed = parse_signal({reinterpret_cast<const char*>(data), size});
    if (const auto* bad = std::get_if<SignalRefusal>(&parsed)) {
        FUZZ_CHECK(!bad->error.text.empty() && bad->error.text.size() < 300);
        FUZZ_CHECK(bad->error.kind == ErrorKind::bad_input || bad->error.kind == ErrorKind::too_large);
        FUZZ_CHECK(bad->id.size() <= 64);
        FUZZ_CHECK(!signal_text::error(bad->id, bad->error).empty());
        return 0;
    }
    const auto& m = std::get<SignalMessage>(parsed);
    FUZZ_CHECK(m.id.size() <= 64 && m.camera.size() <= 64 && m.quality.size() <= 64 && m.session.size() <= 64);
    FUZZ_CHECK(m.type == SignalMessage::Type::ping || !m.id.empty());
    FUZZ_CHECK(m.candidate.find('\n') == std::string::npos && m.candidate.find('\r') == std::string::npos);
    FUZZ_CHECK(!signal_text::closed(m.id, m.camera).empty()); // told as it came, also if it is no UTF-8
    return 0;
}
