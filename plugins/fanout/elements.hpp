// SPDX-License-Identifier: LGPL-2.1-or-later
// The element types of this plugin.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
#define SLUICE_TYPE_FANOUT_SINK (sluice_fanout_sink_get_type())
G_DECLARE_FINAL_TYPE(SluiceFanoutSink, sluice_fanout_sink, SLUICE, FANOUT_SINK, GstElement)
#define SLUICE_TYPE_FANOUT_SRC (sluice_fanout_src_get_type())
G_DECLARE_FINAL_TYPE(SluiceFanoutSrc, sluice_fanout_src, SLUICE, FANOUT_SRC, GstElement)
#define SLUICE_TYPE_KEYFRAME_FANOUT (sluice_keyframe_fanout_get_type())
G_DECLARE_FINAL_TYPE(SluiceKeyframeFanout, sluice_keyframe_fanout, SLUICE, KEYFRAME_FANOUT, GstElement)
G_END_DECLS
