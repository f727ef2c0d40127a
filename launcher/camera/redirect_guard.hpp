// SPDX-License-Identifier: LGPL-2.1-or-later
// User and password belong to the address they were written down for. A camera may redirect (RFC 2326, section 11.3.3), but to
// another host rtspsrc goes without them. (TLS it keeps by itself, whatever the new address says.)
#pragma once

#include "launcher/config/url.hpp"

#include <gst/gst.h>

namespace sluice {

// The name of the application message that says so, once; its field `host` is where it was sent.
constexpr const char* redirected_message = "sluice-redirected";

// source: an rtspsrc; others are left alone.
void guard_redirects(GstElement* source, const CameraUrl& configured);

} // namespace sluice
