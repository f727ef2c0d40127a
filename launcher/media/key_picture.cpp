// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/key_picture.hpp"

#include "plugins/core/jpeg.hpp"
#include "plugins/core/mapped_buffer.hpp"

namespace sluice {

namespace {

constexpr uint8_t h264_sps = 7, h265_sps = 33; // nal_unit_type

struct Size {
    unsigned width, height;
};

std::optional<Size> size_of(const AccessUnit& unit) {
    const MappedBuffer bytes(unit.buffer.get());
    const Codec codec = unit.track->codec;
    if (bytes && codec == Codec::jpeg)
        if (const auto size = jpeg_size(bytes.data()))
            return Size{size->width, size->height};
    for (const NalUnit& nal : unit.nals)
        if (bytes && nal.type == (codec == Codec::h264 ? h264_sps : h265_sps) &&
            nal.offset + uint64_t(nal.size) <= bytes.data().size())
            if (const auto info = parse_sps(codec, bytes.data().subspan(nal.offset, nal.size)))
                return Size{info->width, info->height};
    return std::nullopt;
}

} // namespace

Result<KeyPicturePtr> key_picture(AccessUnitPtr unit, ChannelTime now, int64_t unix_us) {
    if (!unit || !unit->track || !is_video(unit->track->codec))
        return Error{ErrorKind::unavailable, "the camera sends no pictures that can be decoded"};
    const auto size = size_of(*unit);
    if (!size || size->width == 0 || size->height == 0)
        return Error{ErrorKind::unavailable, "the camera's picture does not say how large it is"};
    if (uint64_t(size->width) * size->height > max_picture_samples)
        return Error{ErrorKind::unavailable, "the camera's picture is larger than " +
                                                 std::to_string(max_picture_samples / 1'000'000) +
                                                 " million samples, which is the limit for snapshots"};
    KeyPicture out;
    out.width = size->width;
    out.height = size->height;
    const auto age_us = static_cast<int64_t>(now > unit->time ? (now - unit->time) / 1000 : 0);
    out.taken_us = unix_us - age_us;
    if (unit->capture_time)
        out.camera_us = static_cast<int64_t>(*unit->capture_time / 1000);
    out.unit = std::move(unit);
    return KeyPicturePtr(std::make_shared<const KeyPicture>(std::move(out)));
}

Ref<GBytes> own_jpeg(const AccessUnitPtr& unit) {
    struct Held {
        AccessUnitPtr unit;
        MappedBuffer bytes;
    };
    if (unit->track->codec != Codec::jpeg)
        return nullptr;
    auto held = std::unique_ptr<Held>(new Held{unit, MappedBuffer(unit->buffer.get())});
    const auto data = held->bytes.data();
    if (!held->bytes || !is_whole_jpeg(data))
        return nullptr;
    return adopt(g_bytes_new_with_free_func(
        data.data(), data.size(), [](gpointer p) { delete static_cast<Held*>(p); }, held.release()));
}

} // namespace sluice
