// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/template_property.hpp"

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

// The caps of a capsfilter with one field changed in every structure; it is there and says by its type what it takes. Of a
// range it is the upper end.
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
        if (GST_VALUE_HOLDS_INT_RANGE(before) && number) {
            const int least = gst_value_get_int_range_min(before);
            if (*number <= least || *number > G_MAXINT)
                return false;
            gst_structure_set(s, setting.field.c_str(), GST_TYPE_INT_RANGE, least, static_cast<int>(*number), nullptr);
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

} // namespace

Result<bool> set_template_property(GstElement* bin, const PropertySetting& setting) {
    const Ref<GstElement> element = adopt(gst_bin_get_by_name(GST_BIN(bin), setting.element.c_str()));
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

const TemplateChain* chain_for(const std::vector<TemplateChain>& chains, const GstCaps* caps) {
    for (const TemplateChain& chain : chains)
        if (const auto takes = adopt(gst_caps_from_string(chain.caps.c_str()));
            takes && gst_caps_can_intersect(caps, takes.get()))
            return &chain;
    return nullptr;
}

Result<Ref<GstElement>> make_chain(const TemplateChain& chain, const std::vector<PropertySetting>& settings,
                                   std::string* missing) {
    GstParseContext* context = gst_parse_context_new();
    GError* raw = nullptr;
    Ref<GstElement> bin = sink(
        gst_parse_bin_from_description_full(chain.pipeline.c_str(), TRUE, context, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
    const GErrorPtr error(raw);
    char** names = gst_parse_context_get_missing_elements(context);
    if (missing && names && names[0])
        *missing = names[0];
    g_strfreev(names);
    gst_parse_context_free(context);
    if (!bin)
        return Error{ErrorKind::bad_config, std::string("the template: ") + (error ? error->message : "no chain")};
    for (const PropertySetting& setting : settings)
        if (adopt(gst_bin_get_by_name(GST_BIN(bin.get()), setting.element.c_str())))
            if (const auto set = set_template_property(bin.get(), setting); !set)
                return Error{set.error().kind, "the template: " + set.error().text};
    return bin;
}

} // namespace sluice
