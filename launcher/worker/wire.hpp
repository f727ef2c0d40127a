// SPDX-License-Identifier: LGPL-2.1-or-later
// What the launcher and a worker process say to each other over their socket: messages, each a header and a body. Both ends are
// the same program on the same machine, so numbers stand as this machine writes them. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

enum class WireType : uint8_t {
    job = 1,  // to the worker, first: what it is to do; JSON
    event,    // from the worker: how it goes; JSON
    track,    // what the units of `track` are from now on; caps as text
    unit,     // one access unit of `track`
    key_unit, // to who makes the units: a key unit is wanted soon; no body
    bitrate,  // to the worker: what its encoder is to make from now on; bit/s in decimal digits
};

struct WireHeader {
    static constexpr uint16_t key = 1, discont = 2;
    // Newer units wait already: decoded for the sake of those, shown to nobody.
    static constexpr uint16_t past = 4;

    uint32_t size = 0; // of the body
    WireType type = WireType::event;
    uint8_t track = 0;
    uint16_t flags = 0;
    uint64_t time = 0;         // of a unit, ns of the channels' clock
    uint64_t capture_time = 0; // of a unit, ns since 1970; 0: unknown
};
static_assert(sizeof(WireHeader) == 24);

constexpr uint32_t max_wire_unit = 16u << 20;  // an access unit that is larger is none
constexpr uint32_t max_wire_text = 256u << 10; // job, event, caps

struct WireMessage {
    WireHeader header;
    std::unique_ptr<uint8_t[]> body;
    std::string_view text() const { return {reinterpret_cast<const char*>(body.get()), header.size}; }
};

// Takes what comes in whatever pieces. Outside input: anything may stand in it.
class WireReader {
public:
    // Where the next bytes belong. Never empty.
    std::span<uint8_t> room();
    // So many of them are there. A message when it is whole.
    std::optional<WireMessage> took(size_t bytes);
    // Why nothing more can be read, empty: all is well.
    const std::string& broken() const { return broken_; }

private:
    void check();

    WireMessage message_;
    size_t have_ = 0; // of the header, then of the body
    bool in_body_ = false;
    std::string broken_;
    uint8_t waste_[512]{}; // what comes after the end of all sense
};

// A message that is a text.
struct WireText {
    WireHeader header;
    std::string body;
};
WireText wire_text(WireType type, std::string text, uint8_t track = 0);

} // namespace sluice
