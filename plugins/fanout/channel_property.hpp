// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/channel_access.hpp"

#include <string>

namespace sluice {

// The channel that an element's property names. Nothing, with an error message posted, if the name is missing or not allowed.
Ref<SluiceChannel> find_channel(GstElement* element, const std::string& name);

// For set_property of "channel": false, with a warning, in a state that is too late for it.
bool channel_can_be_set(GstElement* element);

} // namespace sluice
