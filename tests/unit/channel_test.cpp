// SPDX-License-Identifier: LGPL-2.1-or-later
// The channel's contract (docs/design/channel.md), point by point; 6 and 7 are in channel_readers_test.cpp.
#include "tests/support/units.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace sluice;
using namespace sluice::test;
using Start = Channel::Start;
using Written = Channel::Written;

namespace {

constexpr GstClockTime ms = GST_MSECOND, s = GST_SECOND;

std::shared_ptr<Channel> make(ChannelLimits limits = {}) { return std::make_shared<Channel>("front/main", limits); }

bool is_h264(GstCaps* caps) {
    const auto usual = h264_caps();
    return gst_caps_is_equal(caps, usual.get());
}

// --- 1: tracks and generations ---

TEST(ChannelTracks, BelongToTheGenerationAndTheVideoTrackIsRemembered) {
    auto c = make();
    EXPECT_TRUE(c->tracks().empty());
    EXPECT_EQ(c->video_track(), nullptr);
    Producer p(c, 1000 * s, true);
    ASSERT_EQ(c->tracks().size(), 2u);
    EXPECT_EQ(c->tracks()[0]->codec, Codec::h264);
    EXPECT_EQ(c->tracks()[1]->codec, Codec::pcmu);
    c->close(p.token);
    const auto remembered = c->video_track();
    ASSERT_NE(remembered, nullptr);
    EXPECT_TRUE(is_h264(remembered->caps.get()));
    c->open();
    EXPECT_TRUE(c->tracks().empty());
    EXPECT_NE(c->video_track(), nullptr);
}

TEST(ChannelTracks, EqualCapsKeepTheTrackOtherCapsReplaceIt) {
    auto c = make();
    Producer p(c);
    p.key();
    const auto wide = h264_caps(640), same = h264_caps();
    const auto first = c->tracks()[0];
    EXPECT_TRUE(c->set_track(p.token, 0, same.get()));
    EXPECT_EQ(c->tracks()[0], first);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_TRUE(c->set_track(p.token, 0, wide.get()));
    p.key();
    EXPECT_TRUE(gst_caps_is_equal(r->next().unit->track->caps.get(), same.get()));
    EXPECT_TRUE(gst_caps_is_equal(r->next().unit->track->caps.get(), wide.get()));
}

TEST(ChannelTracks, ARemovedTrackIsNoLongerTaken) {
    auto c = make();
    Producer p(c, 1000 * s, true);
    p.key();
    c->remove_track(p.token + 1, 1); // not the producer's to remove
    EXPECT_EQ(p.sound(), Written::ok);
    c->remove_track(p.token, 1);
    EXPECT_EQ(c->tracks().size(), 1u);
    EXPECT_EQ(p.sound(), Written::refused);
    EXPECT_EQ(p.delta(), Written::ok);
}

TEST(ChannelTracks, AnUnknownCodecOrTrackIsRefused) {
    auto c = make();
    Producer p(c);
    const auto vp8 = caps("video/x-vp8");
    EXPECT_TRUE(c->set_track(p.token, 2, vp8.get()));
    EXPECT_EQ(p.write(key_unit(), p.now, false, 2), Written::refused);
    EXPECT_EQ(p.write(key_unit(), p.now, false, 7), Written::refused);
    EXPECT_EQ(c->stats(p.now).refused, 2u);
}

TEST(ChannelTime, OneMappingServesAllTracksAndGenerationsFollowEachOther) {
    auto c = make();
    Producer p(c, 1000 * s, true);
    auto r = c->attach(Start::cached_gop, true, true);
    p.key();
    p.sound();
    const auto video = r->next().unit, sound = r->next().unit;
    EXPECT_EQ(video->time, 1000 * s);
    EXPECT_EQ(sound->time, 1000 * s + 40 * ms);
    // The next producer's stamps lie behind: its time goes on all the same, for every track.
    p.begin(true);
    p.now += 200 * ms;
    p.write(key_unit(), 999 * s + 900 * ms);
    p.write(Bytes(160, 1), 999 * s + 920 * ms, false, 1);
    const auto video2 = r->next().unit, sound2 = r->next().unit;
    EXPECT_GT(video2->time, sound->time);
    EXPECT_EQ(video2->generation, p.token);
    EXPECT_EQ(sound2->time, video2->time + 20 * ms);
}

// --- 2: tokens ---

TEST(ChannelTokens, AStaleProducerWritesNowhere) {
    auto c = make();
    Producer old(c);
    old.key();
    Producer fresh(c, old.now);
    fresh.key();
    const auto before = c->stats(fresh.now);
    const auto other = h264_caps(640);
    EXPECT_EQ(old.key(), Written::stale);
    EXPECT_EQ(old.delta(), Written::stale);
    EXPECT_FALSE(c->set_track(old.token, 0, other.get()));
    EXPECT_FALSE(c->set_key_unit_handler(old.token, [] {}));
    c->remove_track(old.token, 0);
    c->close(old.token);
    const auto after = c->stats(fresh.now);
    EXPECT_EQ(after.access_units, before.access_units);
    EXPECT_EQ(after.stale_writes, before.stale_writes + 2);
    EXPECT_TRUE(after.producer_present);
    EXPECT_TRUE(is_h264(c->tracks().at(0)->caps.get()));
    EXPECT_EQ(fresh.delta(), Written::ok);
}

TEST(ChannelTokens, NoTokenAndAClosedOneWriteNowhere) {
    auto c = make();
    const auto caps264 = h264_caps();
    EXPECT_FALSE(c->set_track(0, 0, caps264.get()));
    const auto buffer = buffer_of(key_unit());
    EXPECT_EQ(c->write(0, 0, buffer.get(), 0, 0, false), Written::stale);
    Producer p(c);
    p.key();
    c->close(p.token);
    EXPECT_EQ(p.key(), Written::stale);
    EXPECT_FALSE(c->producer_present());
    c->close(p.token); // once is enough
    EXPECT_FALSE(c->producer_present());
}

TEST(ChannelTokens, PresenceIsToldWhenItChanges) {
    auto c = make();
    std::vector<bool> told;
    c->on_producer_changed = [&](bool present) { told.push_back(present); };
    Producer p(c);
    EXPECT_FALSE(c->producer_present()); // open, but nothing has come yet
    p.key();
    p.delta();
    Producer next(c, p.now);
    next.key();
    c->close(next.token);
    EXPECT_EQ(told, (std::vector<bool>{true, false, true, false}));
}

TEST(ChannelTokens, TheReasonIsClearedByTheNextProducer) {
    auto c = make();
    c->set_unavailable("connection refused");
    EXPECT_EQ(c->unavailable(), "connection refused");
    Producer p(c);
    EXPECT_EQ(c->unavailable(), "connection refused");
    p.key();
    EXPECT_EQ(c->unavailable(), "");
}

TEST(ChannelTokens, WhoTakesOverWithAUnitInHandLeavesNoMomentWithoutAProducer) {
    auto c = make();
    std::vector<bool> told;
    c->on_producer_changed = [&](bool present) { told.push_back(present); };
    Producer old(c);
    auto running = c->attach(Start::cached_gop, true, true);
    old.key();
    old.delta();
    EXPECT_EQ(drain(*running), "!*Kd");
    Producer next(c, old.now);
    EXPECT_EQ(told, (std::vector<bool>{true, false})) << "one that begins the usual way has nothing yet";
    old.begin();
    old.now = next.now;
    old.key();
    told.clear();
    EXPECT_EQ(drain(*running), "*K");

    next.token = c->open({.at_once = true});
    EXPECT_TRUE(c->producer_present());
    const auto video = h264_caps(), sound = mulaw_caps();
    c->set_track(next.token, 0, video.get());
    c->set_track(next.token, 1, sound.get());
    next.now = old.now + 40 * ms;
    EXPECT_EQ(next.sound(), Written::before_key) << "that there was a picture before does not count";
    EXPECT_EQ(next.key(), Written::ok);
    EXPECT_EQ(next.sound(), Written::ok);
    EXPECT_EQ(old.delta(), Written::stale);
    EXPECT_EQ(drain(*running), "*K*a");
    EXPECT_EQ(told, std::vector<bool>());
    EXPECT_EQ(running->skips(), 0u);
    // If nothing comes of it, nobody is there.
    c->close(c->open({.at_once = true}));
    EXPECT_EQ(told, std::vector<bool>{false});
}

TEST(ChannelTokens, AReasonIsAlsoClearedByWhoTakesOverAtOnce) {
    auto c = make();
    Producer p(c);
    p.key();
    c->set_unavailable("stalled");
    p.token = c->open({.at_once = true});
    const auto video = h264_caps();
    c->set_track(p.token, 0, video.get());
    p.key();
    EXPECT_EQ(c->unavailable(), "");
}

TEST(ChannelTracks, WhatTheStreamWasLastTimeIsKnownUntilSomebodyKnowsBetter) {
    auto c = make();
    const auto video = h264_caps(640), other = h264_caps(1280), sound = mulaw_caps(), alaw = caps("audio/x-alaw");
    c->remember(nullptr, nullptr);
    EXPECT_EQ(c->video_track(), nullptr);
    c->remember(sound.get(), video.get()); // the wrong way round: neither is what it should be
    EXPECT_EQ(c->video_track(), nullptr);
    EXPECT_EQ(c->audio_track(), nullptr);
    c->remember(video.get(), nullptr);
    c->remember(other.get(), sound.get());
    ASSERT_NE(c->video_track(), nullptr);
    ASSERT_NE(c->audio_track(), nullptr);
    EXPECT_TRUE(gst_caps_is_equal(c->video_track()->caps.get(), video.get()));
    EXPECT_EQ(c->audio_track()->codec, Codec::pcmu);
    EXPECT_TRUE(c->tracks().empty()) << "they are no tracks";
    EXPECT_FALSE(c->producer_present());
    Producer p(c);
    EXPECT_TRUE(is_h264(c->video_track()->caps.get()));
    EXPECT_TRUE(c->set_track(p.token, 3, alaw.get()));
    EXPECT_EQ(c->audio_track()->codec, Codec::pcma);
    c->remember(other.get(), sound.get());
    EXPECT_TRUE(is_h264(c->video_track()->caps.get()));
    EXPECT_EQ(c->audio_track()->codec, Codec::pcma);
}

TEST(ChannelTracks, ThatTheyAreKnownWakesWhoWaits) {
    struct Bell : Wakeup {
        int rung = 0;
        void wake() override { ++rung; }
    };
    auto c = make();
    const auto bell = std::make_shared<Bell>();
    c->add_wakeup(bell);
    const auto video = h264_caps();
    c->remember(video.get(), nullptr);
    EXPECT_EQ(bell->rung, 1);
    Producer p(c);
    EXPECT_EQ(bell->rung, 2);
    c->set_track(p.token, 0, video.get());
    EXPECT_EQ(bell->rung, 2) << "that is no news";
}

// --- 3: what an entry is ---

TEST(ChannelEntries, ParameterSetsStandBeforeEveryKeyUnit) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    p.key();
    p.video(idr());
    EXPECT_EQ(bytes_of(r->next().unit), key_unit());
    const auto second = r->next().unit;
    EXPECT_EQ(bytes_of(second), sps() + pps() + idr());
    ASSERT_EQ(second->nals.size(), 3u);
    EXPECT_EQ(second->nals[0].type, 7);
    EXPECT_EQ(second->nals[1].type, 8);
    EXPECT_EQ(second->nals[2].type, 5);
    for (const NalUnit& n : second->nals)
        EXPECT_EQ(bytes_of(second).at(n.offset) & 31, n.type);
}

TEST(ChannelEntries, ParameterSetsThatComeAloneAreKept) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(p.video(sps() + pps()), Written::refused);
    EXPECT_EQ(p.video(idr()), Written::ok);
    EXPECT_EQ(bytes_of(r->next().unit), key_unit());
}

TEST(ChannelEntries, DelimitersAreRemovedAndLongAndShortStartCodesKept) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    p.video(aud() + key_unit());
    p.video(aud() + aud() + p_slice());
    p.video(aud() + Bytes{0, 0, 1, 0x41, 0x9a, 0x11, 0x12});
    for (const Bytes& wanted : {key_unit(), p_slice(), Bytes{0, 0, 1, 0x41, 0x9a, 0x11, 0x12}}) {
        const auto u = r->next().unit;
        ASSERT_NE(u, nullptr);
        EXPECT_EQ(bytes_of(u), wanted);
        EXPECT_EQ(bytes_of(u).at(u->nals.back().offset) & 31, u->nals.back().type);
    }
}

TEST(ChannelEntries, WhatIsNoAccessUnitIsRefusedAndCounted) {
    auto c = make();
    Producer p(c);
    EXPECT_EQ(p.video(Bytes{1, 2, 3, 4}), Written::refused);
    EXPECT_EQ(p.video(aud()), Written::refused);
    EXPECT_EQ(p.video(nal({0x06, 0x05, 0x01, 0x00, 0x80})), Written::refused); // SEI without a picture
    const auto empty = adopt(gst_buffer_new());
    EXPECT_EQ(c->write(p.token, 0, empty.get(), p.now, p.now, false), Written::refused);
    EXPECT_EQ(c->stats(p.now).refused, 4u);
    EXPECT_EQ(p.key(), Written::ok);
}

TEST(ChannelEntries, ALossBeforeARefusedBufferIsShownOnTheNextUnit) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    p.key();
    p.write(aud(), p.now, true);
    p.delta();
    p.delta();
    EXPECT_EQ(drain(*r), "!*K*dd");
}

TEST(ChannelEntries, MemoryIsSharedWhereTightAndCopiedWhereNot) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    const auto tight = buffer_of(key_unit());
    c->write(p.token, 0, tight.get(), p.now, p.now, false);
    EXPECT_EQ(gst_buffer_peek_memory(r->next().unit->buffer.get(), 0), gst_buffer_peek_memory(tight.get(), 0));

    // A small unit at the end of a large memory would keep all of it.
    const auto loose = buffer_of(Bytes(100000, 0) + p_slice());
    gst_buffer_resize(loose.get(), 100000, -1);
    c->write(p.token, 0, loose.get(), p.now, p.now, false);
    auto u = r->next().unit;
    EXPECT_NE(gst_buffer_peek_memory(u->buffer.get(), 0), gst_buffer_peek_memory(loose.get(), 0));
    EXPECT_EQ(bytes_of(u), p_slice());
    EXPECT_LT(u->bytes, 1000u);

    // Two memories become one.
    const auto split = buffer_of(p_slice(50, 1));
    const auto second = buffer_of(i_slice(50, 2));
    gst_buffer_append_memory(split.get(), gst_buffer_get_memory(second.get(), 0));
    c->write(p.token, 0, split.get(), p.now, p.now, false);
    u = r->next().unit;
    EXPECT_EQ(gst_buffer_n_memory(u->buffer.get()), 1u);
    EXPECT_EQ(bytes_of(u), p_slice(50, 1) + i_slice(50, 2));
}

TEST(ChannelEntries, BuffersOfAPoolGoBackAtOnce) {
    auto c = make();
    Producer p(c);
    const auto pool = adopt(gst_buffer_pool_new());
    const Bytes data = key_unit();
    GstStructure* config = gst_buffer_pool_get_config(pool.get());
    gst_buffer_pool_config_set_params(config, nullptr, guint(data.size()), 1, 1);
    ASSERT_TRUE(gst_buffer_pool_set_config(pool.get(), config));
    ASSERT_TRUE(gst_buffer_pool_set_active(pool.get(), TRUE));
    for (int i = 0; i < 3; i++) { // there is one buffer: a second round needs the first one back
        GstBufferPoolAcquireParams params{};
        params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
        GstBuffer* b = nullptr;
        ASSERT_EQ(gst_buffer_pool_acquire_buffer(pool.get(), &b, &params), GST_FLOW_OK);
        const auto owned = adopt(b);
        gst_buffer_fill(b, 0, data.data(), data.size());
        EXPECT_EQ(c->write(p.token, 0, b, p.now, p.now, false), Written::ok);
    }
    gst_buffer_pool_set_active(pool.get(), FALSE);
}

TEST(ChannelEntries, RandomBytesNeverCrash) {
    std::mt19937 random(3);
    auto c = make({.max_bytes = 20000});
    Producer p(c, 1000 * s, true);
    p.key();
    auto r = c->attach(Start::cached_gop, true, true);
    for (int round = 0; round < 20000; round++) {
        Bytes data(random() % 60);
        for (auto& b : data)
            b = static_cast<uint8_t>(random() % 3 ? random() % 4 : random());
        if (round % 3 == 0)
            data = nal({uint8_t(random() % 32), uint8_t(random())}) + data;
        if (round % 7 == 0)
            data = sps() + pps() + data;
        p.video(data);
        if (round % 10 == 0) {
            for (auto n = r->next(); n.unit; n = r->next()) {
                for (const NalUnit& u : n.unit->nals)
                    ASSERT_LE(u.offset + u.size, gst_buffer_get_size(n.unit->buffer.get()));
                n.unit->payloads();
            }
        }
    }
    EXPECT_LE(c->stats(p.now).cached_bytes, 20000u + 200);
}

// --- 4: random access ---

TEST(ChannelKeyUnits, AreIdrPicturesWhateverTheFlagsSay) {
    auto c = make();
    Producer p(c);
    EXPECT_EQ(p.video(i_slice()), Written::before_key); // an I picture is not yet a place to start
    EXPECT_EQ(p.delta(), Written::before_key);
    EXPECT_EQ(c->stats(p.now).before_key, 2u);
    const auto flagged = buffer_of(key_unit());
    GST_BUFFER_FLAG_SET(flagged.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    EXPECT_EQ(c->write(p.token, 0, flagged.get(), p.now, p.now, false), Written::ok);
    EXPECT_EQ(p.video(i_slice()), Written::ok);
    auto r = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*r), "!*Kd");
}

TEST(ChannelKeyUnits, AnIdrWithoutParameterSetsIsNoPlaceToStart) {
    auto c = make();
    Producer p(c);
    EXPECT_EQ(p.video(idr()), Written::before_key);
    EXPECT_FALSE(c->stats(p.now).gop_complete);
    EXPECT_EQ(p.video(sps() + idr()), Written::before_key);
    EXPECT_EQ(p.video(pps() + idr()), Written::ok);
    EXPECT_TRUE(c->stats(p.now).gop_complete);
}

TEST(ChannelKeyUnits, H265StartsAtAnIrap) {
    auto c = make();
    Producer p(c);
    const auto caps265 = caps("video/x-h265, stream-format=(string)byte-stream, alignment=(string)au");
    p.token = c->open();
    c->set_track(p.token, 0, caps265.get());
    const Bytes sets = nal({0x40, 0x01, 0x0c}) + nal({0x42, 0x01, 0x01}) + nal({0x44, 0x01, 0xc1});
    EXPECT_EQ(p.video(sets + nal({0x02, 0x01, 0xd0, 0x11})), Written::before_key); // TRAIL_R
    EXPECT_EQ(p.video(nal({0x2a, 0x01, 0xaf, 0x11})), Written::ok);                // CRA
    auto r = c->attach(Start::cached_gop, true, true);
    const auto u = r->next().unit;
    EXPECT_TRUE(u->key);
    EXPECT_EQ(bytes_of(u), sets + nal({0x2a, 0x01, 0xaf, 0x11}));
}

TEST(ChannelKeyUnits, RecoveryPointsByConfigurationOnly) {
    const Bytes recovery_sei = nal({0x06, 0x06, 0x01, 0xc4, 0x80});
    for (const bool configured : {false, true}) {
        auto c = make();
        Producer p(c);
        p.token = c->open({.recovery_points = configured});
        const auto video = h264_caps();
        c->set_track(p.token, 0, video.get());
        EXPECT_EQ(c->stats(p.now).recovery_points, configured);
        EXPECT_EQ(p.video(i_slice()), Written::before_key) << "no parameter sets";
        EXPECT_EQ(p.video(sps() + pps() + p_slice()), Written::before_key);
        EXPECT_EQ(p.video(recovery_sei + p_slice()), configured ? Written::ok : Written::before_key);
        EXPECT_EQ(p.delta(), configured ? Written::ok : Written::before_key);
        EXPECT_EQ(p.video(i_slice()), configured ? Written::ok : Written::before_key);
        auto r = c->attach(Start::cached_gop, true, true);
        EXPECT_EQ(drain(*r), configured ? "!K" : "");
        EXPECT_EQ(c->stats(p.now).before_key, configured ? 2u : 5u);
        EXPECT_EQ(c->stats(p.now).key_units, configured ? 2u : 0u);
        // The next producer has an opinion of its own.
        p.begin();
        EXPECT_FALSE(c->stats(p.now).recovery_points);
        EXPECT_EQ(p.video(sps() + pps() + i_slice()), Written::before_key);
    }
}

TEST(ChannelKeyUnits, SoundWaitsForThePictureWhenThereIsOne) {
    auto c = make();
    Producer p(c, 1000 * s, true);
    EXPECT_EQ(p.sound(), Written::before_key);
    EXPECT_EQ(p.key(), Written::ok);
    EXPECT_EQ(p.sound(), Written::ok);
}

TEST(ChannelKeyUnits, SoundAloneNeedsNone) {
    auto c = make();
    auto early = c->attach(Start::cached_gop, true, true);
    Producer p(c);
    p.token = c->open();
    const auto sound = mulaw_caps();
    c->set_track(p.token, 0, sound.get());
    EXPECT_EQ(p.video(Bytes(160, 1)), Written::ok);
    EXPECT_EQ(p.video(Bytes(160, 2)), Written::ok);
    EXPECT_EQ(drain(*early), "!*aa");
    EXPECT_TRUE(c->stats(p.now).gop_complete);
}

TEST(ChannelKeyUnits, APictureThatComesLaterLetsNoDeltaThrough) {
    auto c = make();
    Producer p(c);
    p.token = c->open();
    const auto sound = mulaw_caps(), video = h264_caps();
    c->set_track(p.token, 1, sound.get());
    p.sound();
    auto running = c->attach(Start::cached_gop, true, true);
    c->set_track(p.token, 0, video.get());
    EXPECT_EQ(p.delta(), Written::before_key);
    p.sound();
    auto fresh = c->attach(Start::cached_gop, true, true);
    EXPECT_EQ(drain(*fresh), "");
    p.key();
    EXPECT_EQ(drain(*fresh), "!*K");
    EXPECT_EQ(drain(*running), "!*aa*K");
}

// --- 5: channel time ---

TEST(ChannelTime, AnHourAheadIsRepairedAndCounted) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    p.key();
    p.write(p_slice(), p.now + 3600 * s);
    EXPECT_EQ(r->next().unit->time, 1000 * s);
    EXPECT_EQ(r->next().unit->time, p.now);
    EXPECT_EQ(c->stats(p.now).time.jumps, 1u);
}

TEST(ChannelTime, BFramesKeepTheirOrderAndSetTheFlag) {
    auto c = make();
    Producer p(c);
    auto r = c->attach(Start::cached_gop, true, true);
    const GstClockTime t = p.now;
    p.now = t + 200 * ms;
    p.write(key_unit(), t);
    EXPECT_FALSE(c->stats(p.now).reorder);
    p.write(p_slice(), t + 120 * ms);
    p.write(b_slice(), t + 40 * ms);
    EXPECT_TRUE(c->stats(p.now).reorder);
    p.write(b_slice(), t + 80 * ms);
    for (const GstClockTime at : {0 * ms, 120 * ms, 40 * ms, 80 * ms})
        EXPECT_EQ(r->next().unit->time, t + at);
    // The same camera again: it is known to reorder before its first B-frame has come.
    p.begin();
    EXPECT_TRUE(c->stats(p.now).reorder);
    p.now += s;
    p.write(key_unit(), p.now);
    EXPECT_TRUE(c->stats(p.now).reorder);
    // Another one: not known any more.
    p.write(sps_no_reorder() + pps() + idr(), p.now);
    p.write(b_slice(), p.now);
    EXPECT_FALSE(c->stats(p.now).reorder);
}

// --- asking the producer, and about it; demand (point 8) belongs to SluiceChannel ---

TEST(ChannelKeyUnitRequests, ReachTheProducerOfNow) {
    auto c = make();
    c->request_key_unit(); // nobody there
    Producer a(c);
    int asked_a = 0, asked_b = 0;
    EXPECT_TRUE(c->set_key_unit_handler(a.token, [&] { asked_a++; }));
    c->request_key_unit();
    Producer b(c);
    c->request_key_unit();
    EXPECT_TRUE(c->set_key_unit_handler(b.token, [&] { asked_b++; }));
    c->request_key_unit();
    c->close(b.token);
    c->request_key_unit();
    EXPECT_EQ(asked_a, 1);
    EXPECT_EQ(asked_b, 1);
}

TEST(ChannelStats, TellHowLargeAJpegIs) {
    auto c = make();
    Producer p(c);
    p.key();
    p.begin(false, jpeg_caps());
    for (int i = 0; i < 25; i++)
        EXPECT_EQ(p.video(jpeg(1280, 720, 10000)), Written::ok);
    auto st = c->stats(p.now);
    EXPECT_EQ(std::pair(st.video.width, st.video.height), std::pair(1280u, 720u));
    EXPECT_FALSE(st.reorder);
    EXPECT_EQ(st.key_units, 26u);
    EXPECT_NEAR(st.fps, 25, 1);
    p.video(jpeg(640, 480)); // the camera was set to another size
    EXPECT_EQ(c->stats(p.now).video.width, 640u);
    EXPECT_EQ(p.write(key_unit(), p.now), Written::refused);
    p.begin();
    p.key(); // the SPS of before
    st = c->stats(p.now);
    EXPECT_EQ(st.video.width, 320u);
}

TEST(ChannelStats, TellWhatTheStreamIs) {
    auto c = make();
    Producer p(c);
    EXPECT_EQ(c->stats(p.now).last_unit, std::nullopt);
    for (int i = 0; i < 10; i++) {
        p.key(1000);
        for (int k = 0; k < 24; k++)
            p.delta(500);
    }
    const auto st = c->stats(p.now);
    EXPECT_EQ(st.video.width, 320u);
    EXPECT_EQ(st.video.height, 240u);
    EXPECT_DOUBLE_EQ(st.fps, 25);
    EXPECT_NEAR(double(st.bitrate), (1000 + 24 * 500 + 49 + 24 * 4) * 8, 2000);
    EXPECT_EQ(st.last_unit, p.now - 40 * ms);
    EXPECT_EQ(st.access_units, 250u);
    EXPECT_EQ(st.key_units, 10u);
    EXPECT_GE(st.bytes, 10u * 13000);
}

} // namespace
