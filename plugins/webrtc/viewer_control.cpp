// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/viewer_control.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

ViewerControl::Turn ViewerControl::turn(GstClockTime now) {
    Turn turn;
    if (path_.due(now))
        if (const StreamChooser::Decision& orders = path_.decide(stream_, now); !is_followed(orders))
            turn.orders = orders;
    if (!turn.orders)
        turn.step = stream_.step(now);
    const ViewerStream::Step& step = turn.step;
    if (step.packets)
        path_.sent(step.bytes, now, step.numbered);
    if (step.packets && !step.sound && sent_stream_ != stream_.stream()) {
        path_.switched(now);
        sent_stream_ = stream_.stream();
    }
    if (step.dropped)
        path_.dropped(now);
    if (step.probe)
        path_.probed(*step.probe);
    turn.look_again = path_.look_again();
    return turn;
}

bool ViewerControl::retransmit(uint16_t seq, GstClockTime now) {
    path_.disturbed(now);
    if (!stream_.retransmit(seq, now))
        return false;
    path_.sent(RetransmissionBudget::packet_bytes, now, stream_.numbered_again());
    return true;
}

void ViewerControl::heard(const std::optional<ReceiverReport>& report, GstClockTime now) {
    path_.heard_of();
    if (!report || !path_.spot_checks())
        return;
    const ChannelTime since = stream_.missing_since(report->highest);
    path_.spot_report(report->fraction_lost, since ? now - std::min(since, now) : 0, now);
}

void ViewerControl::request_key_unit(GstClockTime now) {
    path_.disturbed(now);
    stream_.request_key_unit();
}

// Who waits for a key unit may be told meanwhile that a burst will do.
bool ViewerControl::asked_for(const StreamChooser::Decision& orders) const {
    const bool hurry = orders.burst && waits_for_key_ && stream_.wanted() != stream_.stream();
    return orders.stream == stream_.wanted() && !hurry;
}

bool ViewerControl::is_followed(const StreamChooser::Decision& orders) const {
    return asked_for(orders) &&
           std::all_of(orders.keep.begin(), orders.keep.end(),
                       [&](const auto& name) { return name == orders.stream || kept_.count(name); }) &&
           orders.keep.size() == kept_.size() + 1;
}

ViewerControl::Change ViewerControl::prepare(const StreamChooser::Decision& orders) {
    Change change{.orders = orders, .kept = {}, .next = {}};
    for (const std::string& name : orders.keep) {
        if (name == orders.stream)
            continue;
        auto before = kept_.find(name);
        auto reader = before != kept_.end() ? std::move(before->second) : stream_.reader_for(name);
        if (reader)
            change.kept.emplace(name, std::move(reader));
    }
    if (!asked_for(orders))
        change.next = stream_.reader_for(orders.stream);
    return change;
}

void ViewerControl::carry_out(Change& change, GstClockTime now) {
    if (change.next) {
        waits_for_key_ = !change.orders.burst;
        stream_.request_stream(change.orders.stream, change.next, now,
                               change.orders.flight  ? ViewerStream::Way::flight
                               : change.orders.burst ? ViewerStream::Way::burst
                                                     : ViewerStream::Way::key_unit);
    }
    std::swap(kept_, change.kept); // the others are let go when the new stream is attached to
}

} // namespace sluice
