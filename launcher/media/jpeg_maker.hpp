// SPDX-License-Identifier: LGPL-2.1-or-later
// One key frame becomes one JPEG: a small pipeline that lives for that picture.
#pragma once

#include "launcher/media/key_picture.hpp"

#include <chrono>
#include <string>

namespace sluice {

// Blocks; not for the main context. What has been made is there before the pipeline is taken down, which may hang when a
// decoder does: that is what the destructor waits for.
class JpegMaker {
public:
    // width: of the result, 0 as it comes. Error (unavailable): an element is missing, with the package that has it.
    static Result<JpegMaker> create(Codec codec, GstCaps* caps, unsigned width);
    JpegMaker(JpegMaker&&) = default;
    JpegMaker& operator=(JpegMaker&&) = delete;
    ~JpegMaker();

    // Error (unavailable): it cannot be decoded, or not within the time.
    Result<Ref<GBytes>> make(GstBuffer* picture, std::chrono::milliseconds time);

private:
    JpegMaker() = default;
    Ref<GstElement> pipeline_, source_;
    Ref<GstBus> bus_;
    std::shared_ptr<Ref<GBytes>> result_; // written by the pipeline's thread before it says that it has ended
};

} // namespace sluice
