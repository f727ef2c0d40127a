// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/channel_property.hpp"

namespace sluice {

Ref<SluiceChannel> find_channel(GstElement* element, const std::string& name) {
    if (name.empty()) {
        GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS, ("The property 'channel' is not set."),
                          ("It wants a name such as 'front/main'."));
        return {};
    }
    auto face = adopt(sluice_channel_get(name.c_str()));
    if (!face)
        GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS, ("'%s' is not allowed as the name of a channel.", name.c_str()),
                          ("Allowed are 1 to 200 printable ASCII characters without spaces."));
    return face;
}

bool channel_can_be_set(GstElement* element) {
    GST_OBJECT_LOCK(element);
    const bool ok = GST_STATE(element) <= GST_STATE_READY;
    GST_OBJECT_UNLOCK(element);
    if (!ok)
        GST_WARNING_OBJECT(element, "'channel' can be set in the states NULL and READY only");
    return ok;
}

} // namespace sluice
