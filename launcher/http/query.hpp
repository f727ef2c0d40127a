// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands behind the "?" of a request.
#pragma once

#include "launcher/http/route_table.hpp"

#include <glib.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace sluice {

// Of libsoup's table, decoded; of two with the same name the last. NULL: there is none.
inline RouteTable::Values query_values(GHashTable* table) {
    RouteTable::Values out;
    GHashTableIter iter;
    gpointer name = nullptr, value = nullptr;
    if (table)
        g_hash_table_iter_init(&iter, table);
    while (table && g_hash_table_iter_next(&iter, &name, &value))
        out[static_cast<const char*>(name)] = static_cast<const char*>(value);
    return out;
}

// Digits and nothing else.
inline std::optional<unsigned> query_number(std::string_view text) {
    unsigned out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

} // namespace sluice
