// SPDX-License-Identifier: LGPL-2.1-or-later
// From what was seen to what it means. Pure: facts in, finding out.
#pragma once

#include "launcher/doctor/cause.hpp"
#include "launcher/doctor/facts.hpp"

namespace sluice::doctor {

// The way to the edge.
Finding diagnose_name(const NameFacts& f);
Finding diagnose_tcp(const std::vector<TcpTry>& tries);
Finding diagnose_proxy(const std::string& error, bool asks_credentials); // --via; empty: it has connected
Finding diagnose_tls(const TlsFacts& f);
// `found`: that no answer came.
Finding diagnose_silence(const Finding& found, const TcpSizeFacts& f);
Finding diagnose_http(const HttpFacts& health, const HttpFacts& anonymous);

// What may be seen there. An answer of Sluice itself has a problem document or its Server header; proxies replace the latter.
Problem problem_of(const HttpFacts& answer);
bool from_sluice(const HttpFacts& answer);
Finding diagnose_credentials(const CredentialFacts& f);
Finding diagnose_rights(const RightsFacts& f);
Finding diagnose_camera(const CameraFacts& f);
Finding diagnose_socket(const SocketFacts& f);
Finding diagnose_whep(const HttpFacts& answer, const std::string& camera);

// Media.
constexpr unsigned sluice_largest_packet = 1232; // IPv4, UDP, SRTP and 1180 bytes of payload
Finding diagnose_ice(const IceFacts& f);
// The largest packet that passes, and whether larger ones vanish in silence. nothing: not known.
struct PathMtu {
    unsigned passes = 0;
    bool black_hole = false; // larger ones vanish, and nobody says so
    bool fragments = false;  // larger ones pass in pieces where that is allowed
};
std::optional<PathMtu> path_mtu(const PathFacts& f);
Finding diagnose_path(const PathFacts& f);
Finding diagnose_dtls(const DtlsFacts& f, const PathFacts& path);
Finding diagnose_first_frame(const FirstFrameFacts& f, const PathFacts& path, const SessionFacts& session);
Finding diagnose_media(const MediaFacts& f, const PathFacts& path);

std::string milliseconds(double ms); // "12.3", "140"

} // namespace sluice::doctor
