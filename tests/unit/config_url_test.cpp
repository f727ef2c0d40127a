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
    for (const char* text : {"",
                             "h",
                             "ftp://h/x",
                             "rtspx://h",
                             "rtsp:h",
                             "rtsp:/h/x",
                             "http:h/x",
                             "http://",
                             "https://:1/x",
                             "rtsp://",
                             "rtsp:///x",
                             "rtsp://:554/x",
                             "rtsp://h:0/x",
                             "rtsp://h:65536/x",
                             "rtsp://h:55x/x",
                             "rtsp://h:/x",
                             "rtsp://u:p@/x",
                             "rtsp://h h/x",
                             "rtsp://h/a b",
                             "rtsp://h\n/",
                             "rtsp://h;rm/x",
                             "//h/x"})
        EXPECT_FALSE(parse(text)) << text;
    EXPECT_FALSE(parse("rtsp://h/" + std::string(3000, 'x')));
}

TEST(CameraUrl, Http) {
    const auto url = parse("http://viewer:pw@cam.local/mjpg/video.mjpg?camera=1");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->location, "http://cam.local/mjpg/video.mjpg?camera=1");
    EXPECT_EQ(url->source_template, "mjpeg");
    EXPECT_EQ(url->user, "viewer");
    EXPECT_EQ(url->port, 80);
    EXPECT_FALSE(url->has_port);
    EXPECT_EQ(parse("HTTPS://h/x")->port, 443);
    EXPECT_EQ(parse("https://h/x")->source_template, "mjpeg");
}

TEST(CameraUrl, Srt) {
    const auto url = parse("srt://10.0.0.5:9000?streamid=a/b&pbkeylen=16");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->source_template, "srt");
    EXPECT_EQ(url->host, "10.0.0.5");
    EXPECT_EQ(url->port, 9000);
    EXPECT_EQ(url->location, "srt://10.0.0.5:9000?streamid=a/b&pbkeylen=16");
    EXPECT_FALSE(url->listens);
    EXPECT_TRUE(parse("srt://:9000?mode=listener"));
    EXPECT_TRUE(parse("srt://:9000?mode=listener")->listens);
    EXPECT_TRUE(parse("srt://0.0.0.0:9000/?mode=listener"));
    EXPECT_TRUE(parse("srt://h:9000?mode=caller"));
    for (const char* text :
         {"srt://h", "srt://:9000", "srt://:9000?mode=caller", "srt://h:1?mode=rendezvous", "srt://h:1/path",
          "srt://h:1?passphrase=0123456789", "srt://h:1?latency=5", "srt://u:p@h:1"})
        EXPECT_FALSE(parse(text)) << text;
}

TEST(CameraUrl, ThingsOfThisMachine) {
    const auto relative = parse("file:clips/my clip 100%.mp4");
    ASSERT_TRUE(relative);
    EXPECT_EQ(relative->source_template, "file");
    EXPECT_EQ(relative->path, "clips/my clip 100%.mp4");
    EXPECT_EQ(relative->location, "file:clips/my%20clip%20100%25.mp4");
    EXPECT_EQ(parse(relative->location)->path, relative->path) << "an address stays itself";
    for (const char* text : {"file:/a/b.ts", "file:///a/b.ts", "file://localhost/a/b.ts", "FILE:///a/%62.ts",
                             "file:////a/b.ts", "file:%2F%2Fa/b.ts"}) {
        EXPECT_EQ(parse(text)->path, "/a/b.ts") << text;
        EXPECT_EQ(parse(text)->location, "file:/a/b.ts") << text;
    }
    for (const char* text : {"file:", "file://", "file:///", "file://host/x", "file:a/", "file:a%00b", "file:a\nb"})
        EXPECT_FALSE(parse(text)) << text;
    EXPECT_EQ(parse("v4l2:///dev/video0")->path, "/dev/video0");
    EXPECT_EQ(parse("v4l2:/dev/v4l/by-id/usb-cam")->source_template, "v4l2");
    for (const char* text : {"v4l2:", "v4l2:video0", "v4l2:///etc/passwd", "v4l2:///dev/", "v4l2:///dev/../etc/passwd"})
        EXPECT_FALSE(parse(text)) << text;
    EXPECT_EQ(parse("test:")->path, "");
    EXPECT_EQ(parse("test:ball")->path, "ball");
    EXPECT_EQ(parse("test:smpte100")->source_template, "test");
    for (const char* text : {"test:a b", "test://ball", "test:ball!x", "test:Ball"})
        EXPECT_FALSE(parse(text)) << text;
}

TEST(CameraUrl, APortCanBePutIn) {
    EXPECT_EQ(with_port(*parse("rtsp://h/x?y"), 80), "rtsp://h:80/x?y");
    EXPECT_EQ(with_port(*parse("rtsps://[fd00::5]/x"), 443), "rtsps://[fd00::5]:443/x");
    EXPECT_EQ(with_port(*parse("rtsp://h:554"), 80), "rtsp://h:80");
}

TEST(CameraUrl, AddressesAreToldFromFileNames) {
    for (const char* text :
         {"rtsp://h/1", "ftp://h", "test:", "Test:", "FILE:x", "file:x", "v4l2:/dev/video0", "srt://h:1"})
        EXPECT_TRUE(looks_like_url(text)) << text;
    for (const char* text : {"cameras.json", "/a/test", "./test:x", "a:b", "test", "C:\\x", ""})
        EXPECT_FALSE(looks_like_url(text)) << text;
}

TEST(CameraUrl, ReasonsNeverRepeatTheAddress) {
    for (const char* text : {"ftp://u:secret@h/x", "srt://u:secret@h:1", "srt://h:1?passphrase=secret",
                             "file://secret/x", "rtsp://u:secret@h:99999/x", "rtsp://u:secret@h!/x"}) {
        std::string why;
        EXPECT_FALSE(parse_camera_url(text, why));
        EXPECT_EQ(why.find("secret"), std::string::npos) << why;
    }
}

TEST(HideQueries, TakesThemOutOfAddressesOnly) {
    EXPECT_EQ(hide_queries("500, URL: http://h/v.cgi?user=a&pwd=b, Redirect to: (NULL)"),
              "500, URL: http://h/v.cgi?***, Redirect to: (NULL)");
    EXPECT_EQ(hide_queries("rtsp://h/x?a=1 and http://i/?b=2"), "rtsp://h/x?*** and http://i/?***");
    EXPECT_EQ(hide_queries("what? rtsp://h/x why?"), "what? rtsp://h/x why?");
    EXPECT_EQ(hide_queries(""), "");
}

TEST(RedactUrls, HidesWhatStandsBeforeTheAt) {
    EXPECT_EQ(redact_urls("open rtsp://u:p@h/x failed"), "open rtsp://***@h/x failed");
    EXPECT_EQ(redact_urls("rtsp://u:p@q@h/x"), "rtsp://***@h/x");
    EXPECT_EQ(redact_urls("rtsp://u:p/q@h/x"), "rtsp://***@h/x");
    EXPECT_EQ(redact_urls("a rtsp://u:1@a b rtsp://u:2@b"), "a rtsp://***@a b rtsp://***@b");
    EXPECT_EQ(redact_urls("\"rtsp://u:1@a\", x@y"), "\"rtsp://***@a\", x@y");
    EXPECT_EQ(redact_urls("rtsp://h/x"), "rtsp://h/x");
    EXPECT_EQ(redact_urls("mail me@example.org"), "mail me@example.org");
    EXPECT_EQ(redact_urls("srt://h:1?passphrase=secret&mode=caller failed"),
              "srt://h:1?passphrase=***&mode=caller failed");
    EXPECT_EQ(redact_urls("rtsp://h/user=a&password=secret&channel=1 failed"),
              "rtsp://h/user=a&password=***&channel=1 failed");
    EXPECT_EQ(redact_urls("http://h/?mail=a@b&key=secret failed"), "http://*** failed");
    EXPECT_EQ(redact_urls("http://h/?PWD=secret"), "http://h/?PWD=***");
    EXPECT_EQ(redact_urls("://"), "://");
    EXPECT_EQ(redact_urls(""), "");
}

TEST(QuoteForMessage, IsShortSafeAndPrintable) {
    EXPECT_EQ(quote_for_message("abc"), "\"abc\"");
    EXPECT_EQ(quote_for_message("a\nb\x1b"), "\"a\\x0ab\\x1b\"");
    EXPECT_EQ(quote_for_message("rtsp://u:secret@h"), "\"rtsp://***@h\"");
    // Passwords as people paste them, and addresses that are none.
    for (const char* text : {"rtsp://u:it's secret@h:99999/1", "rtsp://u:\"secret\"@h", "rtsp://u:<secret>@h",
                             "u:secret@h", "rtsp:/u:secret@h", "rtsp://h:99999/?user=u&password=secret",
                             "rtsp://h/a?b=secret", "rtsp://h:x/user=u&Password=secret&x=1"})
        EXPECT_EQ(quote_for_message(text).find("secret"), std::string::npos) << quote_for_message(text);
    EXPECT_LT(quote_for_message(std::string(5000, 'x')).size(), 100u);
    std::string umlauts;
    for (int i = 0; i < 100; i++)
        umlauts += "\xc3\xbc";
    const std::string quoted = quote_for_message(umlauts);
    EXPECT_EQ(quoted.find("\xc3."), std::string::npos) << "cut inside a character";
}

} // namespace
