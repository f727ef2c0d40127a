// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/attempt_gate.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

using namespace sluice;

namespace {

class AttemptGateTest : public testing::Test {
protected:
    using Permit = std::unique_ptr<AttemptGate::Permit>;

    Permit ask(const std::string& name, bool urgent = false) {
        return gate_.request(urgent, [this, name] { granted_.push_back(name); });
    }
    void turn() {
        while (!loop_.empty()) {
            const auto call = std::move(loop_.front());
            loop_.pop_front();
            call();
        }
    }
    std::vector<std::string> granted() {
        turn();
        return std::exchange(granted_, {});
    }

    std::deque<std::function<void()>> loop_;
    std::vector<std::string> granted_;
    AttemptGate gate_{[this](std::function<void()> f) { loop_.push_back(std::move(f)); }, 2};
};

using Names = std::vector<std::string>;

TEST_F(AttemptGateTest, GrantsInOrderUpToItsLimitAndNeverWithinTheCall) {
    Permit a = ask("a"), b = ask("b"), c = ask("c");
    EXPECT_TRUE(granted_.empty());
    EXPECT_EQ(granted(), (Names{"a", "b"}));
    EXPECT_EQ(gate_.taken(), 2u);
    EXPECT_EQ(gate_.waiting(), 1u);
    a = nullptr;
    EXPECT_TRUE(granted_.empty());
    EXPECT_EQ(granted(), (Names{"c"}));
}

TEST_F(AttemptGateTest, UrgentOnesGoFirst) {
    Permit a = ask("a"), b = ask("b");
    turn();
    granted_.clear();
    Permit c = ask("c"), d = ask("d", true), e = ask("e", true);
    a = nullptr;
    b = nullptr;
    EXPECT_EQ(granted(), (Names{"d", "e"}));
    d = nullptr;
    EXPECT_EQ(granted(), (Names{"c"}));
}

TEST_F(AttemptGateTest, WithdrawnQuestionsAreForgotten) {
    Permit a = ask("a"), b = ask("b"), c = ask("c"), d = ask("d");
    c = nullptr;
    EXPECT_EQ(granted(), (Names{"a", "b"}));
    a = nullptr;
    EXPECT_EQ(granted(), (Names{"d"}));
    b = nullptr;
    d = nullptr;
    EXPECT_EQ(gate_.taken(), 0u);
}

TEST_F(AttemptGateTest, ACallMayGiveBackAndAskAgain) {
    Permit mine;
    int calls = 0;
    std::function<void()> again = [&] {
        mine = nullptr; // the attempt has failed already
        if (++calls < 100)
            mine = gate_.request(false, again);
    };
    mine = gate_.request(false, again);
    turn();
    EXPECT_EQ(calls, 100);
    EXPECT_EQ(gate_.taken(), 0u);
    EXPECT_EQ(gate_.waiting(), 0u);
}

TEST_F(AttemptGateTest, PermitsOutliveTheGate) {
    auto gate = std::make_unique<AttemptGate>([this](std::function<void()> f) { loop_.push_back(std::move(f)); }, 1);
    Permit a = gate->request(false, [this] { granted_.push_back("a"); });
    turn();
    Permit b = gate->request(false, [this] { granted_.push_back("b"); });
    gate = nullptr;
    a = nullptr;
    EXPECT_EQ(granted(), (Names{"a"})) << "nothing is granted by a gate that is gone";
}

} // namespace
