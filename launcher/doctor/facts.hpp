// SPDX-License-Identifier: LGPL-2.1-or-later
// What was seen on the way, as plain data: the steps write it, diagnose.hpp reads it. Times in ms.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::doctor {

struct NameFacts {
    std::string host;
    std::vector<std::string> addresses;
    std::string error;
    bool literal = false; // an IP address was given
};

enum class TcpError : uint8_t { none, refused, timed_out, unreachable, other };

struct TcpTry {
    std::string address;
    TcpError error = TcpError::none;
    std::string text; // of the system
    double ms = 0;
};

struct TlsFacts {
    bool shaken = false; // the handshake is done, whatever is to be said of the certificate
    std::string error;   // otherwise
    std::string host, version, subject, issuer, names;
    // What the certificate is refused for.
    bool unknown_authority = false, wrong_name = false, expired = false, not_yet = false, other = false;
    bool self_signed = false;
    int64_t not_before = 0, not_after = 0, now = 0; // unix time
    bool checked = true;                            // false: --insecure
};

struct HttpFacts {
    unsigned status = 0; // 0: no answer, `error` says why
    std::string error, body;
    bool timed_out = false;
    std::map<std::string, std::string> headers; // lower-case names

    std::string header(const std::string& name) const {
        const auto it = headers.find(name);
        return it == headers.end() ? "" : it->second;
    }
};

// A request that was not answered, made again.
struct TcpSizeFacts {
    bool probed = false;
    bool whole = false; // answered, in packets as large as the system makes them
    bool small = false; // answered, in small ones
};

// A problem document (RFC 9457) of Sluice's own; empty: another's answer.
struct Problem {
    std::string type, detail;
};

struct CredentialFacts {
    enum class Kind : uint8_t { none, password, token } kind = Kind::none;
    std::string user;
    HttpFacts anonymous, with; // GET /api/v1/cameras
};

struct StreamFacts {
    std::string name, state, failure, reason, codec;
    bool on_demand = false;
    double fps = 0;
    unsigned width = 0, height = 0;
};

struct CameraFacts {
    std::string name;
    bool webrtc = true;
    std::vector<StreamFacts> streams;
};

struct RightsFacts {
    std::string principal;            // who was asked for, for people
    std::vector<std::string> visible; // cameras in the list
    std::string camera;               // that shall be watched; empty: there is none
    bool listed = false;
    HttpFacts one;  // GET /api/v1/cameras/{camera}, asked if it is not in the list
    HttpFacts view; // GET /whep/{camera}: the right is asked for before the method is refused
};

struct SocketFacts {
    std::string path;
    HttpFacts plain;   // the same GET without Upgrade
    HttpFacts upgrade; // status and headers where no WebSocket came about
    bool connected = false, message = false;
    std::optional<unsigned> page_status; // with a page's Origin: 101 if that came about; nothing: not tried
    bool with_credentials = false;
};

struct IceCandidate {
    std::string address;
    unsigned port = 0;
    std::string type;     // "host", "srflx", "prflx", "relay"
    std::string protocol; // "udp", "tcp"
    bool operator==(const IceCandidate&) const = default;
};
std::string to_string(const IceCandidate& candidate);

// One address of the edge, tried besides ICE.
struct AddressProbe {
    IceCandidate candidate;
    bool answered = false;       // a STUN request
    std::string error;           // of the socket
    bool is_server = false;      // HTTP goes to this very address, without a proxy
    std::optional<TcpError> tcp; // to the HTTP port there
};

struct IceFacts {
    bool connected = false;
    double ms = 0;
    std::vector<IceCandidate> local, remote;
    std::optional<std::pair<IceCandidate, IceCandidate>> pair; // ours, theirs
    std::vector<AddressProbe> probes;                          // made only where ICE did not end in UDP
    bool via_proxy = false;
};

// One STUN request of `size` bytes (the whole IP packet).
struct SizeProbe {
    unsigned size = 0;
    bool dont_fragment = true;
    bool answered = false;
    bool too_large = false; // the system refused to send it: an ICMP message (or the interface) told it the path's MTU
};

struct PathFacts {
    bool probed = false;
    std::string why_not;
    std::string interface_name;
    unsigned interface_mtu = 0;
    bool tunnel = false;    // the interface is point to point
    unsigned signalled = 0; // path MTU as the system knows it afterwards
    std::vector<SizeProbe> probes;
    std::optional<double> rtt; // of the fastest answer
    std::string seen_as;       // our address as the edge sees it
};

struct DtlsFacts {
    bool connected = false;
    double ms = 0;
    std::optional<bool> fingerprint; // nothing: the certificate was not to be had
    std::string error;
};

// Of one RTP stream.
struct RtpFacts {
    uint64_t packets = 0, bytes = 0;
    uint64_t lost = 0, recovered = 0; // that never came; that came late, or once more
    unsigned largest = 0;             // RTP packet, bytes
    uint64_t large_received = 0;      // of more than 1000 bytes
    double jitter_ms = 0;
    uint64_t frames = 0, broken = 0, key_frames = 0; // whole; with a hole
    unsigned freezes = 0;
    double frozen_ms = 0, longest_gap_ms = 0;
    double seconds = 0; // looked at
    bool ended = false; // nothing more came for the last quarter

    double loss() const {
        const auto all = packets + lost;
        return all ? static_cast<double>(lost) / static_cast<double>(all) : 0;
    }
    double bitrate() const { return seconds > 0 ? static_cast<double>(bytes) * 8 / seconds : 0; }
    double fps() const { return seconds > 0 ? static_cast<double>(frames) / seconds : 0; }
};

struct FirstFrameFacts {
    bool came = false;
    double ms = 0, since_connected_ms = 0;
    RtpFacts video; // what there was until then
};

// What the edge says of this session: GET of its Location.
struct SessionFacts {
    bool known = false;
    std::string peer; // where the edge sees this client's HTTP come from
    uint64_t packets_sent = 0;
    double rtt_ms = 0;
};

struct MediaFacts {
    RtpFacts video, audio;
    bool audio_offered = false;
    bool over_tcp = false;
    SessionFacts session;
};

} // namespace sluice::doctor
