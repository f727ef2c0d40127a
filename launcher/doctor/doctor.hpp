// SPDX-License-Identifier: LGPL-2.1-or-later
// `sluice doctor`: walks the way a dashboard's host takes to a camera's picture, and says where it ends and why.
#pragma once

#include "launcher/doctor/doctor_options.hpp"

namespace sluice {

// Returns the exit code. Standard output: the report.
int run_doctor(const DoctorOptions& options);

} // namespace sluice
