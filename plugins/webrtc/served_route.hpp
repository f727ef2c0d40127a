// SPDX-License-Identifier: LGPL-2.1-or-later
// What the element answers over HTTP, for applications that show or check it:
// its property `routes`. The transports are led by the same lists, so that
// nothing is answered that is not in it.
#pragma once

#include "plugins/core/refs.hpp"

#include <string>
#include <vector>

namespace sluice {

struct ServedRoute {
    std::string method;
    std::string path;   // a segment in braces stands for any one
    std::string action; // what `authorize` is asked for; empty: nobody is asked
    bool websocket = false;
};

// routes: an array "routes" of structures with these fields.
inline GstStructurePtr to_structure(const std::vector<ServedRoute>& routes) {
    GValue list = G_VALUE_INIT;
    gst_value_array_init(&list, static_cast<guint>(routes.size()));
    for (const ServedRoute& route : routes) {
        GValue item = G_VALUE_INIT;
        g_value_init(&item, GST_TYPE_STRUCTURE);
        g_value_take_boxed(&item, gst_structure_new("route", "method", G_TYPE_STRING, route.method.c_str(), "path",
                                                    G_TYPE_STRING, route.path.c_str(), "action", G_TYPE_STRING,
                                                    route.action.c_str(), "websocket", G_TYPE_BOOLEAN,
                                                    gboolean(route.websocket), nullptr));
        gst_value_array_append_and_take_value(&list, &item);
    }
    GstStructurePtr out(gst_structure_new_empty("routes"));
    gst_structure_take_value(out.get(), "routes", &list);
    return out;
}

} // namespace sluice
