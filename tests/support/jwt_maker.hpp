// SPDX-License-Identifier: LGPL-2.1-or-later
// Keys and tokens of an identity provider, made on the spot.
#pragma once

#include "launcher/auth/base64url.hpp"
#include "launcher/auth/jwk.hpp"
#include "plugins/core/json_text.hpp"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

class SigningKey {
public:
    static SigningKey rsa(unsigned bits = 2048) { return {JwtAlgorithm::rs256, GNUTLS_PK_RSA, bits}; }
    static SigningKey p256() {
        return {JwtAlgorithm::es256, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)};
    }
    static SigningKey ed25519() {
        return {JwtAlgorithm::eddsa, GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519)};
    }

    // The public half.
    Json jwk(const std::string& kid) const {
        Json out{{"kid", kid}, {"use", "sig"}, {"alg", std::string(to_string(algorithm_))}};
        gnutls_datum_t a{}, b{};
        if (algorithm_ == JwtAlgorithm::rs256) {
            EXPECT_EQ(gnutls_privkey_export_rsa_raw2(key_.get(), &a, &b, nullptr, nullptr, nullptr, nullptr, nullptr,
                                                     nullptr, GNUTLS_EXPORT_FLAG_NO_LZ),
                      0);
            out["kty"] = "RSA";
            out["n"] = text(a);
            out["e"] = text(b);
            return out;
        }
        gnutls_ecc_curve_t curve{};
        EXPECT_EQ(gnutls_privkey_export_ecc_raw2(key_.get(), &curve, &a, &b, nullptr, 0), 0);
        const bool point = algorithm_ == JwtAlgorithm::es256;
        out["kty"] = point ? "EC" : "OKP";
        out["crv"] = point ? "P-256" : "Ed25519";
        out["x"] = point ? encode_base64url(padded(a)) : text(a);
        if (point)
            out["y"] = encode_base64url(padded(b));
        return out;
    }

    std::string sign(const std::string& data) const {
        const gnutls_sign_algorithm_t how = algorithm_ == JwtAlgorithm::rs256   ? GNUTLS_SIGN_RSA_SHA256
                                            : algorithm_ == JwtAlgorithm::es256 ? GNUTLS_SIGN_ECDSA_SHA256
                                                                                : GNUTLS_SIGN_EDDSA_ED25519;
        const gnutls_datum_t in{reinterpret_cast<unsigned char*>(const_cast<char*>(data.data())),
                                static_cast<unsigned>(data.size())};
        gnutls_datum_t out{};
        EXPECT_EQ(gnutls_privkey_sign_data2(key_.get(), how, 0, &in, &out), 0);
        std::string signature(reinterpret_cast<char*>(out.data), out.size);
        if (algorithm_ == JwtAlgorithm::es256) {
            gnutls_datum_t r{}, s{};
            EXPECT_EQ(gnutls_decode_rs_value(&out, &r, &s), 0);
            signature = padded(r) + padded(s);
        }
        gnutls_free(out.data);
        return signature;
    }

    // Header and claims as they are: also what no provider would sign.
    std::string raw_token(const std::string& header, const std::string& claims) const {
        const std::string data = encode_base64url(header) + "." + encode_base64url(claims);
        return data + "." + encode_base64url(sign(data));
    }
    std::string token(const Json& claims, const std::string& kid) const {
        return raw_token(Json{{"alg", std::string(to_string(algorithm_))}, {"typ", "JWT"}, {"kid", kid}}.dump(),
                         claims.dump());
    }

private:
    SigningKey(JwtAlgorithm algorithm, gnutls_pk_algorithm_t kind, unsigned bits) : algorithm_(algorithm) {
        gnutls_privkey_t raw = nullptr;
        EXPECT_EQ(gnutls_privkey_init(&raw), 0);
        key_.reset(raw, gnutls_privkey_deinit);
        EXPECT_EQ(gnutls_privkey_generate(raw, kind, bits, 0), 0);
    }
    static std::string text(gnutls_datum_t& bytes) {
        std::string out(reinterpret_cast<char*>(bytes.data), bytes.size);
        gnutls_free(bytes.data);
        return encode_base64url(out);
    }
    // 32 bytes, whatever zeros were left out or put in front.
    static std::string padded(gnutls_datum_t& number) {
        std::string out(reinterpret_cast<char*>(number.data), number.size);
        gnutls_free(number.data);
        while (out.size() > 32)
            out.erase(0, 1);
        return std::string(32 - out.size(), '\0') + out;
    }

    JwtAlgorithm algorithm_;
    std::shared_ptr<gnutls_privkey_st> key_;
};

inline std::string key_set(const std::vector<Json>& keys) {
    Json list = Json::array();
    for (const Json& key : keys)
        list.push_back(key);
    return Json{{"keys", list}}.dump();
}

} // namespace sluice::test
