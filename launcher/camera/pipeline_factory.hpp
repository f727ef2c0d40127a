// SPDX-License-Identifier: LGPL-2.1-or-later
// A template and a source's description -> the pipeline of one attempt.
#pragma once

#include "launcher/config/config.hpp"
#include "launcher/config/templates.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <string>

namespace sluice {

// Parsed, parameters set as properties, on the system clock, named like the channel; in the state NULL. In it the
// fanoutsink is named "fanout" and the element that reads "source". Error (bad_config): the template does not fit GStreamer
// (an element is missing, a property unknown) or the description does not fit the template.
Result<Ref<GstElement>> make_source_pipeline(const Templates& templates, const SourceConfig& source,
                                             const std::string& channel);

} // namespace sluice
