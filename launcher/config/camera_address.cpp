// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/camera_address.hpp"

#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"

namespace sluice {

namespace {

// Which option a wrong field came from; empty: the address itself.
std::string option_of(const std::string& pointer) {
    for (const char* option : {"transport", "tls-fingerprint"})
        if (pointer.ends_with(std::string("/") + option))
            return std::string("--") + option + ": ";
    return pointer.ends_with("/user") ? "--user: " : "";
}

} // namespace

Result<CameraAddress> parse_camera_address(const std::string& text) {
    std::string why = "it has no scheme";
    const auto url = looks_like_url(text) ? parse_camera_url(text, why) : std::nullopt;
    if (!url)
        return Error{ErrorKind::usage,
                     "found " + quote_for_message(text) + " (" + why + "), allowed: " + camera_url_allowed};
    CameraAddress out;
    out.url = url->location;
    out.user = url->user;
    out.password = Secret(url->password);
    return out;
}

Result<Config> config_of_address(const CameraAddress& address, const Templates& templates) {
    Json main{{"url", address.url}}; // no reference: the password stands in no file
    if (!address.user.empty())
        main["user"] = address.user;
    if (address.transport)
        main["transport"] = *address.transport;
    if (address.fingerprint)
        main["tls-fingerprint"] = *address.fingerprint;
    Secret password = address.password;
    if (address.password_file) {
        Result<Secret> given = secret_from_file(SecretSource::real(), *address.password_file);
        if (!given)
            return Error{given.error().kind, "--password-file " + *address.password_file + ": " + given.error().text};
        password = std::move(given).value();
    }
    ConfigResult parsed =
        parse_camera("camera", Json{{"streams", {{"main", main}}}}.dump(), {templates, SecretSource::real()});
    if (!parsed.errors.empty())
        return Error{ErrorKind::usage, option_of(parsed.errors.front().where) + parsed.errors.front().text};
    parsed.config.cameras.front().streams.front().sources.front().password = std::move(password);
    return std::move(parsed.config);
}

} // namespace sluice
