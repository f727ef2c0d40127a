// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/camera_news.hpp"

#include <cmath>
#include <optional>

namespace sluice {

namespace {

Json facts(Json camera) {
    camera.erase("viewers");
    for (Json& stream : camera["streams"])
        for (const char* number : {"state-seconds", "next-attempt-seconds", "fps", "bitrate"})
            stream.erase(number);
    return camera;
}

// How long the wait for the next attempt is in all, from the beginning of the state: the same all the time that it runs
// down, so that who was told once can count by themselves. Nothing: nobody waits, or the wait is over.
std::optional<double> wait(const Json& stream) {
    const Json& next = stream["next-attempt-seconds"];
    if (!next.is_number() || next.get<double>() <= 0)
        return std::nullopt;
    return stream["state-seconds"].get<double>() + next.get<double>();
}

// The facts of both are the same, so they have the same streams.
bool another_wait(const Json& told, const Json& now) {
    for (size_t i = 0; i < now["streams"].size(); i++) {
        const auto before = wait(told["streams"][i]), after = wait(now["streams"][i]);
        // That a wait is over is seen by what follows it.
        if (after && (!before || std::abs(*after - *before) > 0.5))
            return true;
    }
    return false;
}

bool numbers_differ(const Json& a, const Json& b) {
    if (a["viewers"] != b["viewers"])
        return true;
    for (size_t i = 0; i < a["streams"].size(); i++) {
        const Json &x = a["streams"][i], &y = b["streams"][i];
        const double before = x["bitrate"].get<double>(), after = y["bitrate"].get<double>();
        if (std::abs(after - before) > before / 20 || std::abs(x["fps"].get<double>() - y["fps"].get<double>()) >= 0.5)
            return true;
    }
    return false;
}

} // namespace

std::vector<Json> CameraNews::update(const Json& cameras, bool numbers) {
    std::vector<Json> out;
    std::map<std::string, Json> now;
    for (const Json& camera : cameras) {
        const auto name = camera["name"].get<std::string>();
        const auto told = told_.find(name);
        if (told != told_.end() && facts(told->second) == facts(camera) && !another_wait(told->second, camera) &&
            !(numbers && numbers_differ(told->second, camera))) {
            now[name] = std::move(told->second);
            continue;
        }
        out.push_back(Json{{"type", "camera"}, {"camera", camera}});
        now[name] = camera;
    }
    for (const auto& [name, camera] : told_)
        if (!now.count(name))
            out.push_back(Json{{"type", "removed"}, {"name", name}});
    told_ = std::move(now);
    return out;
}

} // namespace sluice
