// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may log in: STATE/accounts and STATE/tokens, read by the launcher and changed by commands beside it.
#pragma once

#include "launcher/auth/account_files.hpp"
#include "launcher/auth/state_directory.hpp"
#include "launcher/config/file_stamp.hpp"
#include "plugins/core/credentials.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace sluice {

constexpr size_t min_password_length = 8;

class Accounts {
public:
    explicit Accounts(const StateDirectory& directory) : directory_(directory) {}

    // Reads both files; a missing one is empty. Errors name the file and the line. A file that others may write to is an
    // error; that others may read one is told in warnings().
    Result<bool> load();
    bool empty() const { return accounts_.empty(); }
    const AccountList& accounts() const { return accounts_; }
    const TokenList& tokens() const { return tokens_; }
    const std::vector<std::string>& warnings() const { return warnings_; }

    // Changes of the files. Each reads them again under a lock and is on disk when it returns; commands that run at the same
    // time lose nothing. Errors: bad_config (not allowed, or the file cannot be written), not_found, busy.
    // The account is added, or has another password; rights: nothing leaves them as they are, or watching for a new one.
    Result<bool> set_password(const std::string& user, std::string_view password, std::optional<Rights> rights = {});
    Result<bool> set_rights(const std::string& user, const Rights& rights, bool add);
    Result<bool> remove_account(const std::string& user);
    // A new token under that name (an older one of the name ends). It is shown this once.
    Result<std::string> add_token(const std::string& name, const Rights& rights = Rights::watching(),
                                  int64_t expires = 0);
    Result<bool> revoke_token(const std::string& name);

    struct Changes {
        bool accounts = false;            // an account is new, gone, or different
        std::vector<std::string> revoked; // principals whose password, token or rights are gone or narrower
        std::vector<std::string> widened; // principals who may more now, and lose nothing
        std::vector<std::string> added;
    };
    // Looks whether somebody has changed the files since. A file that has become unreadable changes nothing and is
    // reported in `error`, once.
    Changes refresh(std::string& error);

    // A snapshot that may be asked from another thread.
    std::shared_ptr<const Credentials> credentials() const { return credentials_; }
    struct Found {
        std::string principal; // "token:NAME"
        Rights rights;
        int64_t expires = 0;
        bool expired = false;
    };
    std::optional<Found> find_token(std::string_view token, int64_t unix_now) const;
    // Of an account or a "token:NAME"; nothing: there is none.
    std::optional<Rights> rights_of(const std::string& principal) const;

private:
    Result<std::string> read(const char* name, std::vector<std::string>& warnings) const;
    Result<bool> write(const char* name, const std::string& text) const;
    template <typename List> using Parse = Result<List> (*)(std::string_view text, const std::string& path);
    template <typename List> using Change = std::function<Result<bool>(List&)>;
    template <typename List> Result<bool> change_file(const char* name, Parse<List> parse, const Change<List>& change);
    Result<bool> change_accounts(const Change<AccountList>& change);
    Result<bool> change_tokens(const Change<TokenList>& change);

    const StateDirectory& directory_;
    AccountList accounts_;
    TokenList tokens_;
    std::shared_ptr<const Credentials> credentials_ = std::make_shared<Credentials>();
    std::map<std::string, std::string, std::less<>> by_hash_; // token's hash -> name
    std::vector<std::string> warnings_;
    FileStamp accounts_stamp_, tokens_stamp_;
    std::string reported_; // why the files could not be read the last time
};

} // namespace sluice
