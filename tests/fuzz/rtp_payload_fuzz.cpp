// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as an access unit: codec, where its NAL units come from, largest payload, then the access unit. What a strict
// receiver makes of the payloads is what was given.
#include "plugins/core/rtp_payload.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/lsan_quarks.hpp"
#include "tests/support/rtp_depayload.hpp"

#include <algorithm>

using namespace sluice;
using test::Bytes;

namespace {

bool is_sent(Codec codec, const NalUnit& n, size_t size) {
    const uint32_t header = codec == Codec::h265 ? 2 : 1;
    const bool inside = n.size >= header && n.offset <= size && n.size <= size - n.offset;
    const bool rtp_only = codec == Codec::h265 ? n.type >= 48 : n.type == 0 || n.type >= 24;
    return inside && !rtp_only && !is_delimiter(codec, n.type);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool ready = [] {
        test::forgive_quark_table();
        return gst_init_check(nullptr, nullptr, nullptr);
    }();
    FUZZ_CHECK(ready);
    constexpr Codec codecs[] = {Codec::h264, Codec::h265, Codec::pcmu, Codec::opus};

    test::FuzzInput input(data, size);
    const uint8_t how = input.byte();
    const Codec codec = codecs[how & 3];
    const uint32_t max = how & 4 ? rtp_max_payload : input.u16();
    std::vector<NalUnit> wrong;
    if (how & 8) { // positions nobody checked
        for (unsigned i = 0, count = input.byte() % 8; i < count; i++) {
            const uint32_t offset = input.u32(), length = input.u32();
            wrong.push_back({offset, length, static_cast<uint8_t>(input.byte() & 63)});
        }
    }
    const auto unit = input.rest();
    auto memory = adopt(gst_allocator_alloc(nullptr, unit.size(), nullptr));
    GstMapInfo map;
    FUZZ_CHECK(gst_memory_map(memory.get(), &map, GST_MAP_WRITE));
    std::copy(unit.begin(), unit.end(), map.data);
    gst_memory_unmap(memory.get(), &map);

    auto nals = split_annex_b(unit, codec);
    for (NalUnit& n : wrong) { // the type must fit the bytes, as split_annex_b's does; the position need not
        if (n.offset < unit.size())
            n.type = codec == Codec::h265 ? (unit[n.offset] >> 1) & 63 : unit[n.offset] & 31;
        nals.push_back(n);
    }
    const auto payloads = make_rtp_payloads(codec, memory.get(), nals, max);

    std::vector<Bytes> sent, received;
    const uint32_t limit = std::clamp<uint32_t>(max, 16, 65535);
    if (is_video(codec)) {
        for (const NalUnit& n : nals) {
            if (is_sent(codec, n, unit.size()))
                sent.emplace_back(unit.begin() + n.offset, unit.begin() + n.offset + n.size);
        }
        test::Depayloader receiver(codec);
        for (size_t i = 0; i < payloads.size(); i++) {
            const Bytes p = test::whole(payloads[i]);
            FUZZ_CHECK(p.size() == payloads[i].prefix_size + size_t{payloads[i].body_size});
            FUZZ_CHECK(p.size() <= limit);
            FUZZ_CHECK(payloads[i].marker == (i + 1 == payloads.size()));
            FUZZ_CHECK(receiver.add(p));
        }
        FUZZ_CHECK(receiver.complete());
        received = receiver.nals();
    } else {
        Bytes joined;
        for (const RtpPayload& p : payloads) {
            FUZZ_CHECK(p.prefix_size == 0 && p.body_size > 0 && (codec == Codec::opus || p.body_size <= limit));
            const Bytes b = test::whole(p);
            joined.insert(joined.end(), b.begin(), b.end());
        }
        sent.emplace_back(unit.begin(), unit.end());
        received.push_back(joined);
    }
    FUZZ_CHECK(received == sent);
    return 0;
}
