// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that `sluice doctor` can name as the reason why there is no picture: one table from the cause to its id, the exit
// code and what to do about it. The ids are public (docs/doctor.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::doctor {

enum class Cause : uint8_t {
    none,
    interrupted,
    part_missing, // on this machine
    name_unknown,
    tcp_refused,
    tcp_timed_out,
    tcp_unreachable,
    proxy_refused, // the one that --via names
    proxy_credentials,
    tls_failed,
    certificate_expired,
    certificate_not_yet_valid,
    certificate_name,
    certificate_untrusted,
    http_no_answer,
    http_failed,
    not_sluice,
    credentials_missing,
    credentials_wrong,
    credentials_stripped,
    too_many_tries,
    rights_missing,
    camera_unknown,
    camera_down,
    websocket_credentials_stripped,
    websocket_upgrade_stripped,
    websocket_origin,
    websocket_failed,
    limit_reached,
    no_common_format,
    whep_failed,
    udp_blocked,
    turn_needed,
    ice_failed,
    mtu_black_hole,
    dtls_failed,
    dtls_fingerprint,
    no_picture,
    media_bad,
};

struct CauseInfo {
    const char* id;
    int exit_code; // sysexits.h, and 130 for Ctrl-C
    const char* title;
    const char* advice; // what to do; empty: the detail says it
};
const CauseInfo& cause_info(Cause cause);
const std::vector<Cause>& all_causes();

// ok: as it should be. warn: works, but somebody should know. fail: this is why there is no picture, or will be none.
// skipped: not looked at, the detail says why.
enum class Mark : uint8_t { ok, warn, fail, skipped };
const char* to_string(Mark mark);

// What one step has come to.
struct Finding {
    Mark mark = Mark::ok;
    std::string detail;
    Cause cause = Cause::none;
    std::string advice = {}; // beside the cause's own
};

} // namespace sluice::doctor
