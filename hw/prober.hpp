// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds out what works on this machine: each encoder and decoder is tried in a process of its own with a time limit, so that a
// driver that crashes or hangs is a line in a table and nothing else.
#pragma once

#include "hw/profiles.hpp"
#include "hw/trial.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::hw {

struct Probe {
    enum class Standing {
        verified,   // it was tried, and works
        failed,     // it was tried, and does not (reason)
        absent,     // there is no such element (reason: what to install)
        unverified, // it could not be tried on this machine (reason)
    };
    Standing standing = Standing::unverified;
    bool present = false; // there is such an element
    std::string reason;
    TrialFacts facts; // of what is verified

    bool works() const { return standing == Standing::verified; }
};

const char* to_string(Probe::Standing standing);

// The device that it cannot do without is here, if there is such.
bool has_device(const ElementProfile& profile);
// There is such an element. GStreamer is initialised.
bool has_factory(const ElementProfile& profile);

class Prober {
public:
    static constexpr std::chrono::milliseconds limit = std::chrono::seconds(10);

    // program: what answers `PROGRAM try-encoder NAME` and `PROGRAM try-decoder NAME` with to_line() (empty: the program that
    // runs). It finds the profiles by itself, as this process has. environment: its own, "NAME=value"; empty: this process'.
    explicit Prober(std::string program = {}, std::chrono::milliseconds time_limit = limit,
                    std::vector<std::string> environment = {});

    // Blocking; up to the limit each. GStreamer is initialised.
    Probe encoder(const EncoderProfile& profile) const;
    Probe decoder(const DecoderProfile& profile) const;
    // Those that work, in the order in which to try them: for EncoderLadder.
    std::vector<EncoderProfile> usable(const Profiles& profiles) const;

private:
    Probe probe(const char* command, const ElementProfile& profile) const;

    std::string program_;
    std::chrono::milliseconds limit_;
    std::vector<std::string> environment_;
};

} // namespace sluice::hw
