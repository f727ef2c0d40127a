// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <span>

namespace sluice {

// The bytes of a buffer, readable as long as this lives.
class MappedBuffer {
public:
    explicit MappedBuffer(GstBuffer* b) : buffer_(b), ok_(gst_buffer_map(b, &info_, GST_MAP_READ)) {}
    ~MappedBuffer() {
        if (ok_)
            gst_buffer_unmap(buffer_, &info_);
    }
    MappedBuffer(const MappedBuffer&) = delete;
    MappedBuffer& operator=(const MappedBuffer&) = delete;
    explicit operator bool() const { return ok_; }
    std::span<const uint8_t> data() const { return {info_.data, info_.size}; }

private:
    GstBuffer* const buffer_;
    GstMapInfo info_{};
    const bool ok_;
};

} // namespace sluice
