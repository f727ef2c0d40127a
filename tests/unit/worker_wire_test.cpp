// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode_job.hpp"
#include "launcher/worker/wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

using namespace sluice;

namespace {

std::vector<uint8_t> bytes_of(const WireHeader& header, const std::string& body) {
    std::vector<uint8_t> out(sizeof header + body.size());
    std::memcpy(out.data(), &header, sizeof header);
    std::copy(body.begin(), body.end(), out.begin() + sizeof header);
    return out;
}

// In pieces of at most so many bytes.
std::vector<WireMessage> read(WireReader& reader, const std::vector<uint8_t>& bytes, size_t piece) {
    std::vector<WireMessage> out;
    for (size_t at = 0; at < bytes.size();) {
        const auto room = reader.room();
        EXPECT_FALSE(room.empty());
        const size_t size = std::min({room.size(), piece, bytes.size() - at});
        std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), size, room.begin());
        at += size;
        if (auto message = reader.took(size))
            out.push_back(std::move(*message));
    }
    return out;
}

TEST(WorkerWire, MessagesComeInWhateverPieces) {
    auto bytes = bytes_of(wire_text(WireType::track, "video/x-h264", 3).header, "video/x-h264");
    WireHeader unit{.size = 5, .type = WireType::unit, .track = 3, .flags = WireHeader::key | WireHeader::past};
    unit.time = 7'000'000'000;
    unit.capture_time = 1'700'000'000'000'000'000;
    for (const auto& more : {bytes_of(unit, "abcde"), bytes_of({.type = WireType::key_unit}, "")})
        bytes.insert(bytes.end(), more.begin(), more.end());
    for (const size_t piece : {1, 2, 7, 24, 1000}) {
        WireReader reader;
        const auto messages = read(reader, bytes, piece);
        ASSERT_EQ(messages.size(), 3u) << piece;
        EXPECT_EQ(messages[0].header.type, WireType::track);
        EXPECT_EQ(messages[0].header.track, 3);
        EXPECT_EQ(messages[0].text(), "video/x-h264");
        EXPECT_EQ(messages[1].text(), "abcde");
        EXPECT_EQ(messages[1].header.flags, WireHeader::key | WireHeader::past);
        EXPECT_EQ(messages[1].header.time, unit.time);
        EXPECT_EQ(messages[1].header.capture_time, unit.capture_time);
        EXPECT_EQ(messages[2].header.type, WireType::key_unit);
        EXPECT_TRUE(messages[2].text().empty());
        EXPECT_EQ(reader.broken(), "");
    }
}

TEST(WorkerWire, NonsenseEndsIt) {
    struct Case {
        WireHeader header;
        const char* says;
    };
    const Case cases[] = {{{.size = 1, .type = static_cast<WireType>(0)}, "of type 0"},
                          {{.size = 1, .type = static_cast<WireType>(99)}, "of type 99"},
                          {{.size = max_wire_unit + 1, .type = WireType::unit}, "allowed: at most 16777216"},
                          {{.size = max_wire_text + 1, .type = WireType::job}, "allowed: at most 262144"},
                          {{.size = 1, .type = WireType::key_unit}, "allowed: at most 0"},
                          {{.size = 0, .type = WireType::unit}, "empty"}};
    for (const Case& c : cases) {
        WireReader reader;
        EXPECT_TRUE(read(reader, bytes_of(c.header, "x"), 1000).empty()) << c.says;
        EXPECT_NE(reader.broken().find(c.says), std::string::npos) << reader.broken();
        EXPECT_TRUE(read(reader, bytes_of(wire_text(WireType::track, "x").header, "x"), 1000).empty())
            << "nothing makes sense any more";
    }
}

TEST(WorkerWire, LargestAreTaken) {
    WireReader reader;
    const std::string body(max_wire_text, 'x');
    const auto messages = read(reader, bytes_of(wire_text(WireType::event, body).header, body), 4096);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].text(), body);
}

TEST(TranscodeJob, ComesBackAsItWas) {
    const TranscodeJob job{.encoder = "x264enc",
                           .chains = {{"video/x-h264", "a ! b"}, {"audio/x-opus", "c"}},
                           .settings = {{"size", "caps", "width", int64_t(640)},
                                        {"text", "text", "", std::string("a \" b")},
                                        {"e", "quick", "", true}},
                           .framerate = 10,
                           .bitrate = 500'000,
                           .gop_ms = 0};
    EXPECT_EQ(transcode_job(to_json(job)), job);
    using Part = TranscodeFailure::Part;
    for (const Part part : {Part::encoder, Part::decoder, Part::source})
        EXPECT_EQ(transcode_failure(to_json(TranscodeFailure{part, "why"})), (TranscodeFailure{part, "why"}));
}

TEST(TranscodeJob, IsMadeOfATemplate) {
    std::vector<ConfigError> errors;
    const SourceTemplate made_of = parse_template(R"({"name": "t", "kind": "derived", "parameters": {
        "framerate": {"type": "integer", "sets": ["r.max-rate"]},
        "bitrate": {"type": "integer", "default": 2000, "maximum": 3000, "sets": ["e.bitrate"]},
        "gop": {"type": "integer", "sets": ["e.key-int-max"]},
        "words": {"type": "string", "sets": ["t.text"]}},
        "branches": [{"caps": "c", "pipeline": ["a", {"with": ["framerate"], "text": "! r name=r"}, "! t name=t ! e name=e"]}]})",
                                                  errors);
    ASSERT_TRUE(errors.empty()) << errors[0].text;
    const auto plain = job_of(made_of, {.derived = DerivedConfig()});
    ASSERT_TRUE(plain) << plain.error().text;
    EXPECT_EQ(plain.value(), (TranscodeJob{.chains = {{"c", "a ! t name=t ! e name=e"}},
                                           .settings = {{"e", "bitrate", "", int64_t(2000)}},
                                           .bitrate = 2'000'000}));
    const SourceConfig config{.parameters = {{"gop", int64_t(20)}, {"words", std::string("w")}},
                              .derived = DerivedConfig{.framerate = 10, .bitrate = 400}};
    const auto full = job_of(made_of, config);
    ASSERT_TRUE(full) << full.error().text;
    EXPECT_EQ(full->framerate, 10u);
    EXPECT_EQ(full->bitrate, 400'000u);
    EXPECT_EQ(full->gop_ms, 0u) << "the template's parameter says it";
    EXPECT_EQ(full->settings.size(), 4u);
    EXPECT_NE(full->chains[0].pipeline.find("name=r"), std::string::npos);
    EXPECT_FALSE(job_of(made_of, {.parameters = {{"nope", true}}})) << "no such parameter";
    EXPECT_FALSE(job_of(made_of, {.derived = DerivedConfig{.bitrate = 4000}})) << "outside";
}

TEST(TranscodeJob, WhatIsNoneIsNone) {
    const Json good = to_json(TranscodeJob{});
    for (const auto& [field, value] : good.items()) {
        Json without = good, wrong = good;
        without.erase(field);
        wrong[field] = nullptr;
        EXPECT_FALSE(transcode_job(without)) << field;
        EXPECT_FALSE(transcode_job(wrong)) << field;
    }
    EXPECT_FALSE(transcode_job(Json::array()));
    Json chains = good, settings = good;
    chains["chains"] = Json::array({Json{{"caps", "x"}}});
    settings["settings"] = Json::array({Json{{"element", "e"}, {"property", "p"}, {"field", ""}, {"value", 1.5}}});
    EXPECT_FALSE(transcode_job(chains));
    EXPECT_FALSE(transcode_job(settings));
    EXPECT_FALSE(transcode_failure(Json{{"failed", "printer"}, {"reason", "why"}}));
    EXPECT_FALSE(transcode_failure(Json{{"failed", "encoder"}}));
    EXPECT_FALSE(transcode_failure(Json("encoder")));
}

} // namespace
