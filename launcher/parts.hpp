// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements that have to be there.
#pragma once

#include "plugins/core/result.hpp"

namespace sluice {

// Error (unavailable): each missing element, with its plugin and where that comes from.
Result<bool> require_parts();

} // namespace sluice
