// SPDX-License-Identifier: LGPL-2.1-or-later
// A template's chains as elements, and what its parameters set in them.
#pragma once

#include "launcher/worker/template_chains.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <gst/gst.h>

namespace sluice {

// bin: the elements, by name. Error (bad_config): there is no such element, property or field, or it does not take the value;
// never names the value.
Result<bool> set_template_property(GstElement* bin, const PropertySetting& setting);

// The first that takes them; nullptr: there is none.
const TemplateChain* chain_for(const std::vector<TemplateChain>& chains, const GstCaps* caps);

// The chain as a bin with the pads `sink` and `src`, with those settings that are for its elements. Error (bad_config): it is none.
// missing: set to the element that this machine has not, if that is why; may be nullptr.
Result<Ref<GstElement>> make_chain(const TemplateChain& chain, const std::vector<PropertySetting>& settings,
                                   std::string* missing = nullptr);

} // namespace sluice
