// SPDX-License-Identifier: LGPL-2.1-or-later
// One WebSocket of a go2rtc player, as messages of docs/signalling.md and back. Pure.
//
// The player says {"type": "webrtc/offer", "value": SDP} (or "webrtc" with an object) and "webrtc/candidate", before or after
// the offer; it hears the answer, each candidate as a message of its own, and {"type": "error", "value": "ASKED: why"}.
// It asks for several ways at once and takes the one that works, so what cannot be had here is an error too, no silence.
#pragma once

#include "launcher/http/go2rtc_source.hpp"
#include "plugins/core/json_text.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class Go2rtcTalk {
public:
    static constexpr size_t max_early_candidates = 64;
    static constexpr unsigned max_offers = 16; // of one socket
    static constexpr unsigned max_bad = 16;    // messages that cannot be understood, then the socket is closed

    struct Out {
        std::function<void(const Json&)> to_player, to_server;
        std::function<void(unsigned code, const std::string& reason)> close;
    };
    Go2rtcTalk(Go2rtcSource source, Out out) : source_(std::move(source)), out_(std::move(out)) {}

    void from_player(std::string_view text);
    void from_server(const Json& message);

private:
    enum class State { none, joining, joined };
    void offer(const std::string& asked, const std::string& sdp);
    void candidate(const std::string& value);
    void answer(const std::string& sdp);
    void error(const std::string& asked, const std::string& why);
    void bad(const std::string& asked, const std::string& why);

    const Go2rtcSource source_;
    const Out out_;
    State state_ = State::none;
    std::string id_;    // of the newest offer
    std::string asked_; // its message's type
    std::vector<std::string> early_;
    unsigned offers_ = 0, bad_ = 0;
};

// An SDP without its candidates, and they.
struct BareSdp {
    std::string sdp;
    std::vector<std::string> candidates; // "candidate:..."
};
BareSdp without_candidates(std::string_view sdp);

} // namespace sluice
