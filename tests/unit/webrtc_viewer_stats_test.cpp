// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said of a viewer, and launcher/web/openapi.json, which programs read it by.
#include "plugins/webrtc/viewer_stats.hpp"

#include "plugins/core/structure_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <set>

namespace sluice {
namespace {

using Json = nlohmann::json;

Json schema() {
    std::ifstream file(std::string(std::getenv("SLUICE_PIPELINES")) + "/../launcher/web/openapi.json");
    return Json::parse(file)["components"]["schemas"]["Viewer"];
}

Json told(const Viewer::Stats& stats) {
    const Viewer::Info info{.id = "a", .principal = "ann", .camera = "front", .peer_address = "192.0.2.7", .login = {}};
    return structure_to_json<Json>(to_structure(info, stats).get());
}

Viewer::Stats all_known() {
    Viewer::Stats s;
    s.quality = "auto";
    s.stream = "sub";
    s.stream_reason = "1.9 Mbit/s do not carry main (4.1 Mbit/s)";
    s.path = {.known = true,
              .feedback = true,
              .estimate = 1'900'000,
              .received = 480'000,
              .loss = 0.03,
              .rtt_ms = 120,
              .queue_delay_ms = 14.5};
    s.freezes = 2;
    s.media.switches = 3;
    return s;
}

TEST(ViewerStats, WhatIsKnownHasTheNamesOfTheDocument) {
    const Json out = told(all_known());
    const Json known = schema()["properties"];
    for (const auto& field : known.items())
        EXPECT_TRUE(out.contains(field.key())) << field.key();
    EXPECT_EQ(out["estimate"], 1'900'000);
    EXPECT_EQ(out["received-bitrate"], 480'000);
    EXPECT_EQ(out["loss"], 0.03);
    EXPECT_EQ(out["rtt"], 120.0);
    EXPECT_EQ(out["queue-delay"], 14.5);
    EXPECT_EQ(out["switches"], 3);
    EXPECT_EQ(out["freezes"], 2);
    EXPECT_EQ(out["stream-reason"], "1.9 Mbit/s do not carry main (4.1 Mbit/s)");
}

TEST(ViewerStats, WhatIsNotKnownIsLeftOut) {
    const Json out = told({});
    const auto required = schema()["required"].get<std::set<std::string>>();
    const Json known = schema()["properties"];
    for (const auto& field : known.items())
        EXPECT_EQ(out.contains(field.key()), required.contains(field.key())) << field.key();
}

TEST(ViewerStats, WithoutFeedbackTheReceiversReportsSayWhatTheyCan) {
    Viewer::Stats s;
    s.network.rtt_ms = 80;
    s.network.fraction_lost = 0.25;
    EXPECT_EQ(told(s)["rtt"], 80.0);
    EXPECT_EQ(told(s)["loss"], 0.25);
    s.path = {.known = true, .estimate = 900'000, .loss = 0.1};
    const Json out = told(s);
    EXPECT_EQ(out["loss"], 0.1) << "the estimator knows better";
    EXPECT_EQ(out["rtt"], 80.0);
    EXPECT_EQ(out["estimate"], 900'000);
    EXPECT_FALSE(out.contains("queue-delay")) << "reports say nothing of it";
}

} // namespace
} // namespace sluice
