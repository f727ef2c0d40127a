// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/import_support.hpp"

#include "launcher/auth/accounts.hpp"
#include "launcher/import/source_address.hpp"

#include <glib.h>

#include <algorithm>
#include <memory>

namespace sluice {

namespace {

std::string quoted(const std::string& text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return g_ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '@';
    });
    if (plain && text.front() != '-')
        return text;
    const std::unique_ptr<char, decltype(&g_free)> out(g_shell_quote(text.c_str()), g_free);
    return out.get();
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ",") + word;
    return out;
}

} // namespace

std::vector<const YamlNode*> import_list(const YamlNode& node) {
    std::vector<const YamlNode*> out;
    if (node.kind == YamlNode::Kind::scalar)
        out.push_back(&node);
    for (const YamlNode& item : node.items)
        out.push_back(&item);
    return out;
}

std::string account_command(const ImportedAccount& account,
                            const std::function<std::string(const std::string& stream)>& camera_of) {
    if (std::any_of(account.user.begin(), account.user.end(), [](char c) { return g_ascii_iscntrl(c) || c == ':'; }))
        return {};                     // no name that an account can have
    if (account.user == first_account) // is there, and has all rights
        return "sluice passwd " + std::string(first_account);
    std::string out = "sluice passwd add " + quoted(account.user);
    if (!account.actions.empty())
        out += " --action " + joined(account.actions);
    std::vector<std::string> cameras;
    for (const std::string& stream : account.streams)
        if (const std::string camera = camera_of(stream); !camera.empty())
            if (std::find(cameras.begin(), cameras.end(), camera) == cameras.end())
                cameras.push_back(camera);
    if (!account.streams.empty() && cameras.empty())
        return {}; // for nothing that is left
    return cameras.empty() ? out : out + " --camera " + joined(cameras);
}

void import_ice_servers(Imported& out, const std::vector<const YamlNode*>& urls, const std::string& where) {
    for (const YamlNode* node : urls) {
        const std::string* url = node->scalar();
        if (!url)
            continue;
        const auto stun = read_stun(*url);
        Json& webrtc = out.server["webrtc"];
        if (stun && !webrtc.contains("stun-server"))
            webrtc["stun-server"] = *stun;
        else
            out.remark(node->line, where,
                       stun ? "one STUN server is asked, the first: this one is left out"
                            : "relays (TURN) are not used: viewers have to reach this machine by UDP, or by TCP with "
                              "\"ice-tcp\"");
        if (webrtc.is_null())
            out.server.erase("webrtc");
    }
}

bool add_source(ImportedStream& stream, ImportedSource source) {
    const bool there = std::any_of(stream.sources.begin(), stream.sources.end(),
                                   [&](const ImportedSource& s) { return s.url == source.url; });
    if (there || stream.sources.size() >= max_sources)
        return false;
    stream.sources.push_back(std::move(source));
    return true;
}

} // namespace sluice
