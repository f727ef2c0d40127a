// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements of this program alone, for its templates; no plugin has them, so no other program sees them.
//
// sluiceh264enc: raw pictures in system memory -> H.264 (byte stream, whole access units, constrained baseline), by an encoder
// that a profile describes (hw/encoders). It is a bin that makes its inside on the way from NULL to READY.
//   encoder      string   the profile's name; empty: the first that is present and starts, hardware first. Until READY
//   bitrate      kbit/s   while it plays, too, if the profile's encoder takes that; else when it is started next
//   key-int-max  pictures between two key units, if nobody asks for one sooner. Until READY
//
// sluicedecode: pictures of whatever codec -> raw pictures, by the decoder of the highest rank that takes them and starts; raw
// pictures go through. It is a bin that makes its inside when caps come, and another one for caps that the first does not take.
//
// What goes wrong is an ERROR message of the domain GST_STREAM_ERROR that names the profile or the caps.
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

namespace sluice::hw {

constexpr const char* encoder_element = "sluiceh264enc";
constexpr const char* decoder_element = "sluicedecode";

// GStreamer is initialised. A second time does no harm.
void register_elements();

GType encoder_element_type();
GType decoder_element_type();

// To READY, outside of any pipeline. Error: what the element said was wrong; it is in NULL again.
Result<bool> open_element(GstElement* element);

} // namespace sluice::hw
