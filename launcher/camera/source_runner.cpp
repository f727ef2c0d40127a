// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/source_runner.hpp"

#include <atomic>
#include <utility>

namespace sluice {

namespace {

constexpr std::chrono::milliseconds farewell{1500}; // the launcher waits a little longer
constexpr std::chrono::milliseconds tell_data{500};

} // namespace

// The launcher's encoder, for elements whose description names none.
struct SourceRunner::Choice {
    const std::string encoder;
    std::atomic<bool> taken{false};

    void offer(GstElement* element) {
        GstElementFactory* factory = gst_element_get_factory(element);
        if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), chosen_encoder) ||
            !g_object_class_find_property(G_OBJECT_GET_CLASS(element), "encoder"))
            return;
        char* raw = nullptr;
        g_object_get(element, "encoder", &raw, nullptr);
        if (const GString8 described(raw); described && *described)
            return;
        g_object_set(element, "encoder", encoder.c_str(), nullptr);
        taken = true;
    }
    // Also those that come later.
    static void offer_all(GstElement* pipeline, const std::shared_ptr<Choice>& choice) {
        GstIterator* it = gst_bin_iterate_recurse(GST_BIN(pipeline));
        gst_iterator_foreach(
            it,
            [](const GValue* item, gpointer self) {
                static_cast<Choice*>(self)->offer(GST_ELEMENT(g_value_get_object(item)));
            },
            choice.get());
        gst_iterator_free(it);
        using Holder = std::shared_ptr<Choice>;
        g_signal_connect_data(
            pipeline, "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* element, gpointer holder) {
                (*static_cast<Holder*>(holder))->offer(element);
            }),
            new Holder(choice), [](gpointer holder, GClosure*) { delete static_cast<Holder*>(holder); },
            GConnectFlags(0));
    }
};

SourceRunner::SourceRunner(SourceJob job, const std::string& channel, Tell tell, std::function<void()> watchable)
    : job_(std::move(job)), choice_(std::make_shared<Choice>(job_.encoder)), tell_(std::move(tell)),
      watchable_(std::move(watchable)) {
    begin(channel);
}

SourceRunner::~SourceRunner() {
    pipeline_.reset();
    teardown_.wait_all(farewell);
}

void SourceRunner::begin(const std::string& channel) {
    std::vector<ConfigError> errors;
    SourceTemplate parsed = parse_template(job_.template_text, errors);
    if (!errors.empty())
        return fail(to_string("template", errors.front()));
    templates_.add(std::move(parsed));
    using Kind = SourceEvent::Kind;
    SourceEvents events;
    events.connected = [this] { tell_({.kind = Kind::connected, .failure = {}}); };
    events.handshake_done = [this] { tell_({.kind = Kind::handshake_done, .failure = {}}); };
    events.key_unit = [this] {
        look_timer_.clear();
        watchable_();
    };
    events.failed = [this](SourceFailure failure) {
        failure.of_encoder =
            failure.of_encoder && choice_->taken; // a description's own is no business of the launcher's
        tell_({.kind = Kind::failed, .failure = std::move(failure)});
    };
    auto pipeline = SourcePipeline::create(templates_, job_.source, channel, teardown_, std::move(events));
    if (!pipeline)
        return fail(pipeline.error().text);
    pipeline_ = std::move(pipeline).value();
    if (!job_.encoder.empty())
        Choice::offer_all(pipeline_->element(), choice_);
    pipeline_->start(SourcePipeline::Mode::at_once);
    look_timer_.set(SourcePipeline::Time::clock::now() + tell_data);
}

// A camera that was joined in the middle of a GOP has time to send the next key unit.
void SourceRunner::look() {
    if (const auto last = pipeline_->progress().last_video; last && last != data_) {
        data_ = last;
        tell_({.kind = SourceEvent::Kind::data, .failure = {}});
    }
    look_timer_.set(SourcePipeline::Time::clock::now() + tell_data);
}

void SourceRunner::fail(const std::string& reason) {
    tell_({.kind = SourceEvent::Kind::failed, .failure = {.kind = FailureClass::codec, .reason = reason}});
}

} // namespace sluice
