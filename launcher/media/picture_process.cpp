// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_process.hpp"

#include "launcher/media/picture_job.hpp"
#include "launcher/worker/transcode_job.hpp"
#include "plugins/core/jpeg.hpp"
#include "plugins/core/mapped_buffer.hpp"

#include <unistd.h>

#include <fstream>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace sluice {

namespace {

constexpr const char* process_name = "snapshots"; // shown by ps
constexpr int messages_of_a_picture = 2;

Result<WireText> job_of(const Templates& templates, unsigned width) {
    const auto chains = picture_chains(templates, width);
    if (!chains)
        return chains.error();
    WireText out = wire_text(WireType::job, picture_job_json(chains.value()).dump());
    if (out.body.size() > max_wire_text)
        return Error{ErrorKind::unavailable,
                     std::string("the template ") + snapshot_template + " is too long for a worker process"};
    return out;
}

// Nothing: a worker says no such thing.
std::optional<MakerNews> news_of(WireMessage& message) {
    MakerNews news{.kind = MakerNews::Kind::picture};
    if (message.header.type == WireType::unit) {
        const size_t size = message.header.size;
        if (!is_whole_jpeg({message.body.get(), size}))
            return std::nullopt;
        uint8_t* data = message.body.release();
        news.picture = adopt(g_bytes_new_with_free_func(
            data, size, [](gpointer p) { delete[] static_cast<uint8_t*>(p); }, data));
        return news;
    }
    if (message.header.type != WireType::event)
        return std::nullopt;
    std::vector<ConfigError> errors;
    const Json event = parse_json_text(message.text(), errors);
    if (!errors.empty())
        return std::nullopt;
    if (const auto failure = transcode_failure(event)) {
        news.picture = Error{ErrorKind::unavailable, failure->reason};
        return news;
    }
    if (!is_picture_ready(event))
        return std::nullopt;
    news.kind = MakerNews::Kind::ready;
    return news;
}

} // namespace

Result<std::unique_ptr<PictureMaker>> PictureProcess::start(const Templates& templates, Tell tell) {
    auto first = job_of(templates, 0);
    if (!first)
        return first.error();
    int fd = -1;
    auto process = WorkerProcess::start(process_name, fd);
    if (!process)
        return process.error();
    std::unique_ptr<PictureProcess> out;
    try { // neither a descriptor nor a thread need be left
        out.reset(new PictureProcess(templates, std::move(process).value(), fd, std::move(tell)));
        out->link_.send(std::move(first).value());
        out->link_.start();
    } catch (const std::system_error& error) {
        if (!out)
            close(fd);
        return Error{ErrorKind::unavailable, std::string("a worker process: ") + error.what()};
    }
    return std::unique_ptr<PictureMaker>(std::move(out));
}

PictureProcess::PictureProcess(const Templates& templates, std::unique_ptr<WorkerProcess> process, int fd, Tell tell)
    : templates_(templates), tell_(std::move(tell)), process_(std::move(process)),
      link_(fd, nullptr,
            {.message = [this](WireMessage& message) { take(message); },
             .wants_more = {},
             .closed =
                 [this](const std::string& why) {
                     const std::string how = process_->ended(last_breath);
                     gone(how.empty() ? why : how);
                 }}) {}

Result<bool> PictureProcess::make(const SnapshotDesk::Order& order) {
    auto first = job_of(templates_, order.width);
    if (!first)
        return first.error();
    const AccessUnit& unit = *order.picture->unit;
    const MappedBuffer bytes(unit.buffer.get());
    if (!bytes || bytes.data().empty() || bytes.data().size() > max_wire_unit)
        return Error{ErrorKind::unavailable, "the camera's picture has " + std::to_string(bytes.data().size()) +
                                                 " bytes, allowed for snapshots: at most " +
                                                 std::to_string(max_wire_unit)};
    const GString8 caps(gst_caps_to_string(unit.track->caps.get()));
    WireText second = wire_text(WireType::track, caps ? caps.get() : "");
    if (second.body.size() > max_wire_text)
        return Error{ErrorKind::unavailable, "the camera's picture says too much of what it is"};
    expected_ += messages_of_a_picture;
    link_.send(std::move(first).value());
    link_.send(std::move(second));
    link_.send(wire_text(WireType::unit, {reinterpret_cast<const char*>(bytes.data().data()), bytes.data().size()}));
    return true;
}

// Resident pages are the second number.
size_t PictureProcess::resident() const {
    std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/statm");
    size_t all = 0, resident = 0;
    if (!(file >> all >> resident))
        return 0;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// What is said cannot become more than was asked for, nor can what waits for the main context.
void PictureProcess::take(WireMessage& message) {
    if (gone_)
        return;
    auto news = expected_ > 0 ? news_of(message) : std::nullopt;
    if (!news)
        return gone("it says what it was not asked for");
    --expected_;
    tell_(std::move(*news));
}

void PictureProcess::gone(const std::string& how) {
    if (!std::exchange(gone_, true))
        tell_({.kind = MakerNews::Kind::gone, .picture = Error{}, .how = how, .by_others = process_->was_killed()});
}

} // namespace sluice
