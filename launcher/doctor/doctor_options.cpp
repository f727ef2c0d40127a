// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/doctor_options.hpp"

#include "launcher/config/optional_text.hpp"

namespace sluice {

namespace {

constexpr int most_seconds = 3600;

} // namespace

DoctorEntries::~DoctorEntries() {
    for (char* text : {user_, password_file_, token_file_, camera_, via_, ca_})
        g_free(text);
}

void DoctorEntries::add_to(std::vector<GOptionEntry>& entries) {
    const auto add = [&](const char* name, char letter, GOptionArg arg, gpointer to, const char* says,
                         const char* value) {
        entries.push_back({name, letter, 0, arg, to, says, value});
    };
    add("user", 'u', G_OPTION_ARG_STRING, &user_, "Account to log in as", "USER");
    add("password-file", 0, G_OPTION_ARG_FILENAME, &password_file_, "Its password, one line", "FILE");
    add("token-file", 0, G_OPTION_ARG_FILENAME, &token_file_, "A token instead, one line", "FILE");
    add("camera", 'c', G_OPTION_ARG_STRING, &camera_, "Camera to watch (one that plays)", "NAME");
    add("via", 0, G_OPTION_ARG_STRING, &via_, "Forward proxy that HTTP goes through", "http://HOST:PORT");
    add("seconds", 0, G_OPTION_ARG_INT, &seconds_, "How long to watch (10)", "N");
    add("ca", 0, G_OPTION_ARG_FILENAME, &ca_, "Authorities to trust, PEM (those of this system)", "FILE");
    add("insecure", 0, G_OPTION_ARG_NONE, &insecure_, "Take any certificate, and say so", nullptr);
    add("json", 0, G_OPTION_ARG_NONE, &json_, "One JSON document at the end", nullptr);
}

Result<DoctorOptions> DoctorEntries::take(const std::string& url) const {
    if (seconds_ < 1 || seconds_ > most_seconds)
        return Error{ErrorKind::usage, "--seconds: found " + std::to_string(seconds_) + ", allowed: 1 to " +
                                           std::to_string(most_seconds)};
    return DoctorOptions{.url = url,
                         .user = optional_text(user_),
                         .password_file = optional_text(password_file_),
                         .token_file = optional_text(token_file_),
                         .camera = optional_text(camera_),
                         .via = optional_text(via_),
                         .ca = optional_text(ca_),
                         .seconds = static_cast<unsigned>(seconds_),
                         .json = json_ != FALSE,
                         .insecure = insecure_ != FALSE};
}

} // namespace sluice
