// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/profiles.hpp"

#include "plugins/core/small_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

namespace sluice::hw {

namespace {

constexpr size_t max_profile_bytes = 64 * 1024;
constexpr size_t max_profiles = 256;

template <typename Profile> void load_file(const std::string& path, const std::string& name,
                                           Profile (*parse)(std::string_view, std::vector<ConfigError>&),
                                           std::vector<Profile>& out, std::string& wrong) {
    std::vector<ConfigError> errors;
    const Result<std::string> text = read_small_file(path, max_profile_bytes);
    if (!text) {
        errors.push_back({"", "cannot be read: " + text.error().text});
    } else {
        Profile profile = parse(text.value(), errors);
        if (errors.empty() && profile.name != name)
            errors.push_back({"/name", "found another name than the file's, allowed: " + name});
        if (errors.empty())
            out.push_back(std::move(profile));
    }
    for (const ConfigError& error : errors)
        wrong += (wrong.empty() ? "" : "\n") + to_string(path, error);
}

template <typename Profile> Result<bool> load_directory(const std::string& directory,
                                                        Profile (*parse)(std::string_view, std::vector<ConfigError>&),
                                                        std::vector<Profile>& out, std::string& wrong) {
    const auto names = json_names_in(directory, "encoder profiles", "SLUICE_HW", max_profiles);
    if (!names)
        return names.error();
    for (const std::string& name : names.value())
        if (std::none_of(out.begin(), out.end(), [&](const Profile& p) { return p.name == name; }))
            load_file(directory + "/" + name + ".json", name, parse, out, wrong);
    return true;
}

template <typename Profile> void sort(std::vector<Profile>& profiles) {
    std::sort(profiles.begin(), profiles.end(), [](const Profile& a, const Profile& b) {
        const bool a_soft = !a.hardware, b_soft = !b.hardware;
        return std::tie(a.codec, a_soft, a.order, a.name) < std::tie(b.codec, b_soft, b.order, b.name);
    });
}

template <typename Profile> const Profile* find(const std::vector<Profile>& profiles, const std::string& name) {
    const auto it = std::find_if(profiles.begin(), profiles.end(), [&](const Profile& p) { return p.name == name; });
    return it == profiles.end() ? nullptr : &*it;
}

} // namespace

const EncoderProfile* Profiles::encoder(const std::string& name) const { return find(encoders, name); }
const DecoderProfile* Profiles::decoder(const std::string& name) const { return find(decoders, name); }

Result<Profiles> load_profiles(const std::string& directories) {
    Profiles out;
    std::string wrong;
    for (const std::string& directory : directories_in(directories)) {
        if (const auto read = load_directory(directory + "/encoders", parse_encoder_profile, out.encoders, wrong);
            !read)
            return read.error();
        std::error_code problem;
        if (!std::filesystem::is_directory(directory + "/decoders", problem))
            continue;
        if (const auto read = load_directory(directory + "/decoders", parse_decoder_profile, out.decoders, wrong);
            !read)
            return read.error();
    }
    if (!wrong.empty())
        return Error{ErrorKind::bad_config, wrong};
    sort(out.encoders);
    sort(out.decoders);
    return out;
}

std::string profile_directories() {
    const char* given = std::getenv("SLUICE_HW");
    return given && *given ? given : SLUICE_HW_DIR;
}

} // namespace sluice::hw
