// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace sluice {

// `sluice worker`: what the launcher starts of itself, see docs/design/workers.md. The exit code.
int run_worker();

} // namespace sluice
