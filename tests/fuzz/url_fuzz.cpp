// SPDX-License-Identifier: LGPL-2.1-or-later
// An address of a camera, as people paste it; and the same with a password in it, in the middle of other text.
#include "launcher/config/url.hpp"
#include "tests/fuzz/launcher_input.hpp"

using namespace sluice;

namespace {

void check_url(std::string_view text) {
    std::string why;
    const auto url = parse_camera_url(text, why);
    FUZZ_CHECK(url.has_value() == why.empty());
    if (!url)
        return;
    FUZZ_CHECK(looks_like_url(text));
    FUZZ_CHECK(url->location.size() <= 3 * text.size() + 16);
    std::string again_why;
    const auto again = parse_camera_url(url->location, again_why);
    FUZZ_CHECK(again && !again->has_credentials && again->location == url->location);
    FUZZ_CHECK(again->host == url->host && again->port == url->port && again->path == url->path);
    if (url->host.empty() || url->scheme == "srt")
        return;
    const auto moved = parse_camera_url(with_port(*url, 4711), again_why);
    FUZZ_CHECK(moved && moved->host == url->host && moved->port == 4711);
}

void check_hidden(const std::string& text) { FUZZ_CHECK(!test::contains(quote_for_message(text), test::canary)); }

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(test::text_of(data, size));
    if (test::contains(text, "c4n4ry"))
        return 0;
    check_url(text);
    FUZZ_CHECK(redact_urls(redact_urls(text)) == redact_urls(text));
    FUZZ_CHECK(hide_queries(hide_queries(text)) == hide_queries(text));
    FUZZ_CHECK(quote_for_message(text).size() <= 100);

    const size_t half = text.size() / 2;
    const std::string before = text.substr(0, half), behind = text.substr(half);
    const std::string secret = test::canary;
    // In a line of a log: a password that is a word.
    const std::string line = before + " rtsp://user:" + secret + "@host/" + behind;
    FUZZ_CHECK(!test::contains(redact_urls(line), secret));
    if (before.find_first_of(" ,\t\r\n\"'<>") == std::string::npos) // still one word
        FUZZ_CHECK(!test::contains(hide_queries(redact_urls("http://h/?" + before + "&x=" + secret + "&y")), secret));
    FUZZ_CHECK(!test::contains(redact_urls(before + "srt://h:1?passphrase=" + secret + "&" + behind), secret));
    // As one value that is wrong somewhere: whatever stands around it in the password.
    check_hidden("rtsp://user:" + before + secret + behind + "@host/1");
    check_hidden("rtsp:/user:" + before + secret + "@host/1");
    check_hidden("user:" + secret + before + "@host/1");
    return 0;
}
