// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/pipeline_factory.hpp"

#include "launcher/camera/demux_offer.hpp"
#include "launcher/camera/file_loop.hpp"
#include "launcher/camera/redirect_guard.hpp"
#include "launcher/camera/tls_trust.hpp"
#include "launcher/camera/track_offer.hpp"
#include "launcher/worker/template_property.hpp"

namespace sluice {

namespace {

// rtspsrc is told by the scheme that a connection goes through a tunnel.
std::string location(const SourceConfig& source) {
    if (source.transport != Transport::http)
        return source.url;
    const size_t end = source.url.find("://");
    const std::string scheme = source.url.substr(0, end);
    if (scheme != "rtsp" && scheme != "rtsps")
        return source.url;
    return scheme + "h" + source.url.substr(end);
}

const char* protocols(Transport transport) {
    switch (transport) {
    case Transport::tcp: return "tcp";
    case Transport::udp: return "udp";  // CameraStream goes on with TCP if nothing comes
    case Transport::http: return "tcp"; // inside the tunnel
    }
    return "tcp";
}

std::map<std::string, ParameterValue> values_of(const SourceTemplate& source_template, const SourceConfig& source) {
    std::map<std::string, ParameterValue> out = source.parameters;
    const auto give = [&](const char* name, ParameterValue value) {
        if (source_template.parameters.count(name))
            out.emplace(name, std::move(value));
    };
    if (!source.url.empty())
        give("url", location(source));
    if (!source.user.empty())
        give("user", source.user);
    if (!source.password.empty())
        give("password", source.password.reveal());
    give("transport", std::string(protocols(source.transport)));
    give("latency", static_cast<int64_t>(source.latency_ms));
    return out;
}

} // namespace

Result<Ref<GstElement>> make_source_pipeline(const Templates& templates, const SourceConfig& source,
                                             const std::string& channel) {
    const SourceTemplate* found = templates.find(source.source_template);
    if (!found)
        return Error{ErrorKind::bad_config, "there is no template " + source.source_template};
    const std::string name = "template " + found->name + ": ";
    GError* parse_error = nullptr;
    Ref<GstElement> pipeline =
        sink(gst_parse_launch_full(found->pipeline.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &parse_error));
    const GErrorPtr error(parse_error);
    if (!pipeline || !GST_IS_PIPELINE(pipeline.get()))
        return Error{ErrorKind::bad_config,
                     name + (error ? error->message : "it makes no pipeline of several elements")};
    Result<std::vector<PropertySetting>> settings = bind_parameters(*found, values_of(*found, source));
    if (!settings)
        return settings.error();
    settings->push_back({"fanout", "channel", "", channel});
    for (const PropertySetting& setting : settings.value())
        if (const Result<bool> set = set_template_property(pipeline.get(), setting); !set)
            return Error{set.error().kind, name + set.error().text};
    const Ref<GstElement> element = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
    std::string why;
    if (const auto url = parse_camera_url(source.url, why); element && url) {
        if (url->scheme == "rtsps" || url->scheme == "https")
            set_tls_trust(element.get(), source.tls_fingerprint);
        guard_redirects(element.get(), *url);
    }
    TrackOffer::set_branches(pipeline.get(), found->branches);
    watch_demuxers(pipeline.get());
    if (found->loop)
        loop_pipeline(pipeline.get());
    // All pipelines live on one clock, which is the channels' too.
    const Ref<GstClock> clock = adopt(gst_system_clock_obtain());
    gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
    gst_object_set_name(GST_OBJECT(pipeline.get()), channel.c_str());
    return pipeline;
}

} // namespace sluice
