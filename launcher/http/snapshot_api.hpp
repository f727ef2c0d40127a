// SPDX-License-Identifier: LGPL-2.1-or-later
// Single pictures over HTTP; docs/http-api.md has the parameters and headers.
#pragma once

#include "launcher/http/routes.hpp"
#include "launcher/media/snapshots.hpp"

namespace sluice {

// Fills in what is known of the stream, and answers: the picture, or a problem. ask: channel and description are not set.
void answer_snapshot(const ApiCall& call, const HttpServices& services, const std::string& stream, Snapshots::Ask ask);

} // namespace sluice
