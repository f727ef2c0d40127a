// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/element_run.hpp"
#include "hw/test_pictures.hpp"
#include "hw/trial.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace sluice::hw {

namespace {

constexpr size_t pictures_720 = 30, pictures_1080 = 15; // few: the encoder that makes them takes most of the time
constexpr GstClockTime first_wait = 2 * GST_SECOND, next_wait = 100 * GST_MSECOND, sure_wait = 2 * GST_SECOND;

struct Source {
    const char *codec, *factory, *launch;
};
// The quickest settings: what decoders cost hardly depends on them.
constexpr Source sources[] = {
    {"h264", "x264enc", "videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max=25"},
    {"h264", "openh264enc",
     "videoconvert ! openh264enc complexity=low rate-control=bitrate bitrate=2000000 gop-size=25"},
    {"h265", "x265enc", "videoconvert ! x265enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max=25"},
};

Error wrong(const std::string& text) { return {ErrorKind::unavailable, text}; }

Result<Ref<GstElement>> bin_of(const std::string& launch) {
    GError* raw = nullptr;
    Ref<GstElement> bin =
        sink(gst_parse_bin_from_description_full(launch.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
    const GErrorPtr error(raw);
    if (!bin)
        return wrong(error ? error->message : "it cannot be made");
    return bin;
}

std::string parser(const std::string& codec) {
    return codec + "parse config-interval=-1 ! capsfilter caps=video/x-" + codec +
           ",stream-format=byte-stream,alignment=au";
}

// Access units of the test pictures.
Result<std::vector<Ref<GstBuffer>>> stream(const std::string& codec, unsigned width, unsigned height, size_t count) {
    const TestPictures pictures(width, height);
    Result<Ref<GstElement>> bin = bin_of(encoder_for_decoders(codec) + " ! " + parser(codec));
    if (!bin)
        return bin.error();
    Result<ElementRun> run = ElementRun::start(std::move(bin).value(), pictures.caps());
    if (!run)
        return run.error();
    std::vector<Ref<GstBuffer>> out;
    for (size_t i = 0; i < count; i++)
        if (!run->push(pictures.picture(i)))
            break;
    run->end();
    while (Ref<GstBuffer> unit = run->pull(sure_wait))
        out.push_back(std::move(unit));
    if (out.size() < count)
        return wrong("the encoder that it is tried with failed: " + run->error().value_or("pictures are missing"));
    return out;
}

struct Figures {
    double fps = 0;
    unsigned latency = 0;
};

Result<Figures> decode(const DecoderProfile& profile, unsigned width, unsigned height, size_t count) {
    const auto units = stream(profile.codec, width, height, count);
    if (!units)
        return units.error();
    Result<Ref<GstElement>> bin = bin_of(parser(profile.codec) + " ! " + profile.factory);
    if (!bin)
        return bin.error();
    Result<ElementRun> run = ElementRun::start(std::move(bin).value(),
                                               "video/x-" + profile.codec + ",stream-format=byte-stream,alignment=au");
    if (!run)
        return run.error();
    size_t in = 0, out = 0;
    while (out == 0 && in < count / 2) {
        if (!run->push(units.value()[in++]))
            break;
        out += run->pull(in == 1 ? first_wait : next_wait) ? 1 : 0;
    }
    if (out == 0)
        return wrong(run->error().value_or("nothing came out of it"));
    Figures figures;
    figures.latency = static_cast<unsigned>(in - 1);
    const auto begin = std::chrono::steady_clock::now();
    const size_t first = in;
    while (in < count && run->push(units.value()[in]))
        in++;
    run->end();
    while (out < count && run->pull(sure_wait))
        out++;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (out < count)
        return wrong(run->error().value_or("pictures are missing: " + std::to_string(count) + " in, " +
                                           std::to_string(out) + " out"));
    figures.fps = static_cast<double>(count - first) / std::max(took.count(), 1e-6);
    return figures;
}

} // namespace

std::string encoder_for_decoders(const std::string& codec) {
    for (const Source& source : sources) {
        const Ref<GstElementFactory> factory = adopt(gst_element_factory_find(source.factory));
        if (codec == source.codec && factory)
            return source.launch;
    }
    return "";
}

Result<TrialFacts> try_decoder(const DecoderProfile& profile) {
    const auto small = decode(profile, 1280, 720, pictures_720);
    if (!small)
        return small.error();
    TrialFacts out;
    out.fps_720 = small->fps;
    out.latency = small->latency;
    if (const auto large = decode(profile, 1920, 1080, pictures_1080)) // larger than it can is no fault
        out.fps_1080 = large->fps;
    return out;
}

} // namespace sluice::hw
