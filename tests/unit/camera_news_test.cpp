// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/camera_news.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

Json camera(const char* name, const char* state = "streaming", uint64_t bitrate = 1000000, double fps = 25) {
    return Json{{"name", name},
                {"state", state},
                {"viewers", 0u},
                {"streams",
                 {Json{{"name", "main"},
                       {"state", state},
                       {"state-seconds", 1.5},
                       {"next-attempt-seconds", nullptr},
                       {"source", 0u},
                       {"fps", fps},
                       {"bitrate", bitrate}}}}};
}

Json away(const char* name, double since, double next) {
    Json out = camera(name, "backoff");
    out["streams"][0]["state-seconds"] = since;
    out["streams"][0]["next-attempt-seconds"] = next;
    return out;
}

Json list(std::initializer_list<Json> cameras) {
    Json out = Json::array();
    for (const Json& c : cameras)
        out.push_back(c);
    return out;
}

class CameraNewsTest : public testing::Test {
protected:
    CameraNewsTest() { news.update(list({camera("a"), camera("b")}), true); }
    CameraNews news;
};

} // namespace

TEST_F(CameraNewsTest, TheSameSaysNothing) { EXPECT_TRUE(news.update(list({camera("a"), camera("b")}), true).empty()); }

TEST_F(CameraNewsTest, TimeAloneIsNoNews) {
    Json later = camera("a");
    later["streams"][0]["state-seconds"] = 99.0;
    EXPECT_TRUE(news.update(list({later, camera("b")}), true).empty());
}

TEST_F(CameraNewsTest, OnlyTheCameraThatChangedIsTold) {
    const auto told = news.update(list({camera("a", "stalled"), camera("b")}), false);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0]["type"], "camera");
    EXPECT_EQ(told[0]["camera"], camera("a", "stalled"));
    EXPECT_TRUE(news.update(list({camera("a", "stalled"), camera("b")}), true).empty()) << "once";
}

TEST_F(CameraNewsTest, NumbersAreToldOnRequestAndWhenTheyMatter) {
    EXPECT_TRUE(news.update(list({camera("a", "streaming", 2000000), camera("b")}), false).empty());
    EXPECT_EQ(news.update(list({camera("a", "streaming", 2000000), camera("b")}), true).size(), 1u);
    EXPECT_TRUE(news.update(list({camera("a", "streaming", 2050000), camera("b")}), true).empty()) << "2.5 %";
    EXPECT_EQ(news.update(list({camera("a", "streaming", 2000000, 12), camera("b")}), true).size(), 1u);
}

TEST_F(CameraNewsTest, SmallStepsAddUp) {
    uint64_t bitrate = 1000000;
    size_t told = 0;
    for (int i = 0; i < 20; i++)
        told += news.update(list({camera("a", "streaming", bitrate += 20000), camera("b")}), true).size();
    EXPECT_GE(told, 4u);
    EXPECT_LE(told, 10u);
}

TEST_F(CameraNewsTest, ViewersAreANumber) {
    Json watched = camera("a");
    watched["viewers"] = 3u;
    EXPECT_TRUE(news.update(list({watched, camera("b")}), false).empty());
    EXPECT_EQ(news.update(list({watched, camera("b")}), true).size(), 1u);
}

TEST_F(CameraNewsTest, AddedAndRemoved) {
    const auto told = news.update(list({camera("b"), camera("c")}), false);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0]["camera"]["name"], "c");
    EXPECT_EQ(told[1], (Json{{"type", "removed"}, {"name", "a"}}));
}

TEST_F(CameraNewsTest, AStreamMoreIsAFact) {
    Json more = camera("a");
    more["streams"].push_back(more["streams"][0]);
    EXPECT_EQ(news.update(list({more, camera("b")}), false).size(), 1u);
}

TEST_F(CameraNewsTest, AWaitIsToldOnceAndNotEachMoment) {
    EXPECT_EQ(news.update(list({away("a", 0, 4.2), camera("b")}), false).size(), 1u);
    for (double since = 0.1; since < 4.2; since += 0.1)
        EXPECT_TRUE(news.update(list({away("a", since, 4.2 - since), camera("b")}), true).empty()) << since;
}

TEST_F(CameraNewsTest, AnotherWaitIsNews) {
    news.update(list({away("a", 0, 4.2), camera("b")}), false);
    const auto told = news.update(list({away("a", 0.3, 8), camera("b")}), false);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0]["camera"]["streams"][0]["next-attempt-seconds"], 8);
    EXPECT_EQ(news.update(list({away("a", 0.5, 1), camera("b")}), false).size(), 1u) << "a shorter one, too";
}

TEST_F(CameraNewsTest, TheNextWaitIsNewsThoughTheAttemptBetweenWasNotSeen) {
    news.update(list({away("a", 0, 4), camera("b")}), false);
    EXPECT_TRUE(news.update(list({away("a", 3.9, 0.1), camera("b")}), false).empty());
    EXPECT_EQ(news.update(list({away("a", 0.1, 7.8), camera("b")}), false).size(), 1u);
}

TEST_F(CameraNewsTest, AWaitThatIsOverSaysNothingHoweverLateTheAttempt) {
    news.update(list({away("a", 0, 4), camera("b")}), false);
    for (double since = 4; since < 9; since += 0.5)
        EXPECT_TRUE(news.update(list({away("a", since, 0), camera("b")}), true).empty()) << since;
    EXPECT_EQ(news.update(list({away("a", 9, 2), camera("b")}), true).size(), 1u) << "put off";
}

TEST_F(CameraNewsTest, SmallDelaysAddUp) {
    news.update(list({away("a", 0, 4), camera("b")}), false);
    size_t told = 0;
    for (int i = 1; i <= 10; i++)
        told += news.update(list({away("a", 0, 4 + 0.2 * i), camera("b")}), true).size();
    EXPECT_EQ(told, 3u);
}

TEST_F(CameraNewsTest, TheSourceInUseIsAFact) {
    Json fallback = camera("a");
    fallback["streams"][0]["source"] = 1u;
    EXPECT_EQ(news.update(list({fallback, camera("b")}), false).size(), 1u);
}
