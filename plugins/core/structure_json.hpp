// SPDX-License-Identifier: LGPL-2.1-or-later
// A GstStructure as JSON, for whoever answers with one. Header only: the library itself needs no JSON.
#pragma once

#include <gst/gst.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace sluice {

template <typename Json> Json structure_to_json(const GstStructure* structure);

// Null for what JSON cannot say: types without a counterpart, NaN, a text that is not there.
template <typename Json> Json value_to_json(const GValue* value) {
    if (G_VALUE_HOLDS_STRING(value))
        return g_value_get_string(value) ? Json(g_value_get_string(value)) : Json();
    if (G_VALUE_HOLDS_BOOLEAN(value))
        return g_value_get_boolean(value) != FALSE;
    if (G_VALUE_HOLDS_INT(value))
        return g_value_get_int(value);
    if (G_VALUE_HOLDS_UINT(value))
        return g_value_get_uint(value);
    if (G_VALUE_HOLDS_INT64(value))
        return g_value_get_int64(value);
    if (G_VALUE_HOLDS_UINT64(value))
        return g_value_get_uint64(value);
    if (G_VALUE_HOLDS_DOUBLE(value)) {
        const double number = g_value_get_double(value);
        return std::isfinite(number) ? Json(number) : Json();
    }
    if (GST_VALUE_HOLDS_STRUCTURE(value))
        return structure_to_json<Json>(gst_value_get_structure(value));
    if (GST_VALUE_HOLDS_ARRAY(value)) {
        Json list = Json::array();
        for (guint i = 0; i < gst_value_array_get_size(value); i++)
            list.push_back(value_to_json<Json>(gst_value_array_get_value(value, i)));
        return list;
    }
    return {};
}

// The fields as an object.
template <typename Json> Json structure_to_json(const GstStructure* structure) {
    Json out = Json::object();
    for (int i = 0; i < gst_structure_n_fields(structure); i++) {
        const char* name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
        out[name] = value_to_json<Json>(gst_structure_get_value(structure, name));
    }
    return out;
}

} // namespace sluice
