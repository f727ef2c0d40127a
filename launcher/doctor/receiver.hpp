// SPDX-License-Identifier: LGPL-2.1-or-later
// A viewer as a browser is one: webrtcbin offers to receive H.264 and sound, negotiates, and what comes is counted, not decoded.
#pragma once

#include "launcher/doctor/facts.hpp"
#include "launcher/doctor/rtp_watch.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::doctor {

class Receiver {
public:
    // loopback: the edge is this machine, whose loopback addresses ICE leaves out otherwise. Error (unavailable): an element is missing.
    static Result<std::unique_ptr<Receiver>> create(bool loopback);
    ~Receiver();
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    // What has happened so far. Any thread changes it and then wakes the main context.
    struct State {
        std::string error;
        bool answer_taken = false;
        int64_t ice_connected = 0, dtls_connected = 0; // monotonic us; 0: not yet
        bool ice_failed = false, failed = false;
    };
    State state() const;

    void make_offer();
    std::string offer() const; // with candidates; empty: not yet
    void take_answer(const std::string& sdp);

    std::optional<std::pair<IceCandidate, IceCandidate>> selected_pair() const;
    // SHA-256 of the certificate at the other end, "AB:CD:..."; nothing: there is none yet.
    std::optional<std::string> remote_fingerprint() const;

    std::optional<int64_t> first_key_frame() const;
    void begin_window(int64_t now_us);
    RtpFacts video(int64_t now_us) const;
    RtpFacts audio(int64_t now_us) const;

private:
    struct Shared; // outlives this in webrtcbin's threads
    explicit Receiver(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    std::shared_ptr<Shared> shared_;
    Ref<GstElement> pipeline_, bin_;
    Ref<GObject> ice_, agent_;
};

std::vector<IceCandidate> candidates_of(const std::string& sdp); // a=candidate lines; names (mDNS) are left out

} // namespace sluice::doctor
