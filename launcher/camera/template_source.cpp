// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/template_source.hpp"

namespace sluice {

namespace {

// A camera that is left without a word keeps its session for a minute, and some have two.
constexpr std::chrono::seconds farewell{2};

} // namespace

TemplateSource::TemplateSource(const Ref<GstElement>& pipeline, const std::string& channel,
                               const SourceTemplate& source_template, const SourceConfig& source,
                               Transcoding& transcoding)
    : WorkerSource(pipeline, channel, transcoding), template_(source_template), source_(source) {
    // It decides what is a key unit, and here this is decided once more.
    if (source_template.pipeline.find("recovery-points=true") != std::string::npos)
        if (const auto fanout = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "fanout")))
            g_object_set(fanout.get(), "recovery-points", TRUE, nullptr);
}

Result<WorkerFeed::Task> TemplateSource::task() {
    if (uses_element(template_, chosen_encoder) && named_encoder(template_, source_.parameters).empty())
        if (const auto chosen = choose_encoder(); !chosen)
            return chosen.error();
    return WorkerFeed::Task{.name = channel(),
                            .job = to_json(SourceJob{template_.text, source_, encoder()}),
                            .from = nullptr,
                            .grace = farewell};
}

} // namespace sluice
