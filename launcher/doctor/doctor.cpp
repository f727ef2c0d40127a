// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/doctor/doctor.hpp"

#include "launcher/config/secret.hpp"
#include "launcher/config/url.hpp"
#include "launcher/doctor/walk.hpp"
#include "launcher/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice {

namespace {

using doctor::CredentialFacts;

// All steps that can be waited for in vain, one after the other.
constexpr double most_seconds = 120;

bool has_control_characters(const std::string& text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<Secret> secret_of_file(const std::string& path) {
    Result<Secret> out = secret_from_file(SecretSource::real(), path);
    if (!out)
        return Error{out.error().kind, path + ": " + out.error().text};
    return out;
}

Result<Secret> password_of(const DoctorOptions& options) {
    if (options.password_file)
        return secret_of_file(*options.password_file);
    if (const char* password = std::getenv("SLUICE_PASSWORD"))
        return Secret(password);
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        if (const char* typed = getpass(("Password of " + *options.user + ": ").c_str()))
            return Secret(typed);
    return Error{ErrorKind::usage, "--user needs a password: --password-file, or SLUICE_PASSWORD, or a terminal"};
}

Result<bool> take_credentials(const DoctorOptions& options, doctor::Order& order) {
    if (options.token_file && (options.user || options.password_file))
        return Error{ErrorKind::usage, "--token-file goes without --user and --password-file"};
    if (options.password_file && !options.user)
        return Error{ErrorKind::usage, "--password-file needs --user"};
    if (options.token_file) {
        const Result<Secret> token = secret_of_file(*options.token_file);
        if (!token)
            return token.error();
        if (token->empty() || has_control_characters(token->reveal()))
            return Error{ErrorKind::usage, *options.token_file + ": found no token, allowed: one line"};
        order.kind = CredentialFacts::Kind::token;
        order.authorization = Secret("Bearer " + token->reveal());
    } else if (options.user) {
        const Result<Secret> password = password_of(options);
        if (!password)
            return password.error();
        order.kind = CredentialFacts::Kind::password;
        order.user = *options.user;
        const std::string both = order.user + ":" + password->reveal();
        const GString8 coded(g_base64_encode(reinterpret_cast<const guchar*>(both.data()), both.size()));
        order.authorization = Secret(std::string("Basic ") + coded.get());
    }
    return true;
}

Result<doctor::Order> order_of(const DoctorOptions& options) {
    doctor::Order out;
    const auto target = doctor::parse_target(options.url);
    if (!target)
        return target.error();
    out.target = target.value();
    if (options.via) {
        const auto via = doctor::parse_via(*options.via);
        if (!via)
            return Error{via.error().kind, "--via: " + via.error().text};
        out.via = via.value();
    }
    out.camera = options.camera.value_or("");
    out.seconds = options.seconds;
    out.check_certificate = !options.insecure;
    if (options.ca) {
        GError* raw = nullptr;
        // The library wants to be told where it is by a whole path.
        const GString8 path(g_canonicalize_filename(options.ca->c_str(), nullptr));
        out.authorities = adopt(g_tls_file_database_new(path.get(), &raw));
        const GErrorPtr error(raw);
        if (!out.authorities)
            return Error{ErrorKind::missing_file, "--ca: " + *options.ca + ": " + error->message};
    }
    if (const Result<bool> taken = take_credentials(options, out); !taken)
        return taken.error();
    return out;
}

} // namespace

int run_doctor(const DoctorOptions& options) {
    const Result<doctor::Order> order = order_of(options);
    if (!order)
        return fail(order.error());
    doctor::Wait wait(most_seconds + options.seconds);
    doctor::Report report(options.json ? std::function<void(const std::string&)>() : [](const std::string& line) {
        std::puts(line.c_str());
        std::fflush(stdout);
    });
    report.begin(order->target.base);
    doctor::Walk walk(order.value(), wait, report);
    walk.go();
    const doctor::Verdict verdict = report.verdict(wait.interrupted());
    report.end(verdict, walk.tested());
    if (options.json)
        std::printf(
            "%s\n",
            report.document(verdict, walk.tested()).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return verdict.exit_code;
}

} // namespace sluice
