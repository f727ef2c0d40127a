// SPDX-License-Identifier: LGPL-2.1-or-later
// A certificate of our own making, for those who have no authority: browsers ask once, tools compare the fingerprint.
#pragma once

#include "plugins/core/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct CertificateNames {
    std::vector<std::string> hosts, addresses;
};

// This machine's: host name, localhost, the addresses of its interfaces.
CertificateNames names_of_this_machine();

// For two years from now (unix time), ECDSA on P-256. PEM, the key and then the certificate: one text can be replaced as one.
Result<std::string> make_self_signed(const CertificateNames& names, int64_t now);

} // namespace sluice
