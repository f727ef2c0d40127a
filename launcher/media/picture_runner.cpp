// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_runner.hpp"

#include "launcher/media/jpeg_maker.hpp"
#include "launcher/media/picture_job.hpp"
#include "launcher/worker/inlet.hpp"
#include "launcher/worker/template_property.hpp"
#include "launcher/worker/transcode_job.hpp"
#include "plugins/core/call_later.hpp"

#include <string>
#include <utility>

namespace sluice {

struct PictureRunner::Task {
    TemplateChains job;
    Ref<GstCaps> caps;
    Ref<GstBuffer> picture;
};

namespace {

Error too_large() {
    return {ErrorKind::unavailable, "the JPEG would have more than " + std::to_string(max_wire_unit >> 20) +
                                        " MiB, which is the limit for snapshots"};
}

} // namespace

void PictureRunner::begin(TemplateChains job) {
    job_ = std::move(job);
    if (!std::exchange(loaded_, true))
        call_later([this, job = job_] { load(job); });
}

// What cannot be made is told with the first picture that needs it.
void PictureRunner::load(const TemplateChains& job) {
    for (const TemplateChain& chain : job.chains)
        if (const auto bin = make_chain(chain, job.settings))
            gst_element_set_state(bin.value().get(), GST_STATE_NULL);
    send_text(picture_ready_json().dump());
}

void PictureRunner::take(WireMessage& message) {
    if (message.header.type == WireType::track) {
        caps_ = adopt(gst_caps_from_string(std::string(message.text()).c_str()));
        return;
    }
    if (message.header.type != WireType::unit || !caps_ || !gst_caps_is_fixed(caps_.get()) || busy_.exchange(true))
        return;
    call_later([this, task = Task{job_, caps_, take_body(message)}] { make(task); });
}

void PictureRunner::make(const Task& task) {
    {
        auto maker = JpegMaker::create(task.job, task.caps.get());
        auto made = maker ? maker->make(task.picture.get(), patience) : Result<Ref<GBytes>>(maker.error());
        if (made && g_bytes_get_size(made.value().get()) > max_wire_unit)
            made = too_large();
        if (made) {
            gsize size = 0;
            const auto* data = static_cast<const char*>(g_bytes_get_data(made.value().get(), &size));
            send_(wire_text(WireType::unit, std::string(data, size)));
        } else {
            send_text(to_json(TranscodeFailure{TranscodeFailure::Part::decoder, made.error().text})
                          .dump(-1, ' ', false, Json::error_handler_t::replace));
        }
    }
    busy_ = false;
    send_text(picture_ready_json().dump());
}

void PictureRunner::send_text(const std::string& text) { send_(wire_text(WireType::event, text)); }

} // namespace sluice
