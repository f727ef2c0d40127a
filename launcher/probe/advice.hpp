// SPDX-License-Identifier: LGPL-2.1-or-later
// What should be set differently, and why. Pure: facts in, sentences out.
#pragma once

#include "launcher/probe/facts.hpp"

#include <string>
#include <vector>

namespace sluice::probe {

enum class Weight : uint8_t { hint, warning };

struct Advice {
    const char* id; // "long-gop": for programs, docs/probe.md lists them
    Weight weight = Weight::warning;
    std::string text;
};

// In the order in which they matter.
std::vector<Advice> advice(const Facts& facts);

// Whether Sluice can serve it, what a program calls the reason, and how the command ends.
struct Verdict {
    bool usable = false;
    std::string cause;  // a failure's class, "no-key-frame", "interrupted"; empty: usable
    std::string reason; // for people
    std::string next;   // what to do about it
    int exit_code = 0;
};
Verdict verdict(const Facts& facts);

std::string short_number(double value); // "2", "2.5", "29.97"
std::string bits_text(uint64_t bits);   // "4.1 Mbit/s"

} // namespace sluice::probe
