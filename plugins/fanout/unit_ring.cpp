// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fanout/unit_ring.hpp"

namespace sluice {

void UnitRing::set_limits(const Limits& limits) {
    limits_ = limits;
    trim();
}

const UnitRing::Item* UnitRing::at(uint64_t seq) const {
    return seq >= first_ && seq < end() ? &items_[seq - first_] : nullptr;
}

void UnitRing::push(Item item) {
    bytes_ += item.bytes;
    if (item.key)
        newest_key_ = end();
    items_.push_back(std::move(item));
    trim();
}

void UnitRing::clear() {
    first_ = end();
    items_.clear();
    bytes_ = 0;
    newest_key_.reset();
}

void UnitRing::pop() {
    if (newest_key_ == first_) {
        newest_key_.reset();
        ++dropped_gops_;
    }
    bytes_ -= items_.front().bytes;
    items_.pop_front();
    ++first_;
}

bool UnitRing::too_much() const {
    if (bytes_ > limits_.bytes || items_.size() > limits_.buffers)
        return true;
    const GstClockTime from = items_.front().time, to = items_.back().time;
    return GST_CLOCK_TIME_IS_VALID(from) && GST_CLOCK_TIME_IS_VALID(to) && to > from && to - from > limits_.time;
}

void UnitRing::trim() {
    const auto old = [this] { // before the key unit, and longer ago than a branch may lag
        if (!newest_key_ || *newest_key_ <= first_ + slack_items)
            return false;
        const GstClockTime from = items_.front().time, key = items_[*newest_key_ - first_].time;
        return !GST_CLOCK_TIME_IS_VALID(from) || !GST_CLOCK_TIME_IS_VALID(key) || from > key || key - from > slack_time;
    };
    while (items_.size() > 1 && (old() || too_much())) // the last one stays, however large
        pop();
}

} // namespace sluice
