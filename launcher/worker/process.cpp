// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/process.hpp"

#include "launcher/log.hpp"

#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

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

std::vector<std::string> worker_environment() {
    std::vector<std::string> out;
    for (char** item = environ; *item; item++) {
        const std::string_view text(*item);
        const bool secret = text.starts_with("SLUICE_") && text.find("PASSWORD") < text.find('=');
        if (!secret && !text.starts_with("CREDENTIALS_DIRECTORY=") && !text.starts_with("NOTIFY_SOCKET=") &&
            !text.starts_with("GST_REGISTRY_UPDATE=") && !text.starts_with("GST_REGISTRY_FORK="))
            out.emplace_back(text);
    }
    out.emplace_back("GST_REGISTRY_UPDATE=no");
    return out;
}

// Reaps the child, whenever it ends.
struct WorkerProcess::Watch {
    std::string name;
    bool ended = false; // its number may be another process' by now
    bool wanted = true; // nobody has told it to end
};

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::string& name, int& fd) {
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
    fd = ends[0];
    return std::unique_ptr<WorkerProcess>(new WorkerProcess(pid, name));
}

WorkerProcess::WorkerProcess(pid_t pid, const std::string& name)
    : pid_(pid), watch_(std::make_shared<Watch>(Watch{.name = name})) {
    using Held = std::shared_ptr<Watch>;
    g_child_watch_add_full(
        G_PRIORITY_DEFAULT, pid,
        [](GPid, gint status, gpointer data) {
            Watch& watch = **static_cast<Held*>(data);
            watch.ended = true;
            if (!watch.wanted)
                return;
            const std::string how = WIFSIGNALED(status) ? std::string("by the signal ") + strsignal(WTERMSIG(status))
                                                        : "with code " + std::to_string(WEXITSTATUS(status));
            log_warning("the worker of " + watch.name + " has ended " + how);
        },
        new Held(watch_), [](gpointer data) { delete static_cast<Held*>(data); });
}

WorkerProcess::~WorkerProcess() {
    watch_->wanted = false;
    if (!watch_->ended)
        kill(pid_, SIGKILL);
}

} // namespace sluice
