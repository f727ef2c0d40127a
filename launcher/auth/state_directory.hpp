// SPDX-License-Identifier: LGPL-2.1-or-later
// The one directory the launcher writes to; one launcher at a time.
#pragma once

#include "plugins/core/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// Held until destruction.
class FileLock {
public:
    explicit FileLock(int fd) : fd_(fd) {}
    FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileLock& operator=(FileLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FileLock();

private:
    int fd_;
};

class StateDirectory {
public:
    // Makes it (mode 0700) if it is not there and, if wanted, holds its lock until destruction.
    // Errors: busy (another launcher holds it), bad_config (cannot be made or written).
    static Result<StateDirectory> open(const std::string& path, bool lock);
    // $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/sluice, else ~/.local/state/sluice; nullopt: none of them is set.
    static std::optional<std::string> default_path();

    StateDirectory(StateDirectory&& other) noexcept;
    StateDirectory& operator=(StateDirectory&& other) noexcept;
    ~StateDirectory();

    const std::string& path() const { return path_; }
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

    // One program at a time changes accounts and tokens. Error (busy): another one does, for longer than the deadline.
    Result<FileLock> lock_accounts(std::chrono::milliseconds deadline) const;

    // All or nothing, mode 0600, on disk before it is in place.
    Result<bool> write(std::string_view name, std::string_view content) const;

private:
    StateDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
    std::string path_;
    int lock_fd_ = -1;
};

} // namespace sluice
