// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_job.hpp"

namespace sluice {

namespace {

constexpr const char *job_field = "snapshot", *ready_field = "ready";

} // namespace

Result<TemplateChains> picture_chains(const Templates& templates, unsigned width) {
    const SourceTemplate* found = templates.find(snapshot_template);
    if (!found)
        return Error{ErrorKind::unavailable, std::string("snapshots need the template ") + snapshot_template +
                                                 ", which none of the directories of templates has (SLUICE_PIPELINES)"};
    std::map<std::string, ParameterValue> values;
    if (width)
        values.emplace(snapshot_width, int64_t(width));
    return chains_of(*found, values);
}

Json picture_job_json(const TemplateChains& job) {
    Json chains;
    put_chains(chains, job.chains, job.settings);
    return {{job_field, std::move(chains)}};
}

std::optional<TemplateChains> picture_job(const Json& value) {
    const auto it = value.is_object() ? value.find(job_field) : value.end();
    TemplateChains job;
    if (it == value.end() || !it->is_object() || !take_chains(*it, job.chains, job.settings))
        return std::nullopt;
    return job;
}

Json picture_ready_json() { return {{ready_field, true}}; }

bool is_picture_ready(const Json& value) { return value.is_object() && value.value(ready_field, Json()) == true; }

} // namespace sluice
