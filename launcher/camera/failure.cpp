// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/failure.hpp"

namespace sluice {

namespace {

constexpr struct {
    FailureClass failure;
    const char* word;
} words[] = {{FailureClass::none, "none"},
             {FailureClass::unreachable, "unreachable"},
             {FailureClass::refused, "refused"},
             {FailureClass::timed_out, "timed-out"},
             {FailureClass::unauthorised, "unauthorised"},
             {FailureClass::not_found, "not-found"},
             {FailureClass::protocol, "protocol"},
             {FailureClass::codec, "codec"},
             {FailureClass::stalled, "stalled"},
             {FailureClass::ended, "ended"},
             {FailureClass::clock, "clock"}};

} // namespace

const char* to_string(FailureClass failure) {
    for (const auto& w : words)
        if (w.failure == failure)
            return w.word;
    return "none";
}

std::optional<FailureClass> failure_class(std::string_view word) {
    for (const auto& w : words)
        if (word == w.word)
            return w.failure;
    return std::nullopt;
}

} // namespace sluice
