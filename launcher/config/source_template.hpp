// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline description (pipelines/*.json). Parameters become properties of elements after the text is parsed; they are
// never pasted into it, so there is nothing to quote and nothing to inject.
#pragma once

#include "launcher/config/config.hpp"
#include "plugins/core/json_text.hpp"
#include "plugins/core/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct TemplateParameter {
    enum class Type { string, integer, boolean };
    struct Target {
        std::string element, property;
        std::string field; // of caps: width, framerate...; empty: the property itself
    };
    Type type = Type::string;
    std::vector<std::string> allowed; // empty: any
    std::optional<int64_t> minimum, maximum;
    std::optional<ParameterValue> fallback; // "default"
    bool required = false;
    std::vector<Target> sets;
};

struct SourceTemplate {
    // source: pictures from outside. derived: another stream of the camera, which comes to its branches; all of it runs in a
    // worker process. snapshot: a key frame comes to its branches, and leaves them as a JPEG; likewise.
    enum class Kind { source, derived, snapshot };
    std::string name, description;
    Kind kind = Kind::source;
    std::map<std::string, TemplateParameter> parameters;
    std::string pipeline; // for gst_parse_launch
    bool loop = false;    // at its end it begins again
    // It passes media on as it comes and decodes nothing, so it runs in the launcher. All others run in a worker process.
    bool in_process = false;
    std::string text; // all of it, as it was written
    // Chains that are made only when the camera has a track for them: one that decodes and encodes costs as much memory as
    // all the rest.
    struct Branch {
        std::string caps;     // of the track
        std::string pipeline; // from there to the fanoutsink
        // What is there only if one of these parameters has a value. Not of templates of the kind source.
        struct Piece {
            size_t at; // in the pipeline's text
            std::string text;
            std::vector<std::string> with;
        };
        std::vector<Piece> pieces;
        // All of it, if these parameters have values.
        std::string text(const std::set<std::string>& given) const;
    };
    std::vector<Branch> branches;
};

// Of streams that name none, and of those that nobody has described.
constexpr const char* usual_derived_template = "transcode";
// The only one of its kind: nobody names another.
constexpr const char* snapshot_template = "snapshot";
// Its parameter that says how wide the JPEG is; it has a value only if that is not as wide as the picture.
constexpr const char* snapshot_width = "width";

// One property to set.
struct PropertySetting {
    std::string element, property, field;
    ParameterValue value;
    bool operator==(const PropertySetting&) const = default;
};

// Whether its texts have an element of that factory.
bool uses_element(const SourceTemplate& source_template, std::string_view factory);
// An H.264 encoder that the launcher chooses: its property `encoder` gets a profile's name.
constexpr const char* chosen_encoder = "sluiceh264enc";
// A parameter that says which one that element is to use.
bool chooses_encoder(const TemplateParameter& parameter);
// Who is chosen by these values, or by a default; empty: that is left open.
std::string named_encoder(const SourceTemplate& source_template, const std::map<std::string, ParameterValue>& values);

// Errors as in parse_config.
SourceTemplate parse_template(std::string_view text, std::vector<ConfigError>& errors);

// The file NAME.json in the directory; the Error lists everything that is wrong with it.
Result<SourceTemplate> load_template(const std::string& directory, const std::string& name);

// What is allowed, if the value is not.
std::optional<std::string> not_allowed(const TemplateParameter& parameter, const ParameterValue& value);

// "a text", "a whole number", "one of a, b"...
std::string allowed_phrase(const TemplateParameter& parameter);

// Values given, else defaults; a parameter with neither stays unset. Error (bad_config): an unknown parameter, one that is
// missing or a value that is not allowed; it names the parameter, never the value.
Result<std::vector<PropertySetting>> bind_parameters(const SourceTemplate& source_template,
                                                     const std::map<std::string, ParameterValue>& values);

} // namespace sluice
