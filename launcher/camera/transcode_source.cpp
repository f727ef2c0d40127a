// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/transcode_source.hpp"

#include "plugins/core/channel_access.hpp"

namespace sluice {

Transcode::Transcode(const Ref<GstElement>& pipeline, const std::string& channel, const DerivedConfig& config,
                     Transcoding& transcoding)
    : WorkerSource(pipeline, transcoding), channel_(channel), config_(config) {}

Result<WorkerFeed::Task> Transcode::task() {
    auto permit = transcoding().request();
    if (!permit)
        return permit.error();
    const auto encoder = choose_encoder();
    if (!encoder)
        return encoder.error();
    permit_ = std::move(permit).value();
    from_ = adopt(sluice_channel_get((channel_.substr(0, channel_.find('/') + 1) + config_.from).c_str()));
    return WorkerFeed::Task{.name = channel_,
                            .job = to_json(TranscodeJob{.encoder = encoder.value(),
                                                        .width = config_.width,
                                                        .height = config_.height,
                                                        .framerate = config_.framerate,
                                                        .bitrate = config_.bitrate * uint64_t(1000)}),
                            .from = channel_of(from_.get())};
}

} // namespace sluice
