// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/trial_plan.hpp"

#include <gtest/gtest.h>

using namespace sluice::hw;
using namespace std::chrono_literals;
using Next = std::optional<std::pair<std::string, TrialPlan::Time>>;

namespace {

const TrialPlan::Time start{1000h};

TEST(TrialPlan, WithoutAFailureNothingIsTried) {
    TrialPlan plan;
    EXPECT_EQ(plan.next(), Next());
    plan.passed("gpu");
    plan.put_off("gpu", start);
    EXPECT_EQ(plan.next(), Next());
}

TEST(TrialPlan, LaterEachTimeThenEachHour) {
    TrialPlan plan;
    TrialPlan::Time now = start;
    for (const auto distance : {1min, 5min, 15min, 60min, 60min, 60min}) {
        plan.failed("gpu", now);
        EXPECT_EQ(plan.next(), Next({"gpu", now + distance}));
        now += distance;
    }
    plan.passed("gpu");
    EXPECT_EQ(plan.next(), Next());
    plan.failed("gpu", now);
    EXPECT_EQ(plan.next(), Next({"gpu", now + 1min})) << "it begins anew";
}

TEST(TrialPlan, WhatIsPutOffIsNoFailure) {
    TrialPlan plan;
    plan.failed("gpu", start);
    plan.put_off("gpu", start + 1min);
    EXPECT_EQ(plan.next(), Next({"gpu", start + 2min}));
    plan.failed("gpu", start + 2min);
    EXPECT_EQ(plan.next(), Next({"gpu", start + 7min}));
}

TEST(TrialPlan, EachHasItsOwnTime) {
    TrialPlan plan;
    plan.failed("gpu", start);
    plan.failed("igpu", start + 10s);
    EXPECT_EQ(plan.next(), Next({"gpu", start + 1min}));
    plan.failed("gpu", start + 1min);
    EXPECT_EQ(plan.next(), Next({"igpu", start + 70s}));
    plan.passed("igpu");
    EXPECT_EQ(plan.next(), Next({"gpu", start + 6min}));
}

} // namespace
