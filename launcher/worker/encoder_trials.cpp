// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/encoder_trials.hpp"

#include "plugins/core/call_later.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

namespace sluice {

namespace {

constexpr int lower_priority = 5; // as of a worker

} // namespace

struct EncoderTrials::Shared {
    Told told;                      // in the main context only
    std::atomic<bool> over = false; // nobody wants to know any more
};

EncoderTrials::EncoderTrials(std::vector<hw::EncoderProfile> encoders, hw::Prober prober, Told told)
    : shared_(std::make_shared<Shared>()) {
    shared_->told = std::move(told);
    // Nothing can be joined that may wait for a driver; all it uses it owns.
    std::thread([shared = shared_, encoders = std::move(encoders), prober = std::move(prober)] {
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lower_priority); // of this thread, and of what it starts
        for (const hw::EncoderProfile& profile : encoders) {
            if (shared->over)
                return;
            call_later([shared, name = profile.name, probe = prober.encoder(profile)] {
                if (!shared->over)
                    shared->told(name, probe);
            });
        }
    }).detach();
}

EncoderTrials::~EncoderTrials() { shared_->over = true; }

} // namespace sluice
