// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/target.hpp"

#include "launcher/config/url.hpp"
#include "plugins/core/refs.hpp"

#include <gio/gio.h>

namespace sluice::doctor {

namespace {

struct UriFree {
    void operator()(GUri* uri) const { g_uri_unref(uri); }
};
using Uri = std::unique_ptr<GUri, UriFree>;

Uri parse(const std::string& text) {
    return Uri(g_uri_parse(text.c_str(), GUriFlags(G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD), nullptr));
}

std::string text_of(const char* value) { return value ? value : ""; }

std::string authority(const std::string& host, uint16_t port) {
    const bool six = host.find(':') != std::string::npos;
    return (six ? "[" + host + "]" : host) + (port ? ":" + std::to_string(port) : "");
}

Error wrong(const std::string& text, const char* allowed) {
    return {ErrorKind::usage, "found " + quote_for_message(text) + ", allowed: " + allowed};
}

} // namespace

std::string Target::origin() const {
    return std::string(tls ? "https://" : "http://") + authority(host, port == (tls ? 443 : 80) ? 0 : port);
}

Result<Target> parse_target(const std::string& text) {
    constexpr const char* allowed = "http://HOST[:PORT][/PATH] or https://...";
    const Uri uri = parse(text);
    const std::string scheme = uri ? g_uri_get_scheme(uri.get()) : "";
    if (!uri || (scheme != "http" && scheme != "https") || text_of(g_uri_get_host(uri.get())).empty() ||
        g_uri_get_query(uri.get()) || g_uri_get_fragment(uri.get()))
        return wrong(text, allowed);
    if (g_uri_get_userinfo(uri.get()))
        return Error{ErrorKind::usage, "the address holds user or password: give --user and --password-file instead"};
    Target out;
    out.tls = scheme == "https";
    out.host = g_uri_get_host(uri.get());
    const int port = g_uri_get_port(uri.get());
    if (port == 0 || port > 65535)
        return wrong(text, allowed);
    out.port = port > 0 ? static_cast<uint16_t>(port) : out.tls ? 443 : 80;
    std::string prefix = text_of(g_uri_get_path(uri.get()));
    while (prefix.ends_with('/'))
        prefix.pop_back();
    out.base = scheme + "://" + authority(out.host, port > 0 ? out.port : 0) + prefix;
    return out;
}

Result<Via> parse_via(const std::string& text) {
    constexpr const char* allowed = "a forward proxy, http://HOST:PORT; a reverse proxy is the address itself";
    const Uri uri = parse(text);
    const std::string path = uri ? text_of(g_uri_get_path(uri.get())) : "";
    if (!uri || text_of(g_uri_get_scheme(uri.get())) != "http" || text_of(g_uri_get_host(uri.get())).empty() ||
        (!path.empty() && path != "/") || g_uri_get_query(uri.get()))
        return wrong(text, allowed);
    const int port = g_uri_get_port(uri.get());
    if (port == 0 || port > 65535)
        return wrong(text, allowed);
    Via out;
    out.host = g_uri_get_host(uri.get());
    out.port = port > 0 ? static_cast<uint16_t>(port) : 80;
    const std::string place = authority(out.host, out.port);
    const std::string user = text_of(g_uri_get_userinfo(uri.get()));
    out.url = "http://" + (user.empty() ? "" : user + "@") + place;
    out.shown = "http://" + place;
    return out;
}

} // namespace sluice::doctor
