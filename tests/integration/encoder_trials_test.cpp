// SPDX-License-Identifier: LGPL-2.1-or-later
// An encoder that fails its trial is tried again later; trials are told their result by a program of the test's own.
#include "launcher/worker/transcoding.hpp"

#include <glib.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Clock = hw::TrialPlan::Time::clock;

hw::EncoderProfile profile(const std::string& name, bool hardware) {
    hw::EncoderProfile out;
    out.name = name;
    out.hardware = hardware;
    out.factory = "identity"; // that it is there is all that counts
    return out;
}

struct EncoderTrialsTest : testing::Test {
    const std::filesystem::path directory =
        std::filesystem::path(testing::TempDir()) / ("encoder-trials-" + std::to_string(getpid()));
    Transcoding transcoding{hw::EncoderLadder({profile("gpu", true), profile("cpu", false)}), {.at_once = 4}};
    unsigned told = 0;

    void SetUp() override {
        std::filesystem::remove_all(directory);
        std::filesystem::create_directories(directory);
        const auto program = directory / "trial";
        std::ofstream(program) << "#!/bin/sh\necho trial >>" << directory / "trials"
                               << "\ncat " << directory / "says"
                               << "\n";
        chmod(program.c_str(), 0700);
        transcoding.on_next_trial = [this](auto) { told++; };
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    void say(const Result<hw::TrialFacts>& result) { std::ofstream(directory / "says") << hw::to_line(result) << "\n"; }
    void say_busy() { say(Error{ErrorKind::unavailable, "too many sessions"}); }
    size_t trials() const {
        std::ifstream file(directory / "trials");
        return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
    }
    // The next of them is over, and what follows is planned.
    void wait_for_trial() {
        const unsigned before = told;
        const auto deadline = Clock::now() + 60s;
        while (told == before && Clock::now() < deadline)
            g_main_context_iteration(nullptr, TRUE);
        ASSERT_NE(told, before);
    }
    void verify() {
        transcoding.verify(hw::Prober(directory / "trial", 60s));
        wait_for_trial();
    }
    void try_again() {
        transcoding.try_again();
        EXPECT_FALSE(transcoding.next_trial()) << "while one runs";
        wait_for_trial();
    }
    std::string encoder() const {
        const auto name = transcoding.encoder();
        return name ? name.value() : name.error().text;
    }
    // Minutes, rounded.
    long next_in() const {
        const auto next = transcoding.next_trial();
        return next ? std::chrono::round<std::chrono::minutes>(*next - Clock::now()).count() : -1;
    }
};

TEST_F(EncoderTrialsTest, WhatWorksIsTriedOnce) {
    say(hw::TrialFacts());
    verify();
    EXPECT_EQ(encoder(), "gpu");
    EXPECT_EQ(next_in(), -1);
    transcoding.try_again();
    EXPECT_EQ(trials(), 1u);
}

TEST_F(EncoderTrialsTest, WhatHasFailedIsTriedAgainLaterAndIsBackWhenItWorks) {
    say_busy();
    testing::internal::CaptureStderr();
    verify();
    for (const long minutes : {1, 5, 15, 60}) {
        EXPECT_EQ(encoder(), "cpu");
        EXPECT_EQ(next_in(), minutes);
        try_again();
    }
    EXPECT_EQ(next_in(), 60);
    say(hw::TrialFacts());
    try_again();
    EXPECT_EQ(encoder(), "gpu");
    EXPECT_EQ(next_in(), -1);
    EXPECT_EQ(trials(), 6u);
    const std::string log = testing::internal::GetCapturedStderr();
    const auto count = [&](const std::string& text) {
        size_t out = 0;
        for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1))
            out++;
        return out;
    };
    EXPECT_EQ(count("encoder gpu"), 2u) << "once for each change: " << log;
    EXPECT_EQ(count("encoder gpu does not work and will not be used until it does: too many sessions; cpu is used"), 1u)
        << log;
    EXPECT_EQ(count("encoder gpu works now and will be used again"), 1u) << log;
}

TEST_F(EncoderTrialsTest, WhatIsInUseIsNotTried) {
    say_busy();
    verify();
    try_again();
    EXPECT_EQ(next_in(), 5);
    {
        const Transcoding::Use use(transcoding, "gpu"); // since before the trial
        transcoding.try_again();
        EXPECT_EQ(trials(), 2u);
        EXPECT_EQ(next_in(), 1) << "soon";
    }
    try_again();
    EXPECT_EQ(trials(), 3u);
    EXPECT_EQ(next_in(), 15) << "that was no failure";
}

TEST_F(EncoderTrialsTest, AProgramThatSaysNothingIsAFailureToo) {
    verify();
    EXPECT_EQ(encoder(), "cpu");
    EXPECT_EQ(next_in(), 1);
}

} // namespace
} // namespace sluice
