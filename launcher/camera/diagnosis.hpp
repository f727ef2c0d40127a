// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a host cannot be reached: rtspsrc says "Generic error" to a wrong name and to a refused connection alike.
#pragma once

#include "launcher/camera/camera_life.hpp"
#include "plugins/core/refs.hpp"

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

class Diagnosis {
public:
    // Tries to connect for at most three seconds; done is called once in the main context, with what is found, or with no
    // failure if the connection works. Destruction cancels; done is not called then.
    Diagnosis(const std::string& host, uint16_t port, std::function<void(const Failure&)> done);
    ~Diagnosis();
    Diagnosis(const Diagnosis&) = delete;
    Diagnosis& operator=(const Diagnosis&) = delete;

private:
    Ref<GCancellable> cancellable_;
};

} // namespace sluice
