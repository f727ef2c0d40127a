// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker_command.hpp"

#include "hw/elements.hpp"
#include "launcher/worker/link.hpp"
#include "launcher/worker/process.hpp"
#include "launcher/worker/transcode.hpp"
#include "plugins/core/channel_access.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <future>

namespace sluice {

namespace {

constexpr const char* result_channel = "worker/out";
constexpr int lower_priority = 5; // what needs no encoder goes first

bool has_launcher() {
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(worker_fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// Nothing of the launcher is left: no socket, no file, no way to more rights; and it does not outlive it.
void seal_off() {
    close_range(worker_fd + 1, ~0u, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN); // Ctrl-C is the launcher's
    [[maybe_unused]] const int priority = nice(lower_priority);
}

// Runs in the link's thread, but for what a pipeline has to say.
class Worker {
public:
    explicit Worker(std::shared_ptr<Channel> result)
        : link_(worker_fd, std::move(result),
                {.message = [this](WireMessage& message) { take(message); },
                 .wants_more = [this] { return !transcode_ || transcode_->wants_more(); },
                 .closed = [this](const std::string&) { over_.set_value(); }}) {
        link_.start();
    }
    void wait() { over_.get_future().wait(); }

private:
    void take(WireMessage& message) {
        if (message.header.type == WireType::job)
            begin(message);
        else if (transcode_)
            transcode_->take(message);
    }
    void begin(const WireMessage& message) {
        std::vector<ConfigError> errors;
        const Json text = parse_json_text(message.text(), errors);
        const auto job = errors.empty() ? transcode_job(text) : std::nullopt;
        if (!job || transcode_)
            return fail({TranscodeFailure::Part::source, "this worker does not know such a job"});
        auto made = TranscodePipeline::create(*job, result_channel, [this](const auto& failure) { fail(failure); });
        if (made)
            transcode_ = std::move(made).value();
        else
            fail({TranscodeFailure::Part::source, made.error().text});
    }
    void fail(const TranscodeFailure& failure) {
        link_.send(wire_text(WireType::event, to_json(failure).dump(-1, ' ', false, Json::error_handler_t::replace)));
    }

    std::promise<void> over_;
    std::unique_ptr<TranscodePipeline> transcode_;
    WorkerLink link_;
};

} // namespace

int run_worker() {
    if (!has_launcher()) {
        std::fputs("sluice: the launcher starts its workers itself\n", stderr);
        return EX_USAGE;
    }
    seal_off();
    gst_init(nullptr, nullptr);
    hw::register_elements();
    const auto face = adopt(sluice_channel_get(result_channel));
    Worker worker(channel_of(face.get()));
    worker.wait();
    // A decoder or a driver that hangs is not waited for.
    _exit(0);
}

} // namespace sluice
