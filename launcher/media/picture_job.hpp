// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker process is told of the pictures that it is to make: the template's chains; as JSON over the link. Behind it come
// the caps of a picture and the picture itself, as often as wanted. For each there is an answer, the JPEG as a unit or why there
// is none (TranscodeFailure), and then "ready": what it took has been taken down. "ready" also comes first of all, when the process
// has started. Pure.
#pragma once

#include "launcher/config/templates.hpp"
#include "launcher/worker/template_chains.hpp"

#include <optional>

namespace sluice {

// By the template `snapshot`. width: of the JPEG; 0: as wide as the picture. Error: there is no such template, or it takes no such
// width.
Result<TemplateChains> picture_chains(const Templates& templates, unsigned width);

Json picture_job_json(const TemplateChains& job);
// Nothing: it is none.
std::optional<TemplateChains> picture_job(const Json& value);

Json picture_ready_json();
bool is_picture_ready(const Json& value);

} // namespace sluice
