// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/unit_maker.hpp"

#include "plugins/core/jpeg.hpp"
#include "plugins/core/mapped_buffer.hpp"
#include "plugins/core/sound_packet.hpp"

#include <algorithm>

namespace sluice {

namespace {

// 1900 to 1970 (RFC 5905, figure 4).
constexpr GstClockTime ntp_to_unix = 2208988800u * GST_SECOND;

// Holds no more memory than its size says, and no pool waits for it.
bool is_tight(GstBuffer* b) {
    if (b->pool || gst_buffer_n_memory(b) != 1)
        return false;
    gsize max_size = 0;
    const gsize size = gst_buffer_get_sizes(b, nullptr, &max_size);
    return max_size <= size + size / 4 + 256;
}

Ref<GstBuffer> share(GstBuffer* b) { return adopt(gst_buffer_copy_region(b, GST_BUFFER_COPY_MEMORY, 0, -1)); }

Ref<GstBuffer> copy_parts(std::span<const uint8_t> before, std::span<const uint8_t> data) {
    auto out = adopt(gst_buffer_new_allocate(nullptr, before.size() + data.size(), nullptr));
    gst_buffer_fill(out.get(), 0, before.data(), before.size());
    gst_buffer_fill(out.get(), before.size(), data.data(), data.size());
    return out;
}

// When it was captured, by the sender's wall clock, if somebody upstream knows it (RTCP sender reports).
std::optional<GstClockTime> capture_time_of(GstBuffer* buffer) {
    std::optional<GstClockTime> from_ntp;
    gpointer state = nullptr;
    while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
        const auto* reference = reinterpret_cast<GstReferenceTimestampMeta*>(meta);
        const GstClockTime t = reference->timestamp;
        if (!GST_CLOCK_TIME_IS_VALID(t) || gst_caps_get_size(reference->reference) == 0)
            continue;
        const GstStructure* s = gst_caps_get_structure(reference->reference, 0);
        if (gst_structure_has_name(s, "timestamp/x-unix"))
            return t;
        if (gst_structure_has_name(s, "timestamp/x-ntp") && t > ntp_to_unix)
            from_ntp = t - ntp_to_unix;
    }
    return from_ntp;
}

} // namespace

void UnitMaker::set_codec(Codec codec) {
    if (std::exchange(codec_, codec) == codec)
        return;
    parameter_sets_ = {};
    fault_.clear();
}

std::optional<UnitMaker::Parts> UnitMaker::parse(std::span<const uint8_t> data) {
    Parts parts;
    parts.nals = split_annex_b(data, codec_);
    // Delimiters stand first; each would be an RTP packet of its own for every viewer.
    const auto first = std::find_if(parts.nals.begin(), parts.nals.end(),
                                    [this](const NalUnit& n) { return !is_delimiter(codec_, n.type); });
    const bool delimited = first != parts.nals.begin();
    parts.nals.erase(parts.nals.begin(), first);
    if (parts.nals.empty())
        return std::nullopt;
    parameter_sets_.learn(codec_, data, parts.nals);
    bool slices = false;
    for (const NalUnit& n : parts.nals) {
        slices |= is_slice(codec_, n.type);
        parts.key |= is_random_access(codec_, n.type);
    }
    if (!slices)
        return std::nullopt; // parameter sets alone: remembered, and put before the next key unit
    if (!parts.key && recovery_points_)
        parts.key = is_recovery_start(codec_, data, parts.nals);
    if (!parameter_sets_.complete(codec_))
        parts.key = false; // nobody could decode from here
    if (delimited) {
        size_t cut = parts.nals.front().offset;
        while (cut > 0 && data[cut - 1] != 1)
            --cut;
        parts.cut = cut >= 4 && data[cut - 4] == 0 ? cut - 4 : cut >= 3 ? cut - 3 : 0;
        for (NalUnit& n : parts.nals)
            n.offset -= static_cast<uint32_t>(parts.cut);
    }
    return parts;
}

// Of what stands alone; nothing: it is no picture that is taken, no packet.
std::optional<uint32_t> UnitMaker::ticks_of(std::span<const uint8_t> data) {
    fault_.clear();
    if (codec_ != Codec::jpeg)
        return sound_ticks(codec_, data);
    const auto size = jpeg_size(data);
    if (!size)
        return std::nullopt;
    if (!is_too_large(*size, data.size()))
        return 0;
    fault_ = "The picture is a JPEG of " + std::to_string(size->width) + "x" + std::to_string(size->height) + " in " +
             std::to_string(data.size()) + " bytes, allowed: " + max_jpeg_text;
    return std::nullopt;
}

std::optional<bool> UnitMaker::look(GstBuffer* buffer) {
    const MappedBuffer map(buffer);
    if (!map || map.data().empty() || codec_ == Codec::other)
        return std::nullopt;
    if (stands_alone())
        return ticks_of(map.data()) ? std::optional(true) : std::nullopt;
    const auto parts = parse(map.data());
    return parts ? std::optional(parts->key) : std::nullopt;
}

std::shared_ptr<AccessUnit> UnitMaker::make(GstBuffer* buffer) {
    const MappedBuffer map(buffer);
    if (!map || map.data().empty() || codec_ == Codec::other)
        return nullptr;
    auto unit = std::make_shared<AccessUnit>();
    unit->capture_time = capture_time_of(buffer);
    if (stands_alone()) {
        const auto ticks = ticks_of(map.data());
        if (!ticks)
            return nullptr;
        unit->ticks = *ticks;
        unit->key = true;
        unit->buffer = is_tight(buffer) ? share(buffer) : copy_parts({}, map.data());
        unit->bytes = static_cast<uint32_t>(map.data().size());
        return unit;
    }
    auto parts = parse(map.data());
    if (!parts)
        return nullptr;
    unit->key = parts->key;
    unit->nals = std::move(parts->nals);
    std::vector<uint8_t> before;
    if (unit->key)
        before = parameter_sets_.missing(unit->nals);
    if (before.empty() && parts->cut == 0 && is_tight(buffer)) {
        unit->buffer = share(buffer);
    } else {
        unit->buffer = copy_parts(before, map.data().subspan(parts->cut));
        if (!before.empty()) {
            const auto added = split_annex_b(before, codec_);
            for (NalUnit& n : unit->nals)
                n.offset += static_cast<uint32_t>(before.size());
            unit->nals.insert(unit->nals.begin(), added.begin(), added.end());
        }
    }
    gsize max_size = 0;
    gst_buffer_get_sizes(unit->buffer.get(), nullptr, &max_size);
    unit->bytes = static_cast<uint32_t>(max_size);
    return unit;
}

} // namespace sluice
