// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/transcode.hpp"

#include "hw/encoder_bin.hpp"
#include "hw/profiles.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice {

namespace {

// Raw pictures: what does not fit is left out, the newest stay. One for the encoder, one behind it.
constexpr const char* raw_queue = "queue max-size-buffers=2 max-size-bytes=0 max-size-time=0 leaky=downstream";
constexpr const char* h264_end =
    "h264parse config-interval=-1 ! capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au";
constexpr unsigned usual_framerate = 25;

// The best that takes it; those that need hardware stand first where there is any.
Ref<GstElement> make_decoder(const GstCaps* caps) {
    GList* all = gst_element_factory_list_get_elements(
        GST_ELEMENT_FACTORY_TYPE_DECODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO | GST_ELEMENT_FACTORY_TYPE_MEDIA_IMAGE,
        GST_RANK_MARGINAL);
    GList* fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
    fit = g_list_sort(fit, gst_plugin_feature_rank_compare_func);
    Ref<GstElement> out;
    for (GList* item = fit; item && !out; item = item->next)
        out = sink(gst_element_factory_create(GST_ELEMENT_FACTORY(item->data), nullptr));
    gst_plugin_feature_list_free(fit);
    gst_plugin_feature_list_free(all);
    return out;
}

bool is_picture(const char* caps) { return g_str_has_prefix(caps, "video/") || g_str_has_prefix(caps, "image/"); }

void set_if_there(GstElement* element, const char* property, const char* value) {
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
        gst_util_set_object_arg(G_OBJECT(element), property, value);
}

std::string limits_of(const TranscodeJob& job) {
    std::string out = "capsfilter caps=video/x-raw";
    if (job.width)
        out += ",width=[16," + std::to_string(job.width) + "]";
    if (job.height)
        out += ",height=[16," + std::to_string(job.height) + "]";
    return out + ",pixel-aspect-ratio=1/1";
}

unsigned framerate_of(const TranscodeJob& job, const GstCaps* caps) {
    int numerator = 0, denominator = 1;
    const GstStructure* s = gst_caps_get_structure(caps, 0);
    if (!gst_structure_get_fraction(s, "framerate", &numerator, &denominator) || numerator <= 0 || denominator <= 0)
        return job.framerate ? job.framerate : usual_framerate;
    const auto rate = static_cast<unsigned>((numerator + denominator / 2) / denominator);
    return std::max(1u, job.framerate ? std::min(rate, job.framerate) : rate);
}

} // namespace

Result<std::unique_ptr<TranscodePipeline>> TranscodePipeline::create(const TranscodeJob& job,
                                                                     const std::string& channel, Failed failed) {
    auto profiles = hw::load_profiles(hw::profile_directories());
    if (!profiles)
        return profiles.error();
    const hw::EncoderProfile* profile = profiles->encoder(job.encoder);
    if (!profile)
        return Error{ErrorKind::unavailable, "there is no encoder " + job.encoder};
    Ref<GstElement> pipeline = sink(gst_pipeline_new("transcode"));
    Ref<GstElement> fanout = ref(gst_element_factory_make("fanoutsink", "fanout"));
    if (!fanout)
        return Error{ErrorKind::unavailable, "the element fanoutsink cannot be made; install Sluice, or set "
                                             "GST_PLUGIN_PATH"};
    g_object_set(fanout.get(), "channel", channel.c_str(), "key-unit-requests", TRUE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), fanout.get());
    return std::unique_ptr<TranscodePipeline>(
        new TranscodePipeline(job, *profile, std::move(pipeline), std::move(fanout), std::move(failed)));
}

TranscodePipeline::TranscodePipeline(const TranscodeJob& job, hw::EncoderProfile profile, Ref<GstElement> pipeline,
                                     Ref<GstElement> fanout, Failed failed)
    : job_(job), profile_(std::move(profile)), pipeline_(std::move(pipeline)), fanout_(std::move(fanout)),
      failed_(std::move(failed)), bitrate_(static_cast<unsigned>(job_.bitrate)),
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
    }
    if (const auto taken = inlet_->take(message); !taken)
        fail(TranscodeFailure::Part::source, taken.error().text);
}

// What its encoder cannot do while it plays is not asked for (Transcoding::follows_rate).
void TranscodePipeline::take_bitrate(const WireMessage& message) {
    const std::string_view text = message.text();
    unsigned wanted = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), wanted).ec != std::errc() || wanted == 0)
        return;
    bitrate_ = wanted;
    if (encoder_)
        hw::set_bitrate(encoder_.get(), profile_, bitrate_);
}

// A decoder is made for one codec.
void TranscodePipeline::take_caps(const WireMessage& message) {
    const std::string caps(message.text());
    if (!is_picture(caps.c_str()))
        return;
    const std::string codec = caps.substr(0, caps.find(','));
    if (video_ && (codec != codec_ || video_ != message.header.track))
        fail(TranscodeFailure::Part::source, "the source's video is another one now");
    video_ = message.header.track;
    codec_ = codec;
}

bool TranscodePipeline::link_track(GstElement* source, const GstCaps* caps) {
    if (!is_picture(gst_structure_get_name(gst_caps_get_structure(caps, 0))))
        return gst_element_link_pads(source, "src", fanout_.get(), "sink_%u");
    const auto linked = link_video(source, caps);
    if (!linked) // what stands in front of the encoder fits every decoder
        fail(decoder_ ? TranscodeFailure::Part::encoder : TranscodeFailure::Part::decoder, linked.error().text);
    return bool(linked);
}

Result<GstElement*> TranscodePipeline::add(GstElement* behind, Ref<GstElement> element) {
    GstElement* added = element.get();
    gst_bin_add(GST_BIN(pipeline_.get()), element.get());
    if (!gst_element_link(behind, added))
        return Error{ErrorKind::internal,
                     std::string(GST_OBJECT_NAME(behind)) + " and " + GST_OBJECT_NAME(added) + " cannot be linked"};
    gst_element_sync_state_with_parent(added);
    return added;
}

Result<GstElement*> TranscodePipeline::add(GstElement* behind, const std::string& text) {
    GError* raw = nullptr;
    Ref<GstElement> chain =
        sink(gst_parse_bin_from_description_full(text.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
    const GErrorPtr error(raw);
    if (!chain)
        return Error{ErrorKind::unavailable, error ? error->message : "no chain"};
    return add(behind, std::move(chain));
}

Result<bool> TranscodePipeline::link_video(GstElement* source, const GstCaps* caps) {
    decoder_ = make_decoder(caps);
    if (!decoder_)
        return Error{ErrorKind::unavailable, "no decoder for " + codec_ + " is installed (Debian: gstreamer1.0-libav)"};
    set_if_there(decoder_.get(), "thread-type", "slice");    // threads of whole frames hold pictures back
    set_if_there(decoder_.get(), "output-corrupt", "false"); // grey blocks would look like a scene
    drop_past(decoder_.get());
    auto encoder = hw::make_encoder(
        profile_, {.bitrate = bitrate_, .key_interval = std::max(1u, framerate_of(job_, caps) * job_.gop_ms / 1000)});
    if (!encoder)
        return encoder.error();
    encoder_ = std::move(encoder).value();
    auto last = add(source, decoder_);
    const auto then = [&](auto&& next) {
        if (last)
            last = add(last.value(), std::forward<decltype(next)>(next));
    };
    then(std::string(raw_queue));
    if (job_.framerate)
        then("videorate drop-only=true max-rate=" + std::to_string(job_.framerate));
    if (job_.width || job_.height)
        then("videoconvertscale ! " + limits_of(job_));
    then(encoder_);
    then(std::string(h264_end));
    if (!last)
        return last.error();
    if (!gst_element_link_pads(last.value(), "src", fanout_.get(), "sink_%u"))
        return Error{ErrorKind::internal, "the fanout takes no H.264"};
    return true;
}

void TranscodePipeline::drop_past(GstElement* decoder) {
    const auto pad = adopt(gst_element_get_static_pad(decoder, "src"));
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
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const GErrorPtr error(raw);
    const auto from = [&](const Ref<GstElement>& element) {
        return element && gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(element.get()));
    };
    fail(from(encoder_)   ? TranscodeFailure::Part::encoder
         : from(decoder_) ? TranscodeFailure::Part::decoder
                          : TranscodeFailure::Part::source,
         std::string(GST_MESSAGE_SRC_NAME(message)) + ": " + (error ? error->message : "unknown error"));
}

} // namespace sluice
