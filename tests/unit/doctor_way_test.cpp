// SPDX-License-Identifier: LGPL-2.1-or-later
// What sluice doctor makes of names, connections, certificates and HTTP answers.
#include "launcher/doctor/diagnose.hpp"
#include "launcher/doctor/report.hpp"
#include "launcher/doctor/target.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace sluice;
using namespace sluice::doctor;

namespace {

constexpr int64_t now = 1'800'000'000, day = 86'400;

HttpFacts problem(unsigned status, const std::string& detail, const std::string& type = "about:sluice/x") {
    return {.status = status,
            .body = R"({"type":")" + type + R"(","title":"t","detail":")" + detail + "\"}",
            .headers = {{"content-type", "application/problem+json"}}};
}
HttpFacts plain(unsigned status, const std::string& body = "", const std::string& server = "") {
    HttpFacts out{.status = status, .body = body};
    if (!server.empty())
        out.headers["server"] = server;
    return out;
}
HttpFacts silence() { return {.error = "no answer in time", .timed_out = true}; }
const HttpFacts anonymous = problem(401, "credentials are needed");

TlsFacts certificate() {
    TlsFacts f;
    f.shaken = true;
    f.host = "edge";
    f.version = "TLS 1.3";
    f.subject = "CN=edge";
    f.issuer = "CN=Office";
    f.not_before = now - day;
    f.not_after = now + 90 * day;
    f.now = now;
    return f;
}

void expect(const Finding& found, Mark mark, Cause cause) {
    EXPECT_EQ(found.mark, mark) << found.detail;
    EXPECT_EQ(found.cause, cause) << found.detail << ": " << cause_info(found.cause).id;
}

} // namespace

TEST(DoctorCauses, AllHaveAnIdOfTheirOwnATitleAndACode) {
    std::set<std::string> ids;
    for (const Cause cause : all_causes()) {
        const CauseInfo& info = cause_info(cause);
        EXPECT_TRUE(ids.insert(info.id).second) << info.id;
        EXPECT_STRNE(info.title, "");
        EXPECT_EQ(info.exit_code == 0, cause == Cause::none) << info.id;
        if (cause != Cause::none && cause != Cause::interrupted) {
            EXPECT_STRNE(info.advice, "") << info.id;
        }
    }
    EXPECT_STREQ(cause_info(Cause::media_bad).id, "media-bad"); // the last one
}

TEST(DoctorWay, Names) {
    expect(diagnose_name({.host = "edge", .error = "not known"}), Mark::fail, Cause::name_unknown);
    expect(diagnose_name({.host = "edge", .addresses = {"10.0.0.1"}}), Mark::ok, Cause::none);
}

TEST(DoctorWay, TcpNamesWhatSaysMost) {
    const TcpTry good{"10.0.0.1", TcpError::none, "", 3}, silent{"10.0.0.2", TcpError::timed_out, "no answer", 4000},
        refused{"10.0.0.3", TcpError::refused, "refused", 1}, far{"10.0.0.4", TcpError::unreachable, "no route", 0};
    expect(diagnose_tcp({good}), Mark::ok, Cause::none);
    expect(diagnose_tcp({silent}), Mark::fail, Cause::tcp_timed_out);
    expect(diagnose_tcp({far}), Mark::fail, Cause::tcp_unreachable);
    expect(diagnose_tcp({silent, refused}), Mark::fail, Cause::tcp_refused);
    const Finding some = diagnose_tcp({silent, good});
    expect(some, Mark::warn, Cause::none);
    EXPECT_NE(some.advice.find("10.0.0.2"), std::string::npos);
}

TEST(DoctorWay, Certificates) {
    TlsFacts f = certificate();
    expect(diagnose_tls(f), Mark::ok, Cause::none);
    EXPECT_NE(diagnose_tls(f).detail.find("90 days left"), std::string::npos);
    f.not_after = now + 5 * day;
    expect(diagnose_tls(f), Mark::warn, Cause::none);
    f.unknown_authority = true;
    expect(diagnose_tls(f), Mark::fail, Cause::certificate_untrusted);
    f.wrong_name = true;
    expect(diagnose_tls(f), Mark::fail, Cause::certificate_name);
    f.not_after = now - 3 * day; // whatever else is wrong with it
    f.expired = true;
    expect(diagnose_tls(f), Mark::fail, Cause::certificate_expired);
    EXPECT_NE(diagnose_tls(f).detail.find("expired 3 days ago"), std::string::npos) << diagnose_tls(f).detail;
    f.checked = false;
    expect(diagnose_tls(f), Mark::warn, Cause::certificate_expired);
    f = certificate();
    f.not_yet = true;
    expect(diagnose_tls(f), Mark::fail, Cause::certificate_not_yet_valid);
    f.shaken = false;
    expect(diagnose_tls(f), Mark::fail, Cause::tls_failed);
}

TEST(DoctorWay, WhoAnswersHttp) {
    expect(diagnose_http(plain(200, "ok\n", "sluice"), anonymous), Mark::ok, Cause::none);
    expect(diagnose_http(plain(200, "ok\n", "nginx"), anonymous), Mark::ok, Cause::none);
    expect(diagnose_http(plain(200, "<html>", "nginx"), plain(404)), Mark::fail, Cause::not_sluice);
    expect(diagnose_http(plain(404, "", "nginx"), plain(404)), Mark::fail, Cause::not_sluice);
    expect(diagnose_http(plain(502, "", "nginx"), plain(502)), Mark::fail, Cause::http_failed);
    expect(diagnose_http(plain(401), plain(401)), Mark::fail, Cause::proxy_credentials);
    expect(diagnose_http(plain(407), plain(407)), Mark::fail, Cause::proxy_credentials);
    expect(diagnose_http(silence(), silence()), Mark::fail, Cause::http_no_answer);
    expect(diagnose_http(plain(200, "ok\n", "nginx"), plain(200, R"({"cameras":[]})")), Mark::warn, Cause::none);
}

TEST(DoctorWay, SilenceIsAnMtuBlackHoleWhereSmallSegmentsAreAnswered) {
    const Finding silent{Mark::fail, "no answer", Cause::http_no_answer};
    expect(diagnose_silence(silent, {}), Mark::fail, Cause::http_no_answer);
    expect(diagnose_silence(silent, {true, true, false}), Mark::fail, Cause::http_no_answer);
    expect(diagnose_silence(silent, {true, false, false}), Mark::fail, Cause::http_no_answer);
    expect(diagnose_silence(silent, {true, false, true}), Mark::fail, Cause::mtu_black_hole);
}

TEST(DoctorAccess, Credentials) {
    using Kind = CredentialFacts::Kind;
    const auto with = [](const HttpFacts& answer) {
        return diagnose_credentials({Kind::password, "admin", anonymous, answer});
    };
    expect(with(plain(200)), Mark::ok, Cause::none);
    expect(with(problem(401, "wrong user or password")), Mark::fail, Cause::credentials_wrong);
    expect(with(anonymous), Mark::fail, Cause::credentials_stripped);
    expect(with(plain(401)), Mark::fail, Cause::proxy_credentials);
    expect(with(problem(403, "no")), Mark::fail, Cause::rights_missing);
    expect(with(plain(502)), Mark::fail, Cause::http_failed);
    expect(with(silence()), Mark::fail, Cause::http_no_answer);
    HttpFacts slow = problem(429, "too many wrong tries from this address");
    slow.headers["retry-after"] = "42";
    expect(with(slow), Mark::fail, Cause::too_many_tries);
    EXPECT_NE(with(slow).detail.find("42 s"), std::string::npos);
    expect(diagnose_credentials({Kind::none, "", anonymous, anonymous}), Mark::fail, Cause::credentials_missing);
    expect(diagnose_credentials({Kind::none, "", plain(200), plain(200)}), Mark::ok, Cause::none);
}

TEST(DoctorAccess, Rights) {
    RightsFacts f{.principal = "guest"};
    expect(diagnose_rights(f), Mark::fail, Cause::rights_missing); // sees nothing at all
    f.visible = {"yard"};
    f.camera = "front";
    f.one = f.view = problem(403, "guest lacks the right");
    expect(diagnose_rights(f), Mark::fail, Cause::rights_missing);
    f.one = problem(404, "there is no camera with this name");
    expect(diagnose_rights(f), Mark::fail, Cause::camera_unknown);
    f.visible = {"front"};
    f.listed = true;
    f.one = {};
    expect(diagnose_rights(f), Mark::fail, Cause::rights_missing); // seen, but not to be watched
    f.view = problem(405, "GET is not possible here");
    expect(diagnose_rights(f), Mark::ok, Cause::none);
    f.view = anonymous;
    expect(diagnose_rights(f), Mark::fail, Cause::credentials_stripped);
}

TEST(DoctorAccess, Cameras) {
    CameraFacts f{.name = "front"};
    expect(diagnose_camera(f), Mark::fail, Cause::camera_down);
    f.streams = {{.name = "main", .state = "streaming", .codec = "H264"}};
    expect(diagnose_camera(f), Mark::ok, Cause::none);
    EXPECT_EQ(diagnose_camera(f).detail, "front/main is streaming, H264");
    f.streams[0].codec = "JPEG";
    expect(diagnose_camera(f), Mark::ok, Cause::none);
    EXPECT_NE(diagnose_camera(f).detail.find("no browser takes"), std::string::npos);
    f.streams[0] = {.name = "main", .state = "backoff", .failure = "refused", .reason = "connection refused"};
    expect(diagnose_camera(f), Mark::fail, Cause::camera_down);
    EXPECT_NE(diagnose_camera(f).detail.find("connection refused"), std::string::npos);
    f.streams[0] = {.name = "main", .state = "idle", .on_demand = true};
    expect(diagnose_camera(f), Mark::ok, Cause::none);
    f.streams[0] = {.name = "main", .state = "connecting"};
    expect(diagnose_camera(f), Mark::warn, Cause::none);
}

TEST(DoctorAccess, Sockets) {
    SocketFacts f{.path = "/ws", .with_credentials = true};
    f.connected = f.message = true;
    expect(diagnose_socket(f), Mark::ok, Cause::none);
    f.page_status = 403;
    expect(diagnose_socket(f), Mark::warn, Cause::websocket_origin);
    f.message = false;
    expect(diagnose_socket(f), Mark::fail, Cause::websocket_failed);
    f.connected = false;
    f.plain = problem(400, "this is no opening of a WebSocket");
    // A failed upgrade has headers only.
    f.upgrade = {.status = 401, .headers = {{"content-type", "application/problem+json"}}};
    expect(diagnose_socket(f), Mark::fail, Cause::websocket_credentials_stripped);
    f.upgrade.headers = {{"server", "nginx"}};
    expect(diagnose_socket(f), Mark::fail, Cause::proxy_credentials);
    f.upgrade = {.status = 400, .headers = {{"content-type", "application/problem+json"}}};
    expect(diagnose_socket(f), Mark::fail, Cause::websocket_upgrade_stripped);
    f.upgrade = {.status = 502};
    expect(diagnose_socket(f), Mark::fail, Cause::websocket_failed);
    f.upgrade = silence();
    expect(diagnose_socket(f), Mark::fail, Cause::websocket_failed);
}

TEST(DoctorAccess, Offers) {
    expect(diagnose_whep(plain(201, "v=0"), "front"), Mark::ok, Cause::none);
    expect(diagnose_whep(problem(403, "no"), "front"), Mark::fail, Cause::rights_missing);
    expect(diagnose_whep(plain(403), "front"), Mark::fail, Cause::whep_failed);
    expect(diagnose_whep(problem(406, "H.265"), "front"), Mark::fail, Cause::no_common_format);
    expect(diagnose_whep(problem(429, "full"), "front"), Mark::fail, Cause::limit_reached);
    expect(diagnose_whep(problem(503, "no picture yet"), "front"), Mark::fail, Cause::camera_down);
    expect(diagnose_whep(plain(503), "front"), Mark::fail, Cause::whep_failed);
    expect(diagnose_whep(silence(), "front"), Mark::fail, Cause::http_no_answer);
}

TEST(DoctorTarget, Addresses) {
    const auto target = parse_target("https://edge.example:8443/site-7/");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->url("/ws"), "https://edge.example:8443/site-7/ws");
    EXPECT_EQ(target->origin(), "https://edge.example:8443");
    EXPECT_EQ(target->port, 8443);
    const auto six = parse_target("http://[2001:db8::1]");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->host, "2001:db8::1");
    EXPECT_EQ(six->port, 80);
    EXPECT_EQ(six->url("/"), "http://[2001:db8::1]/");
    for (const char* wrong :
         {"edge", "rtsp://edge", "http://", "http://edge:0", "http://edge?x=1", "http://edge#x", ""})
        EXPECT_FALSE(parse_target(wrong)) << wrong;
    const auto secret = parse_target("http://admin:s3cret@edge/");
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().text.find("s3cret"), std::string::npos);
}

TEST(DoctorTarget, ForwardProxies) {
    const auto via = parse_via("http://me:s3cret@proxy:3128/");
    ASSERT_TRUE(via);
    EXPECT_EQ(via->shown, "http://proxy:3128");
    EXPECT_EQ(via->url, "http://me:s3cret@proxy:3128");
    for (const char* wrong : {"proxy:3128", "https://proxy", "http://proxy/site", "socks://proxy"})
        EXPECT_FALSE(parse_via(wrong)) << wrong;
}

TEST(DoctorReport, TheFirstFailureIsTheVerdict) {
    std::vector<std::string> lines;
    Report report([&](const std::string& line) { lines.push_back(line); });
    EXPECT_EQ(report.verdict(false).exit_code, 0);
    EXPECT_TRUE(report.add({"name", {Mark::ok, "fine"}, 1.5}));
    EXPECT_TRUE(report.add({"tls", {Mark::warn, "soon\n\x1b[2J", Cause::none, "renew it"}, 20}));
    EXPECT_EQ(report.verdict(false).cause, Cause::none);
    EXPECT_EQ(report.verdict(true).exit_code, 130);
    EXPECT_FALSE(report.add({"websocket-events", {Mark::fail, "401", Cause::websocket_credentials_stripped}, 3}));
    EXPECT_FALSE(report.add({"camera", {Mark::fail, "backoff", Cause::camera_down}, 0}));
    const Verdict verdict = report.verdict(true);
    EXPECT_EQ(verdict.cause, Cause::websocket_credentials_stripped);
    EXPECT_EQ(verdict.exit_code, 76);
    const Json document = report.document(verdict, {.url = "http://edge", .host = "here", .credentials = "none"});
    EXPECT_EQ(document["cause"], "websocket-credentials-stripped");
    EXPECT_EQ(document["steps"].size(), 4u);
    EXPECT_EQ(document["steps"][2]["mark"], "fail");
    EXPECT_EQ(document["tested"]["sentence"], "from here, directly, to http://edge, without credentials");
    ASSERT_EQ(lines.size(), 5u); // the warning says what to do
    EXPECT_EQ(lines[1].find('\x1b'), std::string::npos);
    EXPECT_EQ(lines[0].substr(0, 10), "ok    name");
}
