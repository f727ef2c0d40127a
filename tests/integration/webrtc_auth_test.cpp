// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may watch: the application's handler, the credentials file, or nobody.
#include "plugins/core/credentials.hpp"
#include "tests/support/webrtc_rig.hpp"

#include <fstream>
#include <future>

namespace sluice {
namespace {

using namespace test;

class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& text) {
        char* name = nullptr;
        const int fd = g_file_open_tmp("sluice-test-XXXXXX", &name, nullptr);
        path_ = name;
        g_free(name);
        ::close(fd);
        std::ofstream(path_) << text;
    }
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// Keeps what it is asked, for the test to answer.
class Desk {
public:
    WebrtcServer::AuthHandler handler() {
        return [this](SluiceAuthRequest* r) {
            std::lock_guard lock(mutex_);
            asked_.push_back(ref(r));
            changed_.notify_all();
        };
    }
    Ref<SluiceAuthRequest> next() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [&] { return !asked_.empty(); }))
            throw std::runtime_error("nobody asked");
        auto r = asked_.front();
        asked_.erase(asked_.begin());
        return r;
    }

    void accept(const char* principal) {
        const auto r = next();
        sluice_auth_request_accept(r.get(), principal, 0);
    }
    void deny(SluiceAuthDenial denial, const char* reason) {
        const auto r = next();
        sluice_auth_request_deny(r.get(), denial, reason);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Ref<SluiceAuthRequest>> asked_;
};

struct WebrtcAuthTest : ChannelTest {
    Camera front{"front/main"};
    Desk desk;

    void SetUp() override {
        front.begin();
        front.key(1);
    }
    static std::future<HttpAnswer> later(const WebrtcServer& server, const std::string& method, const std::string& path,
                                         const HttpHeaders& headers = {}, const std::string& body = "") {
        return std::async(std::launch::async, [&server, method, path, headers, body] {
            return server.request(method, path, headers, body);
        });
    }
    static std::future<HttpAnswer> later_post(const WebrtcServer& server, HttpHeaders headers = {}) {
        headers["Content-Type"] = "application/sdp";
        return later(server, "POST", "/whep/front", headers, OfferText().text());
    }
};

TEST_F(WebrtcAuthTest, ClosedByDefault) {
    WebrtcServer server(nullptr);
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    const auto answer = server.post("/whep/front");
    EXPECT_EQ(answer.status, 401u);
    EXPECT_EQ(answer.header("content-type"), "application/problem+json");
    EXPECT_NE(answer.body.find("neither an authorize handler nor a credentials-file"), std::string::npos)
        << answer.body;
}

TEST_F(WebrtcAuthTest, EvenWhatDoesNotExistIsSaidOnlyToThoseWhoMay) {
    WebrtcServer server(nullptr);
    server.start();
    for (const char* path : {"/whep/none", "/whep", "/whep/front/session"})
        for (const char* method : {"POST", "GET", "DELETE", "PATCH"})
            EXPECT_EQ(server.request(method, path).status, 401u) << method << path;
}

TEST_F(WebrtcAuthTest, TheCredentialsFile) {
    const TemporaryFile file("# viewers\nviewer:" + hash_password("open sesame") + "\n");
    WebrtcServer server(nullptr);
    ASSERT_EQ(server.set("credentials-file", file.path().c_str()).start(), GST_STATE_CHANGE_SUCCESS);
    const auto ask = [&](const HttpHeaders& more) {
        HttpHeaders headers = more;
        headers["Content-Type"] = "application/sdp";
        return server.request("POST", "/whep/front", headers, OfferText().text());
    };
    const auto without = ask({});
    EXPECT_EQ(without.status, 401u);
    EXPECT_EQ(without.header("www-authenticate"), "Basic realm=\"sluice\", charset=\"UTF-8\"");
    EXPECT_EQ(ask({{"X-Requested-With", "page"}}).header("www-authenticate"), "") << "the page has a login of its own";
    EXPECT_EQ(ask({{"Authorization", basic_authorization("viewer", "wrong")}}).status, 401u);
    EXPECT_EQ(ask({{"Authorization", basic_authorization("nobody", "open sesame")}}).status, 401u);
    EXPECT_EQ(ask({{"Authorization", "Bearer x"}}).status, 401u);
    const HttpHeaders good{{"Authorization", basic_authorization("viewer", "open sesame")}};
    const auto answer = ask(good);
    ASSERT_EQ(answer.status, 201u) << answer.body;
    const std::string session = "/whep/" + answer.header("location");
    EXPECT_EQ(server.request("GET", session).status, 401u) << "the address of a session is no credential";
    EXPECT_EQ(server.request("GET", session, good).status, 200u);
}

TEST_F(WebrtcAuthTest, ABadCredentialsFileIsAnErrorThatNamesTheLine) {
    const TemporaryFile file("good:" + hash_password("x") + "\nplain:secret-in-clear\n");
    WebrtcServer server(nullptr);
    EXPECT_EQ(server.set("credentials-file", file.path().c_str()).start(), GST_STATE_CHANGE_FAILURE);
    const std::string error = server.error();
    EXPECT_NE(error.find(file.path() + ":2:"), std::string::npos) << error;
    EXPECT_EQ(error.find("secret-in-clear"), std::string::npos) << "no secret in an error";
    server.stop();
    EXPECT_EQ(server.set("credentials-file", "/nonexistent/viewers").start(), GST_STATE_CHANGE_FAILURE);
    EXPECT_NE(server.error().find("/nonexistent/viewers"), std::string::npos);
}

TEST_F(WebrtcAuthTest, TheHandlerSeesWhoAsksForWhat) {
    WebrtcServer server(desk.handler());
    server.start();
    auto answer =
        later_post(server, {{"Authorization", "Bearer abc"}, {"Cookie", "s=1"}, {"Origin", "https://wall.example"}});
    const auto r = desk.next();
    EXPECT_STREQ(sluice_auth_request_get_action(r.get()), "view");
    EXPECT_STREQ(sluice_auth_request_get_camera(r.get()), "front");
    EXPECT_STREQ(sluice_auth_request_get_channel(r.get()), "front/main");
    EXPECT_STREQ(sluice_auth_request_get_peer_address(r.get()), "127.0.0.1");
    EXPECT_STREQ(sluice_auth_request_get_header(r.get(), "authorization"), "Bearer abc");
    EXPECT_STREQ(sluice_auth_request_get_header(r.get(), "cookie"), "s=1");
    EXPECT_STREQ(sluice_auth_request_get_header(r.get(), "origin"), "https://wall.example");
    EXPECT_EQ(server.sessions.count_added(), 0u) << "no connection is made before the answer";
    sluice_auth_request_accept(r.get(), "admin", 0);
    EXPECT_EQ(answer.get().status, 201u);
}

TEST_F(WebrtcAuthTest, Denied) {
    WebrtcServer server(desk.handler());
    server.start();
    auto unknown = later_post(server);
    desk.deny(SLUICE_AUTH_DENIED_UNAUTHENTICATED, "log in first");
    const auto a = unknown.get();
    EXPECT_EQ(a.status, 401u);
    EXPECT_NE(a.body.find("log in first"), std::string::npos);
    auto forbidden = later_post(server);
    desk.deny(SLUICE_AUTH_DENIED_FORBIDDEN, "not this camera");
    const auto b = forbidden.get();
    EXPECT_EQ(b.status, 403u);
    EXPECT_NE(b.body.find("not this camera"), std::string::npos);
    EXPECT_EQ(b.header("www-authenticate"), "") << "other credentials are not the point";
    EXPECT_EQ(server.sessions.count_added(), 0u);
}

TEST_F(WebrtcAuthTest, ADroppedRequestIsDenied) {
    WebrtcServer server([](SluiceAuthRequest*) {});
    server.start();
    EXPECT_EQ(server.post("/whep/front").status, 401u);
}

TEST_F(WebrtcAuthTest, ManyQuestionsMayBeOpenAtATime) {
    WebrtcServer server(desk.handler());
    server.start();
    std::vector<std::future<HttpAnswer>> answers;
    std::vector<Ref<SluiceAuthRequest>> requests;
    for (int i = 0; i < 8; ++i)
        answers.push_back(later_post(server));
    for (int i = 0; i < 8; ++i)
        requests.push_back(desk.next());
    for (int i = 7; i >= 0; --i)
        sluice_auth_request_accept(requests[static_cast<size_t>(i)].get(), "admin", 0);
    for (auto& a : answers)
        EXPECT_EQ(a.get().status, 201u);
}

TEST_F(WebrtcAuthTest, AQuestionThatIsNeverAnsweredEndsWithNo) {
    WebrtcServer server(desk.handler());
    server.start();
    auto answer = later_post(server);
    const auto held = desk.next();
    const auto a = answer.get(); // after 10 s
    EXPECT_EQ(a.status, 401u);
    EXPECT_NE(a.body.find("not answered in time"), std::string::npos) << a.body;
}

TEST_F(WebrtcAuthTest, TheEndOfThePermissionClosesTheSession) {
    WebrtcServer server(
        [](SluiceAuthRequest* r) { sluice_auth_request_accept(r, "guest", g_get_real_time() / G_USEC_PER_SEC + 1); });
    server.start();
    const auto answer = server.post("/whep/front");
    ASSERT_EQ(answer.status, 201u);
    EXPECT_EQ(server.sessions.wait_removed(session_of(answer.header("location"))), "the permission has expired");
}

TEST_F(WebrtcAuthTest, EachRequestOfASessionIsAskedFor) {
    WebrtcServer server(desk.handler());
    server.start();
    auto post = later_post(server);
    desk.accept("alice");
    const std::string session = "/whep/" + post.get().header("location");
    const HttpHeaders json{{"Content-Type", "application/json"}};

    auto get = later(server, "GET", session);
    desk.accept("bob");
    EXPECT_EQ(get.get().status, 404u) << "another's session is not there";
    auto patch = later(server, "PATCH", session, json, R"({"stream":"main"})");
    desk.accept("bob");
    EXPECT_EQ(patch.get().status, 404u);
    auto remove = later(server, "DELETE", session);
    desk.accept("bob");
    EXPECT_EQ(remove.get().status, 404u);
    auto denied = later(server, "DELETE", session);
    desk.deny(SLUICE_AUTH_DENIED_FORBIDDEN, "no");
    EXPECT_EQ(denied.get().status, 403u);
    auto own = later(server, "DELETE", session);
    desk.accept("alice");
    EXPECT_EQ(own.get().status, 200u);
}

TEST_F(WebrtcAuthTest, ClosePrincipalEndsAllItsSessions) {
    std::atomic<int> n{0};
    WebrtcServer server([&](SluiceAuthRequest* r) { sluice_auth_request_accept(r, ++n % 2 ? "alice" : "bob", 0); });
    server.start();
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i)
        ids.push_back(session_of(server.post("/whep/front").header("location")));
    guint closed = 0;
    g_signal_emit_by_name(server.element(), "close-principal", "alice", "alice has been removed", &closed);
    EXPECT_EQ(closed, 2u);
    EXPECT_EQ(server.sessions.wait_removed(ids[0]), "alice has been removed");
    EXPECT_EQ(server.sessions.wait_removed(ids[2]), "alice has been removed");
    EXPECT_EQ(server.session_count(), 2u);
    g_signal_emit_by_name(server.element(), "close-principal", "carol", "x", &closed);
    EXPECT_EQ(closed, 0u);
}

TEST_F(WebrtcAuthTest, CloseLoginEndsWhatCameInByIt) {
    std::atomic<int> n{0};
    WebrtcServer server([&](SluiceAuthRequest* r) {
        sluice_auth_request_set_login(r, ++n == 1 ? "first" : "second");
        sluice_auth_request_accept(r, "alice", 0);
    });
    server.start();
    const std::string first = session_of(server.post("/whep/front").header("location"));
    const std::string second = session_of(server.post("/whep/front").header("location"));
    guint closed = 0;
    g_signal_emit_by_name(server.element(), "close-login", "first", "logged out", &closed);
    EXPECT_EQ(closed, 1u);
    EXPECT_EQ(server.sessions.wait_removed(first), "logged out");
    EXPECT_EQ(server.session_count(), 1u);
    g_signal_emit_by_name(server.element(), "close-camera", "front", "the camera has been removed", &closed);
    EXPECT_EQ(closed, 1u);
    EXPECT_EQ(server.sessions.wait_removed(second), "the camera has been removed");
    EXPECT_EQ(server.post("/whep/front").status, 201u) << "only what was there before";
}

TEST_F(WebrtcAuthTest, AJoinThatWasUnderWayDoesNotSlipThrough) {
    Camera cold("cold/main");
    WebrtcServer server([](SluiceAuthRequest* r) { sluice_auth_request_accept(r, "alice", 0); });
    server.start();
    auto post = later(server, "POST", "/whep/cold", {{"Content-Type", "application/sdp"}}, OfferText().text());
    ASSERT_TRUE(eventually([&] { return cold.readers() == 1; })) << "it waits for the first picture";
    guint closed = 0;
    g_signal_emit_by_name(server.element(), "close-principal", "alice", "alice has been removed", &closed);
    EXPECT_EQ(closed, 0u);
    cold.begin();
    cold.key(1);
    const auto answer = post.get();
    EXPECT_EQ(answer.status, 403u);
    EXPECT_NE(answer.body.find("alice has been removed"), std::string::npos) << answer.body;
    EXPECT_EQ(server.session_count(), 0u);
}

TEST_F(WebrtcAuthTest, ADenialForAWhileSaysHowLong) {
    WebrtcServer server([](SluiceAuthRequest* r) { sluice_auth_request_deny_for(r, 17, "too many wrong tries"); });
    server.start();
    const auto answer = server.post("/whep/front");
    EXPECT_EQ(answer.status, 429u);
    EXPECT_NE(answer.body.find("too many wrong tries"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.header("retry-after"), "17");
}

TEST_F(WebrtcAuthTest, ViewersAreCountedByCamera) {
    Camera other("other/main");
    other.begin();
    other.key(1);
    WebrtcServer server([](SluiceAuthRequest* r) { sluice_auth_request_accept(r, "alice", 0); });
    const auto counts = [&] {
        GstStructure* raw = nullptr;
        g_object_get(server.element(), "viewers-by-camera", &raw, nullptr);
        const GstStructurePtr all(raw);
        const GValue* list = gst_structure_get_value(all.get(), "cameras");
        std::map<std::string, guint> out;
        for (guint i = 0; list && i < gst_value_array_get_size(list); i++) {
            const GstStructure* camera = gst_value_get_structure(gst_value_array_get_value(list, i));
            gst_structure_get_uint(camera, "viewers", &out[gst_structure_get_string(camera, "name")]);
        }
        return out;
    };
    EXPECT_TRUE(counts().empty()) << "not started";
    server.start();
    EXPECT_TRUE(counts().empty());
    for (const char* camera : {"front", "front", "other"})
        EXPECT_EQ(server.post(std::string("/whep/") + camera).status, 201u);
    EXPECT_EQ(counts(), (std::map<std::string, guint>{{"front", 2}, {"other", 1}}));
}

TEST_F(WebrtcAuthTest, OpenQuestionsEndWithTheElement) {
    WebrtcServer server(desk.handler());
    server.start();
    auto answer = later_post(server);
    const auto held = desk.next();
    server.stop();
    const auto a = answer.get();
    EXPECT_TRUE(a.status == 0 || a.status == 401) << a.status; // the connection may go first
    sluice_auth_request_accept(held.get(), "late", 0);
    EXPECT_EQ(server.sessions.count_added(), 0u);
    ASSERT_EQ(server.start(), GST_STATE_CHANGE_SUCCESS);
    auto again = later_post(server);
    desk.accept("admin");
    EXPECT_EQ(again.get().status, 201u);
}

} // namespace
} // namespace sluice
