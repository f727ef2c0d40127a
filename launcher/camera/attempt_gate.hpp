// SPDX-License-Identifier: LGPL-2.1-or-later
// How many connections may be made at the same moment: a switch that comes back with 64 cameras behind it shall not be
// met by 64 handshakes at once. In the order asked, urgent ones first. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

namespace sluice {

class AttemptGate {
public:
    static constexpr size_t at_once = 16;

    // later: calls what it is given soon, from the main loop. A permit is never granted within request() or ~Permit().
    explicit AttemptGate(std::function<void(std::function<void()>)> later, size_t limit = at_once);
    ~AttemptGate();
    AttemptGate(const AttemptGate&) = delete;
    AttemptGate& operator=(const AttemptGate&) = delete;

    // Held from the question to the end of the handshake; destruction gives it back or withdraws the question.
    class Permit;
    std::unique_ptr<Permit> request(bool urgent, std::function<void()> granted);

    size_t taken() const { return shared_->taken; }
    size_t waiting() const { return shared_->urgent.size() + shared_->others.size(); }

private:
    struct Shared {
        std::function<void(std::function<void()>)> later;
        size_t limit = 0, taken = 0;
        std::list<Permit*> urgent, others;
        bool due = false;
    };
    static void pump(const std::shared_ptr<Shared>& shared);
    static void grant(Shared& shared);

    std::shared_ptr<Shared> shared_;
};

class AttemptGate::Permit {
public:
    ~Permit();
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

private:
    friend class AttemptGate;
    Permit(std::shared_ptr<Shared> shared, std::function<void()> granted)
        : shared_(std::move(shared)), granted_(std::move(granted)) {}

    const std::shared_ptr<Shared> shared_;
    std::function<void()> granted_;
    bool held_ = false;
};

} // namespace sluice
