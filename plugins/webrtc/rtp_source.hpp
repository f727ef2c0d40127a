// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/refs.hpp"

#include <functional>

namespace sluice {

// The source element in front of a webrtcbin: no task, no queue. A sender thread pushes through it (an appsrc's thread per
// viewer is the largest single cost of a stock webrtcbin viewer).
Ref<GstElement> make_rtp_source(const GstCaps* caps);
// Called from any thread when the viewer asks for a key unit (PLI or FIR arrive as GstForceKeyUnit).
void rtp_source_set_key_unit_handler(GstElement* source, std::function<void()> handler);
// Stream-start, caps, segment. Once, after the element is linked and active.
void rtp_source_begin(GstElement* source);
// Caps without that field, from here on.
void rtp_source_leave_out(GstElement* source, const char* field);
GstFlowReturn rtp_source_push(GstElement* source, Ref<GstBufferList> list);

} // namespace sluice
