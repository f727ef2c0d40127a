// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/derived_parser.hpp"

#include <algorithm>

namespace sluice {

const std::vector<std::string>& derived_fields() {
    static const std::vector<std::string> fields = {"from",   "template",  "parameters", "width",
                                                    "height", "framerate", "bitrate",    "stall-timeout"};
    return fields;
}

SourceConfig DerivedParser::parse(const Json& value, const std::string& pointer, const std::string& stream) {
    for (const auto& item : value.items())
        if (const auto& known = derived_fields(); std::find(known.begin(), known.end(), item.key()) == known.end())
            error(json_pointer(pointer, item.key()), "found it beside \"from\", allowed: " + join(known));
    SourceConfig out;
    DerivedConfig& figures = out.derived.emplace();
    const std::string* from = text(value, pointer, "from", "\"main\"");
    if (from && (*from != "main" || stream == "main"))
        bad_value(pointer + "/from", *from, stream == "main" ? "an address: main comes from the camera" : "main");
    const SourceTemplate* found = choose_template(value, pointer);
    figure(value, pointer, "width", 64, 7680, " (at most so many pixels)", found, figures.width);
    figure(value, pointer, "height", 64, 4320, " (at most so many pixels)", found, figures.height);
    figure(value, pointer, "framerate", 1, 60, " (at most so many pictures per second)", found, figures.framerate);
    figure(value, pointer, "bitrate", 50, 100'000, " (kbit/s)", found, figures.bitrate);
    if (!found)
        return out;
    out.source_template = found->name;
    parameters(value, pointer, *found, out.parameters);
    check_needed(value, pointer, *found, out.parameters);
    return out;
}

const SourceTemplate* DerivedParser::choose_template(const Json& value, const std::string& pointer) {
    if (field(value, "template"))
        return named(value, pointer, "none, for the usual one");
    const SourceTemplate* found = find(usual_derived_template);
    if (!found)
        error(pointer + "/from",
              std::string("found a stream to be made with the template ") + usual_derived_template +
                  ", which is not installed, allowed: one of these, named by \"template\": " + names());
    return found;
}

// Within what makes sense at all, and within what the template takes.
void DerivedParser::figure(const Json& value, const std::string& pointer, const char* name, int64_t least, int64_t most,
                           const char* unit, const SourceTemplate* source_template, unsigned& out) {
    const auto given = number(value, pointer, name, least, most, unit);
    if (!source_template)
        return;
    check_taken(value, pointer, name, *source_template);
    out = static_cast<unsigned>(given.value_or(0));
    const auto it = source_template->parameters.find(name);
    if (it == source_template->parameters.end())
        return;
    const auto* fallback = it->second.fallback ? std::get_if<int64_t>(&*it->second.fallback) : nullptr;
    if (!given && fallback)
        out = static_cast<unsigned>(std::clamp<int64_t>(*fallback, 0, most));
    if (given)
        if (const auto allowed = not_allowed(it->second, *given))
            error(json_pointer(pointer, name), "found " + std::to_string(*given) + ", allowed: " + *allowed +
                                                   " (the template " + source_template->name + ")");
}

} // namespace sluice
