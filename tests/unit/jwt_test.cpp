// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/jwt.hpp"
#include "tests/support/jwt_maker.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr int64_t now = 1'700'000'000;
const JwtRules rules{"https://id.example", "sluice", 30};

const SigningKey& rsa() {
    static const SigningKey key = SigningKey::rsa();
    return key;
}
const SigningKey& ec() {
    static const SigningKey key = SigningKey::p256();
    return key;
}
const SigningKey& ed() {
    static const SigningKey key = SigningKey::ed25519();
    return key;
}

JwkSet set_of(const std::string& json) {
    std::vector<std::string> ignored;
    Result<JwkSet> set = JwkSet::parse(json, ignored);
    EXPECT_TRUE(set) << set.error().text;
    return std::move(set).value();
}
const JwkSet& keys() {
    static const JwkSet set = set_of(key_set({rsa().jwk("r"), ec().jwk("e"), ed().jwk("d")}));
    return set;
}

Json claims(const std::string& name = "", const Json& value = nullptr) {
    Json out{{"iss", rules.issuer}, {"aud", rules.audience}, {"sub", "alice"}, {"exp", now + 300}};
    if (!name.empty() && value.is_null())
        out.erase(name);
    else if (!name.empty())
        out[name] = value;
    return out;
}

std::string why_not(const std::string& token, int64_t when = now, const JwkSet& set = keys()) {
    const auto found = verify_jwt(token, set, rules, when);
    const auto* refusal = std::get_if<JwtRefusal>(&found);
    return refusal ? refusal->reason : "accepted";
}
std::string why_not(const Json& all, int64_t when = now) { return why_not(ed().token(all, "d"), when); }

TEST(Base64url, OneSpellingPerValue) {
    for (const std::string& bytes :
         {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff\xfe\x01", 4)})
        EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes);
    EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
    for (const char* bad : {"a", "ab=", "ab==", "+_8", "-/8", "-_9", "YR", " YQ", "YQ\n", "YWJjZ"})
        EXPECT_FALSE(decode_base64url(bad)) << bad;
}

TEST(Jwt, TheThreeAlgorithms) {
    for (const auto& [key, kid] : {std::pair{&rsa(), "r"}, {&ec(), "e"}, {&ed(), "d"}}) {
        const auto found = verify_jwt(key->token(claims(), kid), keys(), rules, now);
        ASSERT_TRUE(std::holds_alternative<JwtClaims>(found)) << kid << " " << std::get<JwtRefusal>(found).reason;
        EXPECT_EQ(std::get<JwtClaims>(found).subject, "alice");
        EXPECT_EQ(std::get<JwtClaims>(found).expires, now + 300);
    }
}

// r and s of every length that occurs: a number with zeros in front is as good as any.
TEST(Jwt, ManySignatures) {
    for (int i = 0; i < 300; i++)
        ASSERT_EQ(why_not(ec().token(claims("jti", i), "e")), "accepted") << i;
}

TEST(Jwt, WhatIsChangedIsRefused) {
    for (const auto& [key, kid] : {std::pair{&rsa(), "r"}, {&ec(), "e"}, {&ed(), "d"}}) {
        const std::string token = key->token(claims(), kid);
        const std::string other = key->token(claims("sub", "mallory"), kid);
        const auto cut = [](const std::string& t) { return t.rfind('.'); };
        EXPECT_EQ(why_not(other.substr(0, cut(other)) + token.substr(cut(token))), "the token's signature is wrong");
        EXPECT_EQ(why_not(token.substr(0, cut(token)) + "."), "the token's signature is wrong");
        EXPECT_EQ(why_not(token.substr(0, token.size() - 4)), "the token's signature is wrong");
        EXPECT_EQ(why_not(token + "AAAA"), "the token's signature is wrong");
        const std::string zeros = encode_base64url(std::string(64, '\0'));
        EXPECT_EQ(why_not(token.substr(0, cut(token) + 1) + zeros), "the token's signature is wrong");
    }
    const SigningKey stranger = SigningKey::ed25519();
    EXPECT_EQ(why_not(stranger.token(claims(), "d")), "the token's signature is wrong");
}

TEST(Jwt, AlgorithmsThatAreNone) {
    for (const char* alg : {"none", "None", "HS256", "HS512", "RS384", "PS256", "ES384", "EdDSA ", "", "Ed25519"})
        EXPECT_EQ(why_not(ed().raw_token(Json{{"alg", alg}, {"kid", "d"}}.dump(), claims().dump())),
                  "the token's algorithm is none of RS256, ES256, EdDSA")
            << alg;
    const std::string unsigned_token =
        encode_base64url(R"({"alg":"none"})") + "." + encode_base64url(claims().dump()) + ".";
    EXPECT_EQ(why_not(unsigned_token), "the token's algorithm is none of RS256, ES256, EdDSA");
    EXPECT_NE(why_not(ed().raw_token(R"({"kid":"d"})", claims().dump())), "accepted");
    EXPECT_NE(why_not(ed().raw_token(R"({"alg":1,"kid":"d"})", claims().dump())), "accepted");
}

TEST(Jwt, AKeyIsForItsAlgorithmOnly) {
    EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"ES256","kid":"d"})", claims().dump())),
              "the token's key (kid, alg) is not known");
    EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":"r"})", claims().dump())),
              "the token's key (kid, alg) is not known");
    EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"ES256","kid":"e"})", claims().dump())),
              "the token's signature is wrong");
}

TEST(Jwt, KeysAreFoundByName) {
    const auto unknown = verify_jwt(ed().token(claims(), "new"), keys(), rules, now);
    EXPECT_TRUE(std::get<JwtRefusal>(unknown).unknown_key);
    const auto wrong = verify_jwt(SigningKey::ed25519().token(claims(), "d"), keys(), rules, now);
    EXPECT_FALSE(std::get<JwtRefusal>(wrong).unknown_key);
    EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"EdDSA"})", claims().dump())), "accepted") << "there is no choice";
    const JwkSet two = set_of(key_set({ed().jwk("1"), SigningKey::ed25519().jwk("2")}));
    EXPECT_NE(why_not(ed().raw_token(R"({"alg":"EdDSA"})", claims().dump()), now, two), "accepted");
    EXPECT_EQ(why_not(ed().token(claims(), "1"), now, two), "accepted");
    const JwkSet same = set_of(key_set({SigningKey::ed25519().jwk("1"), ed().jwk("1")}));
    EXPECT_EQ(why_not(ed().token(claims(), "1"), now, same), "accepted") << "two of one name are both tried";
    EXPECT_NE(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":""})", claims().dump())), "accepted");
    EXPECT_NE(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":1})", claims().dump())), "accepted");
}

TEST(Jwt, Headers) {
    const auto with = [](const std::string& more) {
        return why_not(ed().raw_token(R"({"alg":"EdDSA","kid":"d",)" + more + "}", claims().dump()));
    };
    for (const char* typ : {"JWT", "jwt", "at+jwt", "application/at+jwt", "application/JWT"})
        EXPECT_EQ(with(std::string(R"("typ":")") + typ + "\""), "accepted") << typ;
    for (const char* typ : {"logout+jwt", "dpop+jwt", "secevent+jwt", ""})
        EXPECT_EQ(with(std::string(R"("typ":")") + typ + "\""), "the token's type is neither JWT nor at+jwt") << typ;
    EXPECT_NE(with(R"("typ":1)"), "accepted");
    EXPECT_EQ(with(R"("crit":["exp"],"exp":1)"), "the token needs an extension that is not known");
    EXPECT_EQ(with(R"("b64":false)"), "the token needs an extension that is not known");
    EXPECT_EQ(with(R"("alg":"EdDSA")"), "the token's header is no JSON object") << "a member twice";
    EXPECT_EQ(with(R"("x":")" + std::string(2000, 'x') + "\""), "the token's header is too large");
    // A key that the token brings along proves nothing.
    const SigningKey stranger = SigningKey::ed25519();
    EXPECT_NE(why_not(stranger.raw_token(Json{{"alg", "EdDSA"}, {"kid", "d"}, {"jwk", stranger.jwk("d")}}.dump(),
                                         claims().dump())),
              "accepted");
}

TEST(Jwt, Times) {
    EXPECT_EQ(why_not(claims(), now + 329), "accepted") << "within the leeway";
    EXPECT_EQ(why_not(claims(), now + 330), "the token has expired");
    EXPECT_EQ(why_not(claims("exp")), "the token never expires (exp); that is not allowed");
    EXPECT_EQ(why_not(claims("exp", now + 0.5)), "accepted");
    EXPECT_EQ(why_not(claims("nbf", now + 30)), "accepted");
    EXPECT_EQ(why_not(claims("nbf", now + 31)), "the token is not valid yet (nbf)");
    EXPECT_EQ(why_not(claims("iat", now + 30)), "accepted");
    EXPECT_EQ(why_not(claims("iat", now + 31)), "the token was issued in the future (iat)");
    Json born_dead = claims("exp", now - 10);
    born_dead["iat"] = now - 5;
    EXPECT_EQ(why_not(born_dead), "the token expired before it was issued");
    for (const char* name : {"exp", "nbf", "iat"})
        for (const Json& value :
             {Json("1800000000"), Json(-1), Json(1e300), Json(true), Json::array(), Json(UINT64_MAX)})
            EXPECT_EQ(why_not(claims(name, value)), "the token's exp, nbf or iat is no time") << name << value;
}

TEST(Jwt, ForUsByTheRightIssuer) {
    EXPECT_EQ(why_not(claims("aud", Json{"other", "sluice"})), "accepted");
    for (const Json& aud : {Json(nullptr), Json("other"), Json("sluice2"), Json::array(), Json{"other"}, Json(1),
                            Json{"sluice", 1}, Json{{"sluice", true}}})
        EXPECT_EQ(why_not(claims("aud", aud)), "the token is for another audience (aud)") << aud;
    for (const Json& iss :
         {Json(nullptr), Json("https://id.example/"), Json("https://ID.example"), Json(1), Json{rules.issuer}})
        EXPECT_EQ(why_not(claims("iss", iss)), "the token comes from another issuer (iss)") << iss;
    for (const Json& sub : {Json(nullptr), Json(""), Json(7)})
        EXPECT_EQ(why_not(claims("sub", sub)), "the token names nobody (sub)") << sub;
}

TEST(Jwt, Shapes) {
    const std::string good = ed().token(claims(), "d");
    for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("a.b"), good + ".x",
                                   "." + good, good + "=", " " + good, std::string("..."), good.substr(1)})
        EXPECT_NE(why_not(bad), "accepted") << bad;
    EXPECT_EQ(why_not(std::string(max_jwt_bytes + 1, 'a')), "the token is larger than 12 KiB");
    EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":"d"})", R"({"iss":"a","iss":"b"})")),
              "the token's claims are no JSON object");
    for (const char* payload : {"", "[]", "1", "\"x\"", "{", "\xff"})
        EXPECT_EQ(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":"d"})", payload)),
                  "the token's claims are no JSON object");
    std::string deep;
    for (int i = 0; i < 200; i++)
        deep += R"({"a":)";
    EXPECT_NE(why_not(ed().raw_token(R"({"alg":"EdDSA","kid":"d"})", deep)), "accepted");
}

// RFC 7515, appendices A.1 to A.3, and RFC 8037, appendix A.4.
TEST(Jwt, PublishedVectors) {
    const auto bytes = [](const char* text) { return decode_base64url(text).value(); };
    const std::string claims_part =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const Result<VerifyKey> rs = VerifyKey::rsa(
        bytes(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd"
            "2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7"
            "WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkML"
            "s91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
        bytes("AQAB"));
    ASSERT_TRUE(rs) << rs.error().text;
    const std::string rs_signature =
        bytes("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
              "O8W2Fp5jujGbds9uJdbF9CUAr7t"
              "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_"
              "dO--xi12j"
              "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
              "IoypGlUPQ"
              "Ge77Rw");
    EXPECT_TRUE(rs->verify("eyJhbGciOiJSUzI1NiJ9." + claims_part, rs_signature));
    EXPECT_FALSE(rs->verify("eyJhbGciOiJSUzI1NiJ9." + claims_part + "A", rs_signature));

    const Result<VerifyKey> es = VerifyKey::p256(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                                 bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
    ASSERT_TRUE(es) << es.error().text;
    const std::string es_signature =
        bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    EXPECT_TRUE(es->verify("eyJhbGciOiJFUzI1NiJ9." + claims_part, es_signature));
    EXPECT_FALSE(es->verify("eyJhbGciOiJFUzI1NiJ8." + claims_part, es_signature));

    const Result<VerifyKey> ed25519 = VerifyKey::ed25519(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    ASSERT_TRUE(ed25519) << ed25519.error().text;
    const std::string ed_signature =
        bytes("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EXPECT_TRUE(ed25519->verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", ed_signature));
    EXPECT_FALSE(ed25519->verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmC", ed_signature));

    EXPECT_EQ(why_not("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + claims_part +
                      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
              "the token's algorithm is none of RS256, ES256, EdDSA");
}

std::string set_problem(const std::string& json) {
    std::vector<std::string> ignored;
    const Result<JwkSet> set = JwkSet::parse(json, ignored);
    return set ? "fine" : set.error().text;
}

Json changed(Json key, const std::string& name, const Json& value) {
    if (value.is_null())
        key.erase(name);
    else
        key[name] = value;
    return key;
}

TEST(JwkSet, KeysThatAreNotUsed) {
    struct Case {
        Json key;
        const char* why;
    };
    const Json r = rsa().jwk("r"), e = ec().jwk("e"), d = ed().jwk("d");
    const std::string big = encode_base64url(std::string(1025, '\xff'));
    for (const Case& c : std::vector<Case>{{SigningKey::rsa(1024).jwk("s"), "1024 bits"},
                                           {changed(r, "n", big), "8200 bits"},
                                           {changed(r, "e", "AQ"), "exponent"},
                                           {changed(r, "e", "AQAA"), "exponent"},
                                           {changed(r, "e", "AQAAAAE"), "exponent"},
                                           {changed(r, "n", "!"), "base64url"},
                                           {changed(r, "n", nullptr), "empty"},
                                           {changed(r, "alg", "PS256"), "another algorithm"},
                                           {changed(r, "alg", "HS256"), "another algorithm"},
                                           {changed(r, "use", "enc"), "not for signatures"},
                                           {changed(r, "key_ops", Json{"encrypt"}), "not for verifying"},
                                           {changed(r, "d", "AA"), "secret key"},
                                           {Json{{"kty", "oct"}, {"k", "AAAA"}}, "secret key"},
                                           {Json{{"kty", "oct"}}, "its type"},
                                           {changed(r, "kty", "EC"), "P-256"},
                                           {changed(e, "crv", "P-384"), "P-256"},
                                           {changed(e, "x", "AAAA"), "32 bytes"},
                                           {changed(e, "y", e["x"]), "point"},
                                           {changed(e, "kty", "RSA"), "empty"},
                                           {changed(d, "crv", "Ed448"), "Ed25519"},
                                           {changed(d, "x", "AAAA"), "32 bytes"},
                                           {changed(d, "kid", 7), "kid"},
                                           {Json(1), "no object"}}) {
        std::vector<std::string> ignored;
        const Result<JwkSet> alone = JwkSet::parse(key_set({c.key}), ignored);
        ASSERT_FALSE(alone) << c.key << c.why;
        EXPECT_NE(alone.error().text.find(c.why), std::string::npos) << alone.error().text;
        ignored.clear();
        const Result<JwkSet> beside = JwkSet::parse(key_set({c.key, ed().jwk("d")}), ignored);
        ASSERT_TRUE(beside) << "the others count";
        EXPECT_EQ(beside->size(), 1u);
        ASSERT_EQ(ignored.size(), 1u);
        EXPECT_EQ(ignored[0].rfind("/keys/0: ", 0), 0u) << ignored[0];
    }
    EXPECT_EQ(set_problem(key_set({changed(changed(r, "alg", nullptr), "use", nullptr)})), "fine");
}

TEST(JwkSet, WhatIsNoSet) {
    for (const char* text :
         {"", "{}", "[]", R"({"keys": {}})", R"({"keys": []})", R"({"keys": [], "keys": []})", "\xff"})
        EXPECT_NE(set_problem(text), "fine") << text;
    EXPECT_EQ(set_problem(std::string(max_jwks_bytes + 1, ' ')), "larger than 64 KiB");
    EXPECT_NE(set_problem(key_set(std::vector<Json>(65, ed().jwk("d")))), "fine");
}

TEST(Principal, TwoNamesNeverBecomeOne) {
    EXPECT_EQ(principal_name("alice@example.org"), "alice@example.org");
    EXPECT_EQ(principal_name("a b"), "a%20b");
    EXPECT_EQ(principal_name("a%20b"), "a%2520b");
    EXPECT_EQ(principal_name("a\n\"\xc3\xa9"), "a%0A%22%C3%A9");
    const std::string one = principal_name(std::string(500, 'x') + "1"),
                      two = principal_name(std::string(500, 'x') + "2");
    EXPECT_NE(one, two);
    EXPECT_LE(one.size(), 96u);
}

} // namespace
