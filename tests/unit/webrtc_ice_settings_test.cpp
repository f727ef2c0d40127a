// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/ice_settings.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(IceSettings, TheDefaultsAreFine) { EXPECT_FALSE(complaint_about({})); }

TEST(IceSettings, GoodOnes) {
    IceSettings s{.stun_server = "stun://192.0.2.1:3478",
                  .turn_servers = {"turn://user:password@192.0.2.1:3478", "turns://u:p@turn.example?transport=tcp",
                                   "turn://us%40er:p%3A%2Fw@[2001:db8::1]:3478"},
                  .min_rtp_port = 40000,
                  .max_rtp_port = 40000,
                  .addresses = {"192.0.2.7", "2001:db8::7", "127.0.0.1"}};
    EXPECT_FALSE(complaint_about(s)) << *complaint_about(s);
    s.min_rtp_port = 0;
    EXPECT_FALSE(complaint_about(s));
    s.min_rtp_port = 65000;
    s.max_rtp_port = 0;
    EXPECT_FALSE(complaint_about(s));
}

TEST(IceSettings, BadStunServers) {
    for (const char* bad : {"stun.example", "stun:", "stun://", "http://stun.example", "stun://:3478", "\xff", " "})
        EXPECT_TRUE(complaint_about({.stun_server = bad})) << bad;
}

TEST(IceSettings, BadTurnServersAreNamedByTheirPlaceForTheyHoldASecret) {
    for (const char* bad : {"turn.example", "turn://192.0.2.1", "turn://user@192.0.2.1", "stun://u:p@192.0.2.1",
                            "turn://user:hunter2@", "user:hunter2@turn.example"}) {
        const auto complaint = complaint_about({.turn_servers = {"turn://a:b@192.0.2.1", bad}});
        ASSERT_TRUE(complaint) << bad;
        EXPECT_NE(complaint->find("entry 2 of turn-servers"), std::string::npos) << *complaint;
        EXPECT_EQ(complaint->find("hunter2"), std::string::npos) << *complaint;
    }
}

TEST(IceSettings, BadAddressesAndPorts) {
    for (const char* bad : {"eth0", "localhost", "192.0.2", "192.0.2.1:80"})
        EXPECT_TRUE(complaint_about({.addresses = {"192.0.2.1", bad}})) << bad;
    const auto complaint = complaint_about({.min_rtp_port = 5001, .max_rtp_port = 5000});
    ASSERT_TRUE(complaint);
    EXPECT_EQ(*complaint, "min-rtp-port 5001 is above max-rtp-port 5000");
}

} // namespace
} // namespace sluice
