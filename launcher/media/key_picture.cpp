// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/key_picture.hpp"

#include "plugins/core/mapped_buffer.hpp"

namespace sluice {

namespace {

constexpr uint8_t h264_sps = 7, h265_sps = 33; // nal_unit_type

std::optional<SequenceInfo> sequence_of(const AccessUnit& unit) {
    const MappedBuffer bytes(unit.buffer.get());
    const Codec codec = unit.track->codec;
    for (const NalUnit& nal : unit.nals)
        if (bytes && nal.type == (codec == Codec::h264 ? h264_sps : h265_sps) &&
            nal.offset + uint64_t(nal.size) <= bytes.data().size())
            if (const auto info = parse_sps(codec, bytes.data().subspan(nal.offset, nal.size)))
                return info;
    return std::nullopt;
}

} // namespace

Result<KeyPicturePtr> key_picture(AccessUnitPtr unit, ChannelTime now, int64_t unix_us) {
    if (!unit || !unit->track || !is_video(unit->track->codec))
        return Error{ErrorKind::unavailable, "the camera sends no pictures that can be decoded"};
    const auto info = sequence_of(*unit);
    if (!info || info->width == 0 || info->height == 0)
        return Error{ErrorKind::unavailable, "the camera's picture does not say how large it is"};
    if (uint64_t(info->width) * info->height > max_picture_samples)
        return Error{ErrorKind::unavailable, "the camera's picture is larger than " +
                                                 std::to_string(max_picture_samples / 1'000'000) +
                                                 " million samples, which is the limit for snapshots"};
    KeyPicture out;
    out.width = info->width;
    out.height = info->height;
    const auto age_us = static_cast<int64_t>(now > unit->time ? (now - unit->time) / 1000 : 0);
    out.taken_us = unix_us - age_us;
    if (unit->capture_time)
        out.camera_us = static_cast<int64_t>(*unit->capture_time / 1000);
    out.unit = std::move(unit);
    return KeyPicturePtr(std::make_shared<const KeyPicture>(std::move(out)));
}

} // namespace sluice
