// SPDX-License-Identifier: LGPL-2.1-or-later
// What the program answers and what launcher/web/openapi.json says are the same: routes, who may, fields.
#include "launcher/http/api_json.hpp"
#include "launcher/http/routes.hpp"
#include "plugins/core/json_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

using namespace sluice;

namespace {

Json document() {
    std::ifstream file(std::string(std::getenv("SLUICE_PIPELINES")) + "/../launcher/web/openapi.json");
    std::stringstream text;
    text << file.rdbuf();
    return Json::parse(text.str());
}

std::string lower(std::string_view method) {
    std::string out(method);
    for (char& c : out)
        c = g_ascii_tolower(c);
    return out;
}

// The page's own files are no part of the interface for programs.
std::vector<ApiRoute> documented_routes() {
    std::vector<ApiRoute> out;
    for (const ApiRoute& route : make_routes({}).routes())
        if (route.path.rfind("/api/v1/", 0) == 0 || route.path == "/healthz" || route.path == "/readyz")
            out.push_back(route);
    return out;
}

TEST(ApiRoutes, EveryRouteIsDocumentedAndNothingElse) {
    std::set<std::string> routes, documented;
    for (const ApiRoute& route : documented_routes())
        EXPECT_TRUE(routes.insert(lower(route.method) + " " + std::string(route.path)).second) << route.path;
    const Json all = document();
    for (const auto& path : all["paths"].items())
        for (const auto& field : path.value().items())
            if (field.key() != "parameters")
                documented.insert(field.key() + " " + path.key());
    EXPECT_EQ(routes, documented);
}

TEST(ApiRoutes, TheDocumentSaysWhoMay) {
    const Json all = document();
    for (const ApiRoute& route : documented_routes()) {
        const Json& operation = all["paths"][std::string(route.path)][lower(route.method)];
        const Json& answers = operation["responses"];
        const bool open = operation.contains("security") && operation["security"].empty();
        EXPECT_EQ(open, route.access == ApiRoute::Access::everybody) << route.path;
        EXPECT_TRUE(open || answers.contains("401")) << route.path;
        EXPECT_TRUE(route.access <= ApiRoute::Access::logged_in || answers.contains("403")) << route.path;
    }
}

std::set<std::string> keys(const Json& object) {
    std::set<std::string> out;
    for (const auto& field : object.items())
        out.insert(field.key());
    return out;
}

Json stream_of(const StreamStatus& status) {
    CameraStatus camera;
    camera.streams.push_back(status);
    return camera_json(camera, 0)["streams"][0];
}

TEST(ApiJson, AStreamHasTheFieldsOfTheDocument) {
    const Json all = document();
    const Json& schema = all["components"]["schemas"]["Stream"];
    const Json stream = stream_of({});
    EXPECT_EQ(keys(stream), keys(schema["properties"]));
    EXPECT_EQ(keys(stream), schema["required"].get<std::set<std::string>>());
    EXPECT_TRUE(stream["failure"].is_null());
    EXPECT_TRUE(stream["next-attempt-seconds"].is_null());
}

TEST(ApiJson, ACameraHasTheFieldsOfTheDocument) {
    const Json schema = document()["components"]["schemas"]["Camera"];
    const Json camera = camera_json({}, 0);
    EXPECT_EQ(keys(camera), keys(schema["properties"]));
    EXPECT_EQ(keys(camera), schema["required"].get<std::set<std::string>>());
    EXPECT_EQ(camera["quality"], "auto");
}

TEST(ApiJson, AFailureIsOneOfTheDocument) {
    const Json allowed = document()["components"]["schemas"]["Stream"]["properties"]["failure"]["enum"];
    std::set<std::string> seen;
    for (int i = int(FailureClass::none) + 1; i <= int(FailureClass::clock); i++) {
        StreamStatus status;
        status.failure = static_cast<FailureClass>(i);
        const Json failure = stream_of(status)["failure"];
        EXPECT_NE(std::find(allowed.begin(), allowed.end(), failure), allowed.end()) << failure;
        seen.insert(failure.get<std::string>());
    }
    EXPECT_EQ(seen.size() + 1, allowed.size()) << "and null";
}

TEST(ApiJson, AWaitIsNeverNegative) {
    StreamStatus status;
    status.next_attempt = 3.27;
    EXPECT_EQ(stream_of(status)["next-attempt-seconds"], 3.3);
    status.next_attempt = -0.2; // the attempt is late
    EXPECT_EQ(stream_of(status)["next-attempt-seconds"], 0);
}

} // namespace
