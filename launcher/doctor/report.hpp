// SPDX-License-Identifier: LGPL-2.1-or-later
// What was found, as lines while it happens and as one JSON document at the end (docs/doctor.md).
#pragma once

#include "launcher/doctor/cause.hpp"
#include "launcher/doctor/facts.hpp"
#include "plugins/core/json_text.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice::doctor {

struct Step {
    std::string id;
    Finding finding;
    double ms = 0;
    Json facts = Json::object();
};

// From where, with which routing, against which credentials.
struct Tested {
    std::string url, host, local_address, interface_name;
    unsigned interface_mtu = 0;
    bool tunnel = false;
    std::string via;            // without a password
    std::string server_address; // of the edge, or of the proxy
    std::string credentials;    // "password", "token", "none"
    std::string user, camera, stream;
    std::string media;             // "udp A:P (host) to udp B:P (host)"
    std::string seen_as, seen_udp; // our address as the edge sees it
};

struct Verdict {
    Cause cause = Cause::none;
    std::string text, advice;
    int exit_code = 0;
};

class Report {
public:
    // line: gets each line of text when it is known; nothing: only the document is wanted.
    explicit Report(std::function<void(const std::string&)> line) : line_(std::move(line)) {}

    void begin(const std::string& url);
    // False: this step has failed.
    bool add(Step step);
    Verdict verdict(bool interrupted) const;
    void end(const Verdict& verdict, const Tested& tested);
    Json document(const Verdict& verdict, const Tested& tested) const;
    const std::vector<Step>& steps() const { return steps_; }

private:
    std::function<void(const std::string&)> line_;
    std::vector<Step> steps_;
};

std::string sentence(const Tested& tested);

Json to_json(const TcpTry& t);
Json to_json(const TlsFacts& f);
Json to_json(const IceCandidate& c);
Json to_json(const IceFacts& f);
Json to_json(const PathFacts& f);
Json to_json(const RtpFacts& f);

} // namespace sluice::doctor
