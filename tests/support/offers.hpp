// SPDX-License-Identifier: LGPL-2.1-or-later
// SDP offers for tests: real ones from tests/data/offers, and a small one that can be taken apart.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

inline std::string recorded_offer(const std::string& name) {
    const char* data = std::getenv("SLUICE_TEST_DATA");
    std::ifstream file(std::string(data ? data : "tests/data") + "/offers/" + name + ".sdp", std::ios::binary);
    if (!file)
        throw std::runtime_error("no recorded offer " + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::string_view some_digest = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                                         "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

// Lines of an offer, to be changed before it is put together.
class OfferText {
public:
    OfferText()
        : lines_{"v=0",
                 "o=- 1 1 IN IP4 127.0.0.1",
                 "s=-",
                 "t=0 0",
                 "a=group:BUNDLE 0",
                 "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                 "c=IN IP4 0.0.0.0",
                 "a=mid:0",
                 "a=recvonly",
                 "a=rtcp-mux",
                 "a=setup:actpass",
                 "a=ice-ufrag:abcd",
                 "a=ice-pwd:0123456789abcdef01234567",
                 "a=fingerprint:sha-256 " + std::string(some_digest),
                 "a=rtpmap:96 H264/90000",
                 "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
                 "a=rtcp-fb:96 nack pli",
                 "a=rtpmap:97 rtx/90000",
                 "a=fmtp:97 apt=96"} {}

    // The first line that begins with `start` becomes `line`; empty: is left out.
    OfferText& change(std::string_view start, const std::string& line) {
        for (auto it = lines_.begin(); it != lines_.end(); ++it)
            if (it->starts_with(start)) {
                if (line.empty())
                    lines_.erase(it);
                else
                    *it = line;
                return *this;
            }
        throw std::logic_error("no line begins with " + std::string(start));
    }
    OfferText& drop(std::string_view start) { return change(start, ""); }
    OfferText& add(const std::string& line) {
        lines_.push_back(line);
        return *this;
    }
    // An m-line for sound behind it, in the same bundle. formats: "111 0"; maps: what its a=rtpmap lines say.
    OfferText& add_sound(const std::string& formats, const std::vector<std::string>& maps,
                         const std::string& direction = "recvonly") {
        change("a=group:BUNDLE", "a=group:BUNDLE 0 1");
        for (const std::string& line :
             {"m=audio 9 UDP/TLS/RTP/SAVPF " + formats, std::string("c=IN IP4 0.0.0.0"), std::string("a=mid:1"),
              "a=" + direction, std::string("a=rtcp-mux"), std::string("a=setup:actpass"),
              std::string("a=ice-ufrag:abcd"), std::string("a=ice-pwd:0123456789abcdef01234567"),
              "a=fingerprint:sha-256 " + std::string(some_digest)})
            add(line);
        for (const auto& map : maps)
            add("a=rtpmap:" + map);
        return *this;
    }
    // In front of the m-line.
    OfferText& add_to_session(const std::string& line) {
        lines_.insert(lines_.begin() + 4, line);
        return *this;
    }
    std::string text(const char* end = "\r\n") const {
        std::string out;
        for (const auto& l : lines_)
            out += l + end;
        return out;
    }

private:
    std::vector<std::string> lines_;
};

} // namespace sluice::test
