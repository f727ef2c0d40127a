// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/diagnose.hpp"

#include <algorithm>
#include <cstdio>

namespace sluice::doctor {

namespace {

constexpr double lossy = 0.02, unusable = 0.2; // share of packets
constexpr unsigned headers = 20 + 8 + 10;      // IPv4, UDP, SRTP's tag: what a packet has beside RTP
constexpr unsigned sure_large = 1000;          // RTP bytes: every key frame fills packets of that size

std::string format(const char* pattern, double value) {
    char out[64];
    std::snprintf(out, sizeof out, pattern, value);
    return out;
}

std::string plural(uint64_t n, const char* one) { return std::to_string(n) + " " + one + (n == 1 ? "" : "s"); }

bool narrow(const PathFacts& path) {
    const auto mtu = path_mtu(path);
    return mtu && mtu->black_hole && mtu->passes < sluice_largest_packet;
}

std::string what_passes(const PathFacts& path) {
    const auto mtu = path_mtu(path);
    return mtu ? "; packets of " + std::to_string(mtu->passes) + " bytes pass, larger ones vanish" : "";
}

// Only small packets arrive, and large ones were sent: what is missing lies between small ones that came, or the edge has sent it.
bool only_small_arrive(const RtpFacts& v, const SessionFacts& session) {
    const uint64_t sent = std::max(session.packets_sent, v.packets + v.lost);
    return v.packets > 0 && v.largest < sure_large && sent > v.packets + v.packets / 4 + 5;
}

std::string addresses(const std::vector<IceCandidate>& all) {
    std::string out;
    for (const IceCandidate& c : all)
        out += (out.empty() ? "" : ", ") + to_string(c);
    return out.empty() ? "none" : out;
}

} // namespace

std::string to_string(const IceCandidate& c) {
    const bool six = c.address.find(':') != std::string::npos;
    return c.protocol + " " + (six ? "[" : "") + c.address + (six ? "]:" : ":") + std::to_string(c.port) + " (" +
           c.type + ")";
}

Finding diagnose_ice(const IceFacts& f) {
    const auto is_udp = [](const IceCandidate& c) { return c.protocol == "udp"; };
    const bool udp_offered = std::any_of(f.remote.begin(), f.remote.end(), is_udp);
    const bool udp_answers =
        std::any_of(f.probes.begin(), f.probes.end(), [](const AddressProbe& p) { return p.answered; });
    std::string own_firewall;
    for (const AddressProbe& p : f.probes)
        if (!p.error.empty() && own_firewall.empty())
            own_firewall = "; " + p.candidate.address + ": " + p.error;
    if (f.connected && f.pair) {
        const std::string detail = to_string(f.pair->first) + " to " + to_string(f.pair->second);
        if (is_udp(f.pair->second))
            return {Mark::ok, detail + (f.pair->first.type == "relay" ? ", relayed by TURN" : "")};
        if (udp_offered && !udp_answers)
            return {Mark::warn, detail + ": UDP is blocked, media goes over TCP" + own_firewall, Cause::udp_blocked};
        return {Mark::ok, detail};
    }
    if (f.connected)
        return {Mark::ok, "connected"};
    if (f.remote.empty())
        return {Mark::fail, "the answer holds no address of the edge", Cause::whep_failed,
                "look at /server/webrtc/ice-addresses and the UDP ports of the edge"};
    std::string detail = "none of the edge's addresses answers: " + addresses(f.remote) + own_firewall;
    if (udp_answers)
        return {Mark::fail, detail + "; single STUN requests are answered", Cause::ice_failed};
    bool reachable = false;
    for (const AddressProbe& p : f.probes)
        reachable |= (p.is_server && !f.via_proxy) || p.tcp == TcpError::none;
    if (reachable)
        return {Mark::fail, detail + "; over TCP the same host is reached", Cause::udp_blocked};
    return {Mark::fail,
            detail + (f.via_proxy ? "; HTTP reaches the edge through the proxy only"
                                  : "; HTTP reaches the edge under another address, these cannot be reached over TCP "
                                    "either"),
            Cause::turn_needed};
}

Finding diagnose_dtls(const DtlsFacts& f, const PathFacts& path) {
    if (f.connected) {
        if (f.fingerprint && !*f.fingerprint)
            return {Mark::fail, "the certificate's fingerprint is not that of the answer", Cause::dtls_fingerprint};
        return {Mark::ok, f.fingerprint ? "the edge's certificate is that of the answer" : "connected"};
    }
    const std::string detail =
        "no DTLS connection in " + milliseconds(f.ms) + " ms" + (f.error.empty() ? "" : ": " + f.error);
    if (narrow(path))
        return {Mark::fail, detail + what_passes(path), Cause::mtu_black_hole};
    return {Mark::fail, detail, Cause::dtls_failed};
}

Finding diagnose_first_frame(const FirstFrameFacts& f, const PathFacts& path, const SessionFacts& session) {
    if (f.came)
        return {Mark::ok, "the first key frame is complete " + milliseconds(f.ms) + " ms after the offer was sent (" +
                              milliseconds(f.since_connected_ms) + " ms after the connection)"};
    const RtpFacts& v = f.video;
    std::string detail = "no key frame in " + milliseconds(f.ms) + " ms";
    if (v.packets)
        detail += "; " + plural(v.packets, "packet") + " came, the largest has " + std::to_string(v.largest + headers) +
                  " bytes, " + std::to_string(v.lost) + " are missing";
    else
        detail += "; no packet came";
    if (session.known)
        detail += "; the edge has sent " + std::to_string(session.packets_sent);
    if (narrow(path) || (only_small_arrive(v, session) && v.key_frames == 0))
        return {Mark::fail, detail + what_passes(path), Cause::mtu_black_hole};
    if (v.packets && v.loss() > unusable)
        return {Mark::fail, detail, Cause::media_bad};
    return {Mark::fail, detail, Cause::no_picture};
}

Finding diagnose_media(const MediaFacts& f, const PathFacts& path) {
    const RtpFacts& v = f.video;
    std::string detail = format("%.0f kbit/s, ", v.bitrate() / 1000) + format("%.1f fps, ", v.fps()) +
                         format("%.1f %% lost", v.loss() * 100);
    if (v.recovered)
        detail += " (" + std::to_string(v.recovered) + " came again)";
    if (path.rtt || f.session.rtt_ms > 0)
        detail += ", RTT " + milliseconds(path.rtt ? *path.rtt : f.session.rtt_ms) + " ms";
    detail += ", jitter " + milliseconds(v.jitter_ms) + " ms, " + plural(v.freezes, "freeze");
    if (v.freezes)
        detail += " (" + milliseconds(v.frozen_ms) + " ms)";
    detail += ", largest packet " + std::to_string(v.largest + headers) + " bytes";
    if (f.audio_offered)
        detail += f.audio.packets ? ", sound" : ", no sound";
    detail += " in " + format("%.0f s", v.seconds);
    if (only_small_arrive(v, f.session) || (narrow(path) && v.loss() > lossy))
        return {Mark::fail, detail + what_passes(path), Cause::mtu_black_hole};
    if (v.ended)
        return {Mark::fail, detail + "; the stream has ended", Cause::media_bad,
                "the connection was lost, or the camera: run it again"};
    if (v.seconds > 0 && (v.frozen_ms > v.seconds * 1000 / 4 || v.loss() > unusable))
        return {Mark::fail, detail, Cause::media_bad};
    if (v.loss() > lossy || v.freezes)
        return {Mark::warn, detail, Cause::media_bad};
    return {Mark::ok, detail};
}

} // namespace sluice::doctor
