// SPDX-License-Identifier: LGPL-2.1-or-later
// What a client sends to say who it is (Authorization, Cookie), and files of accounts.
#include "launcher/auth/rights.hpp"
#include "launcher/auth/session_store.hpp"
#include "plugins/core/credentials.hpp"
#include "tests/fuzz/launcher_input.hpp"

#include <glib.h>

using namespace sluice;

namespace {

void check_basic(std::string_view header) {
    const auto basic = parse_basic(header);
    if (!basic)
        return;
    FUZZ_CHECK(header.size() <= 8192 && basic->user.find(':') == std::string::npos);
    const std::string joined = basic->user + ":" + basic->password;
    FUZZ_CHECK(joined.find('\0') == std::string::npos);
    char* coded = g_base64_encode(reinterpret_cast<const guchar*>(joined.data()), joined.size());
    const auto again = parse_basic(std::string("Basic ") + coded);
    g_free(coded);
    FUZZ_CHECK(again && again->user == basic->user && again->password == basic->password);
}

// Any header, with the cookie in front of it, behind it, and twice.
void check_cookie(const std::string& header) {
    const std::string name = "sluice-8080", pair = name + "=" + test::canary;
    if (const auto found = find_cookie(header, name))
        FUZZ_CHECK(test::contains(header, name) && found->size() < header.size());
    if (header.find(name) != std::string::npos || header.find('"') != std::string::npos)
        return;
    FUZZ_CHECK(find_cookie(pair, name) == test::canary);
    FUZZ_CHECK(find_cookie(pair + "; " + header, name) == test::canary);
    FUZZ_CHECK(find_cookie(header + "; " + pair, name) == test::canary);
    FUZZ_CHECK(!find_cookie(pair + "; " + header + "; " + name + "=other", name));
}

void check_file(std::string_view text) {
    const auto parsed = Credentials::parse(text, "accounts");
    if (!parsed) {
        FUZZ_CHECK(parsed.error().kind == ErrorKind::bad_config && parsed.error().text.starts_with("accounts:"));
        return;
    }
    const auto again = Credentials::parse(text, "accounts");
    FUZZ_CHECK(again && again.value().revoked_since(parsed.value()).empty());
    const auto none = Credentials::parse("", "none");
    FUZZ_CHECK(none && none.value().empty());
    FUZZ_CHECK(parsed.value().empty() == none.value().revoked_since(parsed.value()).empty());
}

// A pattern and a name; a star in front of the pattern can only let in more.
void check_pattern(std::string_view text) {
    const size_t half = text.size() / 2;
    const std::string pattern(text.substr(0, half)), name(text.substr(half));
    if (matches_pattern(pattern, name)) {
        FUZZ_CHECK(matches_pattern("*" + pattern, name) && matches_pattern(pattern + "*", name));
        FUZZ_CHECK(pattern.find('*') != std::string::npos || pattern.size() == name.size());
    }
    FUZZ_CHECK(matches_pattern("*", name));
    if (pattern.find_first_of("*?") == std::string::npos)
        FUZZ_CHECK(matches_pattern(pattern, name) == (pattern == name));
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = test::text_of(data, size);
    if (test::contains(text, test::canary))
        return 0;
    check_basic(text);
    check_basic("Basic " + std::string(text));
    check_cookie(std::string(text));
    check_file(text);
    check_pattern(text);
    return 0;
}
