// SPDX-License-Identifier: LGPL-2.1-or-later
// Public keys of an identity provider: a JSON Web Key Set (RFC 7517, 7518, 8037). Pure; the mathematics is GnuTLS's.
#pragma once

#include "plugins/core/result.hpp"

#include <gnutls/abstract.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A key is for one of these and for nothing else, whatever a token says.
enum class JwtAlgorithm { rs256, es256, eddsa };

std::string_view to_string(JwtAlgorithm algorithm);
std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view word);

constexpr size_t max_jwks_bytes = 64 * 1024;
constexpr size_t max_jwks_keys = 64;
constexpr size_t min_rsa_bits = 2048, max_rsa_bits = 8192;

class VerifyKey {
public:
    // Numbers are big-endian bytes. Error (bad_input): not a key, or not one to be trusted.
    static Result<VerifyKey> rsa(std::string_view modulus, std::string_view exponent);
    static Result<VerifyKey> p256(std::string_view x, std::string_view y);
    static Result<VerifyKey> ed25519(std::string_view x);

    JwtAlgorithm algorithm() const { return algorithm_; }
    // signature: as it stands in a JWS (ES256: the two numbers, not DER).
    bool verify(std::string_view data, std::string_view signature) const;

private:
    VerifyKey(JwtAlgorithm algorithm, std::shared_ptr<gnutls_pubkey_st> key, size_t signature_bytes)
        : algorithm_(algorithm), key_(std::move(key)), signature_bytes_(signature_bytes) {}

    JwtAlgorithm algorithm_;
    std::shared_ptr<gnutls_pubkey_st> key_;
    size_t signature_bytes_;
};

struct Jwk {
    std::string kid; // empty: it has none
    VerifyKey key;
};

class JwkSet {
public:
    // Keys of other kinds, and keys that are not good enough, are passed over: `ignored` then says which and why. Error
    // (bad_input): no key set, or no usable key in it.
    static Result<JwkSet> parse(std::string_view json, std::vector<std::string>& ignored);

    // The keys that may have signed this. Without a kid there must be no choice.
    std::vector<const Jwk*> find(JwtAlgorithm algorithm, const std::optional<std::string>& kid) const;
    size_t size() const { return keys_.size(); }

private:
    std::vector<Jwk> keys_;
};

} // namespace sluice
