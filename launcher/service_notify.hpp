// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service manager is told (sd_notify(3)): nothing where there is none.
#pragma once

#include <glib.h>

#include <string>

namespace sluice {

class ServiceNotify {
public:
    ServiceNotify() = default;
    ~ServiceNotify();
    ServiceNotify(const ServiceNotify&) = delete;
    ServiceNotify& operator=(const ServiceNotify&) = delete;

    // Everything is up. From now on the main context also says that it is alive, if that is wanted (WATCHDOG_USEC).
    void ready(const std::string& status);
    void stopping();

private:
    guint alive_ = 0;
};

} // namespace sluice
