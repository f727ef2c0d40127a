// SPDX-License-Identifier: LGPL-2.1-or-later
// A source whose template runs in a worker process.
#pragma once

#include "launcher/camera/worker_source.hpp"
#include "launcher/config/source_template.hpp"

namespace sluice {

class TemplateSource final : public WorkerSource {
public:
    // channel: of the stream, "front/main".
    TemplateSource(const Ref<GstElement>& pipeline, const std::string& channel, const SourceTemplate& source_template,
                   const SourceConfig& source, Transcoding& transcoding);

    bool tells_progress() const override { return true; }

private:
    Result<WorkerFeed::Task> task() override;

    const SourceTemplate& template_;
    const SourceConfig source_;
};

} // namespace sluice
