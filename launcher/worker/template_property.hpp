// SPDX-License-Identifier: LGPL-2.1-or-later
// What a template's parameter sets, in elements that are there.
#pragma once

#include "launcher/config/source_template.hpp"
#include "plugins/core/result.hpp"

#include <gst/gst.h>

namespace sluice {

// bin: the elements, by name. Error (bad_config): there is no such element, property or field, or it does not take the value;
// never names the value.
Result<bool> set_template_property(GstElement* bin, const PropertySetting& setting);

} // namespace sluice
