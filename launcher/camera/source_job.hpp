// SPDX-License-Identifier: LGPL-2.1-or-later
// A template's pipeline as a task for a worker process, and how it goes there; as JSON over the link. Pure. What comes back is
// outside input.
#pragma once

#include "launcher/camera/failure.hpp"
#include "launcher/config/config.hpp"
#include "launcher/worker/reason.hpp"
#include "plugins/core/json_text.hpp"

#include <optional>
#include <string>

namespace sluice {

struct SourceJob {
    std::string template_text; // the whole file
    SourceConfig source;       // with its password; `derived` does not go along
    std::string encoder;       // a profile's name, for elements of chosen_encoder; may be empty
    bool operator==(const SourceJob&) const = default;
};
Json to_json(const SourceJob& job);
// Nothing: it is none.
std::optional<SourceJob> source_job(const Json& value);

// What CameraStream is told of its sources. The pictures themselves say the rest.
struct SourceEvent {
    // data: something comes, but no picture can be shown before the first key unit.
    enum class Kind { connected, handshake_done, data, failed };
    Kind kind = Kind::failed;
    SourceFailure failure; // of failed
    bool operator==(const SourceEvent&) const = default;
};

// `taken_over` and `again` stay here: only the launcher knows about other sources and other encoders.
Json to_json(const SourceEvent& event);
// Nothing: it makes no sense. The reason comes as one line of at most max_event_reason.
std::optional<SourceEvent> source_event(const Json& value);

} // namespace sluice
