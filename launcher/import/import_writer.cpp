// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/import_writer.hpp"

#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "launcher/import/camera_groups.hpp"
#include "launcher/import/import_support.hpp"

#include <glib.h>

#include <algorithm>
#include <map>
#include <set>

namespace sluice {

namespace {

constexpr const char* variable_prefix = "SLUICE_CAMERA_"; // the one that the API may name, too

std::string variable_name(const std::string& camera) {
    std::string out = variable_prefix;
    for (const char c : camera)
        out += g_ascii_isalnum(c) ? g_ascii_toupper(c) : '_';
    return out;
}

class Writer {
public:
    Writer(Imported imported, const Templates& templates, std::optional<std::string> directory)
        : imported_(std::move(imported)), templates_(templates), directory_(std::move(directory)) {}

    ImportResult write(const ImportOptions& options) {
        Json cameras = Json::object();
        std::map<std::string, std::string> camera_of; // by stream
        for (const ImportedCamera& camera : group_cameras(imported_, options.separate)) {
            Json description = describe(camera);
            if (!acceptable(camera, description))
                continue;
            camera_of[camera.main->name] = camera.name;
            if (camera.sub)
                camera_of[camera.sub->name] = camera.name;
            cameras[camera.name] = std::move(description);
            for (ImportedSecret& secret : pending_)
                result_.secrets.push_back(std::move(secret));
        }
        for (const ImportedAccount& account : imported_.accounts) {
            const std::string command = account_command(account, [&](const std::string& stream) {
                const auto it = camera_of.find(stream);
                return it == camera_of.end() ? std::string() : it->second;
            });
            if (!command.empty())
                result_.commands.push_back(command);
        }
        result_.cameras = cameras.size();
        if (!cameras.empty())
            finish(std::move(cameras));
        result_.remarks = std::move(imported_.remarks);
        std::stable_sort(result_.remarks.begin(), result_.remarks.end(),
                         [](const Remark& a, const Remark& b) { return a.line < b.line; });
        return std::move(result_);
    }

private:
    Json describe(const ImportedCamera& camera) {
        pending_.clear();
        Json streams = Json::object();
        streams["main"] = stream(*camera.main, camera.name);
        if (camera.sub)
            streams["sub"] = stream(*camera.sub, camera.name);
        return {{"streams", std::move(streams)}};
    }

    Json stream(const ImportedStream& from, const std::string& camera) {
        Json out = Json::object();
        if (from.sources.size() == 1) {
            out = source(from.sources.front(), camera);
        } else {
            Json list = Json::array();
            for (const ImportedSource& item : from.sources)
                list.push_back(source(item, camera));
            out["sources"] = std::move(list);
        }
        if (from.on_demand)
            out["on-demand"] = true;
        return out;
    }

    Json source(const ImportedSource& from, const std::string& camera) {
        Json out{{"url", from.url}};
        if (!from.user.empty())
            out["user"] = from.user;
        if (!from.variable.empty()) {
            out["password"] = {{"env", from.variable}};
            remember({from.variable, Secret(), camera});
        } else if (!from.password.empty()) {
            const std::string name = reference(from.password, camera);
            out["password"] = directory_ ? Json{{"file", *directory_ + "/" + name}} : Json{{"env", name}};
        }
        if (!from.transport.empty() && from.transport != "tcp")
            out["transport"] = from.transport;
        if (!from.fingerprint.empty())
            out["tls-fingerprint"] = from.fingerprint;
        return out;
    }

    // One per password of a camera, as it is changed there.
    std::string reference(const Secret& password, const std::string& camera) {
        for (const ImportedSecret& secret : pending_)
            if (secret.value == password)
                return secret.reference;
        const std::string first = directory_ ? camera : variable_name(camera);
        const std::string tail = directory_ ? ".pw" : "";
        std::string name = first + tail;
        for (unsigned number = 2; values_.count(name); number++)
            name = first + (directory_ ? "-" : "_") + std::to_string(number) + tail;
        remember({name, password, camera});
        return name;
    }

    void remember(ImportedSecret secret) {
        const bool known = std::any_of(pending_.begin(), pending_.end(),
                                       [&](const ImportedSecret& s) { return s.reference == secret.reference; });
        if (known)
            return;
        // Nobody knows yet what the variable will hold.
        values_[secret.reference] = secret.value.empty() ? "as long as any" : secret.value.reveal();
        pending_.push_back(std::move(secret));
    }

    ConfigContext context() const {
        const auto value = [this](const std::string& name) {
            const auto it = values_.find(name);
            return it == values_.end() ? std::nullopt : std::optional(it->second);
        };
        return {
            templates_,
            {value, [value, prefix = directory_.value_or("") + "/"](const std::string& path) -> Result<std::string> {
                 const auto found = path.rfind(prefix, 0) == 0 ? value(path.substr(prefix.size())) : std::nullopt;
                 if (!found)
                     return Error{ErrorKind::missing_file, "it is not there"};
                 return *found;
             }}};
    }

    static std::string text_of(const Json& json, int indent) {
        return json.dump(indent, ' ', false, Json::error_handler_t::replace);
    }

    bool acceptable(const ImportedCamera& camera, const Json& description) {
        const ConfigResult parsed = parse_camera(camera.name, text_of(description, -1), context());
        for (const ConfigError& error : parsed.errors)
            imported_.remark(camera.main->line, camera.main->where,
                             "the camera is left out, Sluice does not take it: " + error.where + ": " +
                                 hide_queries(error.text));
        return parsed.errors.empty();
    }

    void finish(Json cameras) {
        Json root{{"version", 1}};
        if (!imported_.server.empty())
            root["server"] = std::move(imported_.server);
        root["cameras"] = std::move(cameras);
        std::string text = text_of(root, 2) + "\n";
        const ConfigResult parsed = parse_config(text, context());
        for (const ConfigError& error : parsed.errors)
            result_.errors.push_back(error.where + ": " + error.text);
        if (parsed.errors.empty())
            result_.json = std::move(text);
    }

    Imported imported_;
    const Templates& templates_;
    const std::optional<std::string> directory_;
    std::map<std::string, std::string> values_; // what references lead to
    std::vector<ImportedSecret> pending_;       // of the camera that is being described
    ImportResult result_;
};

} // namespace

ImportResult write_import(Imported imported, const ImportOptions& options, const Templates& templates,
                          const std::optional<std::string>& secrets_directory) {
    return Writer(std::move(imported), templates, secrets_directory).write(options);
}

} // namespace sluice
