// SPDX-License-Identifier: LGPL-2.1-or-later
// In a worker process: one key frame becomes one JPEG, by a small pipeline that lives for that picture.
#pragma once

#include "launcher/worker/template_chains.hpp"
#include "plugins/core/refs.hpp"
#include "plugins/core/result.hpp"

#include <gst/gst.h>

#include <chrono>
#include <memory>

namespace sluice {

// Blocks. What has been made is there before the pipeline is taken down, which may hang when a decoder does: that is what the
// destructor waits for.
class JpegMaker {
public:
    // job: of the template `snapshot`; caps: of the picture. Error (unavailable): an element is missing, with the package that has
    // it, or the template does not fit.
    static Result<JpegMaker> create(const TemplateChains& job, GstCaps* caps);
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
