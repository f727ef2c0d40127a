// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker_command.hpp"

#include "hw/elements.hpp"
#include "launcher/camera/source_runner.hpp"
#include "launcher/media/picture_job.hpp"
#include "launcher/media/picture_runner.hpp"
#include "launcher/worker/link.hpp"
#include "launcher/worker/process.hpp"
#include "launcher/worker/transcode.hpp"
#include "plugins/core/call_later.hpp"
#include "plugins/core/channel_access.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

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
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none); // the job in it has the camera's password
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C is the launcher's
    std::signal(SIGTERM, SIG_IGN); // so is what a service manager tells all processes of a service
    [[maybe_unused]] const int priority = nice(lower_priority);
}

// Runs in the link's thread, but for what a pipeline has to say; a template's pipeline lives in the main context.
class Worker {
public:
    explicit Worker(std::shared_ptr<Channel> result)
        : result_(std::move(result)), loop_(adopt(g_main_loop_new(nullptr, FALSE))),
          link_(worker_fd, nullptr,
                {.message = [this](WireMessage& message) { take(message); },
                 .wants_more = [this] { return !transcode_ || transcode_->wants_more(); },
                 .closed = [this](const std::string&) { end(); }}) {
        link_.start();
    }
    void run() {
        g_main_loop_run(loop_.get());
        source_.reset();
    }

private:
    void take(WireMessage& message) {
        if (message.header.type == WireType::job)
            begin(message);
        else if (transcode_)
            transcode_->take(message);
        else if (pictures_)
            pictures_->take(message);
    }
    void begin(const WireMessage& message) {
        std::vector<ConfigError> errors;
        const Json text = parse_json_text(message.text(), errors);
        if (auto source = errors.empty() ? source_job(text) : std::nullopt)
            return begin_source(std::move(*source));
        if (auto pictures = errors.empty() ? picture_job(text) : std::nullopt)
            return begin_pictures(std::move(*pictures));
        const auto job = errors.empty() ? transcode_job(text) : std::nullopt;
        if (!job || transcode_)
            return fail({TranscodeFailure::Part::source, "this worker does not know such a job"});
        auto made = TranscodePipeline::create(*job, result_channel, [this](const auto& failure) { fail(failure); });
        if (!made)
            return fail({TranscodeFailure::Part::source, made.error().text});
        transcode_ = std::move(made).value();
        link_.send_from(result_);
    }
    // The only one that may get another job.
    void begin_pictures(TemplateChains job) {
        if (!pictures_)
            pictures_ = std::make_unique<PictureRunner>([&link = link_](WireText said) { link.send(std::move(said)); });
        pictures_->begin(std::move(job));
    }
    void begin_source(SourceJob job) {
        call_later([this, job = std::move(job)]() mutable {
            if (!source_ && !transcode_)
                source_ = std::make_unique<SourceRunner>(
                    std::move(job), result_channel,
                    [&link = link_](const SourceEvent& event) { send(link, to_json(event)); },
                    // Sound that came alone would pass for all there is.
                    [this] { link_.send_from(result_); });
        });
    }
    void end() {
        // Not before it runs: a loop that is told to end before forgets it.
        call_later([loop = loop_] { g_main_loop_quit(loop.get()); });
    }
    void fail(const TranscodeFailure& failure) { send(link_, to_json(failure)); }
    static void send(WorkerLink& link, const Json& event) {
        link.send(wire_text(WireType::event, event.dump(-1, ' ', false, Json::error_handler_t::replace)));
    }

    const std::shared_ptr<Channel> result_;
    const Ref<GMainLoop> loop_;
    std::unique_ptr<SourceRunner> source_; // the main context's
    std::unique_ptr<TranscodePipeline> transcode_;
    std::unique_ptr<PictureRunner>
        pictures_; // its calls in the main context come from a loop that ends with the process
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
    worker.run();
    // A decoder or a driver that hangs is not waited for.
    _exit(0);
}

} // namespace sluice
