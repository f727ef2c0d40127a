// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline that begins again at its end, with the time going on: what reads a file never sees it end.
#pragma once

#include <gst/gst.h>

namespace sluice {

// pipeline: of a template, not started yet. The end of the video, or of the sound where there is no video, is the end: a
// picture that stands still while the rest of the sound plays would look like a fault. What the sound has left is cut off.
// A file that cannot be read from its start again, or is shorter than a tenth of a second, ends with an error message.
void loop_pipeline(GstElement* pipeline);

} // namespace sluice
