// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/auth_parser.hpp"

#include "launcher/config/source_parser.hpp"
#include "launcher/config/url.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <memory>

namespace sluice {

namespace {

constexpr size_t max_url = 2048, max_word = 1024;

bool is_this_machine(const char* host) {
    if (g_ascii_strcasecmp(host, "localhost") == 0)
        return true;
    GInetAddress* address = g_inet_address_new_from_string(host);
    const bool local = address && g_inet_address_get_is_loopback(address);
    g_clear_object(&address);
    return local;
}

// RFC 6901: empty, or parts that begin with "/", in which "~" is followed by 0 or 1.
bool is_pointer(const std::string& text) {
    for (size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1))
        if (at + 1 >= text.size() || (text[at + 1] != '0' && text[at + 1] != '1'))
            return false;
    return true;
}

} // namespace

std::string AuthParser::needed(const Json& value, const std::string& pointer, const char* name, const char* allowed) {
    if (!field(value, name)) {
        error(pointer + "/" + name, std::string("found nothing, allowed: ") + allowed + " (the field is required)");
        return {};
    }
    const std::string* found = text(value, pointer, name, allowed);
    if (found && found->size() > max_word) {
        error(pointer + "/" + name, "found " + std::to_string(found->size()) + " bytes, allowed: at most 1024");
        return {};
    }
    return found ? *found : std::string();
}

std::string AuthParser::address(const Json& value, const std::string& pointer, const char* name,
                                bool only_local_clear) {
    const char* allowed = only_local_clear ? "https://HOST[:PORT]/PATH, or http://... of this machine (127.0.0.1, ::1)"
                                           : "http://HOST[:PORT]/PATH or https://...";
    const std::string at = pointer + "/" + name;
    const std::string found = needed(value, pointer, name, allowed);
    if (found.empty())
        return {};
    const std::unique_ptr<GUri, decltype(&g_uri_unref)> uri(
        g_uri_parse(found.c_str(), GUriFlags(G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_PARSE_RELAXED), nullptr),
        g_uri_unref);
    const std::string scheme = uri ? g_uri_get_scheme(uri.get()) : "";
    const char* host = uri ? g_uri_get_host(uri.get()) : nullptr;
    // Not repeated: a password may stand in it.
    if (uri && g_uri_get_userinfo(uri.get())) {
        error(at, std::string("found a user or password in the address, allowed: ") + allowed);
        return {};
    }
    const bool clear = scheme == "http";
    if (found.size() > max_url || !host || !*host || (!clear && scheme != "https") || g_uri_get_fragment(uri.get())) {
        bad_value(at, hide_queries(found), allowed);
        return {};
    }
    if (only_local_clear && clear && !is_this_machine(host)) {
        error(at, std::string("found http, over which anybody on the way can slip in keys, allowed: ") + allowed);
        return {};
    }
    return found;
}

std::vector<std::string> AuthParser::actions(const Json& value, const std::string& pointer) {
    const std::string allowed = "a list of " + join(action_words());
    const Json* list = field(value, "actions");
    const std::string at = pointer + "/actions";
    std::vector<std::string> out;
    if (!list) {
        error(at, "found nothing, allowed: " + allowed + " (the field is required)");
        return out;
    }
    if (!list->is_array()) {
        wrong_type(at, *list, allowed);
        return out;
    }
    if (list->empty())
        error(at, "found an empty list, allowed: " + allowed);
    for (size_t i = 0; i < list->size(); i++) {
        const std::string here = json_pointer(at, std::to_string(i));
        const Json& item = (*list)[i];
        if (!item.is_string())
            wrong_type(here, item, "one of " + join(action_words()));
        else if (std::find(action_words().begin(), action_words().end(), item.get<std::string>()) ==
                 action_words().end())
            bad_value(here, item.get<std::string>(), "one of " + join(action_words()));
        else if (std::find(out.begin(), out.end(), item.get<std::string>()) != out.end())
            error(here, "found " + quote_for_message(item.get<std::string>()) + " twice, allowed: each action once");
        else
            out.push_back(item.get<std::string>());
    }
    return out;
}

ClaimRule AuthParser::rule(const Json& value, const std::string& pointer) {
    ClaimRule out;
    if (!object(value, pointer, "claim-rule"))
        return out;
    out.claim =
        needed(value, pointer, "claim", "the name of a claim, or a JSON pointer to one (\"/realm_access/roles\")");
    if (!out.claim.empty() && out.claim.front() == '/' && !is_pointer(out.claim))
        bad_value(pointer + "/claim", out.claim, "a JSON pointer (RFC 6901)");
    boolean(value, pointer, "grants", out.grants);
    if (out.grants) {
        for (const char* name : {"value", "cameras", "actions"})
            if (field(value, name))
                error(pointer + "/" + name,
                      "found it beside \"grants\": true, allowed: only where the claim does not say it itself");
        return out;
    }
    out.value =
        needed(value, pointer, "value", "the text the claim is, or holds in a list; * stands for any characters");
    out.cameras = needed(value, pointer, "cameras", "names of cameras; * stands for any characters");
    if (out.cameras.size() > max_pattern)
        error(pointer + "/cameras", "found " + std::to_string(out.cameras.size()) + " bytes, allowed: at most 128");
    out.actions = actions(value, pointer);
    return out;
}

void AuthParser::keys(const Json& value, const std::string& pointer, JwtConfig& out) {
    constexpr const char* allowed = R"({"file": "..."} or {"url": "https://..."})";
    const Json* found = field(value, "jwks");
    const std::string at = pointer + "/jwks";
    if (!found) {
        error(at, std::string("found nothing, allowed: ") + allowed + " (the field is required)");
        return;
    }
    if (!object(*found, at, "jwks"))
        return;
    if (found->size() != 1) {
        error(at, "found " + std::string(found->empty() ? "neither file nor url" : "more than one of file, url") +
                      ", allowed: " + allowed);
        return;
    }
    if (const std::string* file = text(*found, at, "file", "the path of a JSON Web Key Set"))
        out.keys_file = absolute_path(context_.directory, *file);
    if (field(*found, "url"))
        out.keys_url = address(*found, at, "url", true);
}

JwtConfig AuthParser::jwt(const Json& value, const std::string& pointer) {
    JwtConfig out;
    if (!object(value, pointer, "jwt"))
        return out;
    keys(value, pointer, out);
    out.issuer = needed(value, pointer, "issuer", "the text that tokens have as iss");
    out.audience = needed(value, pointer, "audience", "the text that tokens have as aud, or in it");
    if (const auto leeway = number(value, pointer, "leeway-seconds", 0, 300, " (seconds)"))
        out.leeway_seconds = static_cast<unsigned>(*leeway);
    const std::string at = pointer + "/rights";
    constexpr const char* allowed = "a list of 1 to 64 rules, what a claim is worth";
    const Json* rules = field(value, "rights");
    if (!rules) {
        error(at, std::string("found nothing, allowed: ") + allowed + " (the field is required)");
        return out;
    }
    if (!rules->is_array()) {
        wrong_type(at, *rules, allowed);
        return out;
    }
    if (rules->empty() || rules->size() > max_claim_rules) {
        error(at, "found " + std::to_string(rules->size()) + ", allowed: " + allowed);
        return out;
    }
    for (size_t i = 0; i < rules->size(); i++)
        out.rights.push_back(rule((*rules)[i], json_pointer(at, std::to_string(i))));
    return out;
}

AuthRequestConfig AuthParser::auth_request(const Json& value, const std::string& pointer) {
    AuthRequestConfig out;
    if (!object(value, pointer, "auth-request"))
        return out;
    out.url = address(value, pointer, "url", false);
    if (const auto timeout = number(value, pointer, "timeout-ms", 100, 10'000, " (milliseconds)"))
        out.timeout_ms = static_cast<unsigned>(*timeout);
    if (const auto seconds = number(value, pointer, "cache-seconds", 0, 300, ""))
        out.cache_seconds = static_cast<unsigned>(*seconds);
    if (const auto seconds = number(value, pointer, "viewer-seconds", 10, 86'400, ""))
        out.viewer_seconds = static_cast<unsigned>(*seconds);
    boolean(value, pointer, "without-credentials", out.without_credentials);
    if (field(value, "actions"))
        out.actions = actions(value, pointer);
    return out;
}

AuthConfig AuthParser::parse(const Json& value, const std::string& pointer) {
    AuthConfig out;
    if (!object(value, pointer, "server-auth"))
        return out;
    if (const Json* found = field(value, "jwt"))
        out.jwt = jwt(*found, pointer + "/jwt");
    if (const Json* found = field(value, "auth-request"))
        out.auth_request = auth_request(*found, pointer + "/auth-request");
    return out;
}

} // namespace sluice
