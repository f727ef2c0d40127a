// SPDX-License-Identifier: LGPL-2.1-or-later
// A source that is another stream of the same camera, decoded and encoded by a worker process.
#pragma once

#include "launcher/camera/worker_source.hpp"
#include "launcher/config/config.hpp"
#include "plugins/core/sluicechannel.h"

namespace sluice {

constexpr const char* transcoded_caps =
    "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";

class Transcode final : public WorkerSource {
public:
    // channel: of the derived stream, "front/web".
    Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const DerivedConfig& config,
              Transcoding& transcoding);

private:
    Result<WorkerFeed::Task> task() override;

    const std::string channel_;
    const DerivedConfig config_;
    std::unique_ptr<Transcoding::Permit> permit_;
    Ref<SluiceChannel> from_;
};

} // namespace sluice
