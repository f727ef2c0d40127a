// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/nal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>

using namespace sluice;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes hex(std::string_view text) {
    Bytes out;
    for (size_t i = 0; i + 1 < text.size();) {
        if (text[i] == ' ') {
            i++;
            continue;
        }
        out.push_back(static_cast<uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
        i += 2;
    }
    return out;
}

// "offset:size:type" per NAL unit: short to write and to read when it differs.
std::string cut(const Bytes& data, Codec codec) {
    std::string out;
    for (const NalUnit& n : split_annex_b(data, codec)) {
        if (!out.empty())
            out += ' ';
        out += std::to_string(n.offset) + ':' + std::to_string(n.size) + ':' + std::to_string(n.type);
    }
    return out;
}

// Obvious and slow: what split_annex_b must equal.
std::vector<Bytes> reference_split(const Bytes& d, size_t header) {
    std::vector<size_t> starts;
    for (size_t i = 0; i + 3 <= d.size(); i++) {
        if (d[i] == 0 && d[i + 1] == 0 && d[i + 2] == 1)
            starts.push_back(i);
    }
    std::vector<Bytes> out;
    for (size_t k = 0; k < starts.size(); k++) {
        size_t stop = k + 1 < starts.size() ? starts[k + 1] : d.size();
        Bytes nal(d.begin() + static_cast<long>(starts[k]) + 3, d.begin() + static_cast<long>(stop));
        while (!nal.empty() && nal.back() == 0)
            nal.pop_back();
        if (nal.size() >= header)
            out.push_back(nal);
    }
    return out;
}

// Writes what an encoder would: bits, exp-Golomb codes, emulation prevention.
class BitWriter {
public:
    BitWriter& u(unsigned bits, uint64_t value) {
        while (bits-- > 0)
            bits_.push_back(value >> bits & 1);
        return *this;
    }
    BitWriter& ue(uint64_t value) {
        unsigned length = 0;
        while ((value + 1) >> (length + 1))
            length++;
        return u(length, 0).u(length + 1, value + 1);
    }
    Bytes nal(const Bytes& header) const {
        auto bits = bits_;
        bits.push_back(true);
        while (bits.size() % 8)
            bits.push_back(false);
        Bytes out = header;
        unsigned zeros = 0;
        for (size_t i = 0; i < bits.size(); i += 8) {
            uint8_t b = 0;
            for (size_t k = 0; k < 8; k++)
                b = static_cast<uint8_t>(b << 1 | bits[i + k]);
            if (zeros >= 2 && b <= 3) {
                out.push_back(3);
                zeros = 0;
            }
            out.push_back(b);
            zeros = b ? 0 : zeros + 1;
        }
        return out;
    }

private:
    std::vector<bool> bits_;
};

TEST(SplitAnnexB, Table) {
    struct Row {
        const char* name;
        const char* data;
        const char* h264;
        const char* h265;
    };
    const Row rows[] = {
        {"nothing", "", "", ""},
        {"no start code", "65 88 84 00", "", ""},
        {"less than a start code", "00 00", "", ""},
        {"only a start code", "00 00 01", "", ""},
        {"only zeros", "00 00 00 00 00 00", "", ""},
        {"one, short start code", "00 00 01 65 88", "3:2:5", "3:2:50"},
        {"one, long start code", "00 00 00 01 65 88", "4:2:5", "4:2:50"},
        {"one byte is a NAL unit in H.264 only", "00 00 01 09", "3:1:9", ""},
        {"two", "00 00 01 67 42 00 00 01 68 ce", "3:2:7 8:2:8", "3:2:51 8:2:52"},
        {"long start code between", "00 00 01 67 42 00 00 00 01 68 ce", "3:2:7 9:2:8", "3:2:51 9:2:52"},
        {"trailing zeros belong to nobody", "00 00 01 67 42 00 00 00 00 00 01 68 ce 00 00", "3:2:7 11:2:8",
         "3:2:51 11:2:52"},
        {"empty ones are left out", "00 00 01 00 00 01 00 00 01 68 ce", "9:2:8", "9:2:52"},
        {"empty at the end", "00 00 01 68 ce 00 00 01", "3:2:8", "3:2:52"},
        {"rubbish in front", "ff 01 00 01 00 00 01 68 ce", "7:2:8", "7:2:52"},
        {"emulation prevention stays inside", "00 00 01 65 00 00 03 01 00 00 03 00 02", "3:10:5", "3:10:50"},
        {"ones that are no start code", "00 00 01 01 01 00 01 01 00 00 02 01", "3:9:1", "3:9:0"},
        {"start code in the last bytes", "00 00 01 65 01 00 00 01 41", "3:2:5 8:1:1", "3:2:50"},
        {"H.265 types", "00 00 01 40 01 00 00 01 42 01 00 00 01 26 01", "3:2:0 8:2:2 13:2:6", "3:2:32 8:2:33 13:2:19"},
    };
    for (const Row& r : rows) {
        EXPECT_EQ(cut(hex(r.data), Codec::h264), r.h264) << r.name;
        EXPECT_EQ(cut(hex(r.data), Codec::h265), r.h265) << r.name;
        EXPECT_EQ(cut(hex(r.data), Codec::opus), "") << r.name;
    }
}

TEST(SplitAnnexB, EqualsTheObviousOnRandomBytes) {
    std::mt19937 random(1);
    for (int round = 0; round < 20000; round++) {
        // Few values make start codes, long zero runs and near misses frequent.
        Bytes data(random() % 40);
        const unsigned values = round % 2 ? 3 : 5;
        for (auto& b : data)
            b = static_cast<uint8_t>(random() % values);
        for (Codec codec : {Codec::h264, Codec::h265}) {
            auto expected = reference_split(data, codec == Codec::h265 ? 2 : 1);
            auto nals = split_annex_b(data, codec);
            ASSERT_EQ(nals.size(), expected.size()) << testing::PrintToString(data);
            for (size_t i = 0; i < nals.size(); i++) {
                ASSERT_LE(size_t{nals[i].offset} + nals[i].size, data.size());
                EXPECT_EQ(Bytes(data.begin() + nals[i].offset, data.begin() + nals[i].offset + nals[i].size),
                          expected[i]);
            }
        }
    }
}

TEST(NalType, Roles) {
    for (unsigned t = 0; t < 64; t++) {
        auto type = static_cast<uint8_t>(t);
        EXPECT_EQ(is_slice(Codec::h264, type), t >= 1 && t <= 5) << t;
        EXPECT_EQ(is_random_access(Codec::h264, type), t == 5) << t;
        EXPECT_EQ(is_delimiter(Codec::h264, type), t == 9) << t;
        EXPECT_EQ(is_parameter_set(Codec::h264, type), t == 7 || t == 8) << t;
        EXPECT_EQ(is_slice(Codec::h265, type), t < 32) << t;
        EXPECT_EQ(is_random_access(Codec::h265, type), t >= 16 && t <= 21) << t;
        EXPECT_EQ(is_delimiter(Codec::h265, type), t == 35) << t;
        EXPECT_EQ(is_parameter_set(Codec::h265, type), t >= 32 && t <= 34) << t;
        EXPECT_FALSE(is_slice(Codec::opus, type) || is_random_access(Codec::pcmu, type) ||
                     is_delimiter(Codec::pcma, type) || is_parameter_set(Codec::other, type));
    }
}

TEST(RecoveryPoint, Sei) {
    struct Row {
        const char* name;
        Codec codec;
        const char* nal;
        bool expected;
    };
    const Row rows[] = {
        {"recovery point alone", Codec::h264, "06 06 01 c4 80", true},
        {"behind a picture timing message", Codec::h264, "06 01 02 11 22 06 01 c4 80", true},
        {"behind one of 256 bytes' type", Codec::h264, "06 ff 05 01 aa 06 01 c4 80", true},
        {"type 255 + 6 is another message", Codec::h264, "06 ff 06 01 c4 80", false},
        {"picture timing only", Codec::h264, "06 01 02 11 22 80", false},
        {"06 inside another message's payload", Codec::h264, "06 05 04 06 01 c4 80 80", false},
        {"emulation prevention bytes are not counted", Codec::h264, "06 05 04 00 00 03 01 aa 06 01 c4 80", true},
        {"message longer than the NAL unit", Codec::h264, "06 05 ff 06 01 c4 80", false},
        {"empty", Codec::h264, "06", false},
        {"a slice", Codec::h264, "65 06 01 c4 80", false},
        {"endless type", Codec::h264, "06 ff ff ff ff ff", false},
        {"H.265 prefix SEI", Codec::h265, "4e 01 06 01 d0 80", true},
        {"H.265 suffix SEI", Codec::h265, "50 01 06 01 d0 80", false},
        {"H.265, another message", Codec::h265, "4e 01 05 01 06 80", false},
        {"audio", Codec::opus, "06 06 01 c4 80", false},
    };
    for (const Row& r : rows)
        EXPECT_EQ(is_recovery_point_sei(r.codec, hex(r.nal)), r.expected) << r.name;
    EXPECT_FALSE(is_recovery_point_sei(Codec::h264, {}));
}

TEST(RecoveryPoint, SaysWhenPicturesAreWhole) {
    struct Row {
        const char* name;
        const char* nal;
        std::optional<std::array<unsigned, 3>> expected; // frames, exact, broken
    };
    const Row rows[] = {
        {"at once", "06 06 01 c4 80", {{0, 1, 0}}},
        {"x264 --intra-refresh, 29 frames", "06 06 02 0f 04 80", {{29, 0, 0}}},
        {"with a broken link", "06 06 01 a4 80", {{0, 0, 1}}},
        {"behind picture timing", "06 01 02 11 22 06 01 c4 80", {{0, 1, 0}}},
        {"behind one with emulation prevention", "06 05 04 00 00 03 01 aa 06 01 c4 80", {{0, 1, 0}}},
        {"another message", "06 01 02 11 22 80", {}},
        {"empty", "06 06 00 80", {}},
        {"cut off", "06 06 02 0f", {}},
        {"endless number", "06 06 06 00 00 03 00 00 03 00 00 80", {}},
        {"a slice", "65 06 01 c4 80", {}},
    };
    for (const Row& r : rows) {
        const auto point = recovery_point(Codec::h264, hex(r.nal));
        ASSERT_EQ(point.has_value(), r.expected.has_value()) << r.name;
        if (!point)
            continue;
        EXPECT_EQ(point->frames, (*r.expected)[0]) << r.name;
        EXPECT_EQ(point->exact, bool((*r.expected)[1])) << r.name;
        EXPECT_EQ(point->broken, bool((*r.expected)[2])) << r.name;
    }
    for (const unsigned frames : {1u, 300u, 65535u, 65536u, 1u << 20}) {
        const auto bits = BitWriter().ue(frames).u(1, 1).u(1, 1).u(2, 0);
        const auto payload = bits.nal({});
        const auto point = recovery_point(Codec::h264, Bytes{6, 6, uint8_t(payload.size())} + payload + Bytes{0x80});
        ASSERT_EQ(point.has_value(), frames < 65536) << frames;
        if (point) {
            EXPECT_EQ(point->frames, frames);
            EXPECT_TRUE(point->exact && point->broken);
        }
    }
    EXPECT_FALSE(recovery_point(Codec::h265, hex("4e 01 06 01 d0 80")));
    EXPECT_FALSE(recovery_point(Codec::h264, {}));
}

TEST(RecoveryStart, ARecoveryPointOrNothingButISlices) {
    // first_mb 0; slice_type 7 (I), 2 (I), 5 (P), 6 (B), 9 (SI).
    const std::string i = "00 00 01 41 88 80 ", i2 = "00 00 01 41 b0 80 ", p = "00 00 01 41 9a 80 ",
                      b = "00 00 01 01 9e 80 ", si = "00 00 01 41 8a 80 ", sei = "00 00 01 06 06 01 c4 80 ",
                      other_sei = "00 00 01 06 01 02 11 22 80 ", a_i = "00 00 01 42 88 80 ",
                      part_b = "00 00 01 43 ff 80 ", part_c = "00 00 01 44 ff 80 ",
                      sets = "00 00 01 67 42 c0 1f 00 00 01 68 ce 3c 80 ", cut = "00 00 01 41 ";
    struct Row {
        const char* name;
        std::string data;
        bool expected;
    };
    const Row rows[] = {
        {"I", i, true},
        {"I of the other kind", i2, true},
        {"SI", si, true},
        {"I in several slices", i + i + i2, true},
        {"P", p, false},
        {"B", b, false},
        {"I and P slices (intra refresh, a second field)", i + i + p, false},
        {"P with a recovery point", sei + p, true},
        {"P with another message", other_sei + p, false},
        {"the recovery point is the second message", other_sei + sei + p, true},
        {"parameter sets first", sets + i, true},
        {"parameter sets only", sets, false},
        {"partitioned I", a_i + part_b + part_c, true},
        {"partition B without its A", part_b, false},
        {"a slice without a header", cut + "41", false},
        {"nothing", "", false},
    };
    for (const Row& r : rows) {
        const Bytes data = hex(r.data);
        const auto nals = split_annex_b(data, Codec::h264);
        EXPECT_EQ(is_recovery_start(Codec::h264, data, nals), r.expected) << r.name;
    }
    const Bytes data = hex("00 00 01 02 01 d0 80");
    EXPECT_FALSE(is_recovery_start(Codec::h265, data, split_annex_b(data, Codec::h265)));
}

TEST(SliceTypes, OfTable7_6) {
    for (unsigned type = 0; type < 12; type++) {
        const auto bits = BitWriter().ue(0).ue(type).ue(0).u(16, 0xffff);
        const auto expected = type > 9 ? std::nullopt : std::optional(static_cast<SliceType>(type % 5));
        EXPECT_EQ(slice_type(Codec::h264, bits.nal({0x41})), expected) << type;
    }
}

std::optional<bool> b_slice(const char* nal) { return is_b_slice(Codec::h264, hex(nal)); }

TEST(BSlice, OfX264) {
    // First bytes of each slice of real x264 streams; the types are what ffmpeg's trace_headers reads from them.
    const char* with_b_i[] = {"65888400ff3b", "65888400479e", "6588840047da", "6588820b0dff"};
    const char* with_b_p[] = {"419a236c7fec", "419a6649a841", "419aa949a841", "419aeb49a841", "419a443c2193",
                              "419a6749e10f", "419aaa49a841", "419a20de4dff", "419ac3d9444f", "419ae5d8853f"};
    const char* with_b_b[] = {"419e4178affb", "019e626a49ff", "419e8445112d", "019ea56a49ff",
                              "419ec745152d", "019ee86a49ff", "019f0a6a49ff", "019e41790b7f",
                              "019e617442df", "419f04dc5113", "019f245f4429", "019ee35ea429"};
    const char* without_b[] = {"6588843f3b26", "65122210ff23", "419a3b1f8180", "411268ec7ff9", "419a4f0864ca",
                               "4112693c2193", "419b127843c9", "41126c49e10f", "419b727843c9", "41126dc9e10f"};
    for (auto* nal : with_b_i)
        EXPECT_EQ(b_slice(nal), false) << nal;
    for (auto* nal : with_b_p)
        EXPECT_EQ(b_slice(nal), false) << nal;
    for (auto* nal : with_b_b)
        EXPECT_EQ(b_slice(nal), true) << nal;
    for (auto* nal : without_b)
        EXPECT_EQ(b_slice(nal), false) << nal;
}

TEST(BSlice, EveryTypeAtEveryMacroblock) {
    // 0x1fffe and the like give runs of zeros in the code, so that emulation prevention comes into play.
    for (uint64_t first_mb : {0u, 1u, 2u, 79u, 255u, 3599u, 65535u, 0x1fffeu, 0xffffffu, 0x3ffffffeu}) {
        for (unsigned type = 0; type < 12; type++) {
            auto bits = BitWriter().ue(first_mb).ue(type).ue(0).u(16, 0).u(16, 0xffff);
            std::optional<bool> expected;
            if (type <= 9)
                expected = type == 1 || type == 6;
            EXPECT_EQ(is_b_slice(Codec::h264, bits.nal({0x41})), expected) << first_mb << ' ' << type;
            EXPECT_EQ(is_b_slice(Codec::h264, bits.nal({0x42})), expected) << "partition A";
            EXPECT_EQ(is_b_slice(Codec::h264, bits.nal({0x65})), expected) << "IDR";
            for (uint8_t header : {0x43, 0x44, 0x06, 0x67, 0x68, 0x09, 0x54})
                EXPECT_EQ(is_b_slice(Codec::h264, bits.nal({header})), std::nullopt)
                    << "no slice header: " << int(header);
        }
    }
}

TEST(BSlice, Damaged) {
    for (auto* nal : {"", "41", "4180", "4100", "410000", "41000000000000000000", "410000030000030000030000"})
        EXPECT_EQ(b_slice(nal), std::nullopt) << nal;
    EXPECT_EQ(is_b_slice(Codec::h265, hex("0201d0097e10")), std::nullopt);
    EXPECT_EQ(is_b_slice(Codec::pcmu, hex("419e4178affb")), std::nullopt);
}

TEST(ParseSps, OfX264AndX265) {
    struct Row {
        Codec codec;
        const char* sps;
        unsigned width, height, profile, constraints, level;
        std::optional<unsigned> reorder;
    };
    const Row rows[] = {
        {Codec::h264, "6742c01fd9005005bb011000000300100000030320f1832480", 1280, 720, 66, 0xc0, 31, 0},
        {Codec::h264, "674d401eeca05017fcb808800000030080000019078b16cb", 640, 360, 77, 0x40, 30, 2},
        {Codec::h264, "67640028acb200f0044fcb80880000030008000003019078c19240", 1920, 1080, 100, 0, 40, 0},
        {Codec::h264, "6764001eacd940b0126c0440000003004000000c83c58b6580", 704, 576, 100, 0, 30, 2},
        {Codec::h264, "676e002aa6cd9407902278893011000003000100000300320f183196", 1922, 1082, 110, 0, 42, 2},
        {Codec::h264, "677a001ebcd940b424d8088000000300800000190f8a14cb", 720, 576, 122, 0, 30, 2}, // interlaced
        {Codec::h264, "67f4000d919b282a10f1f1f808800000030080000019078a14cb", 322, 242, 244, 0, 13, 2},
        {Codec::h264, "6742c033da00f0010fb011000003000100000300320f1832a0", 3840, 2160, 66, 0xc0, 51, 0},
        {Codec::h264, "674d400aecaf6022000003000200000300641e244b2c", 16, 16, 77, 0x40, 10, 2},
        // An intra profile, no limits in the VUI.
        {Codec::h264, "676e100da6cb8283f6022000000300200000064080", 320, 240, 110, 0x10, 13, 0},
        {Codec::h265, "42010101600000030090000003000003005da00280802d165959a4932bc05a020000030002000003003210", 1280,
         720, 1, 0, 93, 2},
        {Codec::h265, "420101016000000300900000030000030078a003c08010e5964a924caf016808000003000800000300c840", 1920,
         1080, 1, 0, 120, 0},
        {Codec::h265, "42010102200000030090000003000003003fa005120171c92365959a4932bc05a02000000300200000030321", 642,
         362, 2, 0, 63, 2},
        {Codec::h265, "4201010408000003009d08000003000099b00d480f9c93b6592a4932bc05a02000000300200000030321", 418, 242,
         4, 0, 153, 0}, // 4:2:2
        {Codec::h265, "4201010408000003009e0800000300003c9001a901f39e7cb2b349265780b4040000030004000003006420", 418,
         242, 4, 0, 60, 2}, // 4:4:4
        {Codec::h265, "42010104080000030099e800000300003cc028203c45296ea4932bc05b020000030002000003003210", 320, 240, 4,
         0, 60, 0},   // grey, 12 bit
        {Codec::h265, // two temporal layers, HRD, scaling lists
         "4201020408000003009c0800000300003c000090014101e26cb2b3159a49395e056a02040408000003000800000300cb0064b2f000f42"
         "0"
         "003d09f000f420003d0990",
         320, 240, 4, 0, 60, 2},
    };
    for (const Row& r : rows) {
        auto info = parse_sps(r.codec, hex(r.sps));
        ASSERT_TRUE(info) << r.sps;
        EXPECT_EQ(info->width, r.width) << r.sps;
        EXPECT_EQ(info->height, r.height) << r.sps;
        EXPECT_EQ(info->profile_idc, r.profile) << r.sps;
        EXPECT_EQ(info->constraint_flags, r.constraints) << r.sps;
        EXPECT_EQ(info->level_idc, r.level) << r.sps;
        EXPECT_EQ(info->reorder_depth, r.reorder) << r.sps;
        // The other codec reads another type from the header.
        EXPECT_FALSE(parse_sps(r.codec == Codec::h264 ? Codec::h265 : Codec::h264, hex(r.sps)));
        EXPECT_FALSE(parse_sps(Codec::other, hex(r.sps)));
    }
}

struct HandMade {
    unsigned profile = 77, constraints = 0, poc_type = 0;
    uint64_t mbs_wide = 20, mbs_high = 15, crop_right = 0, crop_bottom = 0;
    std::optional<uint64_t> reorder; // with a VUI that carries it
    Bytes nal() const {
        BitWriter w;
        w.u(8, profile).u(8, constraints).u(8, 30).ue(0);
        if (profile == 100)
            w.ue(1).ue(0).ue(0).u(2, 0); // 4:2:0, 8 bit, no scaling lists
        w.ue(0).ue(poc_type);
        if (poc_type == 0)
            w.ue(2);
        w.ue(1).u(1, 0).ue(mbs_wide - 1).ue(mbs_high - 1).u(1, 1).u(1, 1);
        w.u(1, crop_right || crop_bottom);
        if (crop_right || crop_bottom)
            w.ue(0).ue(crop_right).ue(0).ue(crop_bottom);
        w.u(1, reorder.has_value());
        if (reorder)
            w.u(8, 0).u(1, 1).u(1, 1).ue(0).ue(0).ue(10).ue(10).ue(*reorder).ue(16);
        return w.nal({0x67});
    }
};

TEST(ParseSps, ReorderDepthOnlyWhereTheStreamSaysIt) {
    auto depth = [](const HandMade& sps) {
        auto info = parse_sps(Codec::h264, sps.nal());
        EXPECT_TRUE(info);
        return info ? info->reorder_depth : std::optional<unsigned>(99);
    };
    EXPECT_EQ(depth({}), std::nullopt);
    EXPECT_EQ(depth({.poc_type = 2}), 0u);
    EXPECT_EQ(depth({.reorder = 0}), 0u);
    EXPECT_EQ(depth({.reorder = 1}), 1u);
    EXPECT_EQ(depth({.reorder = 16}), 16u);
    EXPECT_EQ(depth({.reorder = 17}), std::nullopt); // more than any picture buffer holds
    EXPECT_EQ(depth({.poc_type = 2, .reorder = 3}), 3u);
    EXPECT_EQ(depth({.profile = 100, .constraints = 0x10}), 0u); // High Intra
    EXPECT_EQ(depth({.profile = 100}), std::nullopt);
    EXPECT_EQ(depth({.profile = 77, .constraints = 0x10}), std::nullopt); // the flag means level 1b here
}

TEST(ParseSps, SizesThatMakeSense) {
    auto size = [](const HandMade& sps) {
        auto info = parse_sps(Codec::h264, sps.nal());
        return info ? std::pair(info->width, info->height) : std::pair(0u, 0u);
    };
    const std::pair none(0u, 0u);
    EXPECT_EQ(size({.mbs_wide = 120, .mbs_high = 68, .crop_bottom = 4}), std::pair(1920u, 1080u));
    EXPECT_EQ(size({.mbs_wide = 1, .mbs_high = 1}), std::pair(16u, 16u));
    EXPECT_EQ(size({.mbs_wide = 1055, .mbs_high = 1}), std::pair(16880u, 16u));
    EXPECT_EQ(size({.mbs_wide = 1056, .mbs_high = 1}), none);
    EXPECT_EQ(size({.mbs_wide = 20, .mbs_high = 5000}), none);
    EXPECT_EQ(size({.mbs_wide = (1u << 28) + 20}), none);    // times 16 is 320 in 32 bits
    EXPECT_EQ(size({.crop_right = 160}), none);              // nothing left
    EXPECT_EQ(size({.crop_right = 1000}), none);             // less than nothing
    EXPECT_EQ(size({.crop_right = (1ull << 31) - 8}), none); // wraps to a wider picture
    EXPECT_EQ(size({.crop_right = 8}), std::pair(304u, 240u));
}

TEST(ParseSps, SubLayersOfH265) {
    for (unsigned layers = 0; layers < 8; layers++) {
        for (bool all_ordering : {false, true}) {
            BitWriter w;
            w.u(4, 0).u(3, layers).u(1, 1);
            w.u(2, 0).u(1, 1).u(5, 2).u(32, 0x60000000).u(48, 0).u(8, 150);
            for (unsigned i = 0; i < layers; i++) // every other one brings its own profile, every third its own level
                w.u(1, i % 2).u(1, i % 3 == 0);
            for (unsigned i = layers; layers && i < 8; i++)
                w.u(2, 0);
            for (unsigned i = 0; i < layers; i++)
                w.u(i % 2 ? 44 : 0, 0xfffffffffff).u(i % 2 ? 44 : 0, 0).u(i % 3 == 0 ? 8 : 0, 99);
            w.ue(0).ue(1).ue(1920).ue(1088).u(1, 1).ue(0).ue(0).ue(0).ue(4).ue(0).ue(0).ue(4).u(1, all_ordering);
            for (unsigned i = all_ordering ? 0 : layers; i <= layers; i++)
                w.ue(i + 1).ue(i).ue(0xfffffffe); // the longest code there is
            auto info = parse_sps(Codec::h265, w.nal({0x42, 0x01}));
            ASSERT_EQ(info.has_value(), layers < 7) << layers;
            if (!info)
                continue;
            EXPECT_EQ(info->width, 1920u);
            EXPECT_EQ(info->height, 1080u);
            EXPECT_EQ(info->profile_idc, 2u);
            EXPECT_EQ(info->level_idc, 150u);
            EXPECT_EQ(info->constraint_flags, 1u); // high tier
            EXPECT_EQ(info->reorder_depth, layers);
        }
    }
}

TEST(ParseSps, Damaged) {
    const Bytes h264 = hex("67640028acb200f0044fcb80880000030008000003019078c19240");
    const Bytes h265 = hex("42010101600000030090000003000003005da00280802d165959a4932bc05a020000030002000003003210");
    for (size_t n = 0; n < 12; n++)
        EXPECT_FALSE(parse_sps(Codec::h264, std::span(h264).first(n))) << n;
    for (size_t n = 0; n < 27; n++) // what is behind the reorder depth is not read
        EXPECT_FALSE(parse_sps(Codec::h265, std::span(h265).first(n))) << n;
    EXPECT_TRUE(parse_sps(Codec::h265, std::span(h265).first(29)));
    Bytes layer = h265;
    layer[1] |= 8; // nuh_layer_id 1
    EXPECT_FALSE(parse_sps(Codec::h265, layer));
    Bytes huge = h264;
    huge.resize(1 << 20, 0xff);
    EXPECT_FALSE(parse_sps(Codec::h264, huge));
    for (Codec codec : {Codec::h264, Codec::h265}) {
        // Whatever one flipped bit makes of it: a sane size or nothing.
        const Bytes& good = codec == Codec::h264 ? h264 : h265;
        for (size_t bit = 0; bit < good.size() * 8; bit++) {
            Bytes bad = good;
            bad[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
            if (auto info = parse_sps(codec, bad)) {
                EXPECT_TRUE(info->width > 0 && info->width <= 16888 && info->height > 0 && info->height <= 16888);
                EXPECT_LE(info->reorder_depth.value_or(0), 16u);
            }
        }
    }
}

} // namespace
