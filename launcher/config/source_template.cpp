// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/source_template.hpp"

#include "launcher/config/config_parser.hpp"
#include "launcher/config/field_reader.hpp"
#include "launcher/config/secret.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice {

namespace {

constexpr size_t max_template_bytes = 64 * 1024;
constexpr std::pair<SourceTemplate::Kind, const char*> kinds[] = {{SourceTemplate::Kind::source, "source"},
                                                                  {SourceTemplate::Kind::derived, "derived"},
                                                                  {SourceTemplate::Kind::snapshot, "snapshot"}};
constexpr const char* only_in_launcher[] = {"fanoutsrc", "intervideosrc", "interaudiosrc", "intersubsrc", "proxysrc"};

// Of a text of gst-launch-1.0, where a factory stands alone between blanks, "!" and parentheses.
bool names_element(std::string_view text, std::string_view factory) {
    constexpr std::string_view around = " \t\n!()";
    for (size_t at = text.find(factory); at != std::string_view::npos; at = text.find(factory, at + 1)) {
        const size_t end = at + factory.size();
        if ((at == 0 || around.find(text[at - 1]) != std::string_view::npos) &&
            (end == text.size() || around.find(text[end]) != std::string_view::npos))
            return true;
    }
    return false;
}

class TemplateParser {
public:
    TemplateParser(std::vector<ConfigError>& errors, SourceTemplate& out) : errors_(errors), out_(out) {}

    void parse(const Json& root) {
        if (!known(root, "",
                   {"name", "description", "kind", "loop", "in-process", "parameters", "pipeline", "branches"}))
            return;
        if (const auto name = text(root, "", "name"); name && !is_config_name(*name))
            error("/name", std::string("found a name that is not allowed, allowed: ") + config_name_allowed);
        else
            out_.name = name.value_or("");
        if (root.contains("description"))
            out_.description = text(root, "", "description").value_or("");
        kind(root);
        out_.loop = boolean(root, "", "loop");
        out_.in_process = boolean(root, "", "in-process");
        if (!root.contains("parameters") || !root["parameters"].is_object())
            error("/parameters", "found no object, allowed: an object with one field per parameter");
        else
            for (const auto& item : root["parameters"].items())
                out_.parameters[item.key()] = parameter(item.value(), json_pointer("/parameters", item.key()));
        if (out_.kind == SourceTemplate::Kind::snapshot)
            check_snapshot();
        if (out_.kind != SourceTemplate::Kind::source)
            return parse_branches_only(root);
        out_.pipeline = pipeline(root, "", nullptr);
        if (root.contains("branches"))
            branches(root["branches"], "/branches");
        stays_alone();
    }

private:
    void kind(const Json& root) {
        if (root.contains("kind")) {
            const auto found = std::find_if(std::begin(kinds), std::end(kinds),
                                            [&](const auto& one) { return root["kind"] == one.second; });
            if (found == std::end(kinds))
                return error("/kind", "found another kind, allowed: source, derived, snapshot");
            out_.kind = found->first;
        }
        // One by another name would never be used, and one of another kind in its place would be missed late.
        if ((out_.kind == SourceTemplate::Kind::snapshot) != (out_.name == snapshot_template))
            error("/kind", std::string("found the kind ") + kind_name() + " in the template " + out_.name +
                               ", allowed: snapshot in the template " + snapshot_template + ", and only there");
    }

    const char* kind_name() const { return kinds[static_cast<size_t>(out_.kind)].second; }

    // The width is all that who asks for a picture can say.
    void check_snapshot() {
        const auto width = out_.parameters.find(snapshot_width);
        if (width == out_.parameters.end() || width->second.type != TemplateParameter::Type::integer ||
            width->second.fallback)
            error(json_pointer("/parameters", snapshot_width),
                  "found none that can be asked for, allowed: an integer without default (a template of the kind "
                  "snapshot)");
        for (const auto& [name, parameter] : out_.parameters)
            if (parameter.required)
                error(json_pointer("/parameters", name) + "/required",
                      "found true in a template of the kind snapshot, allowed: false: nobody gives it a value");
    }

    // What comes to it comes by itself, so there is nothing but branches.
    void parse_branches_only(const Json& root) {
        const std::string here = std::string("a template of the kind ") + kind_name();
        for (const char* name : {"pipeline", "loop"})
            if (root.contains(name))
                error(json_pointer("", name), "found it in " + here + ", allowed: branches only");
        if (!root.contains("branches") || !root["branches"].is_array() || root["branches"].empty())
            return error("/branches", "found none, allowed: a list with at least one (" + here + ")");
        if (out_.in_process)
            error("/in-process", "found true in " + here + ", allowed: false: it runs in a worker process");
        branches(root["branches"], "/branches");
        sets_what_is_there();
        stays_alone();
    }

    // A misspelt one would be left unset in silence: each branch gets only what its elements take.
    void sets_what_is_there() {
        for (const auto& [name, parameter] : out_.parameters)
            for (const TemplateParameter::Target& target : parameter.sets)
                if (!names(target.element))
                    error(json_pointer("/parameters", name) + "/sets",
                          "found the element " + target.element +
                              ", allowed: one that a branch names (name=" + target.element + ")");
    }

    bool names(const std::string& element) const {
        const std::string wanted = " name=" + element + " ";
        return std::any_of(out_.branches.begin(), out_.branches.end(), [&](const SourceTemplate::Branch& branch) {
            std::string text = " " + branch.pipeline + " ";
            for (const auto& piece : branch.pieces)
                text += piece.text + " ";
            return text.find(wanted) != std::string::npos;
        });
    }

    void error(const std::string& at, std::string what) { errors_.push_back({at, std::move(what)}); }

    bool known(const Json& value, const std::string& at, const std::vector<std::string>& names) {
        if (!value.is_object()) {
            error(at, std::string("found ") + json_type_phrase(value) + ", allowed: an object");
            return false;
        }
        for (const auto& item : value.items())
            if (std::find(names.begin(), names.end(), item.key()) == names.end())
                error(json_pointer(at, item.key()), "found an unknown field");
        return true;
    }

    std::optional<std::string> text(const Json& parent, const std::string& at, const char* name) {
        if (parent.contains(name) && parent[name].is_string())
            return parent[name].get<std::string>();
        error(json_pointer(at, name), "found no text, allowed: a text");
        return std::nullopt;
    }

    bool boolean(const Json& parent, const std::string& at, const char* name) {
        if (!parent.contains(name))
            return false;
        if (!parent[name].is_boolean())
            error(json_pointer(at, name), "found something else, allowed: true or false");
        return parent[name] == true;
    }

    TemplateParameter parameter(const Json& value, const std::string& at) {
        TemplateParameter out;
        if (!known(value, at, {"type", "description", "enum", "minimum", "maximum", "default", "required", "sets"}))
            return out;
        const std::string type = text(value, at, "type").value_or("string");
        if (type == "integer")
            out.type = TemplateParameter::Type::integer;
        else if (type == "boolean")
            out.type = TemplateParameter::Type::boolean;
        else if (type != "string")
            error(at + "/type", "found an unknown type, allowed: string, integer, boolean");
        if (value.contains("enum")) {
            for (const Json& item : value["enum"])
                if (item.is_string())
                    out.allowed.push_back(item.get<std::string>());
                else
                    error(at + "/enum", "found something that is no text, allowed: texts");
        }
        for (const auto& [name, bound] : {std::pair{"minimum", &out.minimum}, std::pair{"maximum", &out.maximum}}) {
            if (value.contains(name) && value[name].is_number_integer())
                *bound = value[name].get<int64_t>();
            else if (value.contains(name))
                error(json_pointer(at, name), "found no whole number, allowed: a whole number");
        }
        if (value.contains("default")) {
            const Json& fallback = value["default"];
            if (out.type == TemplateParameter::Type::string && fallback.is_string())
                out.fallback = fallback.get<std::string>();
            else if (out.type == TemplateParameter::Type::integer && fallback.is_number_integer())
                out.fallback = fallback.get<int64_t>();
            else if (out.type == TemplateParameter::Type::boolean && fallback.is_boolean())
                out.fallback = fallback.get<bool>();
            else
                error(at + "/default", "found a value of another type than the parameter's");
        }
        if (out.fallback)
            if (const auto allowed = not_allowed(out, *out.fallback))
                error(at + "/default", "found a value that is not allowed here itself, allowed: " + *allowed);
        out.required = boolean(value, at, "required");
        if (!value.contains("sets") || !value["sets"].is_array() || value["sets"].empty()) {
            error(at + "/sets", "found no list, allowed: a list of ELEMENT.PROPERTY");
            return out;
        }
        for (const Json& item : value["sets"]) {
            const std::string target = item.is_string() ? item.get<std::string>() : std::string();
            std::vector<std::string> words(1);
            for (const char c : target) {
                if (c == '.')
                    words.emplace_back();
                else
                    words.back() += c;
            }
            if (words.size() < 2 || words.size() > 3 || std::find(words.begin(), words.end(), "") != words.end())
                error(at + "/sets", "found something else, allowed: ELEMENT.PROPERTY or ELEMENT.PROPERTY.FIELD");
            else
                out.sets.push_back({words[0], words[1], words.size() == 3 ? words[2] : ""});
        }
        return out;
    }

    // pieces: where those belong that are not always there; NULL: such may not be.
    std::string pipeline(const Json& value, const std::string& at, std::vector<SourceTemplate::Branch::Piece>* pieces) {
        std::string out;
        const std::string here = at + "/pipeline";
        if (!value.contains("pipeline") || !value["pipeline"].is_array() || value["pipeline"].empty()) {
            error(here, "found no list, allowed: a list of texts");
            return out;
        }
        const Json& lines = value["pipeline"];
        for (size_t i = 0; i < lines.size(); i++) {
            if (lines[i].is_string()) {
                out += (out.empty() ? "" : " ") + lines[i].get<std::string>();
            } else if (pieces && lines[i].is_object()) {
                piece(lines[i], json_pointer(here, std::to_string(i)), out.size(), *pieces);
            } else {
                error(here, "found something that is no text, allowed: a list of texts");
                return out;
            }
        }
        return out;
    }

    void piece(const Json& value, const std::string& at, size_t offset,
               std::vector<SourceTemplate::Branch::Piece>& pieces) {
        if (!known(value, at, {"with", "text"}))
            return;
        SourceTemplate::Branch::Piece out{offset, text(value, at, "text").value_or(""), {}};
        const std::string here = at + "/with";
        if (!value.contains("with") || !value["with"].is_array() || value["with"].empty())
            return error(here, "found no list, allowed: a list of parameters");
        for (const Json& name : value["with"])
            if (name.is_string() && out_.parameters.count(name.get<std::string>()))
                out.with.push_back(name.get<std::string>());
            else
                error(here, "found something else, allowed: names of this template's parameters");
        pieces.push_back(std::move(out));
    }

    void branches(const Json& list, const std::string& at) {
        if (!list.is_array())
            return error(at, "found no list, allowed: a list of objects");
        for (size_t i = 0; i < list.size(); i++) {
            const std::string here = json_pointer(at, std::to_string(i));
            if (!known(list[i], here, {"caps", "pipeline"}))
                continue;
            SourceTemplate::Branch branch;
            branch.caps = text(list[i], here, "caps").value_or("");
            branch.pipeline =
                pipeline(list[i], here, out_.kind == SourceTemplate::Kind::source ? nullptr : &branch.pieces);
            out_.branches.push_back(std::move(branch));
        }
    }

    // In a worker process there is nothing of what these look for.
    void stays_alone() {
        for (const char* factory : only_in_launcher)
            if (!out_.in_process && uses_element(out_, factory))
                error("/in-process",
                      std::string("found a template that runs in a process of its own, with the element ") + factory +
                          ", which reads what the launcher has; allowed: true");
    }

    std::vector<ConfigError>& errors_;
    SourceTemplate& out_;
};

} // namespace

std::string SourceTemplate::Branch::text(const std::set<std::string>& given) const {
    std::string out;
    size_t from = 0;
    for (const Piece& piece : pieces) {
        out += pipeline.substr(from, piece.at - from);
        from = piece.at;
        if (std::any_of(piece.with.begin(), piece.with.end(), [&](const auto& name) { return given.count(name) > 0; }))
            out += " " + piece.text + " ";
    }
    return out + pipeline.substr(from);
}

std::string allowed_phrase(const TemplateParameter& parameter) {
    if (parameter.type == TemplateParameter::Type::boolean)
        return "true or false";
    if (parameter.type == TemplateParameter::Type::integer) {
        std::string out = "a whole number";
        if (parameter.minimum)
            out += " from " + std::to_string(*parameter.minimum);
        if (parameter.maximum)
            out += " up to " + std::to_string(*parameter.maximum);
        return out;
    }
    return parameter.allowed.empty() ? "a text" : join(parameter.allowed);
}

std::optional<std::string> not_allowed(const TemplateParameter& parameter, const ParameterValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<int64_t>(&value);
    const bool other_type = value.index() != static_cast<size_t>(parameter.type);
    const bool other_text =
        text && (text->find('\0') != std::string::npos ||
                 (!parameter.allowed.empty() &&
                  std::find(parameter.allowed.begin(), parameter.allowed.end(), *text) == parameter.allowed.end()));
    const bool outside = number && ((parameter.minimum && *number < *parameter.minimum) ||
                                    (parameter.maximum && *number > *parameter.maximum));
    if (other_type || other_text || outside)
        return allowed_phrase(parameter);
    return std::nullopt;
}

bool uses_element(const SourceTemplate& source_template, std::string_view factory) {
    return names_element(source_template.pipeline, factory) ||
           std::any_of(source_template.branches.begin(), source_template.branches.end(),
                       [&](const SourceTemplate::Branch& branch) { return names_element(branch.pipeline, factory); });
}

bool chooses_encoder(const TemplateParameter& parameter) {
    return std::any_of(parameter.sets.begin(), parameter.sets.end(),
                       [](const TemplateParameter::Target& target) { return target.property == "encoder"; });
}

std::string named_encoder(const SourceTemplate& source_template, const std::map<std::string, ParameterValue>& values) {
    for (const auto& [name, parameter] : source_template.parameters) {
        if (!chooses_encoder(parameter))
            continue;
        const auto given = values.find(name);
        const ParameterValue* value = given != values.end() ? &given->second
                                      : parameter.fallback  ? &*parameter.fallback
                                                            : nullptr;
        if (const auto* text = value ? std::get_if<std::string>(value) : nullptr; text && !text->empty())
            return *text;
    }
    return "";
}

SourceTemplate parse_template(std::string_view text, std::vector<ConfigError>& errors) {
    SourceTemplate out;
    out.text = text;
    const Json root = parse_json_text(text, errors);
    if (errors.empty())
        TemplateParser(errors, out).parse(root);
    return out;
}

Result<SourceTemplate> load_template(const std::string& directory, const std::string& name) {
    const std::string path = directory + "/" + name + ".json";
    const Result<std::string> text = read_small_file(path, max_template_bytes);
    if (!text)
        return Error{ErrorKind::missing_file, "template " + path + ": cannot be read: " + text.error().text +
                                                  " (SLUICE_PIPELINES names the directory of templates)"};
    std::vector<ConfigError> errors;
    SourceTemplate out = parse_template(text.value(), errors);
    if (errors.empty() && out.name != name)
        errors.push_back({"/name", "found another name than the file's, allowed: " + name});
    if (errors.empty())
        return out;
    std::string all;
    for (const ConfigError& e : errors)
        all += (all.empty() ? "" : "\n") + to_string(path, e);
    return Error{ErrorKind::bad_config, all};
}

Result<std::vector<PropertySetting>> bind_parameters(const SourceTemplate& source_template,
                                                     const std::map<std::string, ParameterValue>& values) {
    for (const auto& [name, value] : values)
        if (source_template.parameters.find(name) == source_template.parameters.end())
            return Error{ErrorKind::bad_config, "the template " + source_template.name + " has no parameter " + name};
    std::vector<PropertySetting> out;
    for (const auto& [name, parameter] : source_template.parameters) {
        const auto given = values.find(name);
        if (given == values.end() && !parameter.fallback) {
            if (parameter.required)
                return Error{ErrorKind::bad_config,
                             "the template " + source_template.name + " needs a value for " + name};
            continue;
        }
        const ParameterValue& value = given == values.end() ? *parameter.fallback : given->second;
        if (const auto allowed = not_allowed(parameter, value))
            return Error{ErrorKind::bad_config, "parameter " + name + " of the template " + source_template.name +
                                                    ": the value is not allowed, allowed: " + *allowed};
        for (const TemplateParameter::Target& target : parameter.sets)
            out.push_back({target.element, target.property, target.field, value});
        // The address first: an element that takes settings out of it forgets the ones before (srtsrc).
        if (name == "url")
            std::rotate(out.begin(), out.end() - static_cast<std::ptrdiff_t>(parameter.sets.size()), out.end());
    }
    return out;
}

} // namespace sluice
