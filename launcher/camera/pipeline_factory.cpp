// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/pipeline_factory.hpp"

#include "launcher/camera/demux_offer.hpp"
#include "launcher/camera/file_loop.hpp"
#include "launcher/camera/redirect_guard.hpp"
#include "launcher/camera/tls_trust.hpp"
#include "launcher/camera/track_offer.hpp"

namespace sluice {

namespace {

void to_value(const ParameterValue& parameter, GValue* out) {
    if (const auto* number = std::get_if<int64_t>(&parameter)) {
        g_value_init(out, G_TYPE_INT64);
        g_value_set_int64(out, *number);
    } else if (const auto* truth = std::get_if<bool>(&parameter)) {
        g_value_init(out, G_TYPE_BOOLEAN);
        g_value_set_boolean(out, *truth);
    } else {
        g_value_init(out, G_TYPE_STRING);
        g_value_set_string(out, std::get<std::string>(parameter).c_str());
    }
}

// The caps of a capsfilter with one field changed in every structure; it is there and says by its type what it takes.
bool set_caps_field(GstElement* element, const PropertySetting& setting) {
    GstCaps* now = nullptr;
    g_object_get(element, setting.property.c_str(), &now, nullptr);
    Ref<GstCaps> caps = adopt(now);
    if (!caps || gst_caps_is_any(caps.get()) || gst_caps_is_empty(caps.get()))
        return false;
    caps = adopt(gst_caps_make_writable(caps.release()));
    for (guint i = 0; i < gst_caps_get_size(caps.get()); i++) {
        GstStructure* s = gst_caps_get_structure(caps.get(), i);
        const GValue* before = gst_structure_get_value(s, setting.field.c_str());
        const auto* number = std::get_if<int64_t>(&setting.value);
        if (!before)
            return false;
        if (GST_VALUE_HOLDS_FRACTION(before) && number) {
            gst_structure_set(s, setting.field.c_str(), GST_TYPE_FRACTION, static_cast<int>(*number), 1, nullptr);
            continue;
        }
        GValue given = G_VALUE_INIT, value = G_VALUE_INIT;
        to_value(setting.value, &given);
        g_value_init(&value, G_VALUE_TYPE(before));
        const bool fits = g_value_transform(&given, &value);
        if (fits)
            gst_structure_set_value(s, setting.field.c_str(), &value);
        g_value_unset(&given);
        g_value_unset(&value);
        if (!fits)
            return false;
    }
    g_object_set(element, setting.property.c_str(), caps.get(), nullptr);
    return true;
}

Result<bool> set_property(GstElement* pipeline, const PropertySetting& setting) {
    const Ref<GstElement> element = adopt(gst_bin_get_by_name(GST_BIN(pipeline), setting.element.c_str()));
    if (!element)
        return Error{ErrorKind::bad_config, "the template has no element named " + setting.element};
    const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), setting.property.c_str());
    if (!spec || !(spec->flags & G_PARAM_WRITABLE))
        return Error{ErrorKind::bad_config,
                     "the element " + setting.element + " has no property " + setting.property + " that can be set"};
    if (!setting.field.empty()) {
        if (spec->value_type != GST_TYPE_CAPS || !set_caps_field(element.get(), setting))
            return Error{ErrorKind::bad_config, "the property " + setting.property + " of the element " +
                                                    setting.element + " has no field " + setting.field +
                                                    " that takes such a value"};
        return true;
    }
    const auto* text = std::get_if<std::string>(&setting.value);
    if (text && spec->value_type != G_TYPE_STRING) { // of a text it would take away the quotes
        gst_util_set_object_arg(G_OBJECT(element.get()), setting.property.c_str(), text->c_str());
        return true;
    }
    GValue value = G_VALUE_INIT;
    to_value(setting.value, &value);
    g_object_set_property(G_OBJECT(element.get()), setting.property.c_str(), &value);
    g_value_unset(&value);
    return true;
}

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
        if (const Result<bool> set = set_property(pipeline.get(), setting); !set)
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
