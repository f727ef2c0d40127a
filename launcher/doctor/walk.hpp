// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps, in their order. Each has its limit; one that fails ends the walk, but for those that others do not need.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/doctor/path_probe.hpp"
#include "launcher/doctor/receiver.hpp"
#include "launcher/doctor/report.hpp"
#include "launcher/doctor/target.hpp"
#include "launcher/doctor/web.hpp"

#include <optional>

namespace sluice::doctor {

struct Order {
    Target target;
    std::optional<Via> via;
    CredentialFacts::Kind kind = CredentialFacts::Kind::none;
    std::string user;
    Secret authorization;
    std::string camera; // empty: one that plays
    unsigned seconds = 10;
    Ref<GTlsDatabase> authorities;
    bool check_certificate = true;
};

class Walk {
public:
    Walk(const Order& order, Wait& wait, Report& report);
    void go();
    const Tested& tested() const { return tested_; }

private:
    bool go_on() const { return !wait_.interrupted() && !wait_.over(); }
    bool step(const char* id, const Finding& finding, double ms, Json facts = Json::object());
    // Where no HTTP answer came: is it the MTU?
    Finding with_reason(const Finding& finding);
    HttpFacts get(const std::string& path, bool with_credentials);

    bool find_edge();    // name, TCP, proxy, TLS, HTTP
    bool log_in();       // credentials, rights
    bool open_sockets(); // WebSockets
    bool look_at_camera();
    bool negotiate();     // WHEP
    bool connect_media(); // ICE
    bool encrypt();       // DTLS
    bool wait_for_picture();
    void watch(); // path, media
    void probe_addresses(IceFacts& facts);
    void look_at_path();
    SessionFacts ask_session();
    void say_goodbye();

    const Order& order_;
    Wait& wait_;
    Report& report_;
    Web web_;
    Tested tested_;
    HttpFacts anonymous_, list_;
    CameraFacts camera_;
    std::unique_ptr<Receiver> receiver_;
    std::string offer_, answer_, session_url_;
    IceCredentials ice_;
    IceFacts ice_facts_;
    PathFacts path_;
    bool path_known_ = false;
    Stopwatch posted_, answered_;
};

} // namespace sluice::doctor
