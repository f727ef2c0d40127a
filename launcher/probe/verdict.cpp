// SPDX-License-Identifier: LGPL-2.1-or-later
// From what went wrong to what to do and how the command ends.
#include "launcher/probe/advice.hpp"
#include "plugins/core/error_kind.hpp"

#include <sysexits.h>

namespace sluice::probe {

namespace {

constexpr int exit_interrupted = 130;

int exit_code_of(const Facts& facts) {
    switch (facts.failure.kind) {
    case FailureClass::none: return 0;
    case FailureClass::unauthorised: return error_info(ErrorKind::unauthenticated).exit_code;
    case FailureClass::not_found:
        return error_info(facts.has_host ? ErrorKind::not_found : ErrorKind::missing_file).exit_code;
    case FailureClass::protocol: return EX_PROTOCOL;
    case FailureClass::codec: return error_info(ErrorKind::bad_input).exit_code;
    case FailureClass::stalled:
    case FailureClass::ended:
    case FailureClass::clock: return error_info(ErrorKind::busy).exit_code;
    case FailureClass::unreachable:
    case FailureClass::refused:
    case FailureClass::timed_out: break;
    }
    return error_info(ErrorKind::unavailable).exit_code;
}

std::string next_of(const Facts& facts) {
    const auto says = [&](const char* words) { return facts.failure.reason.find(words) != std::string::npos; };
    switch (facts.failure.kind) {
    case FailureClass::none:
    case FailureClass::clock: return "";
    case FailureClass::unreachable:
        return says("resolved") ? "look at the name, or use the camera's IP address"
                                : "look at the address, the cable and the routes to that network";
    case FailureClass::refused:
        if (facts.source_template != "rtsp")
            return "look at the port, and whether anything serves there";
        return says("453") || says("503")
                   ? "close other connections to the camera, or restart it"
                   : "look at the port (RTSP is 554 mostly), and whether the camera has RTSP switched on";
    case FailureClass::timed_out:
        return says("connected") ? "it takes connections and does not answer: look at the port, or restart the camera"
                                 : "look at the address, and whether a firewall drops what goes there";
    case FailureClass::unauthorised:
        return facts.has_user
                   ? "look at user, password and the rights of that account; cameras lock accounts after some tries"
                   : "give --user and --password-file";
    case FailureClass::not_found:
        return facts.has_host ? "look up the path of the stream in the camera's manual" : "look at the path";
    case FailureClass::protocol:
        return says("ertificate") ? "compare the fingerprint with the camera's, then give --tls-fingerprint"
               : says("template") ? "install what is missing, or mend the template"
                                  : "look at the scheme, the port and the path of the address";
    case FailureClass::codec:
        if (!facts.has_host)
            return "take a file with H.264 or H.265, and sound as AAC, Opus or G.711, in MP4, Matroska or MPEG-TS";
        return says("key frame") ? "set an I-frame interval of 2 s at the camera, and intra refresh off"
                                 : "set the camera to H.264, with sound as AAC, Opus or G.711";
    case FailureClass::stalled: return "restart the camera; over UDP try --transport tcp";
    case FailureClass::ended: return "try again; if it stays so, look at how many clients the camera takes";
    }
    return "";
}

} // namespace

Verdict verdict(const Facts& facts) {
    Verdict out;
    const VideoFacts* served = facts.served();
    if (facts.failure.kind != FailureClass::none) {
        out = {false, to_string(facts.failure.kind), facts.failure.reason, next_of(facts), exit_code_of(facts)};
        if (facts.failure.reason.find("no key frame") != std::string::npos)
            out.cause = "no-key-frame";
    } else if (!served && facts.interrupted) {
        out = {false, "interrupted", "interrupted before there was a picture", "", exit_interrupted};
    } else if (served && served->figures.key_units == 0) {
        out = {false, "no-key-frame", "pictures come, but no key frame (IDR) to begin with",
               "set an I-frame interval of 2 s at the camera, and intra refresh off",
               error_info(ErrorKind::bad_input).exit_code};
    } else if (served) {
        out.usable = true;
    }
    return out;
}

} // namespace sluice::probe
