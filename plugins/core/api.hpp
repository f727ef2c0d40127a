// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// libsluicecore hides everything but what carries this mark.
#define SLUICE_API __attribute__((visibility("default")))
