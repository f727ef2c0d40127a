// SPDX-License-Identifier: LGPL-2.1-or-later
// In the launcher: a worker process that makes pictures, and its link.
#pragma once

#include "launcher/config/templates.hpp"
#include "launcher/media/picture_makers.hpp"
#include "launcher/worker/link.hpp"
#include "launcher/worker/process.hpp"

#include <atomic>
#include <chrono>

namespace sluice {

class PictureProcess final : public PictureMaker {
public:
    // Called in the link's thread: once when the process has started, twice for each picture, and when it has ended or says what
    // it was not asked for.
    using Tell = std::function<void(MakerNews)>;

    // In the main thread. templates: outlives it.
    static Result<std::unique_ptr<PictureMaker>> start(const Templates& templates, Tell tell);
    Result<bool> make(const SnapshotDesk::Order& order) override;
    size_t resident() const override;

private:
    static constexpr std::chrono::milliseconds last_breath{
        100}; // from the end of the connection to that of the process

    PictureProcess(const Templates& templates, std::unique_ptr<WorkerProcess> process, int fd, Tell tell);
    void take(WireMessage& message);
    void gone(const std::string& how);

    const Templates& templates_;
    const Tell tell_;
    std::atomic<int> expected_{1}; // messages: that it has started; for each picture, what has become of it and its end
    bool gone_ = false;            // the link's thread
    std::unique_ptr<WorkerProcess> process_;
    WorkerLink link_; // its thread uses all the others
};

} // namespace sluice
