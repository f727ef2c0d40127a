// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/probe_options.hpp"

#include "launcher/config/optional_text.hpp"

namespace sluice {

namespace {

constexpr int most_seconds = 600;

} // namespace

ProbeEntries::~ProbeEntries() {
    for (char* text : {user_, password_file_, transport_, fingerprint_})
        g_free(text);
}

void ProbeEntries::add_to(std::vector<GOptionEntry>& entries) {
    const auto add = [&](const char* name, char letter, GOptionArg arg, gpointer to, const char* says,
                         const char* value) {
        entries.push_back({name, letter, 0, arg, to, says, value});
    };
    add("user", 'u', G_OPTION_ARG_STRING, &user_, "User at the camera", "USER");
    add("password-file", 0, G_OPTION_ARG_FILENAME, &password_file_, "Password at the camera, one line", "FILE");
    add("seconds", 0, G_OPTION_ARG_INT, &seconds_, "How long to watch (6); up to 12 more for a second key frame", "N");
    add("transport", 0, G_OPTION_ARG_STRING, &transport_, "Of RTSP: tcp, udp or http (tcp)", "NAME");
    add("tls-fingerprint", 0, G_OPTION_ARG_STRING, &fingerprint_, "Of the one certificate to take", "SHA256");
    add("json", 0, G_OPTION_ARG_NONE, &json_, "One JSON document at the end", nullptr);
}

Result<ProbeOptions> ProbeEntries::take(const std::string& address) const {
    if (seconds_ < 1 || seconds_ > most_seconds)
        return Error{ErrorKind::usage, "--seconds: found " + std::to_string(seconds_) + ", allowed: 1 to " +
                                           std::to_string(most_seconds)};
    Result<CameraAddress> parsed = parse_camera_address(address);
    if (!parsed)
        return parsed.error();
    ProbeOptions out{
        .address = std::move(parsed).value(), .seconds = static_cast<unsigned>(seconds_), .json = json_ != FALSE};
    if (user_ && !out.address.user.empty())
        return Error{ErrorKind::usage, "--user: the address has a user, too; give one of them"};
    if (user_)
        out.address.user = user_;
    out.address.password_file = optional_text(password_file_);
    out.address.transport = optional_text(transport_);
    out.address.fingerprint = optional_text(fingerprint_);
    if (out.address.password_file && out.address.user.empty() && !out.address.url.starts_with("srt:"))
        return Error{ErrorKind::usage, "--password-file needs --user"};
    return out;
}

} // namespace sluice
