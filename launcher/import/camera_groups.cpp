// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/camera_groups.hpp"

#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"

#include <glib.h>

#include <map>
#include <memory>
#include <set>

namespace sluice {

namespace {

constexpr size_t max_name = 64;
constexpr const char* separators = "_-./ ";

// "front" of "front_sub" and the like; empty: it does not end so.
std::string base_of(const std::string& name, std::string_view role) {
    if (name.size() < role.size() + 2)
        return {};
    const size_t split = name.size() - role.size() - 1;
    if (std::string_view(separators).find(name[split]) == std::string_view::npos ||
        g_ascii_strncasecmp(name.data() + split + 1, role.data(), role.size()) != 0)
        return {};
    return name.substr(0, split);
}

std::string unused(const std::string& wanted, std::set<std::string>& used) {
    std::string name = wanted;
    for (unsigned number = 2; !used.insert(name).second; number++) {
        const std::string tail = "-" + std::to_string(number);
        name = wanted.substr(0, max_name - tail.size()) + tail;
    }
    return name;
}

} // namespace

std::string allowed_name(std::string_view name) {
    using Text = std::unique_ptr<char, decltype(&g_free)>;
    const std::string shown = hide_queries(redact_urls(name)); // some are the address itself, with a password in it
    const Text valid(g_utf8_make_valid(shown.c_str(), static_cast<gssize>(shown.size())), g_free);
    const Text ascii(g_str_to_ascii(valid.get(), "C"), g_free);
    std::string out;
    for (const char* p = ascii.get(); *p && out.size() < max_name; p++) {
        const bool good = g_ascii_isalnum(*p) || *p == '.' || *p == '_' || *p == '-';
        if (good)
            out += *p;
        else if (!out.empty() && out.back() != '-')
            out += '-';
    }
    out.erase(0, std::min(out.find_first_not_of(".-"), out.size()));
    while (!out.empty() && out.back() == '-')
        out.pop_back();
    return out.empty() ? "camera" : out;
}

std::vector<ImportedCamera> group_cameras(Imported& imported, bool separate) {
    std::map<std::string, const ImportedStream*> by_name;
    for (const ImportedStream& stream : imported.streams)
        by_name.emplace(stream.name, &stream);

    std::map<const ImportedStream*, const ImportedStream*> sub_of; // by its main
    std::map<const ImportedStream*, std::string> base;
    std::set<const ImportedStream*> taken;
    for (const ImportedStream& stream : imported.streams) {
        const std::string wanted = separate ? std::string() : base_of(stream.name, "sub");
        const ImportedStream* main = nullptr;
        if (const auto it = by_name.find(wanted); !wanted.empty() && it != by_name.end())
            main = it->second;
        for (const ImportedStream& other : imported.streams)
            if (!main && !wanted.empty() && base_of(other.name, "main") == wanted)
                main = &other;
        if (!main || main == &stream || sub_of.count(main) || taken.count(main) || sub_of.count(&stream))
            continue;
        sub_of[main] = &stream;
        base[main] = wanted;
        taken.insert(&stream);
    }

    // Names that need no change are given out first: nobody else's change may take them away.
    std::set<std::string> used;
    for (const ImportedStream& stream : imported.streams) {
        const std::string& name = base.count(&stream) ? base[&stream] : stream.name;
        if (!taken.count(&stream) && is_config_name(name))
            used.insert(name);
    }
    std::set<std::string> given;
    std::vector<ImportedCamera> out;
    for (const ImportedStream& stream : imported.streams) {
        if (taken.count(&stream))
            continue;
        const std::string& wanted = base.count(&stream) ? base[&stream] : stream.name;
        const bool as_it_is = is_config_name(wanted) && given.insert(wanted).second;
        const std::string name = as_it_is ? wanted : unused(allowed_name(wanted), used);
        const ImportedStream* sub = sub_of.count(&stream) ? sub_of[&stream] : nullptr;
        out.push_back({name, &stream, sub});
        const std::string shown = name.size() > 64 ? name.substr(0, 64) : name;
        if (name != stream.name)
            imported.remark(stream.line, stream.where,
                            sub ? "is the main stream of the camera " + shown + " now"
                                : "is the camera " + shown + " now: names hold " + config_name_allowed);
        if (sub)
            imported.remark(sub->line, sub->where,
                            "is the sub stream of the camera " + shown + " now (--separate keeps two cameras)");
    }
    return out;
}

} // namespace sluice
