// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/link.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sluice {

namespace {

constexpr int look_again_ms = 20; // whether more is wanted
constexpr int reads_in_a_row = 64;

std::string system_text() { return std::generic_category().message(errno); }

} // namespace

WorkerLink::Wake::Wake() : fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "eventfd");
}

WorkerLink::Wake::~Wake() { close(fd); }

void WorkerLink::Wake::wake() { eventfd_write(fd, 1); }

WorkerLink::WorkerLink(int fd, std::shared_ptr<Channel> from, Events events, UnitSource::Media media)
    : fd_(fd), media_(media), events_(std::move(events)), from_(std::move(from)) {}

WorkerLink::~WorkerLink() {
    stop_ = true;
    wake_->wake();
    if (thread_.joinable())
        thread_.join();
    close(fd_);
}

void WorkerLink::start() {
    thread_ = std::thread([this] { run(); });
}

void WorkerLink::send(WireText message) {
    {
        std::lock_guard lock(mutex_);
        if (texts_.size() <= max_texts) // the link is closed then
            texts_.push_back(std::move(message));
    }
    wake_->wake();
}

void WorkerLink::send_from(std::shared_ptr<Channel> channel) {
    {
        std::lock_guard lock(mutex_);
        from_ = std::move(channel);
    }
    wake_->wake();
}

void WorkerLink::run() {
    while (!stop_ && why_.empty()) {
        const bool reading = !events_.wants_more || events_.wants_more();
        while (write_some() && why_.empty() && !stop_) {
        }
        if (!why_.empty() || !wait(reading))
            continue;
        for (int i = 0; i < reads_in_a_row && why_.empty() && !stop_ && read_some(); i++) {
        }
    }
    source_.reset();
    if (!stop_ && events_.closed)
        events_.closed(why_);
}

// True: there is something to be read.
bool WorkerLink::wait(bool reading) {
    std::array<pollfd, 2> fds{{{.fd = fd_,
                                .events = static_cast<short>((reading ? POLLIN : 0) | (outgoing_.empty ? 0 : POLLOUT)),
                                .revents = 0},
                               {.fd = wake_->fd, .events = POLLIN, .revents = 0}}};
    if (poll(fds.data(), fds.size(), reading ? -1 : look_again_ms) < 0 && errno != EINTR)
        end("poll: " + system_text());
    eventfd_t ignored = 0;
    if (fds[1].revents)
        eventfd_read(wake_->fd, &ignored);
    return reading && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

bool WorkerLink::read_some() {
    const std::span<uint8_t> room = reader_.room();
    const ssize_t got = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            end(system_text());
        return errno == EINTR;
    }
    if (got == 0) {
        end("connection closed");
        return false;
    }
    if (auto message = reader_.took(static_cast<size_t>(got))) {
        if (message->header.type == WireType::key_unit && source_)
            source_->request_key_unit();
        else
            events_.message(*message);
    } else if (!reader_.broken().empty()) {
        end(reader_.broken());
    }
    return !events_.wants_more || events_.wants_more();
}

bool WorkerLink::next_outgoing() {
    std::shared_ptr<Channel> begin;
    {
        std::lock_guard lock(mutex_);
        if (texts_.size() > max_texts)
            end("the other end does not read");
        if (!texts_.empty()) {
            outgoing_ = {.header = texts_.front().header, .text = std::move(texts_.front().body), .empty = false};
            texts_.pop_front();
            return true;
        }
        std::swap(begin, from_);
    }
    if (begin)
        source_ = std::make_unique<UnitSource>(begin, wake_, media_);
    if (!source_)
        return false;
    auto next = source_->next();
    if (auto* text = std::get_if<WireText>(&next))
        outgoing_ = {.header = text->header, .text = std::move(text->body), .empty = false};
    else if (auto* unit = std::get_if<UnitSource::Unit>(&next))
        outgoing_ = {.header = unit->header, .text = {}, .unit = std::move(unit->unit), .empty = false};
    return !outgoing_.empty;
}

bool WorkerLink::write_some() {
    if (outgoing_.empty && !next_outgoing())
        return false;
    GstMapInfo map{};
    GstBuffer* buffer = outgoing_.unit ? outgoing_.unit->buffer.get() : nullptr;
    if (buffer && !gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        end("an access unit cannot be read");
        return false;
    }
    constexpr size_t head = sizeof(WireHeader);
    const size_t total = head + outgoing_.header.size;
    const char* body = buffer ? reinterpret_cast<const char*>(map.data) : outgoing_.text.data();
    std::array<iovec, 2> parts{};
    size_t count = 0;
    if (outgoing_.done < head)
        parts[count++] = {reinterpret_cast<char*>(&outgoing_.header) + outgoing_.done, head - outgoing_.done};
    const size_t from = outgoing_.done > head ? outgoing_.done - head : 0;
    if (outgoing_.header.size > from)
        parts[count++] = {const_cast<char*>(body) + from, outgoing_.header.size - from};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    const int error = errno;
    if (buffer)
        gst_buffer_unmap(buffer, &map);
    if (sent < 0) {
        errno = error;
        if (error != EAGAIN && error != EINTR)
            end(system_text());
        return error == EINTR;
    }
    outgoing_.done += static_cast<size_t>(sent);
    if (outgoing_.done == total)
        outgoing_ = {};
    return true;
}

} // namespace sluice
