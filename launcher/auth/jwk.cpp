// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/jwk.hpp"

#include "launcher/auth/base64url.hpp"
#include "launcher/config/url.hpp"
#include "plugins/core/json_text.hpp"

#include <gnutls/crypto.h>

#include <algorithm>
#include <bit>

namespace sluice {

namespace {

constexpr std::string_view algorithm_names[] = {"RS256", "ES256", "EdDSA"};
constexpr size_t p256_bytes = 32, ed25519_bytes = 32;

Error bad(std::string why) { return {ErrorKind::bad_input, std::move(why)}; }

// GnuTLS does not write to it.
gnutls_datum_t datum(std::string_view bytes) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), static_cast<unsigned>(bytes.size())};
}

std::string_view without_zeros(std::string_view number) {
    number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size()));
    return number;
}

std::shared_ptr<gnutls_pubkey_st> new_key() {
    gnutls_pubkey_t raw = nullptr;
    if (gnutls_pubkey_init(&raw) < 0)
        return nullptr;
    return {raw, gnutls_pubkey_deinit};
}

// A JWS has r and s side by side, GnuTLS wants them as DER.
bool verify_rs(gnutls_pubkey_t key, const gnutls_datum_t& data, std::string_view signature) {
    const std::string_view r = without_zeros(signature.substr(0, p256_bytes)),
                           s = without_zeros(signature.substr(p256_bytes));
    if (r.empty() || s.empty())
        return false;
    const gnutls_datum_t r_datum = datum(r), s_datum = datum(s);
    gnutls_datum_t der{};
    if (gnutls_encode_rs_value(&der, &r_datum, &s_datum) < 0)
        return false;
    const bool right = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) >= 0;
    gnutls_free(der.data);
    return right;
}

// One key of the set: its members, checked as they are taken.
class JwkReader {
public:
    explicit JwkReader(const Json& json) : json_(json) {}

    Result<Jwk> read() {
        if (!json_.is_object())
            return bad("it is no object");
        for (const auto& [name, value] : json_.items())
            if (name == "d" || name == "p" || name == "q" || name == "dp" || name == "dq" || name == "qi" ||
                name == "oth" || name == "k")
                return bad("it holds a secret key; whoever can read it can make tokens");
        const std::string type = text("kty");
        if (json_.contains("kid") && !json_["kid"].is_string())
            return bad("its kid is no text");
        if (const std::string use = text("use"); json_.contains("use") && use != "sig")
            return bad("it is not for signatures (use)");
        if (json_.contains("key_ops") &&
            !(json_["key_ops"].is_array() && std::any_of(json_["key_ops"].begin(), json_["key_ops"].end(),
                                                         [](const Json& op) { return op == "verify"; })))
            return bad("it is not for verifying (key_ops)");
        Result<VerifyKey> key = type == "RSA"   ? rsa()
                                : type == "EC"  ? p256()
                                : type == "OKP" ? ed25519()
                                                : Result<VerifyKey>(bad("its type (kty) is none of RSA, EC, OKP"));
        if (!key)
            return key.error();
        if (json_.contains("alg") && text("alg") != to_string(key->algorithm()))
            return bad("it is for another algorithm (alg) than " + std::string(to_string(key->algorithm())));
        return Jwk{text("kid"), std::move(key).value()};
    }

private:
    std::string text(const char* name) const {
        const auto it = json_.find(name);
        return it != json_.end() && it->is_string() ? it->get<std::string>() : std::string();
    }
    std::optional<std::string> bytes(const char* name) const { return decode_base64url(text(name)); }

    Result<VerifyKey> rsa() const {
        const auto modulus = bytes("n"), exponent = bytes("e");
        if (!modulus || !exponent)
            return bad("its n or e is no base64url");
        return VerifyKey::rsa(*modulus, *exponent);
    }
    Result<VerifyKey> p256() const {
        if (text("crv") != "P-256")
            return bad("its curve (crv) is not P-256");
        const auto x = bytes("x"), y = bytes("y");
        if (!x || !y)
            return bad("its x or y is no base64url");
        return VerifyKey::p256(*x, *y);
    }
    Result<VerifyKey> ed25519() const {
        if (text("crv") != "Ed25519")
            return bad("its curve (crv) is not Ed25519");
        const auto x = bytes("x");
        if (!x)
            return bad("its x is no base64url");
        return VerifyKey::ed25519(*x);
    }

    const Json& json_;
};

} // namespace

std::string_view to_string(JwtAlgorithm algorithm) { return algorithm_names[static_cast<size_t>(algorithm)]; }

std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view word) {
    for (const JwtAlgorithm algorithm : {JwtAlgorithm::rs256, JwtAlgorithm::es256, JwtAlgorithm::eddsa})
        if (to_string(algorithm) == word)
            return algorithm;
    return std::nullopt;
}

Result<VerifyKey> VerifyKey::rsa(std::string_view modulus, std::string_view exponent) {
    modulus = without_zeros(modulus);
    exponent = without_zeros(exponent);
    if (modulus.empty() || exponent.empty())
        return bad("its n or e is empty");
    const size_t bits =
        modulus.size() * 8 - static_cast<size_t>(std::countl_zero(static_cast<unsigned char>(modulus.front())));
    if (bits < min_rsa_bits || bits > max_rsa_bits)
        return bad("its modulus has " + std::to_string(bits) + " bits, allowed: 2048 to 8192");
    const bool odd = exponent.back() & 1, one = exponent.size() == 1 && exponent.back() == 1;
    if (exponent.size() > 4 || !odd || one)
        return bad("its exponent is none that RSA uses");
    const auto key = new_key();
    const gnutls_datum_t n = datum(modulus), e = datum(exponent);
    if (!key || gnutls_pubkey_import_rsa_raw(key.get(), &n, &e) < 0)
        return bad("it is no RSA key");
    return VerifyKey(JwtAlgorithm::rs256, key, (bits + 7) / 8);
}

Result<VerifyKey> VerifyKey::p256(std::string_view x, std::string_view y) {
    if (x.size() != p256_bytes || y.size() != p256_bytes)
        return bad("its x or y has not 32 bytes");
    const auto key = new_key();
    const gnutls_datum_t px = datum(x), py = datum(y);
    if (!key || gnutls_pubkey_import_ecc_raw(key.get(), GNUTLS_ECC_CURVE_SECP256R1, &px, &py) < 0 ||
        gnutls_pubkey_verify_params(key.get()) < 0)
        return bad("it is no point of P-256");
    return VerifyKey(JwtAlgorithm::es256, key, 2 * p256_bytes);
}

Result<VerifyKey> VerifyKey::ed25519(std::string_view x) {
    if (x.size() != ed25519_bytes)
        return bad("its x has not 32 bytes");
    const auto key = new_key();
    const gnutls_datum_t point = datum(x);
    if (!key || gnutls_pubkey_import_ecc_raw(key.get(), GNUTLS_ECC_CURVE_ED25519, &point, nullptr) < 0)
        return bad("it is no Ed25519 key");
    return VerifyKey(JwtAlgorithm::eddsa, key, 2 * ed25519_bytes);
}

bool VerifyKey::verify(std::string_view data, std::string_view signature) const {
    if (signature.size() != signature_bytes_)
        return false;
    const gnutls_datum_t signed_data = datum(data), given = datum(signature);
    switch (algorithm_) {
    case JwtAlgorithm::rs256:
        return gnutls_pubkey_verify_data2(key_.get(), GNUTLS_SIGN_RSA_SHA256, 0, &signed_data, &given) >= 0;
    case JwtAlgorithm::es256: return verify_rs(key_.get(), signed_data, signature);
    case JwtAlgorithm::eddsa:
        return gnutls_pubkey_verify_data2(key_.get(), GNUTLS_SIGN_EDDSA_ED25519, 0, &signed_data, &given) >= 0;
    }
    return false;
}

Result<JwkSet> JwkSet::parse(std::string_view json, std::vector<std::string>& ignored) {
    if (json.size() > max_jwks_bytes)
        return bad("larger than 64 KiB");
    std::vector<ConfigError> errors;
    const Json root = parse_json_text(json, errors);
    if (!errors.empty())
        return bad(errors.front().where + ": " + errors.front().text);
    if (!root.is_object() || !root.contains("keys") || !root["keys"].is_array())
        return bad("no JSON Web Key Set: an object with the list \"keys\" is expected");
    const Json& list = root["keys"];
    if (list.size() > max_jwks_keys)
        return bad("holds " + std::to_string(list.size()) + " keys, allowed: at most 64");
    JwkSet out;
    for (size_t i = 0; i < list.size(); i++) {
        Result<Jwk> key = JwkReader(list[i]).read();
        if (key)
            out.keys_.push_back(std::move(key).value());
        else
            ignored.push_back("/keys/" + std::to_string(i) + ": " + key.error().text);
    }
    if (out.keys_.empty())
        return bad("holds no key that can be used (RSA of 2048 bits or more, P-256, Ed25519)" +
                   (ignored.empty() ? "" : "; " + ignored.front()));
    return out;
}

std::vector<const Jwk*> JwkSet::find(JwtAlgorithm algorithm, const std::optional<std::string>& kid) const {
    std::vector<const Jwk*> out;
    for (const Jwk& key : keys_)
        if (key.key.algorithm() == algorithm && (!kid || key.kid == *kid))
            out.push_back(&key);
    if (!kid && out.size() > 1)
        out.clear();
    return out;
}

} // namespace sluice
