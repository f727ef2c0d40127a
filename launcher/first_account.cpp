// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/first_account.hpp"

#include "launcher/config/secret.hpp"
#include "launcher/log.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sluice {

namespace {

constexpr const char* credential = "admin-password";

Result<bool> take(Accounts& accounts, const Result<Secret>& given, const std::string& from) {
    if (!given)
        return Error{given.error().kind, from + ": " + given.error().text};
    return accounts.set_password(first_account, given->reveal());
}

} // namespace

Result<bool> ensure_admin(Accounts& accounts, const StateDirectory& state, const Options& options) {
    if (!accounts.empty())
        return true;
    const SecretSource source = SecretSource::real();
    if (const auto& file = options.admin_password_file)
        return take(accounts, secret_from_file(source, *file), "--admin-password-file " + *file);
    if (const char* given = std::getenv("SLUICE_ADMIN_PASSWORD"); given && *given)
        return accounts.set_password(first_account, given);
    if (const Result<Secret> given = secret_from_credential(source, credential);
        given || given.error().kind != ErrorKind::missing_file)
        return take(accounts, given, std::string("the credential ") + credential);
    const std::string made = random_token(12);
    if (goes_to_journal(STDOUT_FILENO)) {
        if (const Result<bool> written = state.write(credential, made + "\n"); !written)
            return written;
        if (const Result<bool> set = accounts.set_password(first_account, made); !set)
            return set;
        log_info(std::string("first start: log in as ") + first_account + " with the password in " +
                 state.file(credential) + "; read it and remove the file");
        return true;
    }
    if (const Result<bool> set = accounts.set_password(first_account, made); !set)
        return set;
    std::printf("\nFirst start. Log in as \"%s\" with the password\n\n    %s\n\n"
                "It is shown only now; `sluice passwd` changes it.\n\n",
                first_account, made.c_str());
    std::fflush(stdout);
    return true;
}

} // namespace sluice
