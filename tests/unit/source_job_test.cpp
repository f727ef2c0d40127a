// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_job.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace sluice;

namespace {

SourceJob some_job() {
    SourceJob job{.template_text = "{\"name\": \"own\"}\n", .source = {}, .encoder = "x264enc"};
    job.source.url = "rtsp://camera/1";
    job.source.user = "viewer";
    job.source.password = Secret("p\"ss");
    job.source.transport = Transport::udp;
    job.source.latency_ms = 100;
    job.source.tls_fingerprint = "ab";
    job.source.source_template = "own";
    job.source.parameters = {{"text", std::string("5")},
                             {"number", int64_t(-5)},
                             {"large", std::numeric_limits<int64_t>::max()},
                             {"truth", true}};
    return job;
}

// As it travels.
Json through(const Json& value) {
    std::vector<ConfigError> errors;
    Json out = parse_json_text(value.dump(), errors);
    EXPECT_TRUE(errors.empty());
    return out;
}

TEST(SourceJob, ComesBackAsItWas) {
    EXPECT_EQ(source_job(through(to_json(some_job()))), some_job());
    for (const Transport transport : {Transport::tcp, Transport::udp, Transport::http}) {
        SourceJob job = some_job();
        job.source.transport = transport;
        EXPECT_EQ(source_job(through(to_json(job))), job);
    }
}

TEST(SourceJob, WhatIsNoneIsNone) {
    const Json good = to_json(some_job());
    for (const auto& [field, value] : good.items())
        for (const Json& wrong : {Json(nullptr), Json(5), Json::array()}) {
            Json bad = good;
            bad[field] = wrong;
            EXPECT_FALSE(source_job(bad)) << field;
            bad.erase(field);
            EXPECT_FALSE(source_job(bad)) << field;
        }
    for (const auto& [field, value] : good["source"].items()) {
        Json bad = good;
        bad["source"][field] = nullptr;
        EXPECT_FALSE(source_job(bad)) << field;
        bad["source"].erase(field);
        EXPECT_FALSE(source_job(bad)) << field;
    }
    Json bad = good;
    bad["source"]["transport"] = "pigeon";
    EXPECT_FALSE(source_job(bad));
    for (const Json& wrong : {Json(nullptr), Json(1.5), Json(std::numeric_limits<uint64_t>::max()), Json::object()}) {
        bad = good;
        bad["source"]["parameters"]["number"] = wrong;
        EXPECT_FALSE(source_job(bad)) << wrong;
    }
    EXPECT_FALSE(source_job(Json("job")));
}

TEST(SourceEvent, ComesBackAsItWas) {
    using Kind = SourceEvent::Kind;
    for (const Kind kind : {Kind::connected, Kind::handshake_done, Kind::data}) {
        const SourceEvent event{.kind = kind, .failure = {}};
        EXPECT_EQ(source_event(through(to_json(event))), event);
    }
    for (const FailureClass kind :
         {FailureClass::unreachable, FailureClass::refused, FailureClass::timed_out, FailureClass::unauthorised,
          FailureClass::not_found, FailureClass::protocol, FailureClass::codec, FailureClass::stalled,
          FailureClass::ended, FailureClass::clock})
        for (const int flags : {0, 1, 2, 4}) {
            const SourceEvent event{.kind = Kind::failed,
                                    .failure = {.kind = kind,
                                                .reason = "why",
                                                .could_not_connect = flags == 1,
                                                .wants_tcp = flags == 2,
                                                .of_encoder = flags == 4}};
            EXPECT_EQ(source_event(through(to_json(event))), event) << to_string(kind) << flags;
        }
}

TEST(SourceEvent, TheLauncherDecidesForItself) {
    const SourceEvent event{
        .kind = SourceEvent::Kind::failed,
        .failure = {.kind = FailureClass::ended, .reason = "why", .taken_over = true, .again = true}};
    Json said = to_json(event);
    said["again"] = said["taken-over"] = true;
    const auto read = source_event(said);
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->failure.again);
    EXPECT_FALSE(read->failure.taken_over);
}

TEST(SourceEvent, WhatMakesNoSenseIsNone) {
    const Json good = to_json(SourceEvent{.failure = {.kind = FailureClass::codec, .reason = "why"}});
    ASSERT_TRUE(source_event(good));
    for (const auto& [field, value] : good.items())
        for (const Json& wrong : {Json(nullptr), Json(5), Json(""), Json("nonsense\xff"), Json::array()}) {
            if (field == "reason" && wrong.is_string() && !wrong.get<std::string>().empty())
                continue;
            Json bad = good;
            bad[field] = wrong;
            EXPECT_FALSE(source_event(bad)) << field;
            bad.erase(field);
            EXPECT_FALSE(source_event(bad)) << field;
        }
    Json fine = good;
    fine["kind"] = "none";
    EXPECT_FALSE(source_event(fine)) << "a failure that is none";
    EXPECT_FALSE(source_event(Json("failed")));
    EXPECT_FALSE(source_event(Json::array()));
}

TEST(SourceEvent, AReasonIsOneLineAndNotALongOne) {
    Json said = to_json(SourceEvent{.failure = {.kind = FailureClass::codec, .reason = "why"}});
    said["reason"] = "two\nlines\x7f";
    EXPECT_EQ(source_event(said)->failure.reason, "two lines ");
    std::string text;
    while (text.size() < max_event_reason + 100)
        text += "x\u00e9";
    said["reason"] = text;
    const std::string cut = source_event(said)->failure.reason;
    EXPECT_LE(cut.size(), max_event_reason);
    EXPECT_GE(cut.size(), max_event_reason - 1);
    EXPECT_NO_THROW(Json(cut).dump()) << "whole characters";
}

} // namespace
