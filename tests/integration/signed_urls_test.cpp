// SPDX-License-Identifier: LGPL-2.1-or-later
// Signed addresses through the launcher's own HTTP server, with routes of the test.
#include "launcher/http/http_server.hpp"
#include "launcher/http/message.hpp"
#include "launcher/http/routes.hpp"
#include "tests/support/http_client.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

using namespace sluice;
using namespace sluice::test;

namespace {

using Access = ApiRoute::Access;

class SignedAddresses : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-signed-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
        auto state = StateDirectory::open(root_, false);
        ASSERT_TRUE(state);
        state_ = std::make_unique<StateDirectory>(std::move(state).value());
        accounts_ = std::make_unique<Accounts>(*state_);
        ASSERT_TRUE(accounts_->set_password("admin", "right-password"));
        auth_ = std::make_unique<Authenticator>(*accounts_, "sluice-1");
        auth_->add_check(std::make_unique<SignedUrlCheck>(urls_, [this] { return std::time(nullptr) + ahead_; }));
        const auto who = [](const ApiCall& call) {
            respond(call.message, 200, "text/plain",
                    call.who.principal + " " + call.camera + " " +
                        (call.who.rights.allows(Action::view, call.camera) ? "views" : "-"));
        };
        ApiRoute picture{"GET", "/api/v1/cameras/{camera}/picture", Access::camera, Action::snapshot};
        ApiRoute frame{"GET", "/api/frame", Access::camera, Action::snapshot};
        ApiRoute plain{"GET", "/api/v1/cameras/{camera}/plain", Access::camera, Action::snapshot};
        ApiRoute change{"POST", "/api/v1/cameras/{camera}/picture", Access::camera, Action::operate};
        ApiRoute all{"GET", "/api/v1/all", Access::server, Action::snapshot};
        frame.query_camera = "src";
        for (ApiRoute* route : {&picture, &frame, &change, &all})
            route->signed_url = true; // it means nothing for the last two
        RouteTable table;
        for (const ApiRoute& route : {picture, frame, plain, change, all})
            table.add(route, who);
        services_.auth = auth_.get();
        services_.signed_urls = &urls_;
        add_signed_url_routes(table, services_);
        auto server = HttpServer::listen("127.0.0.1", 0);
        ASSERT_TRUE(server) << server.error().text;
        server_ = std::move(server).value();
        server_->serve(*auth_, std::move(table));
        base_ = "http://127.0.0.1:" + std::to_string(server_->port());
    }
    void TearDown() override {
        server_.reset();
        auth_.reset();
        for (const char* file : {"/accounts", "/tokens", "/lock"})
            unlink((root_ + file).c_str());
        rmdir(root_.c_str());
    }

    // The client in a thread, the server here.
    HttpAnswer ask(const std::string& method, const std::string& path, const HttpHeaders& headers = {},
                   const std::string& body = "") {
        std::atomic<bool> done{false};
        HttpAnswer out;
        std::thread client([&] {
            out = http(method, base_ + path, headers, body);
            done = true;
            g_main_context_wakeup(nullptr);
        });
        while (!done)
            g_main_context_iteration(nullptr, TRUE);
        client.join();
        return out;
    }
    HttpAnswer get(const std::string& path) { return ask("GET", path); }
    HttpAnswer sign(const std::string& path, const std::string& more = "", const HttpHeaders& headers = {}) {
        HttpHeaders all{{"Content-Type", "application/json"},
                        {"Authorization", basic_authorization("admin", "right-password")}};
        for (const auto& [name, value] : headers)
            all[name] = value;
        return ask("POST", "/api/v1/signed-urls", all, "{\"path\": \"" + path + "\"" + more + "}");
    }
    std::string signed_address(const std::string& path) {
        const HttpAnswer answer = sign(path);
        EXPECT_EQ(answer.status, 200u) << answer.body;
        const std::string url = Json::parse(answer.body)["url"];
        return url.rfind("../../", 0) == 0 ? url.substr(5) : "/api/v1/" + url;
    }

    std::string root_, base_;
    int64_t ahead_ = 0;
    SignedUrls urls_;
    HttpServices services_;
    std::unique_ptr<StateDirectory> state_;
    std::unique_ptr<Accounts> accounts_;
    std::unique_ptr<Authenticator> auth_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(SignedAddresses, OpenThemselvesAndNothingElse) {
    const std::string address = signed_address("/api/v1/cameras/front/picture");
    const HttpAnswer answer = get(address);
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_EQ(answer.body, "admin front -") << "only the right that the address needs";
    EXPECT_EQ(ask("HEAD", address).status, 200u);
    const std::string token = address.substr(address.find('?'));
    for (const char* path : {"/api/v1/cameras/yard/picture", "/api/v1/cameras/front/plain", "/api/v1/all", "/api/frame",
                             "/api/v1/cameras/front/picture/", "/nothing"})
        EXPECT_EQ(get(path + token).status, 401u) << path;
    EXPECT_EQ(get(address + "&width=1").status, 401u);
    EXPECT_EQ(get(address + "&token=x").status, 401u);
    EXPECT_EQ(get(address + "x").status, 401u);
    EXPECT_EQ(ask("POST", address).status, 401u);
    EXPECT_EQ(ask("POST", "/api/v1/signed-urls" + token, {{"Content-Type", "application/json"}}, "{}").status, 401u)
        << "an address signs no other";
    ahead_ = 61;
    EXPECT_EQ(get(address).status, 401u);
}

TEST_F(SignedAddresses, HoldTheirQuery) {
    const std::string address = signed_address("/api/frame?src=front&from=a%20b%26c");
    EXPECT_EQ(get(address).body, "admin front -");
    std::string other = address;
    other.replace(other.find("front"), 5, "yard");
    EXPECT_EQ(get(other).status, 401u);
    EXPECT_EQ(get(address + "&src=yard").status, 401u);
}

TEST_F(SignedAddresses, AreForPathsHoweverTheyAreWritten) {
    EXPECT_EQ(get(signed_address("/api/v1/cameras/fr%6fnt/picture")).body, "admin front -");
}

TEST_F(SignedAddresses, WhatCannotBeSigned) {
    for (const char* path :
         {"", "picture", "//api/v1/cameras/front/picture", "/api/v1/cameras/front/plain", "/api/v1/all",
          "/api/v1/cameras/*/picture", "/api/v1/cameras//picture", "/api/frame", "/api/frame?src=*",
          "/api/v1/cameras/front/picture?token=x", "/api/v1/cameras/front/picture#x",
          "http://other/api/v1/cameras/front/picture", "/api/v1/cameras/../cameras/front/picture",
          "/api/v1/cameras/front%2f../picture", "/api/v1/signed-urls"}) {
        const HttpAnswer answer = sign(path);
        EXPECT_EQ(answer.status, 400u) << path << " " << answer.body;
        EXPECT_NE(answer.body.find("/api/v1/cameras/{camera}/picture, /api/frame"), std::string::npos) << answer.body;
    }
    for (const char* seconds : {"0", "601", "-1", "\"60\"", "1.5", "null"})
        EXPECT_EQ(sign("/api/v1/cameras/front/picture", std::string(", \"seconds\": ") + seconds).status, 400u)
            << seconds;
    EXPECT_EQ(sign("/api/v1/cameras/front/picture", ", \"more\": 1").status, 400u);
    EXPECT_EQ(sign("/api/v1/cameras/front/picture", ", \"seconds\": 600").status, 200u);
}

TEST_F(SignedAddresses, OnlyBySomebodyWhoMayHimself) {
    EXPECT_EQ(sign("/api/v1/cameras/front/picture", "", {{"Authorization", "Bearer nobody"}}).status, 401u);
    const std::string address = signed_address("/api/v1/cameras/front/picture");
    urls_.revoke("admin", std::time(nullptr));
    EXPECT_EQ(get(address).status, 401u);
}

} // namespace
