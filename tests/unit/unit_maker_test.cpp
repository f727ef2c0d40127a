// SPDX-License-Identifier: LGPL-2.1-or-later
// What is common to written and standby sources; what a made unit looks like: channel_test.cpp, ChannelEntries.
#include "plugins/core/unit_maker.hpp"

#include "tests/support/units.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::test;

namespace {

UnitMaker maker(Codec codec = Codec::h264, bool recovery_points = false) {
    UnitMaker m;
    m.set_codec(codec);
    m.set_recovery_points(recovery_points);
    return m;
}

// What look() and make() say of it, which must be the same: K, d, or nothing.
std::string told(UnitMaker& m, const Bytes& data) {
    const auto buffer = buffer_of(data);
    UnitMaker other = m;
    const auto looked = other.look(buffer.get());
    const auto made = m.make(buffer.get());
    EXPECT_EQ(looked.has_value(), bool(made));
    if (!made)
        return "-";
    EXPECT_EQ(*looked, made->key);
    return made->key ? "K" : "d";
}

const Bytes recovery_sei = nal({0x06, 0x06, 0x01, 0xc4, 0x80});

TEST(UnitMaker, ALookSaysWhatMakingWould) {
    auto m = maker();
    EXPECT_EQ(told(m, idr()), "d") << "no parameter sets yet";
    EXPECT_EQ(told(m, aud()), "-");
    EXPECT_EQ(told(m, {1, 2, 3}), "-");
    EXPECT_EQ(told(m, sps() + pps()), "-");
    EXPECT_EQ(told(m, aud() + idr()), "K") << "they came before";
    EXPECT_EQ(told(m, p_slice()), "d");
    EXPECT_EQ(told(m, i_slice()), "d");
    EXPECT_EQ(told(m, recovery_sei + p_slice()), "d");
}

TEST(UnitMaker, WhatALookHasSeenOfParameterSetsIsPutInFront) {
    auto m = maker();
    const auto sets = buffer_of(sps() + pps() + p_slice());
    EXPECT_TRUE(m.look(sets.get()));
    const auto picture = buffer_of(idr());
    const auto unit = m.make(picture.get());
    ASSERT_TRUE(unit);
    EXPECT_TRUE(unit->key);
    EXPECT_EQ(bytes_of(unit->buffer.get()), key_unit());
}

TEST(UnitMaker, RecoveryPointsCountIfAskedFor) {
    auto m = maker(Codec::h264, true);
    EXPECT_EQ(told(m, i_slice()), "d") << "no parameter sets yet";
    EXPECT_EQ(told(m, sps() + pps() + p_slice()), "d");
    EXPECT_EQ(told(m, i_slice()), "K");
    EXPECT_EQ(told(m, i_slice() + i_slice()), "K");
    EXPECT_EQ(told(m, i_slice() + p_slice()), "d");
    EXPECT_EQ(told(m, recovery_sei + p_slice()), "K");
    EXPECT_EQ(told(m, aud() + recovery_sei + p_slice()), "K");
    const auto buffer = buffer_of(aud() + recovery_sei + p_slice());
    EXPECT_EQ(bytes_of(m.make(buffer.get())->buffer.get()), sps() + pps() + recovery_sei + p_slice());
    m.set_recovery_points(false);
    EXPECT_EQ(told(m, i_slice()), "d");
}

TEST(UnitMaker, AnotherCodecForgetsTheParameterSets) {
    auto m = maker();
    told(m, key_unit());
    m.set_codec(Codec::h264);
    EXPECT_EQ(told(m, idr()), "K");
    m.set_codec(Codec::h265);
    m.set_codec(Codec::h264);
    EXPECT_EQ(told(m, idr()), "d");
    m.set_codec(Codec::other);
    EXPECT_EQ(told(m, key_unit()), "-");
}

TEST(UnitMaker, SoundIsAPlaceToStartAnywhere) {
    auto m = maker(Codec::pcmu);
    EXPECT_EQ(told(m, Bytes(160, 7)), "K");
    auto opus = maker(Codec::opus);
    EXPECT_EQ(told(opus, {0x03}), "-") << "no Opus packet";
}

TEST(UnitMaker, EveryJpegIsAPlaceToStartAndStaysAsItIs) {
    auto m = maker(Codec::jpeg);
    EXPECT_EQ(told(m, jpeg()), "K");
    EXPECT_EQ(told(m, jpeg(640, 480)), "K") << "another size is another picture";
    EXPECT_EQ(told(m, jpeg() + Bytes{0, 0, '\r', '\n'}), "K");
    EXPECT_EQ(told(m, key_unit()), "-");
    EXPECT_EQ(told(m, {0xff, 0xd8, 0xff}), "-");
    EXPECT_EQ(m.fault(), "") << "no picture at all";
    const auto buffer = buffer_of(jpeg() + Bytes{0});
    const auto unit = m.make(buffer.get());
    EXPECT_EQ(bytes_of(unit->buffer.get()), jpeg() + Bytes{0});
    EXPECT_TRUE(unit->nals.empty());
    EXPECT_EQ(unit->ticks, 0u);
    EXPECT_GE(unit->bytes, jpeg().size() + 1);
}

TEST(UnitMaker, AJpegThatWouldTakeTooMuchToDecodeIsRefusedWithTheReason) {
    auto m = maker(Codec::jpeg);
    EXPECT_EQ(told(m, jpeg(7680, 4320)), "K");
    EXPECT_EQ(told(m, jpeg(15000, 15000)), "-");
    EXPECT_EQ(m.fault(), "The picture is a JPEG of 15000x15000 in 100 bytes, allowed: as many samples as 7680x4320, "
                         "sides of 8192, and 16 MiB");
    EXPECT_EQ(told(m, jpeg()), "K");
    EXPECT_EQ(m.fault(), "");
    EXPECT_EQ(told(m, jpeg(640, 480, (16u << 20) + 1)), "-");
    EXPECT_NE(m.fault().find("in 16777217 bytes"), std::string::npos) << m.fault();
    m.set_codec(Codec::h264);
    EXPECT_EQ(m.fault(), "");
}

TEST(UnitMaker, KeepsWhenItWasCaptured) {
    constexpr GstClockTime unix_time = 1700000000 * GST_SECOND + 5, ntp_time = unix_time + 2208988800u * GST_SECOND;
    struct Row {
        const char* name;
        std::vector<std::pair<const char*, GstClockTime>> metas;
        std::optional<GstClockTime> expected;
    };
    const Row rows[] = {
        {"nothing", {}, {}},
        {"Unix", {{"timestamp/x-unix", unix_time}}, unix_time},
        {"NTP, as of RTCP", {{"timestamp/x-ntp", ntp_time}}, unix_time},
        {"NTP with another field", {{"timestamp/x-ntp, clock-id=(string)camera", ntp_time}}, unix_time},
        {"both", {{"timestamp/x-ntp", 1}, {"timestamp/x-unix", unix_time}}, unix_time},
        {"NTP before 1970 is no wall clock", {{"timestamp/x-ntp", 5 * GST_SECOND}}, {}},
        {"something else", {{"timestamp/x-ptp", unix_time}}, {}},
    };
    for (const Row& r : rows) {
        for (const Codec codec : {Codec::h264, Codec::pcmu}) {
            auto m = maker(codec);
            const auto buffer = buffer_of(codec == Codec::h264 ? key_unit() : Bytes(160, 1));
            for (const auto& [text, time] : r.metas) {
                const auto reference = caps(text);
                gst_buffer_add_reference_timestamp_meta(buffer.get(), reference.get(), time, GST_CLOCK_TIME_NONE);
            }
            EXPECT_EQ(m.make(buffer.get())->capture_time, r.expected) << r.name;
        }
    }
}

} // namespace
