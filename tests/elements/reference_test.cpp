// SPDX-License-Identifier: LGPL-2.1-or-later
// docs/elements.md against the elements: what an application can see of them does not change without a change of that file.
// `meson test` compares; with SLUICE_WRITE_REFERENCE=FILE the program writes it.
#include "tests/support/element_rig.hpp"
#include "tests/support/our_elements.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

using namespace sluice;
using namespace sluice::test;

namespace {

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string cell(std::string text) {
    for (size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; at += 2)
        text.replace(at, 1, text[at] == '|' ? "\\|" : "  ");
    return text;
}

std::string value_text(const GValue& value) {
    if (G_VALUE_HOLDS_STRING(&value))
        return g_value_get_string(&value) ? "\"" + std::string(g_value_get_string(&value)) + "\"" : "none";
    if (G_VALUE_HOLDS_BOXED(&value) || G_VALUE_HOLDS_OBJECT(&value))
        return "";
    if (G_VALUE_HOLDS_ENUM(&value)) {
        const auto* klass = G_ENUM_CLASS(g_type_class_peek(G_VALUE_TYPE(&value)));
        return g_enum_get_value(const_cast<GEnumClass*>(klass), g_value_get_enum(&value))->value_nick;
    }
    const GString8 text(gst_value_serialize(&value));
    return text ? text.get() : "";
}

std::string range_of(GParamSpec* p) {
    const auto between = [](auto low, auto high) { return std::to_string(low) + " to " + std::to_string(high); };
    if (G_IS_PARAM_SPEC_UINT(p))
        return between(G_PARAM_SPEC_UINT(p)->minimum, G_PARAM_SPEC_UINT(p)->maximum);
    if (G_IS_PARAM_SPEC_INT(p))
        return between(G_PARAM_SPEC_INT(p)->minimum, G_PARAM_SPEC_INT(p)->maximum);
    if (G_IS_PARAM_SPEC_UINT64(p))
        return between(G_PARAM_SPEC_UINT64(p)->minimum, G_PARAM_SPEC_UINT64(p)->maximum);
    if (G_IS_PARAM_SPEC_INT64(p))
        return between(G_PARAM_SPEC_INT64(p)->minimum, G_PARAM_SPEC_INT64(p)->maximum);
    if (G_IS_PARAM_SPEC_DOUBLE(p))
        return between(G_PARAM_SPEC_DOUBLE(p)->minimum, G_PARAM_SPEC_DOUBLE(p)->maximum);
    std::string out;
    if (G_IS_PARAM_SPEC_ENUM(p)) {
        const GEnumClass* klass = G_PARAM_SPEC_ENUM(p)->enum_class;
        for (guint i = 0; i < klass->n_values; i++)
            out += (i ? ", " : "") + std::string(klass->values[i].value_nick);
    }
    return out;
}

void write_properties(std::ostream& out, GstElement* e) {
    guint n = 0;
    GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(e), &n);
    std::map<std::string, GParamSpec*> sorted;
    for (guint i = 0; i < n; i++)
        if (specs[i]->owner_type == G_OBJECT_TYPE(e))
            sorted[specs[i]->name] = specs[i];
    g_free(specs);
    if (sorted.empty())
        return;
    out << "\n| property | type | default | allowed | meaning |\n|---|---|---|---|---|\n";
    for (const auto& [name, p] : sorted) {
        std::string access;
        if (!(p->flags & G_PARAM_WRITABLE))
            access = ", read-only";
        else if (!(p->flags & G_PARAM_READABLE))
            access = ", write-only";
        else if (p->flags & GST_PARAM_MUTABLE_READY)
            access = ", until READY";
        else if (p->flags & GST_PARAM_MUTABLE_PAUSED)
            access = ", until PAUSED";
        else if (p->flags & GST_PARAM_MUTABLE_PLAYING)
            access = ", any time";
        const std::string value = p->flags & G_PARAM_WRITABLE ? value_text(*g_param_spec_get_default_value(p)) : "";
        out << "| `" << name << "` | " << g_type_name(p->value_type) << access << " | " << cell(value) << " | "
            << range_of(p) << " | " << cell(g_param_spec_get_blurb(p)) << " |\n";
    }
}

void write_signals(std::ostream& out, GstElement* e) {
    guint n = 0;
    guint* ids = g_signal_list_ids(G_OBJECT_TYPE(e), &n);
    if (n)
        out << "\n| signal | kind | handler |\n|---|---|---|\n";
    std::map<std::string, GSignalQuery> sorted;
    for (guint i = 0; i < n; i++) {
        GSignalQuery q{};
        g_signal_query(ids[i], &q);
        sorted[q.signal_name] = q;
    }
    g_free(ids);
    for (const auto& [name, q] : sorted) {
        out << "| `" << name << "` | " << (q.signal_flags & G_SIGNAL_ACTION ? "action" : "signal") << " | "
            << g_type_name(q.return_type & ~G_SIGNAL_TYPE_STATIC_SCOPE) << " (";
        for (guint i = 0; i < q.n_params; i++)
            out << (i ? ", " : "") << g_type_name(q.param_types[i] & ~G_SIGNAL_TYPE_STATIC_SCOPE);
        out << ") |\n";
    }
}

void write_pads(std::ostream& out, GstElement* e) {
    out << "\n| pad | direction | there | caps |\n|---|---|---|---|\n";
    std::map<std::string, GstPadTemplate*> sorted;
    for (GList* l = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(e)); l; l = l->next)
        sorted[GST_PAD_TEMPLATE_NAME_TEMPLATE(l->data)] = GST_PAD_TEMPLATE(l->data);
    for (const auto& [name, t] : sorted) {
        const GstPadPresence there = GST_PAD_TEMPLATE_PRESENCE(t);
        const auto template_caps = adopt(gst_pad_template_get_caps(t));
        const GString8 text(gst_caps_to_string(template_caps.get()));
        out << "| `" << name << "` | " << (GST_PAD_TEMPLATE_DIRECTION(t) == GST_PAD_SINK ? "sink" : "src") << " | "
            << (there == GST_PAD_ALWAYS      ? "always"
                : there == GST_PAD_SOMETIMES ? "sometimes"
                                             : "on request")
            << " | " << cell(text.get()) << " |\n";
    }
}

// What the source says of the element, as text of this page.
std::string prose_of(const std::string& name) {
    const auto plugins = std::filesystem::path(g_getenv("SLUICE_PIPELINES")).parent_path() / "plugins";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(plugins)) {
        if (entry.path().extension() != ".cpp")
            continue;
        const std::string text = read(entry.path());
        const size_t begin = text.find("SECTION:element-" + name + "\n");
        if (begin == std::string::npos)
            continue;
        std::istringstream lines(text.substr(begin, text.find("*/", begin) - begin));
        std::string out;
        bool code = false;
        std::getline(lines, out);
        out.clear();
        for (std::string line; std::getline(lines, line);) {
            line = line.substr(std::min(line.size(), line.find_first_not_of(' ', 0) + 2)); // " * "
            if (!line.empty() && line[0] == ' ')
                line.erase(0, 1);
            if (line.starts_with("@title") || line == "## Example launch line")
                continue;
            if (line == "|[" || line == "]|") {
                code = line == "|[";
                continue;
            }
            static const std::regex link("#([a-z]+)(:([a-z-]+))?");
            out += code ? "    " + line + "\n" : std::regex_replace(line, link, "`$1$2`") + "\n";
        }
        return std::regex_replace(out, std::regex("\n\n\n+"), "\n\n");
    }
    return "";
}

std::string reference() {
    std::ostringstream out;
    out << "# Elements\n\nWhat applications and `gst-launch-1.0` can see of the elements. Written by a test from the "
           "elements themselves; it fails\nwhen this page says something else. To write it anew:\n"
           "`SLUICE_WRITE_REFERENCE=$PWD/docs/elements.md meson test -C build reference`.\n";
    for (const std::string& name : our_elements()) {
        const auto e = make_element(name.c_str());
        GstElementClass* klass = GST_ELEMENT_GET_CLASS(e.get());
        out << "\n## " << name << "\n\n"
            << gst_element_class_get_metadata(klass, GST_ELEMENT_METADATA_LONGNAME) << " (`"
            << gst_element_class_get_metadata(klass, GST_ELEMENT_METADATA_KLASS) << "`)\n"
            << prose_of(name);
        write_pads(out, e.get());
        write_properties(out, e.get());
        write_signals(out, e.get());
    }
    return std::regex_replace(out.str(), std::regex("\n\n\n+"), "\n\n");
}

TEST(Reference, SaysWhatTheElementsAre) {
    const std::string now = reference();
    if (const char* file = g_getenv("SLUICE_WRITE_REFERENCE"))
        std::ofstream(file) << now;
    const std::string committed =
        read(std::filesystem::path(g_getenv("SLUICE_PIPELINES")).parent_path() / "docs/elements.md");
    std::istringstream a(committed), b(now);
    std::string before, after;
    for (int line = 1;; line++) {
        const bool more = static_cast<bool>(std::getline(a, before)),
                   goes_on = static_cast<bool>(std::getline(b, after));
        if (!more && !goes_on)
            break;
        ASSERT_EQ(more ? before : "(end)", goes_on ? after : "(end)")
            << "docs/elements.md:" << line << "; if the change is meant, write the page anew as it says";
    }
}

} // namespace
