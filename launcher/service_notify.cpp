// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/service_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace sluice {

namespace {

void notify(const std::string& text) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un to{};
    const size_t size = path ? std::strlen(path) : 0;
    if (size == 0 || size >= sizeof to.sun_path || (*path != '/' && *path != '@'))
        return;
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path, size);
    if (*path == '@') // an abstract name
        to.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
    close(fd);
}

// Milliseconds between two signs of life; 0: nobody waits for them.
guint alive_period() {
    const char* wanted = std::getenv("WATCHDOG_USEC");
    const char* whose = std::getenv("WATCHDOG_PID");
    if (!wanted || (whose && std::strtol(whose, nullptr, 10) != getpid()))
        return 0;
    const unsigned long long limit = std::strtoull(wanted, nullptr, 10);
    return static_cast<guint>(std::min<unsigned long long>(limit / 2000, 3'600'000));
}

} // namespace

ServiceNotify::~ServiceNotify() { g_clear_handle_id(&alive_, g_source_remove); }

void ServiceNotify::ready(const std::string& status) {
    notify("READY=1\nSTATUS=" + status);
    const guint period = alive_period();
    if (period == 0 || alive_)
        return;
    alive_ = g_timeout_add(
        period,
        [](gpointer) -> gboolean {
            notify("WATCHDOG=1");
            return G_SOURCE_CONTINUE;
        },
        nullptr);
}

void ServiceNotify::stopping() {
    g_clear_handle_id(&alive_, g_source_remove);
    notify("STOPPING=1");
}

} // namespace sluice
