// SPDX-License-Identifier: LGPL-2.1-or-later
// Comma separated lists in properties.
#pragma once

#include <glib.h>

#include <string>
#include <vector>

namespace sluice {

inline std::vector<std::string> split_list(const char* text) {
    std::vector<std::string> list;
    gchar** parts = g_strsplit(text ? text : "", ",", -1);
    for (gchar** p = parts; *p; ++p)
        if (*g_strstrip(*p))
            list.emplace_back(*p);
    g_strfreev(parts);
    return list;
}

inline std::string join_list(const std::vector<std::string>& list) {
    std::string out;
    for (const auto& s : list)
        out += (out.empty() ? "" : ",") + s;
    return out;
}

} // namespace sluice
