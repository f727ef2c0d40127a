// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/encoder_bin.hpp"

#include <algorithm>

namespace sluice::hw {

namespace {

constexpr const char* encoder_name = "encoder";

struct Value {
    GValue v = G_VALUE_INIT;
    Value() = default;
    ~Value() {
        if (G_IS_VALUE(&v))
            g_value_unset(&v);
    }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
};

std::string text_of(const Setting& setting) {
    if (const auto* text = std::get_if<std::string>(&setting))
        return *text;
    if (const auto* number = std::get_if<int64_t>(&setting))
        return std::to_string(*number);
    return std::get<bool>(setting) ? "true" : "false";
}

std::string shown(const Setting& setting) {
    return std::holds_alternative<std::map<std::string, int64_t>>(setting) ? "a structure" : text_of(setting);
}

const GParamSpec* writable(GObject* object, const std::string& property) {
    const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), property.c_str());
    return spec && (spec->flags & G_PARAM_WRITABLE) ? spec : nullptr;
}

// Into the value's own type. The structure keeps the fields it has.
bool fill(GObject* object, GParamSpec* spec, const Setting& setting, GValue* value) {
    g_value_init(value, spec->value_type);
    if (const auto* fields = std::get_if<std::map<std::string, int64_t>>(&setting)) {
        if (spec->value_type != GST_TYPE_STRUCTURE)
            return false;
        if (spec->flags & G_PARAM_READABLE)
            g_object_get_property(object, spec->name, value);
        const auto* old = static_cast<const GstStructure*>(g_value_get_boxed(value));
        GstStructurePtr made(old ? gst_structure_copy(old) : gst_structure_new_empty("controls"));
        for (const auto& [name, number] : *fields) {
            const auto control = static_cast<int>(std::clamp<int64_t>(number, G_MININT, G_MAXINT));
            gst_structure_set(made.get(), name.c_str(), G_TYPE_INT, control, nullptr);
        }
        g_value_take_boxed(value, made.release());
        return true;
    }
    if (std::holds_alternative<bool>(setting) && spec->value_type != G_TYPE_BOOLEAN)
        return false;
    const std::string text = text_of(setting);
    if (spec->value_type == G_TYPE_STRING) {
        g_value_set_string(value, text.c_str());
        return true;
    }
    // g_param_value_validate would move a value that is out of range to the nearest one that is not.
    return gst_value_deserialize_with_pspec(value, text.c_str(), spec) && !g_param_value_validate(spec, value);
}

// A figure of the viewer's wish, as the profile counts it, within what the property can hold.
bool set_figure(GObject* object, const PropertyName& name, int64_t figure) {
    const GParamSpec* spec = writable(object, name.property);
    if (!spec)
        return false;
    if (!name.field.empty())
        return bool(apply_setting(object, name.property, std::map<std::string, int64_t>{{name.field, figure}}));
    if (G_IS_PARAM_SPEC_UINT(spec))
        figure = std::clamp<int64_t>(figure, G_PARAM_SPEC_UINT(spec)->minimum, G_PARAM_SPEC_UINT(spec)->maximum);
    else if (G_IS_PARAM_SPEC_INT(spec))
        figure = std::clamp<int64_t>(figure, G_PARAM_SPEC_INT(spec)->minimum, G_PARAM_SPEC_INT(spec)->maximum);
    return bool(apply_setting(object, name.property, figure));
}

bool set_rate(GObject* object, const EncoderProfile& profile, unsigned bits_per_second) {
    return set_figure(object, profile.bitrate, std::max(1u, bits_per_second / profile.bits_per_unit));
}

std::string raw_caps(const EncoderProfile& profile) {
    std::string formats;
    for (const std::string& format : profile.formats)
        formats += (formats.empty() ? "" : ",") + format;
    return "video/x-raw,format=(string){" + formats + "}";
}

} // namespace

Result<bool> apply_setting(GObject* object, const std::string& property, const Setting& setting) {
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), property.c_str());
    if (!spec || !(spec->flags & G_PARAM_WRITABLE))
        return Error{ErrorKind::bad_config, "has no property " + property + " that can be set"};
    Value value;
    if (!fill(object, spec, setting, &value.v))
        return Error{ErrorKind::bad_config, "its property " + property + " does not take " + shown(setting)};
    g_object_set_property(object, property.c_str(), &value.v);
    return true;
}

Result<Ref<GstElement>> make_encoder(const EncoderProfile& profile, const EncoderWish& wish) {
    const auto wrong = [&](const std::string& what) {
        return Error{ErrorKind::bad_config, "encoder profile " + profile.name + ": " + what};
    };
    const Ref<GstElement> encoder = sink(gst_element_factory_make(profile.factory.c_str(), encoder_name));
    if (!encoder)
        return Error{ErrorKind::unavailable,
                     "encoder profile " + profile.name + ": there is no element " + profile.factory +
                         (profile.package.empty() ? "" : "; the package " + profile.package + " may have it")};
    GObject* object = G_OBJECT(encoder.get());
    for (const auto& [property, setting] : profile.settings)
        if (const Result<bool> set = apply_setting(object, property, setting); !set)
            return wrong(profile.factory + " " + set.error().text);
    for (const auto& [property, setting] : profile.optional)
        (void)bool(apply_setting(object, property, setting));
    if (!set_rate(object, profile, wish.bitrate))
        return wrong(profile.factory + " takes no bit rate as its property " + profile.bitrate.property);
    if (!set_figure(object, profile.key_interval, wish.key_interval))
        return wrong(profile.factory + " takes no GOP as its property " + profile.key_interval.property);

    GError* raw = nullptr;
    const std::string front = profile.convert + " ! capsfilter name=raw";
    const Ref<GstElement> convert =
        sink(gst_parse_bin_from_description_full(front.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
    const GErrorPtr error(raw);
    if (!convert)
        return wrong("convert cannot be made: " + std::string(error ? error->message : "unknown"));
    const Ref<GstCaps> formats = adopt(gst_caps_from_string(raw_caps(profile).c_str()));
    const Ref<GstCaps> coded = adopt(gst_caps_from_string(profile.caps.c_str()));
    if (!formats || !coded)
        return wrong(std::string(formats ? "caps" : "formats") + ": GStreamer cannot read them");
    const Ref<GstElement> filter = adopt(gst_bin_get_by_name(GST_BIN(convert.get()), "raw"));
    g_object_set(filter.get(), "caps", formats.get(), nullptr);
    const Ref<GstElement> out = sink(gst_element_factory_make("capsfilter", "coded"));
    g_object_set(out.get(), "caps", coded.get(), nullptr);

    Ref<GstElement> bin = sink(gst_bin_new(nullptr));
    gst_bin_add_many(GST_BIN(bin.get()), convert.get(), encoder.get(), out.get(), nullptr);
    if (!gst_element_link_many(convert.get(), encoder.get(), out.get(), nullptr))
        return wrong("convert, " + profile.factory + " and caps do not fit together");
    for (const auto& [name, element] : {std::pair{"sink", convert.get()}, std::pair{"src", out.get()}}) {
        const Ref<GstPad> pad = adopt(gst_element_get_static_pad(element, name));
        gst_element_add_pad(bin.get(), gst_ghost_pad_new(name, pad.get()));
    }
    return bin;
}

bool set_bitrate(GstElement* bin, const EncoderProfile& profile, unsigned bits_per_second) {
    const Ref<GstElement> encoder = encoder_in(bin);
    if (!encoder || (!profile.bitrate_while_playing && GST_STATE(encoder.get()) >= GST_STATE_PAUSED))
        return false;
    return set_rate(G_OBJECT(encoder.get()), profile, bits_per_second);
}

Ref<GstElement> encoder_in(GstElement* bin) { return adopt(gst_bin_get_by_name(GST_BIN(bin), encoder_name)); }

} // namespace sluice::hw
