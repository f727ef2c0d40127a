// SPDX-License-Identifier: LGPL-2.1-or-later
// The tracks that come over a link, as appsrc elements of a pipeline. Running time there is channel time.
#pragma once

#include "launcher/worker/wire.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <functional>
#include <map>

namespace sluice {

// What a message brought, taken from it.
Ref<GstBuffer> take_body(WireMessage& message);

class Inlet {
public:
    // Once per track, before its first unit: what it goes into. False: its units are dropped.
    using Link = std::function<bool(GstElement* source, const GstCaps* caps)>;
    // pipeline: outlives it; gets the system's clock and no base time.
    Inlet(GstElement* pipeline, Link link);

    // Of type track or unit. Error: it makes no sense.
    Result<bool> take(WireMessage& message);
    // The pipeline keeps up.
    bool wants_more() const;

private:
    static constexpr GstClockTime most_waiting = 400 * GST_MSECOND;

    GstElement* const pipeline_;
    const Link link_;
    std::map<unsigned, Ref<GstElement>> tracks_; // NULL: dropped
};

} // namespace sluice
