// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/report.hpp"

#include "launcher/doctor/diagnose.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice::doctor {

namespace {

constexpr int schema_version = 1;

double tenths(double value) { return std::round(value * 10) / 10; }
Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

// What answers hold is another's: no control characters on a terminal.
std::string printable(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

std::string advice_of(const Finding& f) {
    const std::string general = f.cause == Cause::none ? "" : cause_info(f.cause).advice;
    return f.advice.empty() ? general : f.advice + (general.empty() ? "" : "; " + general);
}

} // namespace

void Report::begin(const std::string& url) {
    if (line_)
        line_("sluice doctor " + url);
}

bool Report::add(Step step) {
    const bool good = step.finding.mark != Mark::fail;
    if (line_) {
        char head[64];
        std::snprintf(head, sizeof head, "%-4s  %-20s %7s ms  ", to_string(step.finding.mark), step.id.c_str(),
                      milliseconds(step.ms).c_str());
        line_(head + printable(step.finding.detail));
        if (step.finding.mark == Mark::warn && !advice_of(step.finding).empty())
            line_(std::string(38, ' ') + printable(advice_of(step.finding)));
    }
    steps_.push_back(std::move(step));
    return good;
}

Verdict Report::verdict(bool interrupted) const {
    Verdict out;
    const auto failed = [](const Step& s) { return s.finding.mark == Mark::fail; };
    const auto warned = [](const Step& s) { return s.finding.mark == Mark::warn; };
    if (const auto it = std::find_if(steps_.begin(), steps_.end(), failed); it != steps_.end()) {
        out.cause = it->finding.cause;
        out.text = cause_info(out.cause).title;
        out.advice = advice_of(it->finding);
    } else if (interrupted) {
        out.cause = Cause::interrupted;
        out.text = std::string(cause_info(out.cause).title) + "; what was looked at is all right";
    } else if (const auto first = std::find_if(steps_.begin(), steps_.end(), warned); first != steps_.end()) {
        const auto count = std::count_if(steps_.begin(), steps_.end(), warned);
        out.text =
            "it works, with " + std::to_string(count) + (count == 1 ? " warning" : " warnings") + ", see " + first->id;
        if (first->finding.cause != Cause::none)
            out.text += std::string(": ") + cause_info(first->finding.cause).title;
    } else {
        out.text = cause_info(Cause::none).title;
    }
    out.exit_code = cause_info(out.cause).exit_code;
    return out;
}

void Report::end(const Verdict& verdict, const Tested& tested) {
    if (!line_)
        return;
    line_("");
    const CauseInfo& info = cause_info(verdict.cause);
    line_("verdict: " + (info.exit_code ? std::string(info.id) + ": " : "") + verdict.text);
    if (!verdict.advice.empty())
        line_("to do:   " + verdict.advice);
    line_("tested:  " + printable(sentence(tested)));
}

std::string sentence(const Tested& t) {
    std::string out = "from " + t.host;
    if (!t.local_address.empty())
        out += " " + t.local_address;
    if (!t.interface_name.empty())
        out +=
            " (" + t.interface_name + (t.tunnel ? ", a tunnel" : "") + ", MTU " + std::to_string(t.interface_mtu) + ")";
    out += t.via.empty() ? ", directly" : ", through the proxy " + t.via;
    out += ", to " + t.url;
    if (!t.server_address.empty())
        out += t.via.empty() ? " at " + t.server_address : "";
    out += t.credentials == "password" ? ", as " + t.user + " with a password"
           : t.credentials == "token"  ? ", with a token"
                                       : ", without credentials";
    if (!t.camera.empty())
        out += ", camera " + t.camera;
    if (!t.media.empty())
        out += ", media " + t.media;
    if (!t.seen_as.empty())
        out += ", seen by the edge as " + t.seen_as + (t.seen_udp.empty() ? "" : " (UDP " + t.seen_udp + ")");
    return out;
}

Json Report::document(const Verdict& verdict, const Tested& t) const {
    Json out{{"doctor", schema_version}, {"sluice", SLUICE_VERSION}};
    out["works"] = verdict.exit_code == 0;
    out["cause"] = verdict.cause == Cause::none ? Json() : Json(cause_info(verdict.cause).id);
    out["verdict"] = verdict.text;
    out["advice"] = or_null(verdict.advice);
    out["exit-code"] = verdict.exit_code;
    out["steps"] = Json::array();
    for (const Step& s : steps_) {
        const char* mark = s.finding.mark == Mark::fail ? "fail" : to_string(s.finding.mark);
        Json step{{"step", s.id}, {"mark", mark}, {"ms", tenths(s.ms)}, {"detail", s.finding.detail}};
        step["cause"] = s.finding.cause == Cause::none ? Json() : Json(cause_info(s.finding.cause).id);
        step["advice"] = s.finding.mark == Mark::ok ? Json() : or_null(advice_of(s.finding));
        step["facts"] = s.facts;
        out["steps"].push_back(std::move(step));
    }
    out["tested"] = Json{
        {"url", t.url},
        {"from",
         {{"host", t.host},
          {"address", or_null(t.local_address)},
          {"interface", or_null(t.interface_name)},
          {"mtu", t.interface_mtu},
          {"tunnel", t.tunnel}}},
        {"routing", {{"via", or_null(t.via)}, {"address", or_null(t.server_address)}, {"media", or_null(t.media)}}},
        {"credentials", {{"kind", t.credentials}, {"user", or_null(t.user)}}},
        {"camera", or_null(t.camera)},
        {"seen-as", {{"http", or_null(t.seen_as)}, {"udp", or_null(t.seen_udp)}}}};
    out["tested"]["sentence"] = sentence(t);
    return out;
}

Json to_json(const TcpTry& t) {
    return Json{{"address", t.address},
                {"connected", t.error == TcpError::none},
                {"ms", tenths(t.ms)},
                {"error", or_null(t.text)}};
}

Json to_json(const TlsFacts& f) {
    return Json{{"version", or_null(f.version)},
                {"subject", or_null(f.subject)},
                {"issuer", or_null(f.issuer)},
                {"names", or_null(f.names)},
                {"self-signed", f.self_signed},
                {"not-before", f.not_before},
                {"not-after", f.not_after},
                {"days-left", (f.not_after - f.now) / 86400},
                {"unknown-authority", f.unknown_authority},
                {"wrong-name", f.wrong_name},
                {"expired", f.expired}};
}

Json to_json(const IceCandidate& c) {
    return Json{{"address", c.address}, {"port", c.port}, {"type", c.type}, {"protocol", c.protocol}};
}

Json to_json(const IceFacts& f) {
    Json out{{"connected", f.connected},
             {"pair", Json()},
             {"local", Json::array()},
             {"remote", Json::array()},
             {"probes", Json::array()}};
    if (f.pair)
        out["pair"] = Json{{"local", to_json(f.pair->first)}, {"remote", to_json(f.pair->second)}};
    for (const IceCandidate& c : f.local)
        out["local"].push_back(to_json(c));
    for (const IceCandidate& c : f.remote)
        out["remote"].push_back(to_json(c));
    for (const AddressProbe& p : f.probes)
        out["probes"].push_back(Json{{"candidate", to_json(p.candidate)},
                                     {"udp-answered", p.answered},
                                     {"error", or_null(p.error)},
                                     {"http-address", p.is_server},
                                     {"tcp-connected", p.tcp ? Json(*p.tcp == TcpError::none) : Json()}});
    return out;
}

Json to_json(const PathFacts& f) {
    const auto mtu = path_mtu(f);
    Json out{{"interface", or_null(f.interface_name)},
             {"interface-mtu", f.interface_mtu},
             {"tunnel", f.tunnel},
             {"signalled-mtu", f.signalled ? Json(f.signalled) : Json()},
             {"passes", mtu ? Json(mtu->passes) : Json()},
             {"black-hole", mtu ? Json(mtu->black_hole) : Json()},
             {"fragments", mtu ? Json(mtu->fragments) : Json()},
             {"rtt-ms", f.rtt ? Json(tenths(*f.rtt)) : Json()}};
    out["sizes"] = Json::array();
    for (const SizeProbe& p : f.probes)
        out["sizes"].push_back(Json{{"size", p.size}, {"dont-fragment", p.dont_fragment}, {"answered", p.answered}});
    return out;
}

Json to_json(const RtpFacts& f) {
    return Json{{"packets", f.packets},
                {"lost", f.lost},
                {"recovered", f.recovered},
                {"loss", std::round(f.loss() * 1e4) / 1e4},
                {"largest-bytes", f.largest},
                {"bitrate", std::round(f.bitrate())},
                {"fps", tenths(f.fps())},
                {"jitter-ms", tenths(f.jitter_ms)},
                {"key-frames", f.key_frames},
                {"broken-frames", f.broken},
                {"freezes", f.freezes},
                {"frozen-ms", tenths(f.frozen_ms)},
                {"longest-gap-ms", tenths(f.longest_gap_ms)},
                {"seconds", tenths(f.seconds)}};
}

} // namespace sluice::doctor
