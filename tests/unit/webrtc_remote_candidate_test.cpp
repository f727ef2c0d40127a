// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a viewer may make us send to.
#include "plugins/webrtc/remote_candidate.hpp"

#include <gtest/gtest.h>

#include <string>

using sluice::may_be_tried;

namespace {

std::string at(const std::string& address, const std::string& port = "5000") {
    return "candidate:1 1 udp 2130706431 " + address + " " + port + " typ host";
}

TEST(RemoteCandidate, PlacesOfViewers) {
    for (const char* address : {"192.0.2.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.7.7", "2001:db8::1",
                                "fe80::1", "fd00::17", "::ffff:192.0.2.1"})
        EXPECT_TRUE(may_be_tried(at(address), false)) << address;
}

TEST(RemoteCandidate, WhereNoViewerCanBe) {
    for (const char* address :
         {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "ff02::1",
          "ff05::c", "::ffff:0.0.0.0", "::ffff:224.0.0.1", "::ffff:255.255.255.255"})
        EXPECT_FALSE(may_be_tried(at(address), true)) << address;
}

TEST(RemoteCandidate, ThisMachineOnlyForItself) {
    for (const char* address : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_FALSE(may_be_tried(at(address), false)) << address;
        EXPECT_TRUE(may_be_tried(at(address), true)) << address;
    }
}

TEST(RemoteCandidate, NoNames) {
    for (const char* address : {"viewer.local", "cameras.example", "localhost", "1.2.3", "0x7f000001", "2130706433",
                                "192.0.2.1.", "192.0.2.256", "", "[2001:db8::1]"})
        EXPECT_FALSE(may_be_tried(at(address), true)) << address;
}

TEST(RemoteCandidate, Ports) {
    for (const char* port : {"0", "-1", "65536", "99999999999", "5000x", "0x50", "+9"})
        EXPECT_FALSE(may_be_tried(at("192.0.2.1", port), false)) << port;
    EXPECT_TRUE(may_be_tried(at("192.0.2.1", "65535"), false));
}

// We would have to connect to the others, to any port of any machine.
TEST(RemoteCandidate, TcpOnlyFromThoseWhoConnect) {
    const std::string tcp = "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host";
    EXPECT_TRUE(may_be_tried(tcp + " tcptype active", false));
    EXPECT_TRUE(may_be_tried(tcp + " generation 0 tcptype active ufrag abcd", false));
    for (const char* type :
         {"", " tcptype", " tcptype passive", " tcptype so", " tcptype ACTIVE", " tcptype passive tcptype active",
          " tcptype active tcptype passive", " generation tcptype active 0"})
        EXPECT_FALSE(may_be_tried(tcp + type, false)) << type;
    EXPECT_FALSE(may_be_tried("candidate:1 1 sctp 1 192.0.2.1 9 typ host tcptype active", false));
}

// The agent splits at each single blank: there the name would be the address, or the type another one.
TEST(RemoteCandidate, BlanksHideNothing) {
    EXPECT_TRUE(may_be_tried("candidate:1 1 udp 1 192.0.2.1 5000 typ host ", false)) << "nothing is behind it";
    for (const char* text :
         {"candidate:1 1  udp inside.example 192.0.2.1 5000 typ host", "candidate:1 1 udp 1 192.0.2.1 5000  typ host x",
          "candidate:1 1 tcp 1 192.0.2.1 9 typ host  tcptype active x passive",
          "candidate:1 1 udp 1\tinside.example 192.0.2.1 5000 typ host x",
          "candidate:1 1 udp\v1 1 192.0.2.1 5000 typ host"})
        EXPECT_FALSE(may_be_tried(text, false)) << text;
}

TEST(RemoteCandidate, WholeOnesOnly) {
    for (const char* text :
         {"", " ", "candidate:1", "candidate:1 1 udp 1 192.0.2.1 5000", "candidate:1 1 udp 1 192.0.2.1 5000 typ"})
        EXPECT_FALSE(may_be_tried(text, false)) << text;
}

} // namespace
