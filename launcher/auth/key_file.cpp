// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/key_file.hpp"

#include "launcher/auth/jwk.hpp"
#include "launcher/config/secret.hpp"

namespace sluice {

namespace {

bool same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

} // namespace

Result<std::optional<std::string>> KeyFile::read() {
    // Looked at before it is read: what changes meanwhile is seen the next time.
    struct stat now {};
    const bool there = stat(path_.c_str(), &now) == 0;
    if (there && seen_ && same(*seen_, now))
        return std::optional<std::string>();
    seen_.reset();
    Result<std::string> text = read_small_file(path_, max_jwks_bytes);
    if (!text)
        return Error{text.error().kind, "cannot be read: " + text.error().text};
    if (there)
        seen_ = now;
    return std::optional(std::move(text).value());
}

} // namespace sluice
