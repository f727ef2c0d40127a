// SPDX-License-Identifier: LGPL-2.1-or-later
// GStreamer's leak tracer inside a test: everything that a scenario made must be gone behind it.
// Include in one file of a test program; it switches the tracer on before main().
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace sluice::test {

inline const bool leaks_tracer_on = setenv("GST_TRACERS", "leaks", 1) == 0;

// Type names by address of the GstObjects and GstMiniObjects that `scenario` made and did not free.
inline std::map<std::string, std::string> left_over_by(const std::function<void()>& scenario) {
    std::map<std::string, std::string> alive;
    GList* tracers = gst_tracing_get_active_tracers();
    for (GList* l = tracers; l; l = l->next) {
        if (!g_signal_lookup("activity-get-checkpoint", G_OBJECT_TYPE(l->data)))
            continue;
        g_signal_emit_by_name(l->data, "activity-start-tracking");
        scenario();
        GstStructure* info = nullptr;
        g_signal_emit_by_name(l->data, "activity-get-checkpoint", &info);
        g_signal_emit_by_name(l->data, "activity-stop-tracking");
        for (const char* field : {"objects-created-list", "objects-removed-list"}) {
            const GValue* list = gst_structure_get_value(info, field);
            for (guint i = 0; list && i < gst_value_list_get_size(list); i++) {
                const GstStructure* object = gst_value_get_structure(gst_value_list_get_value(list, i));
                const std::string address = gst_structure_get_string(object, "address");
                // An address may come back: created and removed in turns, only the number of both counts.
                if (g_str_equal(field, "objects-created-list"))
                    alive[address] += std::string(gst_structure_get_string(object, "type-name")) + ";";
                else if (const auto it = alive.find(address); it != alive.end())
                    it->second.erase(0, it->second.find(';') + 1);
            }
        }
        gst_structure_free(info);
        std::erase_if(alive, [](const auto& e) { return e.second.empty(); });
    }
    g_list_free_full(tracers, gst_object_unref);
    return alive;
}

// Runs it twice: what the first run made and kept (caches of the libraries) is no leak, what the second adds is. A thread of
// GStreamer's pools may hold its task a moment longer than the scenario lasts; what leaks is left over each time.
inline void expect_no_leak(const std::function<void()>& scenario) {
    scenario();
    std::map<std::string, std::string> left;
    for (int i = 0; i < 3 && (i == 0 || !left.empty()); i++) {
        int runs = 0;
        left = left_over_by([&] {
            scenario();
            runs++;
        });
        ASSERT_EQ(runs, 1) << "the leak tracer does not run";
    }
    for (const auto& [address, type] : left)
        ADD_FAILURE() << type << " is left over";
}

} // namespace sluice::test
