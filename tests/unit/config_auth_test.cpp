// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/rights.hpp"
#include "tests/support/config_text.hpp"

using namespace sluice;
using namespace sluice::config_text;

namespace {

std::string with_auth(const std::string& auth) { return with_server(R"({"auth": )" + auth + "}"); }

// A whole description of tokens, one field of it replaced.
std::string with_jwt(const std::string& name = "", const std::string& value = "") {
    std::map<std::string, std::string> fields = {
        {"jwks", R"({"file": "keys.json"})"},
        {"issuer", R"("https://id.example")"},
        {"audience", R"("sluice")"},
        {"rights", R"([{"claim": "groups", "value": "security", "cameras": "front-*", "actions": ["view"]}])"}};
    if (!name.empty())
        fields[name] = value;
    std::string out;
    for (const auto& [key, text] : fields)
        if (!text.empty())
            out += (out.empty() ? "" : ", ") + ("\"" + key + "\": ") + text;
    return with_auth(R"({"jwt": {)" + out + "}}");
}

std::string with_rule(const std::string& rule) { return with_jwt("rights", "[" + rule + "]"); }
std::string with_asked(const std::string& fields) { return with_auth(R"({"auth-request": {)" + fields + "}}"); }

TEST(ConfigAuth, Tokens) {
    const ConfigResult result = parse(with_jwt("rights", R"([
        {"claim": "/realm_access/roles", "value": "guard*", "cameras": "front-*", "actions": ["view", "snapshot"]},
        {"claim": "sluice", "grants": true}])"));
    ASSERT_TRUE(result.errors.empty()) << all(result);
    const auto& jwt = result.config.server.auth.jwt;
    ASSERT_TRUE(jwt);
    EXPECT_FALSE(result.config.server.auth.auth_request);
    EXPECT_EQ(jwt->keys_file, "/cfg/keys.json");
    EXPECT_EQ(jwt->keys_url, "");
    EXPECT_EQ(jwt->issuer, "https://id.example");
    EXPECT_EQ(jwt->audience, "sluice");
    EXPECT_EQ(jwt->leeway_seconds, 30u);
    ASSERT_EQ(jwt->rights.size(), 2u);
    EXPECT_EQ(jwt->rights[0].claim, "/realm_access/roles");
    EXPECT_EQ(jwt->rights[0].value, "guard*");
    EXPECT_EQ(jwt->rights[0].actions, (std::vector<std::string>{"view", "snapshot"}));
    EXPECT_TRUE(jwt->rights[1].grants);
}

TEST(ConfigAuth, WhatTokensNeed) {
    for (const char* name : {"jwks", "issuer", "audience", "rights"})
        expect_error(with_jwt(name), std::string("/server/auth/jwt/") + name, "required");
    expect_error(with_jwt("x", "1"), "/server/auth/jwt/x", "unknown field");
    expect_error(with_jwt("leeway-seconds", "301"), "/server/auth/jwt/leeway-seconds", "0 to 300");
    expect_error(with_jwt("issuer", "\"\""), "/server/auth/jwt/issuer");
    expect_error(with_jwt("rights", "[]"), "/server/auth/jwt/rights", "1 to 64");
    expect_error(with_jwt("rights", "{}"), "/server/auth/jwt/rights", "an object");
}

TEST(ConfigAuth, WhereKeysComeFrom) {
    const std::string at = "/server/auth/jwt/jwks";
    expect_error(with_jwt("jwks", "{}"), at, "neither");
    expect_error(with_jwt("jwks", "\"keys.json\""), at, "a text");
    expect_error(with_jwt("jwks", R"({"file": "a", "url": "https://h/"})"), at, "more than one");
    for (const char* url :
         {"https://id.example/keys", "http://127.0.0.1:8000/keys", "http://[::1]/k", "http://localhost/k"})
        expect_ok(with_jwt("jwks", std::string(R"({"url": ")") + url + "\"}"));
    for (const char* url : {"ftp://h/k", "https://", "https:///k", "keys.json", "https://h/k#x", "file:///keys.json"})
        expect_error(with_jwt("jwks", std::string(R"({"url": ")") + url + "\"}"), at + "/url", "https://HOST");
    expect_error(with_jwt("jwks", R"({"url": "http://id.example/keys"})"), at + "/url", "found http");
    const ConfigResult secret = parse(with_jwt("jwks", R"({"url": "https://u:hunter2@h/k"})"));
    ASSERT_EQ(secret.errors.size(), 1u);
    EXPECT_EQ(all(secret).find("hunter2"), std::string::npos) << all(secret);
}

TEST(ConfigAuth, Rules) {
    const std::string at = "/server/auth/jwt/rights/0";
    expect_error(with_rule("1"), at, "a number");
    expect_error(with_rule(R"({"claim": "a", "value": "b", "cameras": "*", "actions": []})"), at + "/actions", "empty");
    expect_error(with_rule(R"({"claim": "a", "value": "b", "cameras": "*", "actions": ["look"]})"), at + "/actions/0",
                 "view, snapshot");
    expect_error(with_rule(R"({"claim": "a", "value": "b", "cameras": "*", "actions": ["view", "view"]})"),
                 at + "/actions/1", "twice");
    expect_error(with_rule(R"({"claim": "a", "cameras": "*", "actions": ["view"]})"), at + "/value", "required");
    expect_error(with_rule(R"({"claim": "a", "value": "b", "actions": ["view"]})"), at + "/cameras", "required");
    expect_error(with_rule(R"({"value": "b", "cameras": "*", "actions": ["view"]})"), at + "/claim", "required");
    expect_error(with_rule(R"({"claim": "/a~2", "value": "b", "cameras": "*", "actions": ["view"]})"), at + "/claim",
                 "JSON pointer");
    expect_error(with_rule(R"({"claim": "a", "grants": true, "cameras": "*"})"), at + "/cameras", "beside");
}

TEST(ConfigAuth, AnotherServer) {
    const ConfigResult least = parse(with_asked(R"("url": "http://auth:9000/check")"));
    ASSERT_TRUE(least.errors.empty()) << all(least);
    const auto& asked = least.config.server.auth.auth_request;
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->timeout_ms, 2000u);
    EXPECT_EQ(asked->cache_seconds, 5u);
    EXPECT_EQ(asked->viewer_seconds, 3600u);
    EXPECT_FALSE(asked->without_credentials);
    EXPECT_EQ(asked->actions, (std::vector<std::string>{"view", "snapshot", "playback"}));
    const std::string at = "/server/auth/auth-request";
    expect_error(with_asked(""), at + "/url", "required");
    expect_error(with_asked(R"("url": "unix:/run/auth")"), at + "/url", "http://HOST");
    for (const char* field : {"timeout-ms", "cache-seconds", "viewer-seconds"})
        expect_error(with_asked(R"("url": "http://h/", ")" + std::string(field) + "\": 1000000"), at + "/" + field);
    expect_error(with_asked(R"("url": "http://h/", "actions": ["fly"])"), at + "/actions/0");
    expect_error(with_asked(R"("url": "http://h/", "without-credentials": 1)"), at + "/without-credentials");
}

TEST(ConfigAuth, ActionsAreThoseOfRights) {
    ASSERT_EQ(action_words().size(), all_actions.size());
    for (size_t i = 0; i < all_actions.size(); i++)
        EXPECT_EQ(action_words()[i], to_string(all_actions[i]));
}

} // namespace
