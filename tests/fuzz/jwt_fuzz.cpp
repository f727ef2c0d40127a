// SPDX-License-Identifier: LGPL-2.1-or-later
// A token of a stranger, checked against keys that did not sign it; and a key set.
#include "launcher/auth/base64url.hpp"
#include "launcher/auth/claim_rights.hpp"
#include "launcher/auth/jwt.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sluice;

namespace {

// RFC 7515, A.3, and RFC 8037, A.2.
constexpr const char* keys = R"({"keys": [
  {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
   "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
  {"kty": "OKP", "crv": "Ed25519", "kid": "d", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const JwkSet known = [] {
        std::vector<std::string> ignored;
        return JwkSet::parse(keys, ignored).value();
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    const auto found = verify_jwt(text, known, {"joe", "sluice", 30}, 1'300'819'000);
    const auto* refusal = std::get_if<JwtRefusal>(&found);
    FUZZ_CHECK(refusal); // the private halves are not for tokens that name an audience
    FUZZ_CHECK(!refusal->reason.empty() && refusal->reason.size() < 100);

    if (const auto bytes = decode_base64url(text))
        FUZZ_CHECK(encode_base64url(*bytes) == text);

    std::vector<std::string> ignored;
    if (const Result<JwkSet> set = JwkSet::parse(text, ignored); !set)
        FUZZ_CHECK(!set.error().text.empty());
    else
        FUZZ_CHECK(set.value().size() > 0 && set.value().size() + ignored.size() <= max_jwks_keys);

    std::vector<ConfigError> errors;
    const Json claims = parse_json_text(text, errors);
    if (errors.empty() && claims.is_object()) {
        const Result<Rights> rights = rights_of(claims, {{"sluice", true, {}, {}, {}},
                                                         {"/a/b", false, "x*", "front", {"view"}},
                                                         {"scope", false, "x", "*", {"view"}}});
        FUZZ_CHECK(rights ? !rights.value().empty() : !rights.error().text.empty());
    }
    FUZZ_CHECK(principal_name(text).size() <= 96);
    return 0;
}
