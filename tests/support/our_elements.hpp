// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::test {

// Names of all elements of our plugins, in order. The registry is there only when a test runs, not before.
inline std::vector<std::string> our_elements() {
    std::vector<std::string> names;
    for (const char* plugin : {"sluicefanout", "sluicestall", "sluicewebrtc"}) {
        GList* features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), plugin);
        for (GList* l = features; l; l = l->next)
            if (GST_IS_ELEMENT_FACTORY(l->data))
                names.emplace_back(GST_OBJECT_NAME(l->data));
        gst_plugin_feature_list_free(features);
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace sluice::test
