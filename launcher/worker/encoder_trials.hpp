// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "hw/prober.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

// Tries encoders one after the other, in a thread of its own with the lower priority of a worker.
class EncoderTrials {
public:
    // In the main context, once per encoder that is through; not behind the end of this object.
    using Told = std::function<void(const std::string& name, const hw::Probe& probe)>;
    // prober: whose processes get no secrets; its time limit is the deadline of each trial.
    EncoderTrials(std::vector<hw::EncoderProfile> encoders, hw::Prober prober, Told told);
    // Waits for nothing: a trial that runs ends by itself, or with this process.
    ~EncoderTrials();
    EncoderTrials(const EncoderTrials&) = delete;
    EncoderTrials& operator=(const EncoderTrials&) = delete;

private:
    struct Shared;
    const std::shared_ptr<Shared> shared_;
};

} // namespace sluice
