// SPDX-License-Identifier: LGPL-2.1-or-later
// A file or stream whose tracks nobody behind the demuxer takes: some elements then run and run, others say "not linked".
#pragma once

#include <gst/gst.h>

namespace sluice {

// Elements of the pipeline that find their tracks while they run: once all are known and none is linked, that is an error
// message that names them. rtspsrc has a TrackOffer instead.
void watch_demuxers(GstElement* pipeline);

} // namespace sluice
