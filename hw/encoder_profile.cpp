// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/encoder_profile.hpp"

#include "plugins/core/json_fields.hpp"

#include <algorithm>

namespace sluice::hw {

namespace {

constexpr int64_t most_order = 1000;

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

constexpr const char* word_allowed = "1 to 64 of A-Z a-z 0-9 _ -";

class Reader : JsonFields {
public:
    explicit Reader(std::vector<ConfigError>& errors) : JsonFields(errors) {}

    EncoderProfile encoder(const Json& root) {
        EncoderProfile out;
        std::vector<std::string> known = element_fields;
        for (const char* name : {"convert", "formats", "caps", "bitrate", "key-interval", "key-units-on-request",
                                 "settings", "optional-settings", "quirks"})
            known.emplace_back(name);
        if (!object(root, "", known))
            return out;
        element(root, {"h264"}, out); // what every browser plays
        if (const std::string* convert = needed(root, "convert", "launch text, such as videoconvert"))
            out.convert = *convert;
        out.formats = formats(root);
        if (const std::string* caps = needed(root, "caps", caps_allowed))
            caps->rfind("video/x-h264", 0) == 0 ? void(out.caps = *caps) : bad_value("/caps", *caps, caps_allowed);
        if (const Json* bitrate = part(root, "bitrate", {"property", "field", "unit", "while-playing"})) {
            out.bitrate = property(*bitrate, "/bitrate");
            const std::string* unit = text(*bitrate, "/bitrate", "unit", "bit/s, kbit/s");
            if (unit && *unit != "bit/s" && *unit != "kbit/s")
                bad_value("/bitrate/unit", *unit, "bit/s, kbit/s");
            else if (!unit)
                missing(*bitrate, "unit", "bit/s, kbit/s", "/bitrate");
            out.bits_per_unit = unit && *unit == "kbit/s" ? 1000 : 1;
            boolean(*bitrate, "/bitrate", "while-playing", out.bitrate_while_playing);
        }
        if (const Json* interval = part(root, "key-interval", {"property", "field"}))
            out.key_interval = property(*interval, "/key-interval");
        boolean(root, "", "key-units-on-request", out.key_units_on_request);
        settings(root, "settings", out.settings);
        settings(root, "optional-settings", out.optional);
        out.quirks = quirks(root);
        return out;
    }

    DecoderProfile decoder(const Json& root) {
        DecoderProfile out;
        if (object(root, "", element_fields))
            element(root, {"h264", "h265"}, out);
        return out;
    }

private:
    void element(const Json& root, const std::vector<std::string>& codecs, ElementProfile& out) {
        if (const std::string* name = needed(root, "name", config_name_allowed))
            is_config_name(*name) ? void(out.name = *name) : bad_value("/name", *name, config_name_allowed);
        text(root, "", "description", "a text");
        out.factory = word(root, "", "factory");
        out.codec = choice(root, "codec", codecs);
        out.hardware = choice(root, "kind", {"hardware", "software"}) == "hardware";
        missing(root, "order", "a whole number from 0 to " + std::to_string(most_order));
        out.order = number(root, "", "order", 0, most_order, "").value_or(0);
        if (const std::string* package = text(root, "", "package", "the name of a package"))
            out.package = *package;
        if (const std::string* device = text(root, "", "device", device_allowed))
            device->front() == '/' ? void(out.device = *device) : bad_value("/device", *device, device_allowed);
    }

    const std::vector<std::string> element_fields = {"name", "description", "factory", "codec",
                                                     "kind", "order",       "package", "device"};
    static constexpr const char* device_allowed = "the path of a device, which may hold *";
    static constexpr const char* caps_allowed = "caps that begin with video/x-h264";

    // A field that is not there; one that is wrong has its error already.
    void missing(const Json& parent, const char* name, const std::string& allowed, const std::string& pointer = "") {
        if (!field(parent, name))
            error(json_pointer(pointer, name), "found nothing, allowed: " + allowed);
    }

    const std::string* needed(const Json& root, const char* name, const char* allowed) {
        missing(root, name, allowed);
        return text(root, "", name, allowed);
    }

    std::string word(const Json& parent, const std::string& pointer, const char* name) {
        missing(parent, name, word_allowed, pointer);
        const std::string* found = text(parent, pointer, name, word_allowed);
        if (found && !is_word(*found))
            bad_value(json_pointer(pointer, name), *found, word_allowed);
        return found ? *found : "";
    }

    std::string choice(const Json& root, const char* name, const std::vector<std::string>& allowed) {
        const std::string* found = needed(root, name, join(allowed).c_str());
        if (found && std::find(allowed.begin(), allowed.end(), *found) == allowed.end())
            bad_value(json_pointer("", name), *found, join(allowed));
        return found ? *found : "";
    }

    const Json* part(const Json& root, const char* name, const std::vector<std::string>& known) {
        const Json* found = field(root, name);
        missing(root, name, "an object with the fields " + join(known));
        return found && object(*found, json_pointer("", name), known) ? found : nullptr;
    }

    PropertyName property(const Json& value, const std::string& pointer) {
        PropertyName out;
        out.property = word(value, pointer, "property");
        if (field(value, "field"))
            out.field = word(value, pointer, "field");
        return out;
    }

    std::vector<std::string> formats(const Json& root) {
        std::vector<std::string> out;
        const Json* list = field(root, "formats");
        if (!list || !list->is_array() || list->empty()) {
            error("/formats", std::string("found ") + (list ? json_type_phrase(*list) : "nothing") +
                                  ", allowed: a list of raw formats, such as NV12");
            return out;
        }
        for (size_t i = 0; i < list->size(); i++) {
            const std::string at = json_pointer("/formats", std::to_string(i));
            const Json& item = (*list)[i];
            if (!item.is_string())
                wrong_type(at, item, "a raw format, such as NV12");
            else if (const std::string& format = item.get_ref<const std::string&>(); !is_word(format))
                bad_value(at, format, "a raw format, such as NV12");
            else
                out.push_back(format);
        }
        return out;
    }

    void settings(const Json& root, const char* name, std::map<std::string, Setting>& out) {
        const Json* found = field(root, name);
        const std::string pointer = json_pointer("", name);
        if (!found)
            return;
        if (!found->is_object())
            return wrong_type(pointer, *found, "an object with one field per property");
        for (const auto& item : found->items()) {
            const std::string at = json_pointer(pointer, item.key());
            if (!is_word(item.key()))
                bad_value(at, item.key(), std::string("names of properties, ") + word_allowed);
            else if (const auto value = setting(item.value(), at))
                out.emplace(item.key(), *value);
        }
    }

    std::optional<Setting> setting(const Json& value, const std::string& at) {
        if (value.is_boolean())
            return value.get<bool>();
        if (value.is_string() && !value.get_ref<const std::string&>().empty())
            return value.get<std::string>();
        if (value.is_number_integer())
            return whole(value, at);
        if (!value.is_object()) {
            wrong_type(at, value, "a text, a whole number, true, false or an object of whole numbers");
            return std::nullopt;
        }
        std::map<std::string, int64_t> out;
        for (const auto& item : value.items()) {
            const std::string here = json_pointer(at, item.key());
            if (!is_word(item.key()))
                bad_value(here, item.key(), std::string("names of controls, ") + word_allowed);
            else if (!item.value().is_number_integer())
                wrong_type(here, item.value(), "a whole number");
            else if (const auto number = whole(item.value(), here))
                out.emplace(item.key(), *number);
        }
        return out;
    }

    std::optional<int64_t> whole(const Json& value, const std::string& at) {
        if (!value.is_number_unsigned() || value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX))
            return value.get<int64_t>();
        error(at, "found " + value.dump() + ", allowed: a whole number of 64 bits");
        return std::nullopt;
    }

    std::vector<Quirk> quirks(const Json& root) {
        std::vector<Quirk> out;
        const Json* list = field(root, "quirks");
        if (list && !list->is_array())
            wrong_type("/quirks", *list, "a list of objects with the fields what, why");
        for (size_t i = 0; list && list->is_array() && i < list->size(); i++) {
            const std::string at = json_pointer("/quirks", std::to_string(i));
            const Json& item = (*list)[i];
            if (!object(item, at, {"what", "why"}))
                continue;
            missing(item, "what", "a text", at);
            missing(item, "why", "a text", at);
            const std::string* what = text(item, at, "what", "a text");
            const std::string* why = text(item, at, "why", "a text");
            if (what && why)
                out.push_back({*what, *why});
        }
        return out;
    }
};

} // namespace

EncoderProfile parse_encoder_profile(std::string_view text, std::vector<ConfigError>& errors) {
    const Json root = parse_json_text(text, errors);
    return errors.empty() ? Reader(errors).encoder(root) : EncoderProfile();
}

DecoderProfile parse_decoder_profile(std::string_view text, std::vector<ConfigError>& errors) {
    const Json root = parse_json_text(text, errors);
    return errors.empty() ? Reader(errors).decoder(root) : DecoderProfile();
}

} // namespace sluice::hw
