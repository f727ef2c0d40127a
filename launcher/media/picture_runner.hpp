// SPDX-License-Identifier: LGPL-2.1-or-later
// In a worker process: makes the pictures that the launcher asks for (picture_job.hpp), one after the other, in the main context.
#pragma once

#include "launcher/worker/template_chains.hpp"
#include "launcher/worker/wire.hpp"
#include "plugins/core/refs.hpp"

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace sluice {

class PictureRunner {
public:
    // Longer than the launcher waits, which then ends the process: what gives up first says less.
    static constexpr std::chrono::seconds patience{10};

    // send: in the main context. The process ends with this object, so nothing that is under way is waited for.
    explicit PictureRunner(std::function<void(WireText)> send) : send_(std::move(send)) {}

    // In the link's thread. What the next pictures go through; the first time its elements are made once, which loads their
    // libraries before anybody waits.
    void begin(TemplateChains job);
    // Of type track or unit. In the link's thread. One that comes while another is made is dropped: the launcher sends none.
    void take(WireMessage& message);

private:
    struct Task;
    void load(const TemplateChains& job);
    void make(const Task& task);
    void send_text(const std::string& text);

    const std::function<void(WireText)> send_;
    // --- the link's thread's ---
    TemplateChains job_;
    Ref<GstCaps> caps_;
    bool loaded_ = false;
    // ---
    std::atomic<bool> busy_{false};
};

} // namespace sluice
