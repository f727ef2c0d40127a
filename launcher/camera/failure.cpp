// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/failure.hpp"

namespace sluice {

const char* to_string(FailureClass failure) {
    switch (failure) {
    case FailureClass::none: return "none";
    case FailureClass::unreachable: return "unreachable";
    case FailureClass::refused: return "refused";
    case FailureClass::timed_out: return "timed-out";
    case FailureClass::unauthorised: return "unauthorised";
    case FailureClass::not_found: return "not-found";
    case FailureClass::protocol: return "protocol";
    case FailureClass::codec: return "codec";
    case FailureClass::stalled: return "stalled";
    case FailureClass::ended: return "ended";
    case FailureClass::clock: return "clock";
    }
    return "none";
}

} // namespace sluice
