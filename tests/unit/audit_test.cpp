// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/audit_log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

using Time = AuditLimiter::Time;
constexpr Time start{100'000s};

TEST(AuditLimiter, SoManyOfAnAddressAreWrittenTheOthersCounted) {
    AuditLimiter limiter({.lines = 3});
    int written = 0;
    for (int i = 0; i < 100; i++)
        written += limiter.pass("1.2.3.4", start);
    EXPECT_EQ(written, 3);
    EXPECT_TRUE(limiter.pass("5.6.7.8", start));
    EXPECT_TRUE(limiter.missed(start + 59s).empty());
    const auto missed = limiter.missed(start + 60s);
    ASSERT_EQ(missed.size(), 1u);
    EXPECT_EQ(missed[0].peer, "1.2.3.4");
    EXPECT_EQ(missed[0].count, 97u);
    EXPECT_TRUE(limiter.missed(start + 60s).empty()) << "told once";
    EXPECT_TRUE(limiter.pass("1.2.3.4", start + 61s));
}

TEST(AuditLimiter, AFloodFromManyAddressesIsBoundedAndCountedInFull) {
    AuditLimiter limiter({.lines = 10, .burst = 100, .per_minute = 20, .max_peers = 64});
    unsigned written = 0, tried = 0, counted = 0;
    for (Time t = start; t < start + 10min; t += 1s) {
        for (int i = 0; i < 200; i++, tried++)
            written += limiter.pass(std::to_string(i), t);
        for (const auto& missed : limiter.missed(t)) {
            counted += missed.count;
            written += !missed.peer.empty();
        }
    }
    unsigned lines = written;
    for (const auto& missed : limiter.missed(Time::max()))
        counted += missed.count;
    EXPECT_LE(lines, 100u + 20u * 10 + 1);
    EXPECT_GE(counted + lines, tried);
}

TEST(AuditLog, ALineIsOneJsonObjectWhateverIsInIt) {
    AuditEvent event{.event = "denied", .outcome = "refused", .peer = "1.2.3.4"};
    event.camera = "x\n{\"event\":\"login\",\"outcome\":\"accepted\"}\r\x1b[2J\x7f\xe2\x80\xae\xff";
    event.reason = std::string(10'000, 'r');
    event.more["status"] = 401;
    const std::string line = AuditLog::line(event, 1'700'000'000'123);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    for (const char c : line.substr(0, line.size() - 1))
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80);
    EXPECT_LT(line.size(), 2000u);
    const Json read = Json::parse(line);
    EXPECT_EQ(read["time"], "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(read["event"], "denied");
    EXPECT_EQ(read["status"], 401);
    EXPECT_FALSE(read.contains("principal")) << "what is empty is left out";
}

class AuditFile : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-audit-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    std::string path() const { return root_ + "/audit.log"; }
    static std::vector<Json> read(const std::string& name) {
        std::vector<Json> out;
        std::ifstream file(name);
        for (std::string line; std::getline(file, line);)
            out.push_back(Json::parse(line));
        return out;
    }
    std::string root_;
};

TEST_F(AuditFile, IsPrivateAndGrowsAcrossStarts) {
    for (int i = 0; i < 2; i++) {
        AuditLog log(path());
        log.write({.event = "login", .outcome = "accepted", .principal = "admin"});
    }
    struct stat info {};
    ASSERT_EQ(stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    const auto lines = read(path());
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[1]["principal"], "admin");
}

TEST_F(AuditFile, IsRotatedAndBounded) {
    {
        AuditLog log(path(), {.max_bytes = 2000, .old_files = 2});
        for (int i = 0; i < 200; i++) {
            log.write({.event = "change", .outcome = "accepted", .principal = std::to_string(i)});
            if (i % 10 == 9)
                std::this_thread::sleep_for(2ms); // a block of the queue is written as one
        }
    }
    EXPECT_TRUE(std::filesystem::exists(path() + ".1"));
    EXPECT_TRUE(std::filesystem::exists(path() + ".2"));
    EXPECT_FALSE(std::filesystem::exists(path() + ".3"));
    uintmax_t all = 0;
    for (const auto& entry : std::filesystem::directory_iterator(root_))
        all += entry.file_size();
    EXPECT_LT(all, 200u * 100);
    EXPECT_EQ(read(path()).back()["principal"], "199");
}

TEST_F(AuditFile, AHalfLineOfACrashSwallowsNothing) {
    std::ofstream(path()) << R"({"event":"login","princ)";
    {
        AuditLog log(path());
        log.write({.event = "login", .outcome = "accepted"});
    }
    std::ifstream file(path());
    std::string first, second;
    std::getline(file, first);
    std::getline(file, second);
    EXPECT_EQ(Json::parse(second)["event"], "login");
}

TEST_F(AuditFile, ADiskThatHangsHoldsNobodyUp) {
    ASSERT_EQ(mkfifo(path().c_str(), 0600), 0); // opening it to write waits for a reader
    {                                           // comes to its end, although nobody reads
        AuditLog log(path(), {.max_queue = 50});
        for (int i = 0; i < 1000; i++)
            log.write({.event = "login", .outcome = "accepted"});
    }
    // The thread that waits there is let go.
    std::ifstream reader(path());
    std::string line;
    unsigned lines = 0;
    bool told = false;
    for (; std::getline(reader, line); lines++)
        told = told || Json::parse(line)["event"] == "lost";
    EXPECT_TRUE(told);
    EXPECT_LT(lines, 200u);
}

TEST_F(AuditFile, ALinkIsNotFollowed) {
    std::ofstream(root_ + "/precious") << "x";
    ASSERT_EQ(symlink((root_ + "/precious").c_str(), path().c_str()), 0);
    {
        AuditLog log(path());
        log.write({.event = "login", .outcome = "accepted"});
    }
    EXPECT_EQ(std::filesystem::file_size(root_ + "/precious"), 1u);
}

TEST_F(AuditFile, WhatWasNotWrittenIsCounted) {
    {
        AuditLog log(path(), {.limits = {.lines = 2}});
        unsigned written = 0;
        for (int i = 0; i < 50; i++)
            written += log.write_limited({.event = "denied", .outcome = "refused", .peer = "1.2.3.4"});
        EXPECT_EQ(written, 2u);
        log.write({.event = "login", .outcome = "accepted"});
    }
    const auto lines = read(path());
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[3]["count"], 48);
    EXPECT_EQ(lines[3]["peer"], "1.2.3.4");
}

} // namespace
