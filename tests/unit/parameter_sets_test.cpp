// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/parameter_sets.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::test;

namespace {

void learn(ParameterSets& sets, const Bytes& data, Codec codec = Codec::h264) {
    sets.learn(codec, data, split_annex_b(data, codec));
}
Bytes missing(const ParameterSets& sets, const Bytes& data, Codec codec = Codec::h264) {
    return sets.missing(split_annex_b(data, codec));
}

TEST(ParameterSets, NothingKnownNothingAdded) {
    const ParameterSets sets;
    EXPECT_FALSE(sets.complete(Codec::h264));
    EXPECT_FALSE(sets.complete(Codec::h265));
    EXPECT_EQ(missing(sets, idr()), Bytes{});
}

TEST(ParameterSets, AreAddedWhereTheyLack) {
    ParameterSets sets;
    learn(sets, sps() + pps());
    EXPECT_TRUE(sets.complete(Codec::h264));
    EXPECT_EQ(missing(sets, idr()), sps() + pps());
    EXPECT_EQ(missing(sets, sps() + pps() + idr()), Bytes{});
}

TEST(ParameterSets, TheSpsStandsBeforeThePpsWhateverIsMissing) {
    ParameterSets sets;
    learn(sets, pps());
    EXPECT_FALSE(sets.complete(Codec::h264));
    learn(sets, sps());
    EXPECT_TRUE(sets.complete(Codec::h264));
    EXPECT_EQ(missing(sets, sps() + idr()), sps() + pps());
    EXPECT_EQ(missing(sets, pps() + idr()), sps() + pps());
}

TEST(ParameterSets, TheNewestCount) {
    ParameterSets sets;
    learn(sets, sps() + pps());
    learn(sets, sps_no_reorder());
    EXPECT_EQ(missing(sets, idr()), sps_no_reorder() + pps());
}

TEST(ParameterSets, SeveralOfOneTypeStayTogether) {
    ParameterSets sets;
    const Bytes second = nal({0x68, 0x5b, 0xe3, 0xcb, 0x22, 0xc0});
    learn(sets, sps() + pps() + second);
    EXPECT_EQ(missing(sets, idr()), sps() + pps() + second);
}

TEST(ParameterSets, ShortStartCodesAreReadToo) {
    ParameterSets sets;
    learn(sets, Bytes{0, 0, 1, 0x68, 0xeb} + sps());
    EXPECT_EQ(missing(sets, idr()), sps() + nal({0x68, 0xeb}));
}

TEST(ParameterSets, H265NeedsThree) {
    ParameterSets sets;
    const Bytes vps = nal({0x40, 0x01, 0x0c}), sps265 = nal({0x42, 0x01, 0x01}), pps265 = nal({0x44, 0x01, 0xc1});
    learn(sets, sps265 + pps265, Codec::h265);
    EXPECT_FALSE(sets.complete(Codec::h265));
    learn(sets, vps, Codec::h265);
    EXPECT_TRUE(sets.complete(Codec::h265));
    EXPECT_EQ(missing(sets, nal({0x26, 0x01, 0xaf}), Codec::h265), vps + sps265 + pps265);
}

TEST(ParameterSets, ATypeWithTooMuchIsPassedOver) {
    ParameterSets sets;
    learn(sets, sps() + pps());
    Bytes huge{0x67};
    huge.resize(70000, 0x42);
    learn(sets, nal(huge));
    EXPECT_EQ(missing(sets, idr()), sps() + pps());
}

} // namespace
