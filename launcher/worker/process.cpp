// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/process.hpp"

#include "launcher/config/secret.hpp"

#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

extern "C" { // glibc 2.36 does not say so itself
#include <sys/pidfd.h>
}

extern char** environ;

namespace sluice {

namespace {

std::string words(int code) { return std::generic_category().message(code); }

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts)
        out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

struct Spawn {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    Spawn() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~Spawn() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;
};

} // namespace

// Without what is nobody else's business, and without a look at every plugin file of the system.
std::vector<std::string> worker_environment() {
    std::vector<std::string> out;
    const std::vector<std::string> secrets = secret_variables();
    for (char** item = environ; *item; item++) {
        const std::string_view text(*item);
        const std::string_view name = text.substr(0, text.find('='));
        const bool secret = name.starts_with("SLUICE_CAMERA_") || // those that cameras of the API may name
                            (name.starts_with("SLUICE_") && name.find("PASSWORD") != std::string_view::npos) ||
                            std::find(secrets.begin(), secrets.end(), name) != secrets.end();
        if (!secret && !text.starts_with("CREDENTIALS_DIRECTORY=") && !text.starts_with("NOTIFY_SOCKET=") &&
            !text.starts_with("GST_REGISTRY_UPDATE=") && !text.starts_with("GST_REGISTRY_FORK="))
            out.emplace_back(text);
    }
    out.emplace_back("GST_REGISTRY_UPDATE=no");
    return out;
}

// Known by a descriptor, not by its number, which may be another process' once it is reaped.
struct WorkerProcess::Child {
    explicit Child(int descriptor) : fd(descriptor) {}
    ~Child() { close(fd); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // How it ended; empty: it runs.
    std::string reap() {
        const std::lock_guard lock(mutex);
        siginfo_t info{};
        if (!how.empty())
            return how;
        if (waitid(P_PIDFD, static_cast<id_t>(fd), &info, WEXITED | WNOHANG) != 0)
            return how = errno == ECHILD ? "ended, nobody knows how" : ""; // somebody else has reaped it
        if (info.si_pid == 0)
            return how;
        const char* name = sigabbrev_np(info.si_status);
        killed = info.si_code != CLD_EXITED && (info.si_status == SIGKILL || info.si_status == SIGTERM);
        how = info.si_code == CLD_EXITED ? "ended with code " + std::to_string(info.si_status)
              : name                     ? std::string("killed by SIG") + name
                                         : "killed by signal " + std::to_string(info.si_status);
        return how;
    }

    const int fd;
    std::mutex mutex;
    std::string how;     // guarded
    bool killed = false; // guarded
};

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::string& name, int& fd,
                                                            std::chrono::milliseconds grace) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return Error{ErrorKind::unavailable, "a socket to a worker: " + words(errno)};
    Spawn spawn;
    posix_spawn_file_actions_adddup2(&spawn.actions, ends[1], worker_fd);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&spawn.attributes, &all);
    posix_spawnattr_setsigmask(&spawn.attributes, &none);
    posix_spawnattr_setflags(&spawn.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::vector<std::string> arguments{"sluice", "worker", name}, environment = worker_environment();
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, "/proc/self/exe", &spawn.actions, &spawn.attributes,
                                   pointers(arguments).data(), pointers(environment).data());
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return Error{ErrorKind::unavailable, "a worker process cannot be started: " + words(failed)};
    }
    const int child = pidfd_open(pid, 0);
    if (child < 0) {
        const int why = errno;
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        close(ends[0]);
        return Error{ErrorKind::unavailable, "a worker process cannot be watched: " + words(why)};
    }
    fd = ends[0];
    return std::unique_ptr<WorkerProcess>(new WorkerProcess(std::make_shared<Child>(child), pid, grace));
}

WorkerProcess::WorkerProcess(std::shared_ptr<Child> child, pid_t pid, std::chrono::milliseconds grace)
    : child_(std::move(child)), pid_(pid), grace_(grace) {
    using Held = std::shared_ptr<Child>;
    g_unix_fd_add_full(
        G_PRIORITY_DEFAULT, child_->fd, G_IO_IN,
        [](gint, GIOCondition, gpointer data) -> gboolean {
            return (*static_cast<Held*>(data))->reap().empty() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
        },
        new Held(child_), [](gpointer data) { delete static_cast<Held*>(data); });
}

WorkerProcess::~WorkerProcess() {
    if (ended(grace_).empty())
        pidfd_send_signal(child_->fd, SIGKILL, nullptr, 0);
}

std::string WorkerProcess::ended(std::chrono::milliseconds time) const {
    pollfd watched{.fd = child_->fd, .events = POLLIN, .revents = 0};
    poll(&watched, 1, static_cast<int>(time.count()));
    return child_->reap();
}

bool WorkerProcess::was_killed() const {
    const std::lock_guard lock(child_->mutex);
    return child_->killed;
}

} // namespace sluice
