// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may log in: STATE/accounts ("user:hash", crypt(5)) and STATE/tokens ("name:hash", SHA-256 of a random token).
#pragma once

#include "launcher/auth/state_directory.hpp"
#include "plugins/core/credentials.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace sluice {

constexpr const char* first_account = "admin";
constexpr size_t min_password_length = 8;

class Accounts {
public:
    explicit Accounts(const StateDirectory& directory) : directory_(directory) {}

    // Reads both files; a missing one is empty. Errors name the file and the line.
    Result<bool> load();
    bool empty() const { return credentials_->empty(); }

    // Adds the account or changes its password. Error (bad_config): too short, or the file cannot be written.
    Result<bool> set_password(const std::string& user, std::string_view password);
    // A new token under that name (an older one of the name ends). It is shown this once.
    Result<std::string> add_token(const std::string& name);

    struct Changes {
        bool accounts = false;            // somebody is new, gone, or has another password
        std::vector<std::string> revoked; // principals whose password or token opens nothing any more
    };
    // Looks whether somebody has changed the files since. A file that has become unreadable changes nothing and is
    // reported in `error`, once.
    Changes refresh(std::string& error);

    // A snapshot that may be asked from another thread.
    std::shared_ptr<const Credentials> credentials() const { return credentials_; }
    // The token's name, prefixed with "token:".
    std::optional<std::string> find_token(std::string_view token) const;

private:
    struct Stamp {
        ino_t inode = 0;
        off_t size = -1;
        timespec changed{};
        bool operator==(const Stamp& o) const {
            return inode == o.inode && size == o.size && changed.tv_sec == o.changed.tv_sec &&
                   changed.tv_nsec == o.changed.tv_nsec;
        }
    };
    static Stamp stamp(const std::string& path);
    Result<std::map<std::string, std::string>> read_lines(const char* name) const;
    Result<bool> write_lines(const char* name, const std::map<std::string, std::string>& lines);

    const StateDirectory& directory_;
    std::shared_ptr<const Credentials> credentials_ = std::make_shared<Credentials>();
    std::map<std::string, std::string, std::less<>> tokens_; // hash -> name
    Stamp accounts_stamp_, tokens_stamp_;
    std::string reported_; // why the files could not be read the last time
};

} // namespace sluice
