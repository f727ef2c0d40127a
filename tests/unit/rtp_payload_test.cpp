// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/rtp_payload.hpp"
#include "tests/support/rtp_depayload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace sluice;
using sluice::test::Bytes;
using sluice::test::bytes_of;
using sluice::test::Depayloader;
using sluice::test::whole;

namespace {

Ref<GstMemory> memory_of(const Bytes& data) {
    auto memory = adopt(gst_allocator_alloc(nullptr, data.size(), nullptr));
    GstMapInfo map;
    EXPECT_TRUE(gst_memory_map(memory.get(), &map, GST_MAP_WRITE));
    std::copy(data.begin(), data.end(), map.data);
    gst_memory_unmap(memory.get(), &map);
    return memory;
}

// An access unit and where its NAL units stand.
struct Unit {
    explicit Unit(Codec c) : codec(c) {}
    void add(const Bytes& nal) {
        data.insert(data.end(), {0, 0, 0, 1});
        const uint8_t type = codec == Codec::h265 ? (nal[0] >> 1) & 0x3f : nal[0] & 0x1f;
        nals.push_back({static_cast<uint32_t>(data.size()), static_cast<uint32_t>(nal.size()), type});
        data.insert(data.end(), nal.begin(), nal.end());
        sent.push_back(nal);
    }
    std::vector<RtpPayload> payloads(uint32_t max = rtp_max_payload) {
        memory = memory_of(data);
        return make_rtp_payloads(codec, memory.get(), nals, max);
    }
    Codec codec;
    Bytes data;
    std::vector<NalUnit> nals;
    std::vector<Bytes> sent;
    Ref<GstMemory> memory;
};

Bytes nal_of(Codec codec, unsigned type, size_t size, uint8_t fill = 0xab, uint8_t ref_idc = 3) {
    Bytes nal(size, fill);
    if (codec == Codec::h265) {
        nal[0] = static_cast<uint8_t>(type << 1);
        nal[1] = 1;
    } else {
        nal[0] = static_cast<uint8_t>(ref_idc << 5 | type);
    }
    return nal;
}

size_t size_of(const RtpPayload& p) { return p.prefix_size + p.body_size; }

std::vector<Bytes> received(Codec codec, const std::vector<RtpPayload>& payloads) {
    Depayloader d(codec);
    for (const auto& p : payloads)
        EXPECT_TRUE(d.add(whole(p))) << d.error();
    EXPECT_TRUE(d.complete());
    return d.nals();
}

TEST(RtpPayload, NothingGivesNothing) {
    auto some = memory_of({1, 2, 3});
    auto empty = adopt(gst_allocator_alloc(nullptr, 0, nullptr));
    for (Codec c : {Codec::h264, Codec::h265, Codec::pcmu, Codec::pcma, Codec::opus, Codec::aac, Codec::other}) {
        EXPECT_TRUE(make_rtp_payloads(c, nullptr, {}).empty());
        EXPECT_TRUE(make_rtp_payloads(c, empty.get(), {}).empty());
    }
    for (Codec c : {Codec::h264, Codec::h265, Codec::other})
        EXPECT_TRUE(make_rtp_payloads(c, some.get(), {}).empty());
}

TEST(RtpPayload, SingleNalUnitSharesTheMemory) {
    Unit u(Codec::h264);
    u.add(nal_of(u.codec, 5, 1180));
    auto p = u.payloads();
    ASSERT_EQ(p.size(), 1u);
    EXPECT_EQ(p[0].prefix_size, 0);
    EXPECT_TRUE(p[0].marker);
    EXPECT_EQ(p[0].body_size, 1180u);
    EXPECT_EQ(whole(p[0]), u.sent[0]);
    EXPECT_EQ(p[0].body->parent, u.memory.get());
}

TEST(RtpPayload, BodiesKeepTheMemoryAlive) {
    Unit u(Codec::h264);
    u.add(nal_of(u.codec, 5, 5000));
    auto p = u.payloads();
    u.memory = nullptr;
    EXPECT_EQ(received(u.codec, p), u.sent);
}

TEST(RtpPayload, NoReferenceStaysBehind) {
    for (Codec codec : {Codec::h264, Codec::h265}) {
        Unit u(codec);
        for (size_t size : {10, 20, 5000, 1180}) // an aggregate, fragments, a single one
            u.add(nal_of(codec, 1, size));
        auto p = u.payloads();
        std::vector<GstMiniObject*> all{GST_MINI_OBJECT_CAST(u.memory.get())};
        for (const auto& x : p)
            all.push_back(GST_MINI_OBJECT_CAST(x.body.get()));
        unsigned gone = 0;
        for (auto* object : all)
            gst_mini_object_weak_ref(
                object, [](gpointer n, GstMiniObject*) { ++*static_cast<unsigned*>(n); }, &gone);
        u.memory = nullptr;
        EXPECT_EQ(gone, 0u);
        p.clear();
        EXPECT_EQ(gone, all.size());
    }
}

TEST(RtpPayload, SharesPartOfALargerMemory) {
    // A depayloader's buffer is often a window into a larger memory.
    Bytes nal = nal_of(Codec::h264, 1, 3000);
    Bytes data(100, 0xee);
    data.insert(data.end(), nal.begin(), nal.end());
    auto outer = memory_of(data);
    auto inner = adopt(gst_memory_share(outer.get(), 100, 3000));
    auto p = make_rtp_payloads(Codec::h264, inner.get(), {{0, 3000, 1}});
    EXPECT_EQ(received(Codec::h264, p), std::vector<Bytes>{nal});
}

TEST(RtpPayload, MemoryThatMayNotBeSharedIsCopied) {
    Unit u(Codec::h264);
    u.add(nal_of(u.codec, 5, 3000));
    auto memory = memory_of(u.data);
    GST_MINI_OBJECT_FLAG_SET(memory.get(), GST_MEMORY_FLAG_NO_SHARE);
    auto p = make_rtp_payloads(u.codec, memory.get(), u.nals);
    EXPECT_EQ(received(u.codec, p), u.sent);
    EXPECT_EQ(p[0].body->parent, nullptr);
}

TEST(RtpPayload, FragmentAtTheLimit) {
    struct Row {
        Codec codec;
        size_t nal;
        std::vector<size_t> sizes; // of the payloads
    };
    const Row rows[] = {
        {Codec::h264, 100, {100}},        {Codec::h264, 101, {52, 52}}, // 100 bytes behind the header in two
        {Codec::h264, 197, {100, 100}},                                 // 2 x 98
        {Codec::h264, 198, {68, 68, 67}},                               // 197 in three, not 98 + 98 + 1
        {Codec::h265, 100, {100}},        {Codec::h265, 101, {53, 52}}, // 99 behind the header in two
        {Codec::h265, 196, {100, 100}},                                 // 2 x 97
        {Codec::h265, 197, {68, 68, 68}},                               // 195
    };
    for (const Row& r : rows) {
        Unit u(r.codec);
        u.add(nal_of(r.codec, 1, r.nal));
        auto p = u.payloads(100);
        std::vector<size_t> sizes;
        for (const auto& x : p)
            sizes.push_back(size_of(x));
        EXPECT_EQ(sizes, r.sizes) << r.nal;
        EXPECT_EQ(received(r.codec, p), u.sent);
    }
}

TEST(RtpPayload, FragmentHeaders) {
    Unit u(Codec::h264);
    u.add(nal_of(u.codec, 5, 2500, 0xab, 2));
    auto p = u.payloads();
    ASSERT_EQ(p.size(), 3u);
    const uint8_t flags[] = {0x80, 0, 0x40};
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(p[i].prefix_size, 2);
        EXPECT_EQ(p[i].prefix[0], 0x40 | 28);
        EXPECT_EQ(p[i].prefix[1], flags[i] | 5);
        EXPECT_EQ(p[i].marker, i == 2);
        EXPECT_EQ(p[i].body->parent, u.memory.get()) << "copied";
    }
    Unit h(Codec::h265);
    h.add(nal_of(h.codec, 19, 2500));
    p = h.payloads();
    ASSERT_EQ(p.size(), 3u);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(p[i].prefix_size, 3);
        EXPECT_EQ(p[i].prefix[0], 49 << 1);
        EXPECT_EQ(p[i].prefix[1], 1);
        EXPECT_EQ(p[i].prefix[2], flags[i] | 19);
        EXPECT_EQ(p[i].body->parent, h.memory.get()) << "copied";
    }
}

TEST(RtpPayload, KeyUnitOfACamera) {
    Unit u(Codec::h264);
    u.add(nal_of(u.codec, 9, 2));  // delimiter: left out
    u.add(nal_of(u.codec, 7, 25)); // SPS, PPS and SEI travel together
    u.add(nal_of(u.codec, 8, 5));
    u.add(nal_of(u.codec, 6, 600, 0xcd, 0));
    u.add(nal_of(u.codec, 5, 30000));
    auto p = u.payloads();
    ASSERT_EQ(p.size(), 1u + 26u);
    EXPECT_EQ(whole(p[0])[0], 0x60 | 24);
    EXPECT_EQ(p[0].prefix_size, 0);
    EXPECT_EQ(p[0].body_size, 1 + 2 + 25 + 2 + 5 + 2 + 600u);
    EXPECT_EQ(p[0].body->parent, nullptr);
    for (size_t i = 0; i < p.size(); i++)
        EXPECT_EQ(p[i].marker, i + 1 == p.size()) << i;
    u.sent.erase(u.sent.begin());
    EXPECT_EQ(received(u.codec, p), u.sent);
}

TEST(RtpPayload, AggregatesFillUpToTheLimit) {
    for (Codec codec : {Codec::h264, Codec::h265}) {
        const size_t header = codec == Codec::h265 ? 2 : 1;
        Unit fits(codec), does_not(codec);
        fits.add(nal_of(codec, 1, 40));
        fits.add(nal_of(codec, 1, 100 - header - 2 - 40 - 2));
        does_not.add(nal_of(codec, 1, 40));
        does_not.add(nal_of(codec, 1, 100 - header - 2 - 40 - 2 + 1));
        auto p = fits.payloads(100);
        ASSERT_EQ(p.size(), 1u);
        EXPECT_EQ(size_of(p[0]), 100u);
        EXPECT_EQ(received(codec, p), fits.sent);
        p = does_not.payloads(100);
        ASSERT_EQ(p.size(), 2u);
        EXPECT_FALSE(p[0].marker);
        EXPECT_TRUE(p[1].marker);
        EXPECT_EQ(p[0].body->parent, does_not.memory.get()) << "a NAL unit alone needs no copy";
        EXPECT_EQ(received(codec, p), does_not.sent);
    }
}

TEST(RtpPayload, OrderIsKeptAroundFragments) {
    Unit u(Codec::h264);
    for (size_t size : {10, 20, 5000, 30, 3000, 40, 50})
        u.add(nal_of(u.codec, 1, size, static_cast<uint8_t>(size)));
    EXPECT_EQ(received(u.codec, u.payloads()), u.sent);
}

TEST(RtpPayload, TypesThatRtpUsesItselfAreNotSent) {
    for (Codec codec : {Codec::h264, Codec::h265}) {
        const unsigned types = codec == Codec::h264 ? 32 : 64;
        for (unsigned type = 0; type < types; type++) {
            Unit u(codec);
            u.add(nal_of(codec, type, 200));
            const bool sent = codec == Codec::h264 ? type > 0 && type < 24 && type != 9 : type < 48 && type != 35;
            EXPECT_EQ(u.payloads().size(), sent ? 1u : 0u) << type;
            EXPECT_EQ(u.payloads(100).size(), sent ? 3u : 0u) << type;
        }
    }
}

TEST(RtpPayload, NalUnitsOutsideTheMemoryAreNotSent) {
    auto memory = memory_of(Bytes(100, 0x41));
    const NalUnit wrong[] = {{0, 101, 1}, {100, 1, 1}, {99, 2, 1}, {0xffffffff, 1, 1}, {1, 0xffffffff, 1}, {50, 0, 1}};
    for (const NalUnit& n : wrong) {
        EXPECT_TRUE(make_rtp_payloads(Codec::h264, memory.get(), {n}).empty());
        EXPECT_EQ(make_rtp_payloads(Codec::h264, memory.get(), {n, {0, 100, 1}}).size(), 1u);
    }
    EXPECT_TRUE(make_rtp_payloads(Codec::h265, memory.get(), {{0, 1, 0}}).empty());
}

TEST(RtpPayload, AbsurdLimitsAreClamped) {
    for (Codec codec : {Codec::h264, Codec::h265}) {
        for (uint32_t max : {0u, 1u, 3u, 15u, 65536u, 0xffffffffu}) {
            Unit u(codec);
            u.add(nal_of(codec, 1, 70000));
            u.add(nal_of(codec, 1, 60000));
            u.add(nal_of(codec, 1, 20));
            auto p = u.payloads(max);
            EXPECT_EQ(received(codec, p), u.sent);
            for (const auto& x : p)
                EXPECT_LE(size_of(x), max < 16 ? 16u : 65535u);
        }
    }
}

TEST(RtpPayload, RandomRoundTrips) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; round++) {
        const Codec codec = round % 2 ? Codec::h265 : Codec::h264;
        const size_t header = codec == Codec::h265 ? 2 : 1;
        const uint32_t max = round % 3 ? rtp_max_payload : 16 + random() % 2000;
        Unit u(codec);
        const unsigned count = 1 + random() % 12;
        for (unsigned i = 0; i < count; i++) {
            // As often tiny as around the limit as huge.
            size_t size = header;
            switch (random() % 4) {
            case 0: size += random() % 40; break;
            case 1: size += max - std::min<uint32_t>(max, 8) + random() % 16; break;
            case 2: size += random() % (max * 4); break;
            default: size += round % 10 ? random() % 20000 : random() % 300000; break;
            }
            Bytes nal(size);
            for (auto& b : nal)
                b = static_cast<uint8_t>(random());
            if (codec == Codec::h264) {
                nal[0] = static_cast<uint8_t>((nal[0] & 0xe0) | (1 + random() % 8));
            } else {
                nal[0] = static_cast<uint8_t>((nal[0] & 0x81) | (random() % 35) << 1);
            }
            u.add(nal);
        }
        auto payloads = u.payloads(max);
        ASSERT_EQ(received(codec, payloads), u.sent) << "round " << round;
        for (size_t i = 0; i < payloads.size(); i++) {
            const RtpPayload& p = payloads[i];
            EXPECT_LE(size_of(p), max);
            EXPECT_EQ(p.body_size, gst_memory_get_sizes(p.body.get(), nullptr, nullptr));
            EXPECT_EQ(p.marker, i + 1 == payloads.size());
            // Neighbours that are fragments of one NAL unit differ by a byte at most.
            if (i && p.prefix_size && !(p.prefix[p.prefix_size - 1u] & 0x80)) {
                EXPECT_LE(std::max(p.body_size, payloads[i - 1].body_size) -
                              std::min(p.body_size, payloads[i - 1].body_size),
                          1u);
            }
        }
    }
}

TEST(RtpPayload, Audio) {
    Bytes data(3000);
    for (size_t i = 0; i < data.size(); i++)
        data[i] = static_cast<uint8_t>(i * 7);
    auto memory = memory_of(data);
    auto opus = make_rtp_payloads(Codec::opus, memory.get(), {});
    ASSERT_EQ(opus.size(), 1u) << "Opus has no fragments";
    EXPECT_EQ(whole(opus[0]), data);
    EXPECT_FALSE(opus[0].marker);
    EXPECT_TRUE(make_rtp_payloads(Codec::aac, memory.get(), {}).empty()) << "nobody takes it over RTP yet";
}

TEST(RtpPayload, TelephoneSoundInPiecesOf20Ms) {
    struct Row {
        size_t size;
        std::vector<uint32_t> pieces;
    };
    const Row rows[] = {{1, {1}},
                        {80, {80}},
                        {160, {160}},
                        {239, {239}},
                        {240, {160, 80}},
                        {320, {160, 160}},
                        {400, {160, 160, 80}},
                        {399, {160, 239}},
                        {480, {160, 160, 160}}};
    for (const Row& r : rows)
        for (Codec codec : {Codec::pcmu, Codec::pcma}) {
            Bytes data(r.size);
            for (size_t i = 0; i < data.size(); i++)
                data[i] = static_cast<uint8_t>(i * 7);
            auto memory = memory_of(data);
            Bytes joined;
            std::vector<uint32_t> pieces;
            for (const auto& x : make_rtp_payloads(codec, memory.get(), {})) {
                EXPECT_EQ(x.ticks, joined.size()) << "one byte is one sample";
                EXPECT_EQ(x.prefix_size, 0);
                EXPECT_FALSE(x.marker) << "RFC 3551 4.1: sound without pauses has none";
                EXPECT_EQ(x.body->parent, memory.get());
                pieces.push_back(x.body_size);
                const Bytes b = bytes_of(x.body.get());
                joined.insert(joined.end(), b.begin(), b.end());
            }
            EXPECT_EQ(pieces, r.pieces) << r.size;
            EXPECT_EQ(joined, data);
            for (const auto& x : make_rtp_payloads(codec, memory.get(), {}, 100))
                EXPECT_LE(x.body_size, 100u);
        }
}

TEST(Codec, FromCaps) {
    struct Row {
        const char* caps;
        Codec codec;
    };
    const Row rows[] = {
        {"video/x-h264", Codec::h264},
        {"video/x-h264, stream-format=byte-stream, alignment=au, width=640", Codec::h264},
        {"video/x-h265, stream-format=byte-stream", Codec::h265},
        {"image/jpeg", Codec::jpeg},
        {"image/jpeg, parsed=true, width=640", Codec::jpeg},
        {"image/png", Codec::other},
        {"video/x-vp8", Codec::other},
        {"audio/x-mulaw", Codec::pcmu},
        {"audio/x-mulaw, rate=8000, channels=1", Codec::pcmu},
        {"audio/x-mulaw, rate=16000, channels=1", Codec::other},
        {"audio/x-alaw, rate=8000, channels=1", Codec::pcma},
        {"audio/x-alaw, rate=8000, channels=2", Codec::other},
        {"audio/x-opus, channel-mapping-family=0, rate=48000", Codec::opus},
        {"audio/x-opus", Codec::opus},
        {"audio/x-opus, channel-mapping-family=1, channels=6", Codec::other},
        {"audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)1408", Codec::aac},
        {"audio/mpeg, mpegversion=4, stream-format=adts", Codec::other},
        {"audio/mpeg, mpegversion=4", Codec::other},
        {"audio/mpeg, mpegversion=1, layer=3", Codec::other},
        {"ANY", Codec::other},
        {"EMPTY", Codec::other},
    };
    for (const Row& r : rows) {
        auto caps = adopt(gst_caps_from_string(r.caps));
        ASSERT_TRUE(caps) << r.caps;
        EXPECT_EQ(codec_from_caps(caps.get()), r.codec) << r.caps;
    }
    EXPECT_EQ(codec_from_caps(nullptr), Codec::other);
    EXPECT_STREQ(codec_name(Codec::h264), "H264");
    EXPECT_STREQ(codec_name(Codec::h265), "H265");
    EXPECT_STREQ(codec_name(Codec::jpeg), "JPEG");
    EXPECT_STREQ(codec_name(Codec::pcmu), "PCMU");
    EXPECT_STREQ(codec_name(Codec::pcma), "PCMA");
    EXPECT_STREQ(codec_name(Codec::opus), "OPUS");
    EXPECT_STREQ(codec_name(Codec::aac), "MPEG4-GENERIC");
}

} // namespace
