// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/forwarded.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

AddressList list(const char* text) { return AddressList::parse(text).value(); }

const ClientView proxy{"10.0.0.1", false, "edge:8080", ""};

ClientView seen(const ForwardedHeaders& headers, const ClientView& direct = proxy) {
    return client_view(list("10.0.0.0/8, ::1"), direct, headers);
}

TEST(AddressList, HoldsAddressesAndNetworks) {
    const AddressList l = list(" 10.0.0.0/8 ,, 192.0.2.7,2001:db8::/32 ");
    for (const char* in : {"10.1.2.3", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::5"})
        EXPECT_TRUE(l.contains(in)) << in;
    for (const char* out : {"11.0.0.1", "192.0.2.8", "2001:db9::1", "", "10.1.2", "10.1.2.3:80", "localhost"})
        EXPECT_FALSE(l.contains(out)) << out;
    EXPECT_TRUE(list("").empty());
    for (const char* wrong : {"proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1"}) {
        const auto result = AddressList::parse(wrong);
        ASSERT_FALSE(result) << wrong;
        EXPECT_NE(result.error().text.find(wrong), std::string::npos);
    }
}

TEST(ClientView, OnlyATrustedProxyIsBelieved) {
    const ForwardedHeaders all{.forwarded = "for=203.0.113.9",
                               .x_for = "203.0.113.9",
                               .x_proto = "https",
                               .x_host = "evil.example",
                               .x_prefix = "/x"};
    const ClientView stranger{"192.0.2.1", false, "edge:8080", ""};
    const ClientView got = seen(all, stranger);
    EXPECT_EQ(got.peer, "192.0.2.1");
    EXPECT_FALSE(got.secure);
    EXPECT_EQ(got.host, "edge:8080");
    EXPECT_EQ(got.prefix, "");
    EXPECT_EQ(client_view(AddressList(), proxy, all).peer, "10.0.0.1");
}

TEST(ClientView, TheClientIsTheRightmostThatIsNoProxy) {
    const std::pair<const char*, const char*> cases[] = {
        {"203.0.113.9", "203.0.113.9"},
        {"1.2.3.4, 203.0.113.9", "203.0.113.9"}, // what the client wrote itself stands left
        {"1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
        {"10.0.0.3, 10.0.0.2", "10.0.0.3"},
        {"203.0.113.9:4711", "203.0.113.9"},
        {"[2001:db8::1]:4711", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"::ffff:203.0.113.9", "203.0.113.9"},
        {"203.0.113.9, unknown", "10.0.0.1"},
        {"203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"},
        {"203.0.113.9,", "10.0.0.1"},
        {"", "10.0.0.1"},
        {"\"\\", "10.0.0.1"},
    };
    for (const auto& [header, client] : cases)
        EXPECT_EQ(seen({.x_for = header}).peer, client) << header;
    EXPECT_EQ(seen({.x_for = std::string(5000, ' ') + "203.0.113.9"}).peer, "10.0.0.1");
}

TEST(ClientView, ReadsRfc7239) {
    const ClientView got =
        seen({.forwarded = "for=1.2.3.4;proto=http, For=\"[2001:db8::7]:99\";Proto=https;host=\"hq.example:8443\""});
    EXPECT_EQ(got.peer, "2001:db8::7");
    EXPECT_EQ(got.host, "hq.example:8443");
    EXPECT_FALSE(got.secure) << "the first that says so is nearest to the client";
    EXPECT_TRUE(seen({.forwarded = "proto=https;for=203.0.113.9"}).secure);
    EXPECT_EQ(seen({.forwarded = "for=_hidden;host=hq"}).peer, "10.0.0.1");
    EXPECT_EQ(seen({.forwarded = "for=\"203.0.113.9\\"}).peer, "10.0.0.1");
    EXPECT_EQ(seen({.forwarded = ";;=,for"}).peer, "10.0.0.1");
}

TEST(ClientView, AnAddressThatTheClientMadeUpInTheOtherHeaderDoesNotCount) {
    EXPECT_EQ(seen({.forwarded = "for=1.2.3.4", .x_for = "203.0.113.9"}).peer, "10.0.0.1");
    EXPECT_EQ(seen({.forwarded = "for=203.0.113.9", .x_for = "203.0.113.9"}).peer, "203.0.113.9");
    EXPECT_EQ(seen({.forwarded = "for=1.2.3.4;host=evil", .x_for = "203.0.113.9"}).host, "edge:8080");
}

TEST(ClientView, SaysHowTheClientCame) {
    const ClientView got =
        seen({.x_for = "203.0.113.9", .x_proto = "https, http", .x_host = "hq.example, in", .x_prefix = "/site-7/"});
    EXPECT_TRUE(got.secure);
    EXPECT_EQ(got.host, "hq.example");
    EXPECT_EQ(got.prefix, "/site-7");
    for (const char* wrong : {"site-7", "/a/../b", "//evil.example", "/a;b", "/a\"b", "/a b", "/", "/a//b"})
        EXPECT_EQ(seen({.x_for = "203.0.113.9", .x_prefix = wrong}).prefix, "") << wrong;
    for (const char* wrong : {"a/b", "a b", "a\"", "u@h"})
        EXPECT_EQ(seen({.x_for = "203.0.113.9", .x_host = wrong}).host, "edge:8080") << wrong;
    EXPECT_EQ(seen({.x_for = "203.0.113.9", .x_prefix = "/hq/site-7"}).prefix, "/hq/site-7");
    const ClientView tls{"10.0.0.1", true, "edge", ""};
    EXPECT_FALSE(seen({.x_for = "203.0.113.9", .x_proto = "http"}, tls).secure) << "in clear text on the way to it";
    EXPECT_TRUE(seen({.x_for = "203.0.113.9"}, tls).secure);
}

} // namespace
} // namespace sluice
