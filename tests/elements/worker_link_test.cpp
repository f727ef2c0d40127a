// SPDX-License-Identifier: LGPL-2.1-or-later
// Both ends of the link between the launcher and a worker, in one process: what one channel brings comes into another one.
#include "launcher/worker/inlet.hpp"
#include "launcher/worker/link.hpp"
#include "tests/support/fanoutsink_rig.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>

using namespace sluice;
using namespace sluice::test;

namespace {

// What has happened in other threads.
class Noted {
public:
    template <typename Change> void note(Change change) {
        {
            std::lock_guard lock(mutex_);
            change();
        }
        changed_.notify_all();
    }
    template <typename Condition> bool wait(Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), condition);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
};

struct Ends {
    Ends() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0); }
    int fd[2]; // each is somebody's
};

struct WorkerLinkTest : ElementTest {};

TEST_F(WorkerLinkTest, TracksUnitsAndTimesComeAsTheyAre) {
    SinkRig camera;
    OtherPad sound(camera.element(), mulaw);
    camera.push(key_unit(), 9 * s);
    sound.push(Bytes(160, 7), 9 * s);
    camera.push(p_slice(), 9 * s + 40 * ms);
    Ends ends;
    Noted noted;
    std::vector<WireMessage> got;
    WorkerLink to(ends.fd[1], nullptr,
                  {.message = [&](WireMessage& m) { noted.note([&] { got.push_back(std::move(m)); }); }});
    to.start();
    WorkerLink from(ends.fd[0], camera.channel, {.message = [](WireMessage&) {}});
    from.start();
    ASSERT_TRUE(noted.wait([&] { return got.size() >= 3; }));
    sound.push(Bytes(160, 8), 9 * s + 20 * ms);
    camera.push(p_slice(), 9 * s + 80 * ms);
    ASSERT_TRUE(noted.wait([&] { return got.size() == 6; }));
    EXPECT_EQ(got[0].header.type, WireType::track);
    EXPECT_EQ(got[0].text().substr(0, 12), "video/x-h264");
    const auto unit = [&](size_t i, uint16_t flags, GstClockTime time) {
        EXPECT_EQ(got[i].header.type, WireType::unit) << i;
        EXPECT_EQ(got[i].header.flags, flags) << i;
        EXPECT_EQ(got[i].header.time, time) << i;
    };
    unit(1, WireHeader::key | WireHeader::discont | WireHeader::past, 4999 * s);
    unit(2, 0, 4999 * s + 40 * ms);
    const size_t caps = got[3].header.type == WireType::track ? 3 : 4; // the picture may come before the sound
    EXPECT_EQ(got[caps].text().substr(0, 13), "audio/x-mulaw");
    EXPECT_NE(got[caps].header.track, got[0].header.track);
}

TEST_F(WorkerLinkTest, SoundAloneIsTheFirstTrackOfItFromNowOn) {
    struct Nobody : Wakeup {
        void wake() override {}
    };
    SinkRig camera;
    OtherPad sound(camera.element(), mulaw), second(camera.element(), "audio/x-alaw,rate=8000,channels=1");
    camera.push(key_unit(), 9 * s);
    sound.push(Bytes(160, 7), 9 * s);
    UnitSource from(camera.channel, std::make_shared<Nobody>(), UnitSource::Media::sound);
    EXPECT_EQ(from.next().index(), 0u) << "neither pictures nor the past";
    sound.push(Bytes(160, 8), 9 * s + 20 * ms);
    second.push(Bytes(160, 9), 9 * s + 20 * ms);
    camera.push(p_slice(), 9 * s + 40 * ms);
    sound.push(Bytes(160, 8), 9 * s + 40 * ms);
    const auto caps = from.next();
    ASSERT_TRUE(std::holds_alternative<WireText>(caps));
    EXPECT_EQ(std::get<WireText>(caps).body.substr(0, 13), "audio/x-mulaw");
    EXPECT_EQ(std::get<WireText>(caps).header.track, 0);
    for (const GstClockTime time : {20 * ms, 40 * ms}) {
        const auto unit = from.next();
        ASSERT_TRUE(std::holds_alternative<UnitSource::Unit>(unit));
        EXPECT_EQ(std::get<UnitSource::Unit>(unit).header.time, 4999 * s + time);
        EXPECT_EQ(std::get<UnitSource::Unit>(unit).header.track, 0);
    }
    EXPECT_EQ(from.next().index(), 0u);
}

TEST_F(WorkerLinkTest, WhatComesIntoAPipelineKeepsItsTime) {
    SinkRig camera;
    camera.push(key_unit(), 9 * s);
    const auto pipeline = sink(gst_pipeline_new(nullptr));
    GstElement* fanout = gst_element_factory_make("fanoutsink", nullptr);
    g_object_set(fanout, "channel", "front/web", nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), fanout);
    const auto face = adopt(sluice_channel_get("front/web"));
    const auto channel = channel_of(face.get());
    Inlet inlet(pipeline.get(), [&](GstElement* source, const GstCaps*) {
        return gst_element_link_pads(source, "src", fanout, "sink_%u");
    });
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    struct Woken : Wakeup {
        Noted noted;
        void wake() override {
            noted.note([] {});
        }
    };
    const auto woken = std::make_shared<Woken>();
    channel->add_wakeup(woken);
    auto reader = channel->attach(Channel::Start::cached_gop, true, true);
    Ends ends;
    {
        WorkerLink to(ends.fd[1], nullptr, {.message = [&](WireMessage& m) { EXPECT_TRUE(inlet.take(m)); }});
        to.start();
        WorkerLink from(ends.fd[0], camera.channel, {.message = [](WireMessage&) {}});
        from.start();
        AccessUnitPtr unit;
        ASSERT_TRUE(woken->noted.wait([&] { return (unit = reader->next().unit) != nullptr; }));
        EXPECT_TRUE(unit->key);
        EXPECT_EQ(unit->time, 4999 * s);
        EXPECT_EQ(unit->track->codec, Codec::h264);
    }
    channel->remove_wakeup(woken);
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(WorkerLinkTest, AskedForAKeyUnitItAsksTheChannel) {
    SinkRig encoder("front/main", h264, [](GstElement* e) { g_object_set(e, "key-unit-requests", TRUE, nullptr); });
    encoder.push(key_unit(), 9 * s);
    Ends ends;
    Noted noted;
    int units = 0;
    WorkerLink from(ends.fd[0], encoder.channel, {.message = [](WireMessage&) {}});
    WorkerLink to(ends.fd[1], nullptr,
                  {.message = [&](WireMessage& m) { noted.note([&] { units += m.header.type == WireType::unit; }); }});
    from.start();
    to.start();
    ASSERT_TRUE(noted.wait([&] { return units == 1; }));
    while (const auto e = adopt(gst_harness_try_pull_upstream_event(encoder.h))) {
    }
    to.send(wire_text(WireType::key_unit, {}));
    Ref<GstEvent> asked;
    do
        asked = adopt(gst_harness_pull_upstream_event(encoder.h)); // waits
    while (asked && !gst_event_has_name(asked.get(), "GstForceKeyUnit"));
    EXPECT_TRUE(asked);
}

TEST_F(WorkerLinkTest, TheOtherEndsEndAndItsNonsenseAreTold) {
    for (const std::string nonsense : {"", "this is nothing that anybody could read"}) {
        Ends ends;
        Noted noted;
        std::string why;
        WorkerLink link(ends.fd[0], nullptr,
                        {.message = [](WireMessage&) {},
                         .closed = [&](const std::string& text) { noted.note([&] { why = text; }); }});
        link.start();
        EXPECT_EQ(write(ends.fd[1], nonsense.data(), nonsense.size()), static_cast<ssize_t>(nonsense.size()));
        if (nonsense.empty())
            close(ends.fd[1]);
        EXPECT_TRUE(noted.wait([&] { return !why.empty(); }));
        EXPECT_NE(why.find(nonsense.empty() ? "closed" : "which there is not"), std::string::npos) << why;
        if (!nonsense.empty())
            close(ends.fd[1]);
    }
}

// Who does not read is a slow reader of the channel, and nobody else's trouble.
TEST_F(WorkerLinkTest, WhoDoesNotReadIsMovedOn) {
    SinkRig camera;
    camera.push(key_unit(), 9 * s);
    Ends ends;
    const auto readers = [&] { return camera.channel->stats(0).readers; };
    {
        WorkerLink from(ends.fd[0], camera.channel, {.message = [](WireMessage&) {}});
        from.start();
        for (int i = 1; i <= 400; i++)
            EXPECT_EQ(camera.push(i % 50 ? Bytes(p_slice()) : key_unit(20'000), 9 * s + i * ms), GST_FLOW_OK);
    } // ends although nobody reads
    EXPECT_EQ(readers(), 0u);
    close(ends.fd[1]);
}

TEST_F(WorkerLinkTest, UnitsWithoutCapsAndCapsThatAreNoneAreRefused) {
    const auto pipeline = sink(gst_pipeline_new(nullptr));
    Inlet inlet(pipeline.get(), [](GstElement*, const GstCaps*) { return false; });
    const auto message = [](WireType type, const std::string& text, uint8_t track) {
        WireMessage m{wire_text(type, text, track).header, std::make_unique<uint8_t[]>(text.size() + 1)};
        std::copy(text.begin(), text.end(), m.body.get());
        return m;
    };
    auto unit = message(WireType::unit, "x", 1);
    EXPECT_FALSE(inlet.take(unit));
    for (const char* text : {"", "no caps at all!", "video/x-h264,width=[1,2]", "ANY"}) {
        auto caps = message(WireType::track, text, 1);
        EXPECT_FALSE(inlet.take(caps)) << text;
    }
    auto caps = message(WireType::track, "audio/x-mulaw,rate=8000,channels=1", 1);
    EXPECT_TRUE(inlet.take(caps)) << "refused by the link: dropped from now on";
    auto more = message(WireType::unit, "x", 1);
    EXPECT_TRUE(inlet.take(more));
}

} // namespace
