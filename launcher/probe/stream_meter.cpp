// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/probe/stream_meter.hpp"

#include "launcher/probe/rate.hpp"
#include "plugins/core/mapped_buffer.hpp"

#include <algorithm>

namespace sluice::probe {

namespace {

template <typename T> Spread<T> spread_of(std::vector<T> values) {
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2], values.back()};
}

std::vector<double> shown_times(const std::vector<MeteredUnit>& units) {
    std::vector<double> out;
    out.reserve(units.size());
    for (const MeteredUnit& u : units)
        out.push_back(u.time);
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

MeteredUnit look_at(const AccessUnit& unit) {
    MeteredUnit out;
    const MappedBuffer map(unit.buffer.get());
    const Codec codec = unit.track->codec;
    out.bytes = static_cast<uint32_t>(map.data().size());
    if (codec == Codec::jpeg) {
        out.key = true;
        return out;
    }
    out.slices = 0;
    for (const NalUnit& n : unit.nals) {
        if (!is_slice(codec, n.type))
            continue;
        out.slices++;
        out.key = out.key || is_random_access(codec, n.type);
        out.b = out.b || is_b_slice(codec, map.data().subspan(n.offset, n.size)).value_or(false);
    }
    out.recovery = !out.key && is_recovery_start(codec, map.data(), unit.nals);
    return out;
}

void StreamMeter::add(const MeteredUnit& unit) {
    units_.push_back(unit);
    key_units_ += unit.key;
}

void StreamMeter::set_rates(StreamFigures& out, double pace) const {
    const std::vector<double> times = shown_times(units_);
    out.seconds = times.back() - times.front();
    const auto own = pace_of(times);
    out.variable_fps = pace <= 0 && own && !own->steady;
    out.fps = pace > 0 ? pace : own ? own->per_second : 0;
    if (out.fps <= 0)
        return;
    // Whole GOPs, if there is one: a key unit more or less changes much. As long as its pictures last: times jitter.
    size_t first = 0, end = units_.size();
    if (key_units_ >= 2) {
        const auto key = [](const MeteredUnit& u) { return u.key; };
        first = static_cast<size_t>(std::find_if(units_.begin(), units_.end(), key) - units_.begin());
        end = static_cast<size_t>(units_.rend() - std::find_if(units_.rbegin(), units_.rend(), key)) - 1;
    }
    uint64_t bytes = 0;
    for (size_t i = first; i < end; i++)
        bytes += units_[i].bytes;
    out.bitrate = static_cast<uint64_t>(static_cast<double>(bytes) * 8 * out.fps / static_cast<double>(end - first));
    // The fullest second.
    const auto window = std::min<size_t>(units_.size(), std::max<size_t>(1, static_cast<size_t>(out.fps + 0.5)));
    uint64_t now = 0, most = 0;
    for (size_t i = 0; i < units_.size(); i++) {
        now += units_[i].bytes;
        if (i >= window)
            now -= units_[i - window].bytes;
        most = std::max(most, now);
    }
    out.peak_bitrate = std::max(out.bitrate, most * 8);
}

void StreamMeter::set_gop(StreamFigures& out) const {
    std::vector<double> seconds;
    std::vector<unsigned> pictures;
    std::optional<size_t> before;
    for (size_t i = 0; i < units_.size(); i++) {
        out.recovery_points += units_[i].recovery;
        if (!units_[i].key)
            continue;
        if (before) {
            const size_t count = i - *before;
            pictures.push_back(static_cast<unsigned>(count));
            seconds.push_back(out.variable_fps || out.fps <= 0 ? units_[i].time - units_[*before].time
                                                               : static_cast<double>(count) / out.fps);
        }
        before = i;
    }
    out.key_units = key_units_;
    if (!pictures.empty())
        out.gop = StreamFigures::Gop{spread_of(seconds), spread_of(pictures)};
    double newest = units_.front().time;
    for (const MeteredUnit& u : units_)
        newest = std::max(newest, u.time);
    out.since_key = newest - units_[before.value_or(0)].time;
}

void StreamMeter::set_order(StreamFigures& out) const {
    // Less than that is jitter of the times.
    const double noticed = out.fps > 0 ? 0.25 / out.fps : 0.01;
    double newest = units_.front().time;
    unsigned run = 0;
    for (const MeteredUnit& u : units_) {
        out.slices = std::max(out.slices, u.slices);
        run = u.b ? run + 1 : 0;
        out.b_run = std::max(out.b_run, run);
        out.reordered = out.reordered || u.time < newest - noticed;
        newest = std::max(newest, u.time);
    }
}

StreamFigures StreamMeter::figures(double pace) const {
    StreamFigures out;
    out.pictures = pictures();
    if (units_.empty())
        return out;
    set_rates(out, pace);
    set_gop(out);
    set_order(out);
    return out;
}

} // namespace sluice::probe
