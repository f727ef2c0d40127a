// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/self_signed.hpp"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>

namespace sluice {

namespace {

constexpr int64_t lifetime = 2 * 365 * 24 * 3600LL;
constexpr int64_t clocks_differ = 24 * 3600;
constexpr size_t max_addresses = 32;

template <auto F> struct Deinit {
    template <typename T> void operator()(T* p) const { F(p); }
};
using Key = std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>, Deinit<gnutls_x509_privkey_deinit>>;
using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, Deinit<gnutls_x509_crt_deinit>>;

// What failed first; further steps are passed over.
class Steps {
public:
    bool operator()(int code) {
        if (first_ >= 0)
            first_ = code;
        return first_ >= 0;
    }
    int first() const { return first_; }

private:
    int first_ = 0;
};

// GnuTLS hands out memory of its own.
std::string take(gnutls_datum_t& text) {
    std::string out(reinterpret_cast<char*>(text.data), text.size);
    gnutls_memset(text.data, 0, text.size);
    gnutls_free(text.data);
    return out;
}

int add_address(gnutls_x509_crt_t certificate, const std::string& address) {
    std::array<unsigned char, 16> bytes{};
    const bool v6 = address.find(':') != std::string::npos;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1)
        return 0; // with a zone: nobody can name it from elsewhere
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, bytes.data(), v6 ? 16 : 4,
                                                GNUTLS_FSAN_APPEND);
}

} // namespace

CertificateNames names_of_this_machine() {
    CertificateNames out;
    const auto add = [](std::vector<std::string>& list, const std::string& name) {
        if (!name.empty() && std::find(list.begin(), list.end(), name) == list.end())
            list.push_back(name);
    };
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    add(out.hosts, host);
    add(out.hosts, "localhost");
    add(out.addresses, "127.0.0.1");
    add(out.addresses, "::1");
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0)
        return out;
    for (const ifaddrs* i = all; i && out.addresses.size() < max_addresses; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN] = "";
        const int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        if (family == AF_INET)
            inet_ntop(family, &reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
        else if (family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr))
            inet_ntop(family, &reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr, text, sizeof text);
        add(out.addresses, text);
    }
    freeifaddrs(all);
    return out;
}

Result<std::string> make_self_signed(const CertificateNames& names, int64_t now) {
    Steps step;
    gnutls_x509_privkey_t raw_key = nullptr;
    gnutls_x509_crt_t raw_certificate = nullptr;
    step(gnutls_x509_privkey_init(&raw_key));
    const Key key(raw_key);
    step(gnutls_x509_crt_init(&raw_certificate));
    const Certificate certificate(raw_certificate);
    if (step.first() >= 0)
        step(gnutls_x509_privkey_generate(key.get(), GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                          0));
    std::array<unsigned char, 16> serial{};
    step(gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()));
    serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and never short
    std::array<unsigned char, 20> id{};
    size_t id_size = id.size();
    if (step.first() >= 0) {
        gnutls_x509_crt_t c = certificate.get();
        const std::string common = names.hosts.empty() ? "sluice" : names.hosts.front().substr(0, 64);
        step(gnutls_x509_crt_set_version(c, 3)) && step(gnutls_x509_crt_set_key(c, key.get())) &&
            step(gnutls_x509_crt_set_serial(c, serial.data(), serial.size())) &&
            step(gnutls_x509_crt_set_activation_time(c, now - clocks_differ)) &&
            step(gnutls_x509_crt_set_expiration_time(c, now + lifetime)) &&
            step(gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, common.data(),
                                               static_cast<unsigned>(common.size())));
        for (const std::string& host : names.hosts)
            step(gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, host.data(),
                                                      static_cast<unsigned>(host.size()), GNUTLS_FSAN_APPEND));
        for (const std::string& address : names.addresses)
            step(add_address(c, address));
        step(gnutls_x509_crt_set_basic_constraints(c, 0, -1)) &&
            step(gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_DIGITAL_SIGNATURE)) &&
            step(gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_SERVER, 0)) &&
            step(gnutls_x509_crt_get_key_id(c, 0, id.data(), &id_size)) &&
            step(gnutls_x509_crt_set_subject_key_id(c, id.data(), id_size)) &&
            step(gnutls_x509_crt_sign2(c, c, key.get(), GNUTLS_DIG_SHA256, 0));
    }
    gnutls_datum_t key_text{}, certificate_text{};
    step.first() >= 0 &&
        step(
            gnutls_x509_privkey_export2_pkcs8(key.get(), GNUTLS_X509_FMT_PEM, nullptr, GNUTLS_PKCS_PLAIN, &key_text)) &&
        step(gnutls_x509_crt_export2(certificate.get(), GNUTLS_X509_FMT_PEM, &certificate_text));
    std::string out = key_text.data ? take(key_text) : "";
    if (certificate_text.data)
        out += take(certificate_text);
    if (step.first() < 0)
        return Error{ErrorKind::internal,
                     std::string("a certificate cannot be made: ") + gnutls_strerror(step.first())};
    return out;
}

} // namespace sluice
