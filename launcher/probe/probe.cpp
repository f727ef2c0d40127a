// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/probe.hpp"

#include "hw/elements.hpp"
#include "launcher/doctor/wait.hpp"
#include "launcher/log.hpp"
#include "launcher/probe/attempt.hpp"
#include "launcher/probe/report.hpp"

#include <unistd.h>

#include <cstdio>

namespace sluice {

namespace {

using doctor::Wait;
using probe::Attempt;

constexpr double tick = 0.1;         // seconds
constexpr double more_seconds = 12;  // for a second key frame
constexpr double most_seconds = 120; // beside those of watching: to connect, and over UDP and TCP at that
constexpr std::chrono::seconds close_deadline{2};

// One line on the terminal, written over and over.
class Progress {
public:
    ~Progress() { say(""); }
    void say(const std::string& line) {
        if (!on_ || line == said_)
            return;
        std::fprintf(stderr, "\r%s\033[K", line.c_str());
        std::fflush(stderr);
        said_ = line;
    }

private:
    const bool on_ = isatty(STDERR_FILENO) == 1;
    std::string said_;
};

void watch(Attempt& attempt, double planned, Wait& wait) {
    Progress progress;
    const auto done = [&] {
        attempt.look();
        const double watched = attempt.watched();
        const bool wants_key = attempt.key_units() < 2 && !attempt.encodes();
        const bool more = watched >= planned && wants_key;
        progress.say(more ? probe::progress_line("", watched, planned + more_seconds, attempt.pictures()) +
                                ", waiting for a second key frame"
                          : probe::progress_line(attempt.stage(), watched, planned, attempt.pictures()));
        return attempt.over() || (watched >= planned && !wants_key) || watched >= planned + more_seconds;
    };
    while (!done() && !wait.interrupted() && !wait.over())
        wait.until([] { return false; }, tick);
}

} // namespace

int run_probe(const ProbeOptions& options, const Templates& templates) {
    const Result<Config> config = config_of_address(options.address, templates);
    if (!config)
        return fail(config.error());
    gst_init(nullptr, nullptr);
    hw::register_elements();
    const Ref<GstElementFactory> ours = adopt(gst_element_factory_find("fanoutsink"));
    if (!ours)
        return fail(
            {ErrorKind::unavailable, "the element fanoutsink cannot be made; install Sluice, or set GST_PLUGIN_PATH"});
    Wait wait(most_seconds + options.seconds);
    LifeLimits limits;
    limits.first_key = std::chrono::milliseconds(static_cast<int>((options.seconds + more_seconds) * 1000));
    Teardown teardown;
    probe::Facts facts;
    {
        Attempt attempt(templates, config.value().cameras.front().streams.front().sources.front(), limits, teardown);
        watch(attempt, options.seconds, wait);
        facts = attempt.facts();
    }
    facts.interrupted = wait.interrupted();
    teardown.wait_all(close_deadline);
    if (options.json)
        std::printf("%s\n", probe::document(facts).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    else
        std::fputs(probe::text_report(facts).c_str(), stdout);
    return probe::verdict(facts).exit_code;
}

} // namespace sluice
