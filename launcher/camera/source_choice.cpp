// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_choice.hpp"

#include <algorithm>

namespace sluice {

SourceChoice::Decision SourceChoice::decide(Time now, const std::vector<const CameraLife*>& lives) {
    Decision out;
    const auto sooner = [&out](Time t) { out.look_again = out.look_again ? std::min(*out.look_again, t) : t; };
    const auto streams = [&](size_t i) { return lives[i]->state() == LifeState::streaming; };

    if (!active_ || !streams(*active_)) {
        const auto first = std::find_if(lives.begin(), lives.end(),
                                        [](const CameraLife* l) { return l->state() == LifeState::streaming; });
        if (first != lives.end())
            active_ = static_cast<size_t>(first - lives.begin());
    }
    if (active_ && streams(*active_)) {
        for (size_t i = 0; i < *active_; i++) {
            const auto since = lives[i]->streaming_since();
            if (!since)
                continue;
            if (now - *since >= prove)
                active_ = i; // ends the loop, too
            else
                sooner(*since + prove);
        }
        reach_ = *active_ + 1;
    } else {
        // No picture: on to the next as long as the last one called gives no hope.
        while (reach_ < sources_) {
            const CameraLife& last = *lives[reach_ - 1];
            const bool hopeful =
                last.alive() || last.state() == LifeState::idle ||
                (last.state() == LifeState::connecting && (!last.attempt_running() || now - last.began() < patience));
            if (hopeful) {
                if (last.attempt_running() && !last.alive())
                    sooner(last.began() + patience);
                break;
            }
            reach_++; // idle yet: that one has to be started first
        }
    }
    out.running = reach_;
    out.active = active_;
    return out;
}

} // namespace sluice
