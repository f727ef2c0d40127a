// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/state_directory.hpp"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace sluice {

namespace {

std::string why() { return g_strerror(errno); }

// Nobody but the owner: it holds hashes of passwords.
bool make_directories(const std::string& path) { return g_mkdir_with_parents(path.c_str(), 0700) == 0; }

// What root makes in somebody's directory is to be theirs: the launcher that runs as that user has to read it.
void give_to_owner(int fd, const std::string& directory) {
    struct stat info {};
    if (geteuid() == 0 && stat(directory.c_str(), &info) == 0 && info.st_uid != 0)
        static_cast<void>(!fchown(fd, info.st_uid, info.st_gid));
}

std::string holder(int fd) {
    char text[32] = {};
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    const long pid = n > 0 ? std::strtol(text, nullptr, 10) : 0;
    return pid > 0 ? " (process " + std::to_string(pid) + ")" : "";
}

} // namespace

std::optional<std::string> StateDirectory::default_path() {
    if (const char* systemd = std::getenv("STATE_DIRECTORY"); systemd && *systemd) {
        const std::string all = systemd;
        return all.substr(0, all.find(':'));
    }
    if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg == '/')
        return std::string(xdg) + "/sluice";
    if (const char* home = g_get_home_dir(); home && *home == '/')
        return std::string(home) + "/.local/state/sluice";
    return std::nullopt;
}

Result<StateDirectory> StateDirectory::open(const std::string& path, bool lock) {
    if (!make_directories(path))
        return Error{ErrorKind::bad_config, "state directory " + path + ": cannot be made: " + why()};
    StateDirectory out(path, -1);
    const std::string name = out.file("lock");
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return Error{ErrorKind::bad_config, "state directory " + path + ": cannot be written to: " + why()};
    out.lock_fd_ = fd;
    give_to_owner(fd, path);
    if (!lock)
        return out;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return Error{ErrorKind::bad_config, "state directory " + path + ": cannot be locked: " + why()};
        return Error{ErrorKind::busy, "state directory " + path + ": in use by another launcher" + holder(fd) +
                                          "; stop that one, or choose another directory with --state"};
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
        return Error{ErrorKind::bad_config, "state directory " + path + ": cannot be written to: " + why()};
    return out;
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

StateDirectory& StateDirectory::operator=(StateDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_fd_, other.lock_fd_);
    return *this;
}

StateDirectory::~StateDirectory() {
    if (lock_fd_ >= 0)
        close(lock_fd_); // the file stays: removing it would race with the next launcher
}

FileLock::~FileLock() {
    if (fd_ >= 0)
        close(fd_);
}

Result<FileLock> StateDirectory::lock_accounts(std::chrono::milliseconds deadline) const {
    const std::string name = file("accounts.lock");
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return Error{ErrorKind::bad_config, name + ": cannot be opened: " + why()};
    FileLock lock(fd);
    give_to_owner(fd, path_);
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return Error{ErrorKind::bad_config, name + ": cannot be locked: " + why()};
        if (std::chrono::steady_clock::now() >= end)
            return Error{ErrorKind::busy, name + ": another command changes accounts or tokens and does not end"};
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return lock;
}

Result<bool> StateDirectory::write(std::string_view name, std::string_view content) const {
    const std::string target = file(name);
    std::string draft = target + ".XXXXXX";
    const auto failed = [&](const char* what) {
        return Error{ErrorKind::bad_config, target + ": cannot be " + what + ": " + why()};
    };
    const int fd = mkostemp(draft.data(), O_CLOEXEC); // mode 0600
    if (fd < 0)
        return failed("made");
    give_to_owner(fd, path_);
    size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += static_cast<size_t>(n);
    }
    const bool written = done == content.size() && fsync(fd) == 0;
    const int error = errno;
    close(fd);
    errno = error;
    if (!written || rename(draft.c_str(), target.c_str()) != 0) {
        const Error e = failed("written");
        unlink(draft.c_str());
        return e;
    }
    if (const int directory = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
        fsync(directory);
        close(directory);
    }
    return true;
}

} // namespace sluice
