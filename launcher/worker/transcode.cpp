// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode.hpp"

#include "hw/elements.hpp"
#include "launcher/worker/template_property.hpp"
#include "plugins/core/error_text.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice {

namespace {

constexpr unsigned usual_framerate = 25;
constexpr size_t most_past = 4096; // more pictures than a channel holds

bool is_picture(const std::string& caps) { return caps.starts_with("video/") || caps.starts_with("image/"); }

unsigned framerate_of(const TranscodeJob& job, const GstCaps* caps) {
    int numerator = 0, denominator = 1;
    const GstStructure* s = gst_caps_get_structure(caps, 0);
    if (!gst_structure_get_fraction(s, "framerate", &numerator, &denominator) || numerator <= 0 || denominator <= 0)
        return job.framerate ? job.framerate : usual_framerate;
    const auto rate = static_cast<unsigned>((int64_t(numerator) + denominator / 2) / denominator);
    return std::max(1u, job.framerate ? std::min(rate, job.framerate) : rate);
}

void set_bitrate(GstElement* encoder, uint64_t bits_per_second) {
    g_object_set(encoder, "bitrate", static_cast<unsigned>(std::max<uint64_t>(1, bits_per_second / 1000)), nullptr);
}

} // namespace

Result<std::unique_ptr<TranscodePipeline>> TranscodePipeline::create(const TranscodeJob& job,
                                                                     const std::string& channel, Failed failed) {
    Ref<GstElement> pipeline = sink(gst_pipeline_new("transcode"));
    Ref<GstElement> fanout = ref(gst_element_factory_make("fanoutsink", "fanout"));
    if (!fanout)
        return Error{ErrorKind::unavailable, "the element fanoutsink cannot be made; install Sluice, or set "
                                             "GST_PLUGIN_PATH"};
    g_object_set(fanout.get(), "channel", channel.c_str(), "key-unit-requests", TRUE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), fanout.get());
    return std::unique_ptr<TranscodePipeline>(
        new TranscodePipeline(job, std::move(pipeline), std::move(fanout), std::move(failed)));
}

TranscodePipeline::TranscodePipeline(const TranscodeJob& job, Ref<GstElement> pipeline, Ref<GstElement> fanout,
                                     Failed failed)
    : job_(job), pipeline_(std::move(pipeline)), fanout_(std::move(fanout)), failed_(std::move(failed)),
      bitrate_(job_.bitrate),
      inlet_(std::make_unique<Inlet>(
          pipeline_.get(), [this](GstElement* source, const GstCaps* caps) { return link_track(source, caps); })) {
    const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer self) {
            static_cast<TranscodePipeline*>(self)->handle(message);
            gst_message_unref(message);
            return GST_BUS_DROP;
        },
        this, nullptr);
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

TranscodePipeline::~TranscodePipeline() {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

void TranscodePipeline::take(WireMessage& message) {
    const WireHeader& h = message.header;
    if (h.type == WireType::bitrate)
        return take_bitrate(message);
    if (h.type == WireType::track)
        take_caps(message);
    if (h.type == WireType::unit && h.flags & WireHeader::past && h.track == video_) {
        std::lock_guard lock(mutex_);
        past_.insert(h.time);
        if (past_.size() > most_past) // a template without an element "decoder" asks for none of them
            past_.erase(past_.begin());
    }
    if (const auto taken = inlet_->take(message); !taken)
        fail(TranscodeFailure::Part::source, taken.error().text);
}

// What its encoder cannot do while it plays is not asked for (Transcoding::follows_rate).
void TranscodePipeline::take_bitrate(const WireMessage& message) {
    const std::string_view text = message.text();
    uint64_t wanted = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), wanted).ec != std::errc() || wanted == 0)
        return;
    bitrate_ = wanted;
    if (rated_)
        set_bitrate(rated_.get(), bitrate_);
}

// A decoder is made for one codec.
void TranscodePipeline::take_caps(const WireMessage& message) {
    const std::string caps(message.text());
    if (!is_picture(caps))
        return;
    const std::string codec = caps.substr(0, caps.find(','));
    if (video_ && (codec != codec_ || video_ != message.header.track))
        fail(TranscodeFailure::Part::source, "the source's video is another one now");
    video_ = message.header.track;
    codec_ = codec;
}

bool TranscodePipeline::link_track(GstElement* source, const GstCaps* caps) {
    const std::string name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    const TemplateChain* chain = chain_for(job_.chains, caps);
    if (!chain && !is_picture(name))
        return gst_element_link_pads(source, "src", fanout_.get(), "sink_%u");
    if (!chain) {
        fail(TranscodeFailure::Part::decoder, "the template takes no " + name);
        return false;
    }
    const auto linked = link_chain(source, caps, *chain);
    if (!linked)
        fail(TranscodeFailure::Part::source, linked.error().text);
    return bool(linked);
}

// What an element has to say against it comes by the bus.
Result<bool> TranscodePipeline::link_chain(GstElement* source, const GstCaps* caps, const TemplateChain& chain) {
    const auto made = make_chain(chain, job_.settings);
    if (!made)
        return made.error();
    const Ref<GstElement>& bin = made.value();
    set_up(bin.get(), caps);
    gst_bin_add(GST_BIN(pipeline_.get()), bin.get());
    if (!gst_element_link_pads(source, "src", bin.get(), "sink") ||
        !gst_element_link_pads(bin.get(), "src", fanout_.get(), "sink_%u"))
        return Error{ErrorKind::bad_config,
                     "the template: its chain does not fit between the track and the fanoutsink"};
    gst_element_sync_state_with_parent(bin.get());
    return true;
}

void TranscodePipeline::set_up(GstElement* bin, const GstCaps* caps) {
    if (!is_picture(gst_structure_get_name(gst_caps_get_structure(caps, 0))) || decoder_ || encoder_ || rated_)
        return; // the elements of these names are those of the picture's chain
    if (auto decoder = adopt(gst_bin_get_by_name(GST_BIN(bin), "decoder"))) {
        drop_past(decoder.get());
        decoder_ = std::move(decoder);
    }
    Ref<GstElement> encoder = adopt(gst_bin_get_by_name(GST_BIN(bin), "encoder"));
    if (!encoder || G_OBJECT_TYPE(encoder.get()) != hw::encoder_element_type())
        return;
    if (bitrate_) {
        set_bitrate(encoder.get(), bitrate_);
        rated_ = encoder;
    }
    if (job_.gop_ms)
        g_object_set(encoder.get(), "key-int-max", std::max(1u, framerate_of(job_, caps) * job_.gop_ms / 1000),
                     nullptr);
    char* wanted = nullptr;
    g_object_get(encoder.get(), "encoder", &wanted, nullptr);
    if (const GString8 of_template(wanted); of_template && *of_template)
        return; // its failure says nothing of the ladder's
    g_object_set(encoder.get(), "encoder", job_.encoder.c_str(), nullptr);
    encoder_ = std::move(encoder);
}

void TranscodePipeline::drop_past(GstElement* decoder) {
    const auto pad = adopt(gst_element_get_static_pad(decoder, "src"));
    if (!pad)
        return;
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer data) {
            auto* self = static_cast<TranscodePipeline*>(data);
            const GstClockTime time = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
            std::lock_guard lock(self->mutex_);
            const bool past = self->past_.erase(time) > 0;
            self->past_.erase(self->past_.begin(), self->past_.lower_bound(time)); // those were not decoded
            return past ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
        },
        this, nullptr);
}

void TranscodePipeline::handle(GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return;
    const auto from = [&](const Ref<GstElement>& element) {
        return element && gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(element.get()));
    };
    fail(from(encoder_)   ? TranscodeFailure::Part::encoder
         : from(decoder_) ? TranscodeFailure::Part::decoder
                          : TranscodeFailure::Part::source,
         std::string(GST_MESSAGE_SRC_NAME(message)) + ": " + error_text(message));
}

} // namespace sluice
