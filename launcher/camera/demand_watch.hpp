// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/sluicechannel.h"

#include <functional>
#include <memory>

namespace sluice {

// Whether anybody wants what a channel brings. Lives in the main context, where it tells; the channel says it in whatever thread a
// reader comes or goes.
class DemandWatch {
public:
    // changed: maybe without another answer.
    DemandWatch(Ref<SluiceChannel> channel, std::function<void()> changed);
    ~DemandWatch();
    DemandWatch(const DemandWatch&) = delete;
    DemandWatch& operator=(const DemandWatch&) = delete;

    bool wanted() const { return wanted_; }

private:
    const Ref<SluiceChannel> channel_;
    const std::function<void()> changed_;
    const std::shared_ptr<DemandWatch*> self_; // for calls that arrive from other threads
    bool wanted_ = false;
    gulong signal_ = 0;
};

} // namespace sluice
