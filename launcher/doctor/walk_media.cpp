// SPDX-License-Identifier: LGPL-2.1-or-later
// From the offer to the pictures.
#include "launcher/doctor/connect.hpp"
#include "launcher/doctor/diagnose.hpp"
#include "launcher/doctor/walk.hpp"

#include <algorithm>

namespace sluice::doctor {

namespace {

constexpr double offer_seconds = 8, whep_seconds = 12, ice_seconds = 12, dtls_seconds = 8,
                 picture_seconds = 15, // a cold camera with a key frame every ten seconds
    burst_seconds = 0.7,               // the cached pictures come faster than those that follow
    probe_tcp_seconds = 2, goodbye_seconds = 3;
constexpr size_t most_probes = 4;

std::string resolved(const std::string& base, const std::string& relative) {
    const GString8 out(g_uri_resolve_relative(base.c_str(), relative.c_str(), G_URI_FLAGS_ENCODED, nullptr));
    return out ? out.get() : "";
}

} // namespace

bool Walk::negotiate() {
    gst_init(nullptr, nullptr);
    Stopwatch watch;
    const bool loopback = tested_.local_address == "::1" || tested_.local_address.rfind("127.", 0) == 0;
    auto made = Receiver::create(loopback);
    if (!made)
        return step("whep", {Mark::fail, made.error().text, Cause::part_missing}, watch.ms());
    receiver_ = std::move(made).value();
    receiver_->make_offer();
    wait_.until([&] { return !(offer_ = receiver_->offer()).empty() || receiver_->state().failed; }, offer_seconds);
    if (offer_.empty()) {
        const std::string why = receiver_->state().error;
        return step("whep", {Mark::fail, why.empty() ? "webrtcbin gives no offer" : why, Cause::part_missing},
                    watch.ms());
    }
    ice_facts_.local = candidates_of(offer_);

    const GString8 name(g_uri_escape_string(tested_.camera.c_str(), nullptr, FALSE));
    const std::string url = order_.target.url(std::string("/whep/") + name.get());
    posted_ = {};
    const HttpFacts answer =
        web_.ask({.method = "POST", .url = url, .type = "application/sdp", .body = offer_, .seconds = whep_seconds});
    answered_ = {};
    if (answer.status == 201) {
        session_url_ = resolved(url, answer.header("location"));
        answer_ = answer.body;
        ice_facts_.remote = candidates_of(answer_);
        receiver_->take_answer(answer_);
    }
    const double ms = posted_.ms();
    Finding finding = with_reason(diagnose_whep(answer, tested_.camera));
    const auto ours = ice_credentials_of(offer_), theirs = ice_credentials_of(answer_);
    if (ours && theirs)
        ice_ = {ours->first, theirs->first, theirs->second};
    else if (finding.mark == Mark::ok)
        finding = {Mark::fail, "the answer holds no ICE credentials", Cause::whep_failed};
    return step("whep", finding, ms, {{"status", answer.status}});
}

bool Walk::connect_media() {
    const auto connected = [this] { return receiver_->state().ice_connected; };
    wait_.until([&] { return connected() || receiver_->state().failed || receiver_->state().ice_failed; }, ice_seconds);
    const double ms = connected() ? static_cast<double>(connected() - answered_.begin()) / 1000 : answered_.ms();
    if (const Receiver::State s = receiver_->state(); !s.ice_connected && !s.error.empty() && !s.answer_taken)
        return step("ice", {Mark::fail, "the answer cannot be used: " + s.error, Cause::whep_failed}, ms);
    IceFacts& facts = ice_facts_;
    facts.connected = connected() > 0;
    facts.ms = ms;
    facts.via_proxy = order_.via.has_value();
    if (facts.connected)
        facts.pair = receiver_->selected_pair();
    if (go_on() && !(facts.pair && facts.pair->second.protocol == "udp"))
        probe_addresses(facts);
    if (facts.pair)
        tested_.media = to_string(facts.pair->first) + " to " + to_string(facts.pair->second);
    return step("ice", diagnose_ice(facts), ms, to_json(facts));
}

// Why there is no pair, or only one over TCP.
void Walk::probe_addresses(IceFacts& facts) {
    for (const IceCandidate& c : facts.remote) {
        const bool link_local = c.address.rfind("fe80:", 0) == 0; // means nothing without an interface
        if (c.protocol != "udp" || link_local || facts.probes.size() >= most_probes || !go_on())
            continue;
        AddressProbe probe;
        probe.candidate = c;
        probe.is_server = !order_.via && c.address == tested_.server_address;
        probe_address(wait_, probe, ice_);
        if (!probe.answered && !probe.is_server)
            probe.tcp = try_addresses(wait_, {c.address}, order_.target.port, probe_tcp_seconds).front().error;
        facts.probes.push_back(std::move(probe));
    }
}

void Walk::look_at_path() {
    if (std::exchange(path_known_, true))
        return;
    const auto& pair = ice_facts_.pair;
    if (!pair)
        path_.why_not = "the pair of addresses is not known";
    else if (pair->second.protocol != "udp")
        path_.why_not = "media goes over TCP, which finds the size of packets by itself";
    else if (pair->first.type == "relay" || pair->second.type == "relay")
        path_.why_not = "media goes through a TURN server";
    else
        path_ = probe_path(wait_, pair->second, ice_);
    tested_.seen_udp = path_.seen_as;
}

bool Walk::encrypt() {
    const auto connected = [this] { return receiver_->state().dtls_connected; };
    wait_.until([&] { return connected() || receiver_->state().failed; }, dtls_seconds);
    DtlsFacts facts;
    const Receiver::State state = receiver_->state();
    facts.connected = state.dtls_connected > 0;
    const int64_t end = facts.connected ? state.dtls_connected : g_get_monotonic_time();
    facts.ms = static_cast<double>(end - state.ice_connected) / 1000;
    facts.error = state.error;
    if (facts.connected) {
        const auto promised = fingerprint_of(answer_), found = receiver_->remote_fingerprint();
        if (promised && found)
            facts.fingerprint = *promised == *found;
    } else if (go_on()) {
        look_at_path();
    }
    return step("dtls", diagnose_dtls(facts, path_), facts.ms,
                path_known_ ? Json{{"path", to_json(path_)}} : Json::object());
}

bool Walk::wait_for_picture() {
    const Receiver::State state = receiver_->state();
    wait_.until([&] { return receiver_->first_key_frame() || receiver_->state().failed; }, picture_seconds);
    FirstFrameFacts facts;
    const auto came = receiver_->first_key_frame();
    const int64_t end = came.value_or(g_get_monotonic_time());
    facts.came = came.has_value();
    facts.ms = static_cast<double>(end - posted_.begin()) / 1000;
    facts.since_connected_ms = static_cast<double>(end - state.dtls_connected) / 1000;
    SessionFacts session;
    if (!facts.came && go_on()) {
        facts.video = receiver_->video(end);
        session = ask_session();
        look_at_path();
    }
    return step("first-frame", diagnose_first_frame(facts, path_, session), facts.ms,
                facts.came ? Json::object() : Json{{"video", to_json(facts.video)}, {"path", to_json(path_)}});
}

void Walk::watch() {
    wait_.until([this] { return receiver_->state().failed; }, burst_seconds);
    const Stopwatch watch;
    receiver_->begin_window(watch.begin());
    const Stopwatch path_watch;
    look_at_path();
    const double path_ms = path_watch.ms();
    wait_.until([this] { return receiver_->state().failed; }, std::max(0.0, order_.seconds - watch.ms() / 1000));
    MediaFacts facts;
    const int64_t now = g_get_monotonic_time();
    facts.video = receiver_->video(now);
    facts.audio = receiver_->audio(now);
    facts.audio_offered =
        answer_.find("m=audio 0 ") == std::string::npos && answer_.find("m=audio ") != std::string::npos;
    facts.over_tcp = ice_facts_.pair && ice_facts_.pair->second.protocol == "tcp";
    facts.session = ask_session();
    const double ms = watch.ms();
    if (path_.probed || !wait_.interrupted())
        step("path", diagnose_path(path_), path_ms, to_json(path_));
    Json json{{"video", to_json(facts.video)}};
    json["audio"] = to_json(facts.audio);
    json["rtt-ms"] = path_.rtt ? Json(*path_.rtt) : facts.session.known ? Json(facts.session.rtt_ms) : Json();
    json["edge"] = facts.session.known ? Json{{"packets-sent", facts.session.packets_sent}} : Json();
    step("media", diagnose_media(facts, path_), ms, std::move(json));
}

SessionFacts Walk::ask_session() {
    SessionFacts out;
    if (session_url_.empty() || wait_.interrupted())
        return out;
    const HttpFacts answer = web_.ask({.url = session_url_, .seconds = goodbye_seconds});
    std::vector<ConfigError> errors;
    const Json json = answer.status == 200 ? parse_json_text(answer.body, errors) : Json();
    if (!errors.empty() || !json.is_object())
        return out;
    out.known = true;
    if (json.contains("peer") && json["peer"].is_string())
        out.peer = tested_.seen_as = json["peer"].get<std::string>();
    if (json.contains("packets-sent") && json["packets-sent"].is_number())
        out.packets_sent = json["packets-sent"].get<uint64_t>();
    if (json.contains("rtt-ms") && json["rtt-ms"].is_number())
        out.rtt_ms = json["rtt-ms"].get<double>();
    return out;
}

void Walk::say_goodbye() {
    if (!session_url_.empty())
        web_.ask({.method = "DELETE", .url = session_url_, .seconds = goodbye_seconds});
    session_url_.clear();
    receiver_.reset();
}

} // namespace sluice::doctor
