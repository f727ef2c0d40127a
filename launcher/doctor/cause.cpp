// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/cause.hpp"

#include <sysexits.h>

#include <utility>

namespace sluice::doctor {

namespace {

constexpr int interrupted_code = 130; // what shells say of SIGINT

constexpr std::pair<Cause, CauseInfo> table[] = {
    {Cause::none, {"none", 0, "it works", ""}},
    {Cause::interrupted, {"interrupted", interrupted_code, "interrupted before the end", ""}},
    {Cause::part_missing,
     {"part-missing", EX_UNAVAILABLE, "a part of GStreamer is missing on this machine",
      "install gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad and gstreamer1.0-nice here"}},
    {Cause::name_unknown,
     {"name-unknown", EX_UNAVAILABLE, "the name has no address",
      "check the spelling and this machine's DNS, or use the IP address"}},
    {Cause::tcp_refused,
     {"tcp-refused", EX_UNAVAILABLE, "the host is there, but nobody listens at that port",
      "check that sluice runs on the edge, and its /server/port and /server/address"}},
    {Cause::tcp_timed_out,
     {"tcp-timed-out", EX_UNAVAILABLE, "no answer to the TCP connection",
      "a firewall drops it, or the host is off: allow TCP to this port from here, check the VPN"}},
    {Cause::tcp_unreachable,
     {"tcp-unreachable", EX_UNAVAILABLE, "there is no route to the host",
      "check the VPN and the routes of this machine"}},
    {Cause::proxy_refused,
     {"proxy-refused", EX_UNAVAILABLE, "the proxy does not connect to the edge",
      "allow CONNECT to this host and port at the proxy, or leave it out for this host"}},
    {Cause::proxy_credentials,
     {"proxy-credentials", EX_NOPERM, "a proxy in front asks for credentials of its own",
      "ask whoever runs the proxy: it must let this client through, or pass the request on to Sluice"}},
    {Cause::tls_failed,
     {"tls-failed", EX_PROTOCOL, "no TLS connection",
      "check that the port speaks TLS (http:// instead of https://?) and which versions it allows"}},
    {Cause::certificate_expired,
     {"certificate-expired", EX_PROTOCOL, "the certificate has expired",
      "renew it on the edge (or at the proxy that holds it); Sluice takes a changed file over by itself"}},
    {Cause::certificate_not_yet_valid,
     {"certificate-not-yet-valid", EX_PROTOCOL, "the certificate is not valid yet",
      "compare the clocks of this machine and of the edge"}},
    {Cause::certificate_name,
     {"certificate-name", EX_PROTOCOL, "the certificate is for another name",
      "use a name that it holds, or make one that holds this name"}},
    {Cause::certificate_untrusted,
     {"certificate-untrusted", EX_PROTOCOL, "the certificate is signed by nobody this machine trusts",
      "give its authority (or itself, if self-signed) with --ca FILE; if other clients shall trust it, install it on "
      "them"}},
    {Cause::http_no_answer,
     {"http-no-answer", EX_UNAVAILABLE, "connected, but no HTTP answer comes",
      "a proxy or a packet filter holds it back; if small answers pass and large ones do not, look at the MTU"}},
    {Cause::http_failed,
     {"http-failed", EX_PROTOCOL, "HTTP is answered with an error",
      "the status says who is at fault: 502 to 504 is a proxy that does not reach Sluice"}},
    {Cause::not_sluice,
     {"not-sluice", EX_PROTOCOL, "something else than Sluice answers at this address",
      "check the address, the path behind the host and where the proxy sends it"}},
    {Cause::credentials_missing,
     {"credentials-missing", EX_NOPERM, "credentials are needed", "give --user with --password-file, or --token-file"}},
    {Cause::credentials_wrong,
     {"credentials-wrong", EX_NOPERM, "the credentials are wrong",
      "check user and password (`sluice passwd` on the edge sets a new one), or the token"}},
    {Cause::credentials_stripped,
     {"credentials-stripped", EX_PROTOCOL, "the credentials do not arrive: a proxy removes Authorization",
      "let the proxy pass it on (nginx: proxy_set_header Authorization $http_authorization;)"}},
    {Cause::too_many_tries,
     {"too-many-tries", EX_TEMPFAIL, "too many wrong tries before", "wait, and find out who tries wrong passwords"}},
    {Cause::rights_missing,
     {"rights-missing", EX_NOPERM, "the account may not do this",
      "on the edge, give it the right to view this camera (`sluice passwd`, `sluice token`)"}},
    {Cause::camera_unknown,
     {"camera-unknown", EX_UNAVAILABLE, "there is no such camera", "check the name given with --camera"}},
    {Cause::camera_down,
     {"camera-down", EX_TEMPFAIL, "the camera gives the edge no picture",
      "the way to the edge is fine: look at the camera and its network"}},
    {Cause::websocket_credentials_stripped,
     {"websocket-credentials-stripped", EX_PROTOCOL, "a proxy removes Authorization from the WebSocket upgrade",
      "let it pass there too (nginx, in the location with Upgrade: proxy_set_header Authorization "
      "$http_authorization;)"}},
    {Cause::websocket_upgrade_stripped,
     {"websocket-upgrade-stripped", EX_PROTOCOL, "a proxy does not pass the WebSocket upgrade on",
      "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"}},
    {Cause::websocket_origin,
     {"websocket-origin", EX_PROTOCOL, "a page's WebSocket is refused because of its Origin",
      "let the proxy pass Host on (nginx: proxy_set_header Host $http_host;), or make it a trusted proxy of the edge"}},
    {Cause::websocket_failed,
     {"websocket-failed", EX_PROTOCOL, "no WebSocket comes about", "look at the log of the proxy in between"}},
    {Cause::limit_reached,
     {"limit-reached", EX_TEMPFAIL, "a limit of the edge is reached",
      "close viewers that nobody watches, or try later"}},
    {Cause::no_common_format,
     {"no-common-format", EX_PROTOCOL, "browsers cannot play what the camera sends",
      "set the camera to H.264 without B-frames, or watch another of its streams"}},
    {Cause::whep_failed,
     {"whep-failed", EX_PROTOCOL, "the offer of a viewer is not answered as it should be",
      "look at the log of the edge and of proxies in between"}},
    {Cause::udp_blocked,
     {"udp-blocked", EX_UNAVAILABLE, "UDP is blocked between this machine and the edge",
      "allow UDP to the edge (/server/webrtc/min-rtp-port to max-rtp-port), or set /server/webrtc/ice-tcp to true "
      "there, or "
      "use a TURN server"}},
    {Cause::turn_needed,
     {"turn-needed", EX_UNAVAILABLE, "no direct way for media to the edge: a TURN server is needed",
      "HTTP reaches the edge, but none of the addresses it offers for media can be reached from here: give the viewers "
      "a TURN "
      "server that both reach, or a route (VPN), or a public address to the edge (/server/webrtc/ice-addresses, "
      "stun-server)"}},
    {Cause::ice_failed,
     {"ice-failed", EX_PROTOCOL, "ICE finds no connection, although single packets pass",
      "run it again; if it stays, something between lets only some UDP packets through"}},
    {Cause::mtu_black_hole,
     {"mtu-black-hole", EX_UNAVAILABLE, "large packets vanish on the way without a word (an MTU black hole)",
      "lower the MTU of the VPN's interfaces on both ends to what passes, or let ICMP \"fragmentation needed\" "
      "through"}},
    {Cause::dtls_failed,
     {"dtls-failed", EX_PROTOCOL, "the media connection is not encrypted: DTLS does not finish",
      "something between lets small UDP packets through and not these: a firewall that inspects UDP, or the MTU"}},
    {Cause::dtls_fingerprint,
     {"dtls-fingerprint", EX_PROTOCOL, "somebody else than the edge is at the other end of the media connection",
      "the DTLS certificate is not the one of the answer: look for whoever stands in between"}},
    {Cause::no_picture,
     {"no-picture", EX_TEMPFAIL, "connected, but no picture comes",
      "look at the camera's state and at the log of the edge"}},
    {Cause::media_bad,
     {"media-bad", EX_TEMPFAIL, "pictures come, but not as they should",
      "the way loses or delays too much: watch the sub stream, or look at the link"}},
};

} // namespace

const CauseInfo& cause_info(Cause cause) {
    for (const auto& [key, info] : table)
        if (key == cause)
            return info;
    return table[0].second;
}

const std::vector<Cause>& all_causes() {
    static const std::vector<Cause> all = [] {
        std::vector<Cause> out;
        for (const auto& entry : table)
            out.push_back(entry.first);
        return out;
    }();
    return all;
}

const char* to_string(Mark mark) {
    switch (mark) {
    case Mark::ok: return "ok";
    case Mark::warn: return "warn";
    case Mark::fail: return "FAIL";
    case Mark::skipped: return "skip";
    }
    return "";
}

} // namespace sluice::doctor
