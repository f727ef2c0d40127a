// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice hardware`: which encoders and decoders work on this machine, how quickly, and which is used.
#pragma once

#include "hw/prober.hpp"
#include "launcher/options.hpp"

#include <string>
#include <vector>

namespace sluice {

// What has been found out about one of them.
struct Tried {
    hw::ElementProfile profile;
    hw::Probe probe;
    bool chosen = false;
    std::string note; // why it is chosen or not, and what it lacks
};

// Of each codec the first that works is chosen.
void choose(std::vector<Tried>& tried);
std::string hardware_table(const char* title, const std::vector<Tried>& tried);
Json hardware_json(const std::vector<Tried>& encoders, const std::vector<Tried>& decoders);

// Returns the exit code.
int run_hardware(const Options& options);

// The command line of a trial, which run_hardware starts of this very program: it may crash and hang as it likes.
bool is_trial(const std::vector<std::string>& arguments);
[[noreturn]] void run_trial(const std::vector<std::string>& arguments);

} // namespace sluice
