// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/fingerprint.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=viewer
const std::string certificate = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBZzCCAQygAwIBAgIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZ2aWV3ZXIw\n"
                                "IBcNMjYxMTIxMDQzNzE0WhgPMjEyNjEwMjgwNDM3MTRaMBExDzANBgNVBAMMBnZp\n"
                                "ZXdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOD7ITNX45L/jXw+OvextYMc\n"
                                "8t6e3EDJwPQDMR4hKvLrZ4E88XMUL+hXL9HmoYtjF+kYs4FQo6RlGR/jr11BHeOj\n"
                                "UzBRMB0GA1UdDgQWBBQFK+6vtiXcPwAf3UfmY3uvcD6A0TAfBgNVHSMEGDAWgBQF\n"
                                "K+6vtiXcPwAf3UfmY3uvcD6A0TAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMC\n"
                                "A0kAMEYCIQCONRBXKmGVvVNTHUqKIBbBaYQePkboS3a16lWiix97/wIhALc1+0Kg\n"
                                "JWlHs9Om56nMQCer4rKFIdp1Th+A/szZjLk5\n"
                                "-----END CERTIFICATE-----\n";
// openssl x509 -noout -fingerprint -sha256...
const std::string sha1 = "FB:3D:30:A7:B3:10:63:9B:A8:DA:36:27:D3:C1:0D:92:63:9F:0C:22";
const std::string sha256 = "8B:D0:D4:E0:FC:11:54:1C:49:FD:8C:DC:1F:BA:BB:82:B1:65:20:BC:08:3E:2E:8D:BA:A9:68:9E:33:B4:"
                           "47:EC";
const std::string sha384 = "A6:DF:8D:D8:F4:8B:D7:4B:5B:DF:6E:10:98:E8:47:20:0E:63:86:1E:F6:D8:D4:E3:DA:79:0E:28:64:4F:"
                           "D0:C2:1A:51:C1:7D:64:6B:0C:C0:5B:54:A6:13:2C:64:41:E4";
const std::string sha512 = "6B:D6:1F:B7:54:1F:56:5B:96:8A:02:A4:3B:7B:84:21:E6:72:28:3F:3C:D6:48:1F:94:19:F8:A3:92:93:"
                           "41:5F:D9:E5:41:0E:70:CE:9D:79:55:EA:68:BF:10:15:09:07:6D:45:13:E4:81:13:19:DC:7D:2F:F7:95:"
                           "36:CA:CA:F5";
const std::string other = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                          "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

bool matches(const std::string& pem, const std::string& fingerprint) {
    const auto f = parse_fingerprint(fingerprint);
    EXPECT_TRUE(f);
    return f && certificate_matches(pem, {*f});
}

TEST(Fingerprint, OfTheCertificateMatches) {
    EXPECT_TRUE(matches(certificate, "sha-256 " + sha256));
    EXPECT_TRUE(matches(certificate, "sha-384 " + sha384));
    EXPECT_TRUE(matches(certificate, "sha-512 " + sha512));
}

TEST(Fingerprint, OfAnotherCertificateDoesNot) {
    EXPECT_FALSE(matches(certificate, "sha-256 " + other));
    std::string near = sha256;
    near.back() = near.back() == '0' ? '1' : '0';
    EXPECT_FALSE(matches(certificate, "sha-256 " + near));
}

TEST(Fingerprint, OneOfSeveralIsEnough) {
    const auto a = parse_fingerprint("sha-256 " + other), b = parse_fingerprint("sha-256 " + sha256);
    ASSERT_TRUE(a && b);
    EXPECT_TRUE(certificate_matches(certificate, {*a, *b}));
    EXPECT_FALSE(certificate_matches(certificate, {*a, *a}));
}

TEST(Fingerprint, WithoutAnyNothingMatches) {
    EXPECT_FALSE(certificate_matches(certificate, {}));
    EXPECT_FALSE(certificate_matches("", {}));
}

TEST(Fingerprint, AHashThatIsNotSafeNeverMatches) {
    EXPECT_FALSE(parse_fingerprint("sha-1 " + sha1));
    EXPECT_FALSE(certificate_matches(certificate, {{"sha-1", sha1}})) << "even if it came past the parser";
    EXPECT_FALSE(certificate_matches(certificate, {{"", ""}}));
}

TEST(Fingerprint, OfOneHashIsNotThatOfAnother) {
    EXPECT_FALSE(certificate_matches(certificate, {{"sha-256", sha384}}));
    EXPECT_FALSE(certificate_matches(certificate, {{"sha-512", sha256}}));
}

TEST(Fingerprint, CaseAndSpacesDoNotMatter) {
    std::string lower = sha256;
    for (char& c : lower)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(matches(certificate, "SHA-256  " + lower));
    const auto f = parse_fingerprint("Sha-256 " + lower);
    ASSERT_TRUE(f);
    EXPECT_EQ(f->algorithm, "sha-256");
    EXPECT_EQ(f->digest, sha256);
}

TEST(Fingerprint, MalformedValuesAreRefused) {
    for (const std::string& bad :
         {std::string(), std::string(" "), std::string("sha-256"), std::string("sha-256 "), "sha-256" + sha256,
          "sha-256 " + sha256 + ":00", "sha-256 " + sha256.substr(3), "sha-256 " + sha256.substr(1) + "G",
          "sha-256 " + sha384, "sha-384 " + sha256, "md5 " + sha256, "sha-224 " + sha256, sha256 + " sha-256",
          "sha-256 " + sha256 + " x", "sha-256 " + std::string(95, ':'), "sha-256 " + std::string(100000, 'A')})
        EXPECT_FALSE(parse_fingerprint(bad)) << bad.substr(0, 200);
}

TEST(Fingerprint, RubbishInsteadOfACertificateMatchesNothing) {
    const std::string begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
    for (const std::string& bad : {std::string(), std::string("rubbish"), begin, end, end + begin, begin + end,
                                   begin + "\n" + end, begin + "!!!!" + end, begin + "AAAA" + end,
                                   certificate.substr(0, certificate.size() / 2), std::string(1000, '\0')})
        EXPECT_FALSE(matches(bad, "sha-256 " + sha256)) << bad.substr(0, 100);
}

// SHA-256 of nothing: what an empty certificate would hash to.
TEST(Fingerprint, TheHashOfNothingLetsNobodyIn) {
    const std::string nothing = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:"
                                "27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
    for (const char* empty : {"", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "x"})
        EXPECT_FALSE(matches(empty, "sha-256 " + nothing)) << empty;
}

TEST(Fingerprint, TheFirstOfAChainCounts) { EXPECT_TRUE(matches(certificate + certificate, "sha-256 " + sha256)); }

} // namespace
} // namespace sluice
