// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/url.hpp"
#include "launcher/import/format_import.hpp"
#include "launcher/import/import_support.hpp"
#include "launcher/import/mediamtx_settings.hpp"
#include "launcher/import/source_address.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluice {

namespace {

class MediaMtx {
public:
    MediaMtx(const YamlNode& root, const ImportOptions& options) : root_(root), options_(options) {}

    Imported read() {
        remark_mediamtx_globals(out_, root_);
        users();
        webrtc();
        defaults_ = root_.find("pathDefaults");
        if (defaults_)
            remark_mediamtx_path(out_, *defaults_, "/pathDefaults");
        if (const YamlNode* paths = root_.find("paths"))
            for (const YamlNode::Field& field : paths->fields)
                path(field.name, field.value);
        for (const Fallback& fallback : fallbacks_)
            resolve(fallback);
        return std::move(out_);
    }

private:
    struct Fallback {
        size_t stream;
        std::string target; // name of another path
        unsigned line;
        std::string where;
    };
    struct Place {
        const YamlNode* value = nullptr;
        std::string where;
    };

    // A path's own setting, or the one for all of them.
    Place setting(const YamlNode& path, const std::string& where, const char* name) const {
        if (const YamlNode* own = path.find(name))
            return {own, json_pointer(where, name)};
        if (const YamlNode* common = defaults_ ? defaults_->find(name) : nullptr)
            return {common, json_pointer("/pathDefaults", name)};
        return {};
    }

    void path(const std::string& name, const YamlNode& value) {
        const std::string where = import_pointer("/paths", name);
        remark_mediamtx_path(out_, value, where);
        if (name == "all" || name == "all_others" || name.rfind("~", 0) == 0) {
            out_.remark(value.line, where, "stands for many names: left out, each camera has to be given by its name");
            return;
        }
        const Place source = setting(value, where, "source");
        const std::string* text = source.value ? source.value->scalar() : nullptr;
        const unsigned line = source.value ? source.value->line : value.line;
        const std::string at = source.value ? source.where : where;
        if (!text || *text == "publisher" || *text == "record") {
            out_.remark(value.line, where,
                        "waits for somebody to send it, which cannot be done here: left out, unless it is given the "
                        "address of the camera (or srt://:PORT?mode=listener, to be sent MPEG-TS)");
            return;
        }
        ImportedStream stream{name, value.line, where, {}, false};
        AddressResult read = source_of(*text);
        if (read.source) {
            transport(value, where, *read.source);
            fingerprint(value, where, *read.source);
            add_source(stream, std::move(*read.source));
        } else {
            out_.remark(line, at, "left out: " + read.why);
        }
        for (const std::string& note : read.notes)
            out_.remark(line, at, note);
        const Place demand = setting(value, where, "sourceOnDemand");
        stream.on_demand = options_.on_demand || (demand.value && demand.value->boolean() == true);
        if (!fallback(value, where, stream) && stream.sources.empty())
            return;
        out_.streams.push_back(std::move(stream));
    }

    static AddressResult source_of(const std::string& text) {
        AddressResult out;
        const std::string scheme = scheme_of(text);
        if (text == "redirect")
            out.why = "nobody is sent on to another path: viewers have to ask for that one";
        else if (text == "rpiCamera")
            out.why =
                "the camera of a Raspberry Pi is not read by itself: give v4l2:///dev/videoN, or a pipeline template "
                "with libcamerasrc";
        else if (text.find("$G") != std::string::npos || text.find("$MTX_") != std::string::npos)
            out.why = "variables of MediaMTX are not known here: write the whole address";
        else if (const char* missing = missing_kind(scheme))
            out.why = missing;
        else if (scheme == "rtsp+http" || scheme == "rtsps+http") {
            const size_t plus = scheme.find('+');
            out = read_address(scheme.substr(0, plus) + text.substr(scheme.size()));
            if (out.source)
                out.source->transport = "http";
        } else {
            out = read_address(text);
        }
        return out;
    }

    void transport(const YamlNode& path, const std::string& where, ImportedSource& source) {
        Place place = setting(path, where, "rtspTransport");
        if (!place.value || is_unset(place.value))
            place = setting(path, where, "sourceProtocol");
        const std::string* name = place.value ? place.value->scalar() : nullptr;
        if (!name || source.url.rfind("rtsp", 0) != 0 || !source.transport.empty())
            return;
        if (*name == "udp" || *name == "tcp")
            source.transport = *name;
        else if (*name != "automatic" && said_.insert(place.where).second)
            out_.remark(place.value->line, place.where, "multicast is not received: TCP is used");
    }

    void fingerprint(const YamlNode& path, const std::string& where, ImportedSource& source) {
        const Place place = setting(path, where, "sourceFingerprint");
        const std::string* text = place.value ? place.value->scalar() : nullptr;
        if (!text || (source.url.rfind("rtsps://", 0) != 0 && source.url.rfind("https://", 0) != 0))
            return;
        const bool hexadecimal = text->find_first_not_of("0123456789abcdefABCDEF:") == std::string::npos;
        const auto digits =
            static_cast<size_t>(text->size() - static_cast<size_t>(std::count(text->begin(), text->end(), ':')));
        if (hexadecimal && digits == 64)
            source.fingerprint = *text;
        else
            out_.remark(place.value->line, place.where, "not a SHA-256 in hexadecimal: left out");
    }

    // True if there will be, or may be, a source from it.
    bool fallback(const YamlNode& path, const std::string& where, ImportedStream& stream) {
        const Place place = setting(path, where, "fallback");
        const std::string* text = place.value ? place.value->scalar() : nullptr;
        if (!text)
            return false;
        if (text->front() == '/') {
            if (stream.sources.empty())
                return false;
            fallbacks_.push_back({out_.streams.size(), text->substr(1), place.value->line, place.where});
            return true;
        }
        AddressResult read = source_of(*text);
        if (!read.source)
            out_.remark(place.value->line, place.where, "left out: " + read.why);
        for (const std::string& note : read.notes)
            out_.remark(place.value->line, place.where, note);
        return read.source && add_source(stream, std::move(*read.source));
    }

    void resolve(const Fallback& fallback) {
        const auto other = std::find_if(out_.streams.begin(), out_.streams.end(),
                                        [&](const ImportedStream& s) { return s.name == fallback.target; });
        if (other == out_.streams.end() || other->sources.empty())
            out_.remark(fallback.line, fallback.where, "left out: that path has no source here");
        else
            add_source(out_.streams[fallback.stream], ImportedSource(other->sources.front()));
    }

    void webrtc() {
        for (const char* name : {"webrtcLocalTCPAddress", "webrtcICETCPMuxAddress"})
            if (!is_unset(root_.find(name)))
                out_.server["webrtc"]["ice-tcp"] = true;
        if (const YamlNode* servers = root_.find("webrtcICEServers2"))
            for (size_t i = 0; i < servers->items.size(); i++)
                if (const YamlNode* url = servers->items[i].find("url"))
                    import_ice_servers(out_, {url}, json_pointer("/webrtcICEServers2", std::to_string(i)) + "/url");
        if (const YamlNode* servers = root_.find("webrtcICEServers"))
            import_ice_servers(out_, import_list(*servers), "/webrtcICEServers");
    }

    void users() {
        const YamlNode* list = root_.find("authInternalUsers");
        const YamlNode* method = root_.find("authMethod");
        if (method && method->scalar() && *method->scalar() != "internal")
            return; // they are not asked; what is asked has been remarked
        bool anybody = !list;
        if (list)
            for (size_t i = 0; i < list->items.size(); i++)
                anybody = user(list->items[i], json_pointer("/authInternalUsers", std::to_string(i))) || anybody;
        if (anybody)
            out_.remark(
                list ? list->line : 0, "/authInternalUsers",
                "everybody may watch there; here each person has an account (sluice passwd add) and each program "
                "a token (sluice token)");
    }

    // True if it lets everybody in.
    bool user(const YamlNode& value, const std::string& where) {
        const YamlNode* name = value.find("user");
        const std::string* user = name ? name->scalar() : nullptr;
        std::map<std::string, std::set<std::string>> actions_of; // by path; "" is all of them
        const YamlNode* permissions = value.find("permissions");
        static const YamlNode none;
        const auto& items = (permissions ? *permissions : none).items;
        for (size_t i = 0; i < items.size(); i++) {
            const YamlNode* action = items[i].find("action");
            const YamlNode* path = items[i].find("path");
            const std::string* word = action ? action->scalar() : nullptr;
            const std::string* limit = path ? path->scalar() : nullptr;
            if (!word)
                continue;
            if (limit && limit->front() == '~') {
                out_.remark(path->line, json_pointer(where + "/permissions", std::to_string(i)) + "/path",
                            "a regular expression: left out, give a pattern like front-* with --camera");
                continue;
            }
            auto& actions = actions_of[limit ? *limit : ""];
            if (*word == "read")
                actions.insert({"view", "snapshot"});
            else if (*word == "playback" || *word == "publish")
                actions.insert(*word);
            else if (*word == "api")
                actions.insert("operate");
            if (actions.empty())
                actions_of.erase(limit ? *limit : "");
        }
        if (!is_unset(value.find("ips")) && user && *user != "any")
            out_.remark(value.line, where + "/ips", "who may do what does not depend on addresses here: left out");
        if (!user || *user == "any")
            return std::any_of(actions_of.begin(), actions_of.end(),
                               [](const auto& a) { return a.second.count("view"); });
        if (user->rfind("sha256:", 0) == 0 || user->rfind("argon2:", 0) == 0)
            out_.remark(name->line, where + "/user",
                        "its name is hidden: make the account with `sluice passwd add NAME`");
        else if (!actions_of.empty())
            account(*user, actions_of, *name, where);
        return false;
    }

    // An account has the same rights on all its cameras: what it has not everywhere is never added to the others.
    void account(const std::string& user, const std::map<std::string, std::set<std::string>>& actions_of,
                 const YamlNode& name, const std::string& where) {
        out_.remark(
            name.line, where + "/user",
            "passwords are kept as hashes, apart from the configuration: make the account with the command below");
        std::set<std::string> common = actions_of.begin()->second;
        bool same = true;
        for (const auto& [path, actions] : actions_of) {
            same = same && actions == actions_of.begin()->second;
            std::erase_if(common, [&, &a = actions](const std::string& action) { return !a.count(action); });
        }
        if (!same)
            out_.remark(name.line, where + "/permissions",
                        "differ from path to path: the command gives only what is allowed on all of them");
        if (common.empty())
            return;
        ImportedAccount account{user, {common.begin(), common.end()}, {}};
        if (!actions_of.count(""))
            for (const auto& entry : actions_of)
                account.streams.push_back(entry.first);
        out_.accounts.push_back(std::move(account));
    }

    const YamlNode& root_;
    const ImportOptions& options_;
    const YamlNode* defaults_ = nullptr;
    std::vector<Fallback> fallbacks_;
    std::set<std::string> said_;
    Imported out_;
};

} // namespace

Imported import_mediamtx(const YamlNode& root, const ImportOptions& options) { return MediaMtx(root, options).read(); }

} // namespace sluice
