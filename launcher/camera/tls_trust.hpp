// SPDX-License-Identifier: LGPL-2.1-or-later
// Which certificate a source takes: the one with a given fingerprint and no other, or any that an authority of this system
// vouches for. Cameras sign their own: whoever meets one that is not trusted is told its fingerprint, to compare it and to
// write it down.
#pragma once

#include <gst/gst.h>

#include <string>

namespace sluice {

// source: an element with a property tls-database. fingerprint: SHA-256, 64 hexadecimal digits; empty: authorities decide.
// A certificate that is not taken is an error message of the source.
void set_tls_trust(GstElement* source, const std::string& fingerprint);

} // namespace sluice
