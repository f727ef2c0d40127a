// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/attempt_gate.hpp"

#include <utility>

namespace sluice {

AttemptGate::AttemptGate(std::function<void(std::function<void()>)> later, size_t limit)
    : shared_(std::make_shared<Shared>()) {
    shared_->later = std::move(later);
    shared_->limit = limit;
}

AttemptGate::~AttemptGate() { shared_->limit = 0; } // nothing is granted any more

std::unique_ptr<AttemptGate::Permit> AttemptGate::request(bool urgent, std::function<void()> granted) {
    std::unique_ptr<Permit> permit(new Permit(shared_, std::move(granted)));
    (urgent ? shared_->urgent : shared_->others).push_back(permit.get());
    pump(shared_);
    return permit;
}

void AttemptGate::pump(const std::shared_ptr<Shared>& shared) {
    if (shared->due || shared->taken >= shared->limit || (shared->urgent.empty() && shared->others.empty()))
        return;
    shared->due = true;
    shared->later([shared] { grant(*shared); });
}

// The calls may ask, give back and withdraw permits.
void AttemptGate::grant(Shared& shared) {
    shared.due = false;
    while (shared.taken < shared.limit && !(shared.urgent.empty() && shared.others.empty())) {
        auto& list = shared.urgent.empty() ? shared.others : shared.urgent;
        Permit* const permit = list.front();
        list.pop_front();
        permit->held_ = true;
        shared.taken++;
        const auto granted = std::move(permit->granted_); // the permit may be gone within the call
        granted();
    }
}

AttemptGate::Permit::~Permit() {
    if (held_) {
        shared_->taken--;
        pump(shared_);
        return;
    }
    shared_->urgent.remove(this);
    shared_->others.remove(this);
}

} // namespace sluice
