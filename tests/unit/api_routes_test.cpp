// SPDX-License-Identifier: LGPL-2.1-or-later
// What the program answers and what launcher/web/openapi.json says are the same.
#include "launcher/config/json_text.hpp"
#include "launcher/http/http_server.hpp"

#include <gtest/gtest.h>

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

TEST(ApiRoutes, EveryRouteIsDocumentedAndNothingElse) {
    std::set<std::string> routes, documented;
    for (const ApiRoute& route : HttpServer::routes())
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
    for (const ApiRoute& route : HttpServer::routes()) {
        const Json& operation = all["paths"][std::string(route.path)][lower(route.method)];
        const Json& answers = operation["responses"];
        const bool open = operation.contains("security") && operation["security"].empty();
        EXPECT_EQ(open, route.access == ApiRoute::Access::everybody) << route.path;
        EXPECT_TRUE(open || answers.contains("401")) << route.path;
        EXPECT_TRUE(route.access != ApiRoute::Access::may_change || answers.contains("403")) << route.path;
    }
}

} // namespace
