// SPDX-License-Identifier: LGPL-2.1-or-later
// What dashboards made for go2rtc send: messages of a socket, one per line, and addresses to register.
#include "launcher/http/go2rtc_streams.hpp"
#include "launcher/http/go2rtc_talk.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sluice;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    unsigned joins = 0, closes = 0;
    size_t told = 0;
    Go2rtcTalk* talk = nullptr;
    const auto to_server = [&](const Json& m) {
        const std::string type = m.value("type", "");
        joins += type == "join";
        // Every second offer is answered from within, with itself.
        if (type == "join" && joins % 2)
            talk->from_server(Json{{"type", "answer"}, {"id", m["id"]}, {"sdp", m["sdp"]}});
    };
    const auto to_player = [&](const Json& m) {
        ++told;
        FUZZ_CHECK(!m.dump(-1, ' ', false, Json::error_handler_t::replace).empty());
    };
    Go2rtcTalk made(go2rtc_source(text.substr(0, 64)),
                    {to_player, to_server, [&](unsigned, const std::string&) { ++closes; }});
    talk = &made;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        made.from_player(text.substr(at, end - at));
        at = end + 1;
    }
    FUZZ_CHECK(joins <= Go2rtcTalk::max_offers && closes <= 1);

    const auto registered = go2rtc_registration("x", {std::string(text)});
    if (!registered) {
        FUZZ_CHECK(registered.error().kind == ErrorKind::bad_input);
        FUZZ_CHECK(registered.error().text.find("allowed: ") != std::string::npos);
        return 0;
    }
    for (const auto& source : registered.value().sources) {
        FUZZ_CHECK(!source.url.starts_with("file:") && !source.url.starts_with("v4l2:"));
        FUZZ_CHECK(source.url.find_first_of("\r\n") == std::string::npos);
    }
    return 0;
}
