// SPDX-License-Identifier: LGPL-2.1-or-later
// Configurations of other programs as texts, and what becomes of them.
#pragma once

#include "launcher/import/format_import.hpp"
#include "launcher/import/import_writer.hpp"
#include "tests/support/config_text.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sluice::import_text {

using Environment = std::map<std::string, std::string>;

struct Outcome {
    ImportResult result;
    Json json;

    const Json& camera(const std::string& name) const {
        static const Json none;
        return json.contains("cameras") && json["cameras"].contains(name) ? json["cameras"][name] : none;
    }
    Json main(const std::string& name) const {
        return camera(name).is_null() ? Json() : camera(name)["streams"]["main"];
    }
    std::string remarks() const {
        std::string out;
        for (const Remark& r : result.remarks)
            out += std::to_string(r.line) + ": " + r.where + ": " + r.text + "\n";
        return out;
    }
    // Of the place, all of them.
    std::string remark(const std::string& where) const {
        std::string out;
        for (const Remark& r : result.remarks)
            if (r.where == where)
                out += r.text + "\n";
        return out;
    }
    size_t remarks_of(const std::string& where) const {
        return static_cast<size_t>(std::count_if(result.remarks.begin(), result.remarks.end(),
                                                 [&](const Remark& r) { return r.where == where; }));
    }
};

inline Outcome import(ImportFormat format, const std::string& yaml, const Environment& environment = {},
                      const ImportOptions& options = {}, const std::optional<std::string>& secrets = std::nullopt) {
    const Result<YamlNode> root = parse_yaml(yaml);
    EXPECT_TRUE(bool(root)) << (root ? "" : root.error().text) << "\n" << yaml;
    if (!root)
        return {};
    Imported imported =
        format == ImportFormat::go2rtc
            ? import_go2rtc(root.value(), options,
                            [&](const std::string& name) -> std::optional<std::string> {
                                const auto it = environment.find(name);
                                return it == environment.end() ? std::nullopt : std::optional(it->second);
                            })
            : import_mediamtx(root.value(), options);
    Outcome out;
    out.result = write_import(std::move(imported), options, config_text::fake_templates(), secrets);
    EXPECT_TRUE(out.result.errors.empty()) << (out.result.errors.empty() ? "" : out.result.errors.front());
    if (!out.result.json.empty())
        out.json = Json::parse(out.result.json);
    return out;
}

inline Outcome go2rtc(const std::string& yaml, const Environment& environment = {}, const ImportOptions& options = {},
                      const std::optional<std::string>& secrets = std::nullopt) {
    return import(ImportFormat::go2rtc, yaml, environment, options, secrets);
}

inline Outcome mediamtx(const std::string& yaml, const ImportOptions& options = {}) {
    return import(ImportFormat::mediamtx, yaml, {}, options);
}

} // namespace sluice::import_text
