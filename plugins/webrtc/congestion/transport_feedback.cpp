// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/congestion/transport_feedback.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr GstClockTime reference_unit = 64 * GST_MSECOND, delta_unit = 250 * GST_USECOND;
constexpr GstClockTime remote_period = (GstClockTime{1} << 24) * reference_unit;
constexpr size_t header = 8;

enum Symbol : uint8_t { not_received, small_delta, large_delta, reserved };

// Of a report, in network byte order. What is beyond its end is 0, and makes it a broken one.
class Bytes {
public:
    explicit Bytes(std::span<const uint8_t> data) : data_(data) {}
    uint32_t take(size_t count) {
        uint32_t value = 0;
        for (; count > 0; --count, ++at_)
            value = value << 8 | (at_ < data_.size() ? data_[at_] : 0);
        return value;
    }
    bool broken() const { return at_ > data_.size(); }

private:
    std::span<const uint8_t> data_;
    size_t at_ = 0;
};

// Sections 3.1.3 and 3.1.4: runs of one symbol, and vectors of 14 or 7.
std::vector<Symbol> read_symbols(Bytes& in, size_t count) {
    std::vector<Symbol> symbols;
    symbols.reserve(count);
    while (symbols.size() < count && !in.broken()) {
        const uint32_t chunk = in.take(2);
        if (!(chunk & 0x8000)) {
            const size_t run = std::min<size_t>(chunk & 0x1fff, count - symbols.size());
            if (run == 0)
                return {};
            symbols.insert(symbols.end(), run, static_cast<Symbol>(chunk >> 13 & 3));
            continue;
        }
        const unsigned bits = chunk & 0x4000 ? 2 : 1;
        for (unsigned shift = 14; shift >= bits && symbols.size() < count;) {
            shift -= bits;
            symbols.push_back(static_cast<Symbol>(chunk >> shift & (bits == 2 ? 3 : 1)));
        }
    }
    if (in.broken() || std::find(symbols.begin(), symbols.end(), reserved) != symbols.end())
        return {};
    return symbols;
}

} // namespace

uint16_t TransportFeedback::number(uint32_t bytes, GstClockTime now) {
    std::lock_guard lock(mutex_);
    while (!sent_.empty() && (sent_.size() >= most_known || sent_.front().at + known_for < now))
        sent_.pop_front();
    sent_.push_back({now, bytes + overhead});
    return static_cast<uint16_t>(next_++);
}

std::vector<PacketResult> TransportFeedback::read(std::span<const uint8_t> fci) {
    Bytes in(fci);
    const auto first = static_cast<uint16_t>(in.take(2)), count = static_cast<uint16_t>(in.take(2));
    int64_t remote = static_cast<int64_t>(in.take(3) * reference_unit);
    const auto report = static_cast<uint8_t>(in.take(1));
    std::vector<PacketResult> results;
    if (fci.size() <= header || count > most_reported)
        return results;
    const std::vector<Symbol> symbols = read_symbols(in, count);
    if (symbols.empty())
        return results;
    std::vector<int64_t> arrivals(symbols.size());
    for (size_t i = 0; i < symbols.size(); ++i) {
        if (symbols[i] == small_delta)
            remote += static_cast<int64_t>(in.take(1) * delta_unit);
        else if (symbols[i] == large_delta)
            remote += static_cast<int16_t>(in.take(2)) * static_cast<int64_t>(delta_unit);
        arrivals[i] = remote;
    }
    if (in.broken())
        return results;

    std::lock_guard lock(mutex_);
    add_missing(first, count, report, results);
    for (size_t i = 0; i < symbols.size(); ++i) {
        auto known = result(static_cast<uint16_t>(first + i));
        if (symbols[i] != not_received) {
            const auto period = static_cast<int64_t>(remote_period);
            const GstClockTime arrived = unwrap(static_cast<GstClockTime>((arrivals[i] % period + period) % period));
            if (known) {
                known->lost = false;
                known->arrived = arrived;
            }
        }
        if (known)
            results.push_back(*known);
    }
    return results;
}

// Lost, as far as is known.
std::optional<PacketResult> TransportFeedback::result(uint16_t number) const {
    const uint64_t seq = extend(number);
    if (seq >= next_ || next_ - seq > sent_.size())
        return std::nullopt;
    const Sent& sent = sent_[sent_.size() - (next_ - seq)];
    return PacketResult{.seq = seq + 1, .sent = sent.at, .bytes = sent.bytes, .lost = true};
}

// The newest packet with that number.
uint64_t TransportFeedback::extend(uint16_t number) const {
    const auto ago = static_cast<uint16_t>(next_ - 1 - number);
    return next_ > ago ? next_ - 1 - ago : next_;
}

void TransportFeedback::add_missing(uint16_t first, uint16_t count, uint8_t report, std::vector<PacketResult>& to) {
    const uint64_t begin = extend(first), end = std::min(begin + count, next_);
    if (begin >= next_)
        return; // of nothing that was sent
    if (next_report_ == report)
        for (uint64_t seq = std::max(expected_, next_ - sent_.size()); seq < begin; ++seq)
            if (const auto lost = result(static_cast<uint16_t>(seq)))
                to.push_back(*lost);
    // Their own count says which of two is newer only while fewer than 128 were lost between them.
    const bool newer = !next_report_ || end > expected_;
    if (!newer && static_cast<int8_t>(report - *next_report_) < 0)
        return;
    if (newer)
        expected_ = end;
    next_report_ = static_cast<uint8_t>(report + 1);
}

GstClockTime TransportFeedback::unwrap(GstClockTime remote) {
    if (last_remote_ == GST_CLOCK_TIME_NONE)
        last_remote_ = remote + remote_period;
    GstClockTime step = (remote + remote_period - last_remote_ % remote_period) % remote_period;
    if (step < remote_period / 2)
        return last_remote_ += step;
    step = remote_period - step; // reported late
    return last_remote_ > step ? last_remote_ - step : 0;
}

std::string trace_line(const std::vector<PacketResult>& results, GstClockTime now) {
    std::string line = "feedback " + std::to_string(now / 1000);
    for (const PacketResult& r : results) {
        line += ' ' + std::to_string(r.seq) + ':' + std::to_string(r.sent / 1000) + ':';
        line += r.lost ? "lost" : std::to_string(r.arrived / 1000);
        line += ':' + std::to_string(r.bytes);
    }
    return line;
}

std::string trace_line(const Probe& probe) {
    return "probe " + std::to_string(probe.from / 1000) + ' ' + std::to_string(probe.to / 1000) + ' ' +
           std::to_string(probe.bitrate);
}

} // namespace sluice
