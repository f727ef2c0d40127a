// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/url.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

std::optional<CameraUrl> parse(std::string_view text) {
    std::string why;
    const auto url = parse_camera_url(text, why);
    EXPECT_EQ(url.has_value(), why.empty()) << why;
    return url;
}

TEST(CameraUrl, Plain) {
    const auto url = parse("rtsp://10.0.0.5/stream?channel=1&subtype=0");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->location, "rtsp://10.0.0.5/stream?channel=1&subtype=0");
    EXPECT_EQ(url->host, "10.0.0.5");
    EXPECT_EQ(url->port, 554);
    EXPECT_FALSE(url->has_credentials);
}

TEST(CameraUrl, PortsAndSchemes) {
    EXPECT_EQ(parse("rtsp://h:8554/x")->port, 8554);
    EXPECT_EQ(parse("rtsps://h/x")->port, 322);
    EXPECT_EQ(parse("RTSP://h/x")->location, "rtsp://h/x");
    EXPECT_EQ(parse("rtsp://h")->location, "rtsp://h");
}

TEST(CameraUrl, Ipv6) {
    const auto url = parse("rtsp://[fd00::5]:554/x");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "fd00::5");
    EXPECT_EQ(url->location, "rtsp://[fd00::5]:554/x");
    EXPECT_FALSE(parse("rtsp://[fd00::5/x"));
    EXPECT_FALSE(parse("rtsp://[10.0.0.1]/x"));
    EXPECT_FALSE(parse("rtsp://fd00::5/x"));
}

TEST(CameraUrl, CredentialsAreTakenOutAndDecoded) {
    const auto url = parse("rtsp://viewer:p%40ss%2Fw%zz@10.0.0.5:554/1");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->has_credentials);
    EXPECT_EQ(url->user, "viewer");
    EXPECT_EQ(url->password, "p@ss/w%zz");
    EXPECT_EQ(url->location, "rtsp://10.0.0.5:554/1");
    EXPECT_EQ(parse("rtsp://u:a@b:c@h/x")->password, "a@b:c");
    EXPECT_EQ(parse("rtsp://u@h/x")->password, "");
    EXPECT_EQ(parse("rtsp://u:50%@h/x")->password, "50%");
}

TEST(CameraUrl, Refused) {
    for (const char* text :
         {"", "h", "http://h/x", "rtspx://h", "rtsp://", "rtsp:///x", "rtsp://:554/x", "rtsp://h:0/x",
          "rtsp://h:65536/x", "rtsp://h:55x/x", "rtsp://h:/x", "rtsp://u:p@/x", "rtsp://h h/x", "rtsp://h/a b",
          "rtsp://h\n/", "rtsp://h;rm/x", "//h/x", "file:///etc/passwd"})
        EXPECT_FALSE(parse(text)) << text;
    EXPECT_FALSE(parse("rtsp://h/" + std::string(3000, 'x')));
}

TEST(CameraUrl, ReasonsNeverRepeatTheAddress) {
    for (const char* text : {"http://u:secret@h/x", "rtsp://u:secret@h:99999/x", "rtsp://u:secret@h!/x"}) {
        std::string why;
        EXPECT_FALSE(parse_camera_url(text, why));
        EXPECT_EQ(why.find("secret"), std::string::npos) << why;
    }
}

TEST(RedactUrls, HidesWhatStandsBeforeTheAt) {
    EXPECT_EQ(redact_urls("open rtsp://u:p@h/x failed"), "open rtsp://***@h/x failed");
    EXPECT_EQ(redact_urls("rtsp://u:p@q@h/x"), "rtsp://***@h/x");
    EXPECT_EQ(redact_urls("rtsp://u:p/q@h/x"), "rtsp://***@h/x");
    EXPECT_EQ(redact_urls("a rtsp://u:1@a b rtsp://u:2@b"), "a rtsp://***@a b rtsp://***@b");
    EXPECT_EQ(redact_urls("\"rtsp://u:1@a\", x@y"), "\"rtsp://***@a\", x@y");
    EXPECT_EQ(redact_urls("rtsp://h/x"), "rtsp://h/x");
    EXPECT_EQ(redact_urls("mail me@example.org"), "mail me@example.org");
    EXPECT_EQ(redact_urls("://"), "://");
    EXPECT_EQ(redact_urls(""), "");
}

TEST(QuoteForMessage, IsShortSafeAndPrintable) {
    EXPECT_EQ(quote_for_message("abc"), "\"abc\"");
    EXPECT_EQ(quote_for_message("a\nb\x1b"), "\"a\\x0ab\\x1b\"");
    EXPECT_EQ(quote_for_message("rtsp://u:secret@h"), "\"rtsp://***@h\"");
    EXPECT_LT(quote_for_message(std::string(5000, 'x')).size(), 100u);
    std::string umlauts;
    for (int i = 0; i < 100; i++)
        umlauts += "\xc3\xbc";
    const std::string quoted = quote_for_message(umlauts);
    EXPECT_EQ(quoted.find("\xc3."), std::string::npos) << "cut inside a character";
}

} // namespace
