// SPDX-License-Identifier: LGPL-2.1-or-later
// The element types of this plugin.
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS
#define SLUICE_TYPE_STALL_DETECT (sluice_stall_detect_get_type())
G_DECLARE_FINAL_TYPE(SluiceStallDetect, sluice_stall_detect, SLUICE, STALL_DETECT, GstBaseTransform)
G_END_DECLS
