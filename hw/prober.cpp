// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/prober.hpp"

#include "plugins/core/refs.hpp"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace sluice::hw {

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t most_said = 64 * 1024;

// A child, and its standard output. Whatever happens it is gone and reaped in the end.
class Child {
public:
    static Result<Child> start(const std::string& program, const char* command, const std::string& name,
                               std::vector<std::string> environment) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return Error{ErrorKind::internal, std::string("a pipe cannot be made: ") + std::strerror(errno)};
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        if (!std::getenv("GST_DEBUG")) // drivers talk a lot
            posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        std::string words[] = {program, command, name};
        char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
        std::vector<char*> own;
        for (std::string& text : environment)
            own.push_back(text.data());
        own.push_back(nullptr);
        pid_t pid = -1;
        const int problem =
            posix_spawn(&pid, program.c_str(), &files, nullptr, argv, environment.empty() ? environ : own.data());
        posix_spawn_file_actions_destroy(&files);
        close(ends[1]);
        if (problem != 0) {
            close(ends[0]);
            return Error{ErrorKind::internal, program + " cannot be started: " + std::strerror(problem)};
        }
        return Child(pid, ends[0]);
    }
    Child(Child&& o) noexcept : pid_(std::exchange(o.pid_, -1)), fd_(std::exchange(o.fd_, -1)) {}
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (fd_ >= 0)
            close(fd_);
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            wait_for();
        }
    }

    // All it says until it ends; nullopt: it has not ended by then.
    std::optional<std::string> read_until(Clock::time_point deadline) {
        std::string out;
        char block[4096];
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
            pollfd wait{fd_, POLLIN, 0};
            const int ready = left > 0 ? poll(&wait, 1, static_cast<int>(left)) : 0;
            if (ready < 0 && errno == EINTR)
                continue;
            if (ready <= 0)
                return std::nullopt;
            const ssize_t n = read(fd_, block, sizeof block);
            if (n <= 0)
                return out;
            if (out.size() < most_said)
                out.append(block, static_cast<size_t>(n));
        }
    }

    // After its output has ended. Its signal, or 0.
    int reap() {
        const int status = wait_for();
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }

private:
    Child(pid_t pid, int fd) : pid_(pid), fd_(fd) {}

    int wait_for() {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR)
            ;
        pid_ = -1;
        return status;
    }

    pid_t pid_;
    int fd_;
};

} // namespace

bool has_device(const ElementProfile& profile) {
    if (profile.device.empty())
        return true;
    glob_t found{};
    const bool present = glob(profile.device.c_str(), GLOB_NOSORT, nullptr, &found) == 0 && found.gl_pathc > 0;
    globfree(&found);
    return present;
}

bool has_factory(const ElementProfile& profile) {
    const Ref<GstElementFactory> factory = adopt(gst_element_factory_find(profile.factory.c_str()));
    return bool(factory);
}

const char* to_string(Probe::Standing standing) {
    switch (standing) {
    case Probe::Standing::verified: return "verified";
    case Probe::Standing::failed: return "failed";
    case Probe::Standing::absent: return "absent";
    case Probe::Standing::unverified: return "unverified";
    }
    return "unverified";
}

Prober::Prober(std::string program, std::chrono::milliseconds time_limit, std::vector<std::string> environment)
    : program_(program.empty() ? "/proc/self/exe" : std::move(program)), limit_(time_limit),
      environment_(std::move(environment)) {}

Probe Prober::probe(const char* command, const ElementProfile& profile) const {
    using Standing = Probe::Standing;
    Probe out{Standing::unverified, has_factory(profile), "", {}};
    const auto is = [&](Standing standing, const std::string& reason) {
        out.standing = standing;
        out.reason = reason;
        return out;
    };
    if (!has_device(profile))
        return is(Standing::unverified, "this machine has no " + profile.device);
    if (!out.present)
        return is(Standing::absent, "there is no element " + profile.factory +
                                        (profile.package.empty() ? "" : "; package " + profile.package) +
                                        (profile.hardware ? ", or its driver" : ""));
    Result<Child> child = Child::start(program_, command, profile.name, environment_);
    if (!child)
        return is(Standing::unverified, child.error().text);
    const auto said = child->read_until(Clock::now() + limit_);
    if (!said)
        return is(Standing::failed,
                  "it did not end within " + std::to_string(limit_.count() / 1000) + " s, and was killed");
    if (const int signal = child->reap())
        return is(Standing::failed, std::string("it crashed: ") + strsignal(signal));
    const auto result = from_line(*said);
    if (!result || !*result)
        return is(Standing::failed, result ? result->error().text : "the trial ended without a result");
    out.facts = result->value();
    return is(Standing::verified, "");
}

Probe Prober::encoder(const EncoderProfile& profile) const { return probe("try-encoder", profile); }

Probe Prober::decoder(const DecoderProfile& profile) const {
    if (has_factory(profile) && encoder_for_decoders(profile.codec).empty())
        return {
            Probe::Standing::unverified, true, "there is no encoder of " + profile.codec + " here to try it with", {}};
    return probe("try-decoder", profile);
}

std::vector<EncoderProfile> Prober::usable(const Profiles& profiles) const {
    std::vector<EncoderProfile> out;
    for (const EncoderProfile& profile : profiles.encoders)
        if (encoder(profile).works())
            out.push_back(profile);
    return out;
}

} // namespace sluice::hw
