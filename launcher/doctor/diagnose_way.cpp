// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/diagnose.hpp"

#include "launcher/config/time_text.hpp"
#include "plugins/core/json_fields.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace sluice::doctor {

namespace {

constexpr int64_t day = 24 * 60 * 60;
constexpr int64_t renew_soon = 14 * day;

Cause cause_of(TcpError error) {
    switch (error) {
    case TcpError::refused: return Cause::tcp_refused;
    case TcpError::timed_out: return Cause::tcp_timed_out;
    default: return Cause::tcp_unreachable;
    }
}

} // namespace

std::string milliseconds(double ms) {
    char out[32];
    std::snprintf(out, sizeof out, ms < 10 ? "%.1f" : "%.0f", ms);
    return out;
}

Finding diagnose_name(const NameFacts& f) {
    if (f.addresses.empty())
        return {Mark::fail, f.host + ": " + (f.error.empty() ? "no address" : f.error), Cause::name_unknown};
    return {Mark::ok, f.literal ? f.host + " is an address" : f.host + " is " + join(f.addresses)};
}

Finding diagnose_tcp(const std::vector<TcpTry>& tries) {
    std::string detail;
    const TcpTry* first_failure = nullptr;
    bool connected = false;
    for (const TcpTry& t : tries) {
        detail += detail.empty() ? "" : "; ";
        if (t.error == TcpError::none) {
            connected = true;
            detail += t.address + " in " + milliseconds(t.ms) + " ms";
        } else {
            // What says most is named: a host that refuses is nearer than one that is silent.
            if (!first_failure || (t.error == TcpError::refused && first_failure->error != TcpError::refused))
                first_failure = &t;
            detail += t.address + ": " + t.text;
        }
    }
    if (!connected)
        return {Mark::fail, detail, cause_of(first_failure ? first_failure->error : TcpError::other)};
    if (first_failure)
        return {Mark::warn, detail, Cause::none,
                "clients that try " + first_failure->address + " first wait: take it out of DNS or make it work"};
    return {Mark::ok, detail};
}

Finding diagnose_proxy(const std::string& error, bool asks_credentials) {
    if (error.empty())
        return {Mark::ok, "the proxy connects to the edge (CONNECT)"};
    return {Mark::fail, error, asks_credentials ? Cause::proxy_credentials : Cause::proxy_refused};
}

Finding diagnose_tls(const TlsFacts& f) {
    if (!f.shaken)
        return {Mark::fail, f.error.empty() ? "no handshake" : f.error, Cause::tls_failed};
    const int64_t days = (f.not_after - f.now) / day;
    std::string detail = f.version + ", " + f.subject + (f.names.empty() ? "" : " (" + f.names + ")") +
                         (f.self_signed ? ", self-signed" : ", issued by " + f.issuer);
    if (f.expired || f.now > f.not_after)
        detail +=
            ", expired " + std::to_string(std::max<int64_t>(-days, 0)) + " days ago (" + utc_date(f.not_after) + ")";
    else
        detail += ", valid until " + utc_date(f.not_after) + " (" + std::to_string(days) + " days left)";
    // An expired certificate is refused by everybody, also by those that trust its signer: it comes first.
    const Cause cause = f.expired || f.now > f.not_after ? Cause::certificate_expired
                        : f.not_yet                      ? Cause::certificate_not_yet_valid
                        : f.wrong_name                   ? Cause::certificate_name
                        : f.unknown_authority || f.other ? Cause::certificate_untrusted
                                                         : Cause::none;
    if (cause == Cause::certificate_not_yet_valid)
        detail += ", not before " + utc_date(f.not_before);
    if (cause == Cause::certificate_name)
        detail += ", asked for " + f.host;
    if (cause != Cause::none)
        return {f.checked ? Mark::fail : Mark::warn, detail + (f.checked ? "" : "; not checked (--insecure)"), cause};
    if (f.not_after - f.now < renew_soon)
        return {Mark::warn, detail, Cause::none, "renew the certificate"};
    return {Mark::ok, detail};
}

Finding diagnose_silence(const Finding& found, const TcpSizeFacts& f) {
    if (!f.probed || f.whole || !f.small)
        return found;
    return {Mark::fail, found.detail + "; the same size in small TCP segments is answered, so large packets vanish",
            Cause::mtu_black_hole, "or have the VPN's gateway clamp the MSS of TCP, which helps HTTP but not media"};
}

Finding diagnose_http(const HttpFacts& health, const HttpFacts& anonymous) {
    for (const HttpFacts* f : {&health, &anonymous}) {
        if (f->status)
            continue;
        if (f->timed_out)
            return {Mark::fail, "no answer in time", Cause::http_no_answer};
        return {Mark::fail, f->error, Cause::http_no_answer};
    }
    const std::string server = health.header("server");
    const std::string says =
        "healthz: " + std::to_string(health.status) + (server.empty() ? "" : ", Server: " + server);
    if (health.status == 407 || anonymous.status == 407)
        return {Mark::fail, says, Cause::proxy_credentials};
    const bool ours = from_sluice(anonymous) || (health.status == 200 && server == "sluice");
    if (health.status >= 500 && !ours)
        return {Mark::fail, says, Cause::http_failed};
    if (!ours && anonymous.status == 401)
        return {Mark::fail, says + "; the API answers 401, and not in the words of Sluice", Cause::proxy_credentials};
    if (!ours && !(health.status == 200 && health.body == "ok\n"))
        return {Mark::fail, says, Cause::not_sluice};
    if (health.status != 200)
        return {Mark::fail, says, Cause::http_failed};
    if (anonymous.status == 200)
        return {Mark::warn, says + "; the cameras are listed without credentials: a proxy in front brings its own"};
    return {Mark::ok, says + (server == "sluice" ? "" : " (Sluice behind it)")};
}

} // namespace sluice::doctor
