// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/snapshot_desk.hpp"
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

struct Desk {
    explicit Desk(SnapshotDesk::Limits limits = {})
        : desk(
              timers, [this] { return now; },
              [this](uint64_t id, const SnapshotDesk::Order& order) { begun.emplace_back(id, order.place); }, limits) {}

    SnapshotDesk::Order order(const std::string& place, unsigned width = 0, KeyPicturePtr picture = nullptr) {
        return {place, width, picture ? picture : picture_of(++pictures)};
    }
    KeyPicturePtr picture_of(int64_t second) const {
        auto picture = std::make_shared<KeyPicture>();
        picture->unit = std::make_shared<AccessUnit>();
        picture->taken_us = second * G_USEC_PER_SEC;
        return picture;
    }
    void ask(const SnapshotDesk::Order& o, const std::string& name = "") {
        desk.ask(o, [this, name = name.empty() ? o.place : name](const Result<JpegPtr>& r) {
            told.push_back(name + ": " +
                           (r ? std::string(static_cast<const char*>(g_bytes_get_data(r.value()->bytes.get(), nullptr)),
                                            g_bytes_get_size(r.value()->bytes.get()))
                              : r.error().text));
        });
    }
    void finish(uint64_t id, const std::string& bytes = "jpeg") {
        desk.finished(id, adopt(g_bytes_new(bytes.data(), bytes.size())));
    }
    void after(std::chrono::milliseconds time) {
        now += time;
        timers.run(now);
    }

    TimerQueue timers;
    TimerQueue::Time now{};
    std::vector<std::pair<uint64_t, std::string>> begun;
    std::vector<std::string> told;
    int64_t pictures = 0;
    SnapshotDesk desk;
};

using Lines = std::vector<std::string>;

TEST(SnapshotDesk, OnlySomeAreMadeAtOnce) {
    Desk d;
    for (const char* place : {"a", "b", "c"})
        d.ask(d.order(place));
    ASSERT_EQ(d.begun.size(), 2u);
    d.finish(1);
    EXPECT_EQ(d.told, Lines{"a: jpeg"});
    EXPECT_EQ(d.begun.size(), 2u) << "its thread is still busy";
    d.desk.ended(1);
    ASSERT_EQ(d.begun.size(), 3u);
    EXPECT_EQ(d.begun.back().second, "c");
}

TEST(SnapshotDesk, EqualRequestsAreMadeOnce) {
    Desk d;
    const auto order = d.order("a");
    d.ask(order, "1");
    d.ask(order, "2");
    d.ask(d.order("a", 640, order.picture), "small");
    ASSERT_EQ(d.begun.size(), 2u);
    d.finish(1);
    d.desk.ended(1);
    d.ask(order, "3");
    EXPECT_EQ(d.told, (Lines{"1: jpeg", "2: jpeg", "3: jpeg"}));
    EXPECT_EQ(d.begun.size(), 2u);
    EXPECT_EQ(d.desk.counts().shared, 2u);
    d.ask(d.order("a"), "the next key frame");
    EXPECT_EQ(d.begun.size(), 3u);
}

TEST(SnapshotDesk, WhatIsAJpegAlreadyIsKeptAndNotMade) {
    Desk d;
    const auto order = d.order("a");
    const auto own = d.desk.take(order, adopt(g_bytes_new("own", 3)));
    EXPECT_EQ(own->picture, order.picture);
    EXPECT_EQ(d.desk.kept("a", 0, 0), own);
    d.ask(order, "again");
    EXPECT_EQ(d.told, Lines{"again: own"});
    EXPECT_TRUE(d.begun.empty());
    const auto newer = d.desk.take(d.order("a"), adopt(g_bytes_new("new", 3)));
    EXPECT_EQ(d.desk.kept("a", 0, 0), newer) << "one of each place";
}

AccessUnitPtr jpeg_unit(const Bytes& data) {
    auto unit = std::make_shared<AccessUnit>();
    auto track = std::make_shared<Track>();
    track->codec = Codec::jpeg;
    unit->track = track;
    unit->buffer = buffer_of(data);
    return unit;
}

TEST(KeyPicture, AJpegIsOneAlready) {
    const auto picture = key_picture(jpeg_unit(jpeg(1280, 720)), 0, 0);
    ASSERT_TRUE(picture) << picture.error().text;
    EXPECT_EQ(picture.value()->width, 1280u);
    EXPECT_EQ(picture.value()->height, 720u);
    auto unit = jpeg_unit(jpeg(1280, 720) + Bytes{0});
    const auto own = own_jpeg(unit);
    unit.reset(); // the bytes hold it
    ASSERT_TRUE(own);
    const auto* data = static_cast<const uint8_t*>(g_bytes_get_data(own.get(), nullptr));
    EXPECT_EQ(Bytes(data, data + g_bytes_get_size(own.get())), jpeg(1280, 720) + Bytes{0});
    EXPECT_FALSE(own_jpeg(jpeg_unit({0xff, 0xd8, 0xff, 0xe0})));
    auto cut = jpeg(1280, 720);
    cut.pop_back();
    EXPECT_FALSE(own_jpeg(jpeg_unit(cut))) << "a decoder may make something of it";
}

TEST(SnapshotDesk, AFailureIsToldAndNotKept) {
    Desk d;
    const auto order = d.order("a");
    d.ask(order);
    d.desk.finished(1, Error{ErrorKind::unavailable, "broken"});
    d.desk.ended(1);
    d.ask(order);
    EXPECT_EQ(d.told, Lines{"a: broken"});
    EXPECT_EQ(d.begun.size(), 2u);
}

TEST(SnapshotDesk, ADecoderThatHangsIsGivenUpAndGivesItsPlace) {
    Desk d;
    for (const char* place : {"a", "b", "c"})
        d.ask(d.order(place));
    d.after(1500ms);
    d.ask(d.order("d"));
    d.after(499ms);
    EXPECT_TRUE(d.told.empty());
    d.after(1ms);
    EXPECT_EQ(d.told.size(), 3u) << "c has waited as long";
    EXPECT_EQ(d.told[0], "a: the snapshot was not ready within 2000 ms");
    EXPECT_EQ(d.desk.counts().given_up, 2u);
    ASSERT_EQ(d.begun.size(), 3u);
    EXPECT_EQ(d.begun.back().second, "d");
    d.finish(1, "late");
    EXPECT_EQ(d.told.size(), 3u) << "answered already";
    d.finish(3);
    EXPECT_EQ(d.told.back(), "d: jpeg");
}

TEST(SnapshotDesk, TooManyThatHangMeanNoMore) {
    Desk d;
    for (int round = 0; round < 2; round++) {
        d.ask(d.order("a"));
        d.ask(d.order("b"));
        d.after(2s);
    }
    EXPECT_EQ(d.desk.counts().given_up, 4u);
    EXPECT_EQ(d.begun.size(), 4u);
    d.ask(d.order("c"));
    EXPECT_EQ(d.told.back(), "c: 4 decoders hang; no more are begun");
    d.desk.ended(2);
    d.ask(d.order("e"));
    EXPECT_EQ(d.begun.back().second, "e");
}

TEST(SnapshotDesk, TheQueueIsShort) {
    Desk d({.waiting = 1});
    for (const char* place : {"a", "b", "c", "d"})
        d.ask(d.order(place));
    EXPECT_EQ(d.told, Lines{"d: too many snapshots are being made just now"});
    EXPECT_EQ(d.desk.counts().refused, 1u);
}

TEST(SnapshotDesk, AResultHasAPlaceInTheQueuesTime) {
    Desk d;
    d.ask(d.order("a"));
    d.finish(1);
    d.after(3s);
    EXPECT_EQ(d.told, Lines{"a: jpeg"}) << "its thread hangs behind the result";
    EXPECT_EQ(d.desk.counts().given_up, 1u);
}

TEST(SnapshotDesk, TheNewestOfEachPlaceIsKeptAsLongAsItFits) {
    Desk d({.kept_bytes = 10});
    const auto made = [&](const std::string& place, const std::string& bytes) {
        d.ask(d.order(place));
        d.finish(d.begun.back().first, bytes);
        d.desk.ended(d.begun.back().first);
    };
    made("a", "1234");
    made("a", "5678");
    ASSERT_TRUE(d.desk.kept("a", 0, 0));
    EXPECT_EQ(d.desk.kept("a", 0, 0)->picture->taken_us, 2 * G_USEC_PER_SEC);
    EXPECT_FALSE(d.desk.kept("a", 0, 3 * G_USEC_PER_SEC)) << "too old for this one";
    EXPECT_FALSE(d.desk.kept("a", 640, 0));
    made("b", "12345678");
    EXPECT_FALSE(d.desk.kept("a", 0, 0));
    EXPECT_TRUE(d.desk.kept("b", 0, 0));
    d.after(1h);
    made("c", "1");
    EXPECT_FALSE(d.desk.kept("b", 0, 0));
    made("d", "12345678901");
    EXPECT_FALSE(d.desk.kept("d", 0, 0)) << "larger than all there may be";
}

TEST(KeyPicture, SaysHowLargeAndHowOldItIs) {
    auto unit = std::make_shared<AccessUnit>();
    unit->buffer = buffer_of(key_unit());
    unit->track = std::make_shared<Track>(Track{0, Codec::h264, h264_caps()});
    unit->nals = split_annex_b(bytes_of(unit->buffer.get()), Codec::h264);
    unit->time = 10 * GST_SECOND;
    const auto picture = key_picture(unit, 12 * GST_SECOND, 1000 * G_USEC_PER_SEC);
    ASSERT_TRUE(picture);
    EXPECT_EQ(picture.value()->width, 320u);
    EXPECT_EQ(picture.value()->height, 240u);
    EXPECT_EQ(picture.value()->taken_us, 998 * G_USEC_PER_SEC);
    EXPECT_FALSE(picture.value()->camera_us);
    unit->capture_time = 5 * GST_SECOND;
    EXPECT_EQ(key_picture(unit, 12 * GST_SECOND, 0).value()->camera_us, 5 * G_USEC_PER_SEC);
}

TEST(KeyPicture, WithoutASizeItIsNone) {
    auto unit = std::make_shared<AccessUnit>();
    unit->buffer = buffer_of(idr());
    unit->track = std::make_shared<Track>(Track{0, Codec::h264, h264_caps()});
    unit->nals = split_annex_b(bytes_of(unit->buffer.get()), Codec::h264);
    EXPECT_EQ(key_picture(unit, 0, 0).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(key_picture(nullptr, 0, 0).error().kind, ErrorKind::unavailable);
}

} // namespace
