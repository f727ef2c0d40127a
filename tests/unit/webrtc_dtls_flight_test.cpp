// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/dtls_flight.hpp"
#include "tests/support/dtls_bytes.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test::dtls;
constexpr GstClockTime ms = GST_MSECOND, t0 = 1000 * GST_SECOND;

struct Flight : testing::Test {
    DtlsFlight flight;
    GstClockTime now = t0;
    std::vector<Ref<GstBuffer>> buffers;

    void send(uint8_t seq = 0) {
        buffers.push_back(adopt(gst_buffer_new()));
        flight.sent(buffers.back().get(), message(seq), now);
    }
    bool came(const Bytes& datagram, GstClockTime later) {
        now += later;
        return flight.came(datagram, now);
    }
};

TEST_F(Flight, WhatWasLostIsSentOnceMoreWhenTheOtherSideRepeatsItself) {
    EXPECT_FALSE(came(message(0), 0));
    send(0);
    send(1);
    EXPECT_TRUE(came(message(0), 200 * ms));
    ASSERT_EQ(flight.datagrams().size(), 2u);
    EXPECT_EQ(flight.datagrams()[0].get(), buffers[0].get());
    EXPECT_EQ(flight.datagrams()[1].get(), buffers[1].get());
    for (const auto& b : buffers)
        flight.sent(b.get(), message(0), now);
    EXPECT_EQ(flight.datagrams().size(), 2u) << "what is sent once more is not another flight";
}

TEST_F(Flight, OnceForAllDatagramsThatAreRepeatedTogether) {
    came(message(0), 0);
    came(message(0, 40), 0);
    send();
    EXPECT_TRUE(came(message(0), 200 * ms));
    EXPECT_FALSE(came(message(0, 40), ms));
    EXPECT_TRUE(came(message(0), 400 * ms));
}

TEST_F(Flight, WhatIsOnItsWayIsNotRepeated) {
    came(message(0), 0);
    send();
    EXPECT_FALSE(came(message(0), 20 * ms));
}

TEST_F(Flight, NothingIsRepeatedBeforeTheAnswerIsMade) {
    EXPECT_FALSE(came(message(0), 0));
    EXPECT_FALSE(came(message(0), 200 * ms));
    send();
    EXPECT_FALSE(came(message(1), 200 * ms));
    EXPECT_FALSE(came(message(1), 200 * ms)) << "the last flight has arrived";
}

TEST_F(Flight, TheEndOfTheHandshakeToo) {
    came(message(0), 0);
    send();
    const Bytes end = message(1) + message(2) + change_cipher + finished;
    EXPECT_FALSE(came(end, 200 * ms));
    send();
    EXPECT_TRUE(came(end, 200 * ms));
    ASSERT_EQ(flight.datagrams().size(), 1u);
    EXPECT_EQ(flight.datagrams()[0].get(), buffers[1].get());
    EXPECT_TRUE(came(finished, 200 * ms));
    const Bytes of_dtls13(40, 0x2e);
    for (const Bytes& b : {finished, change_cipher + finished, end, of_dtls13, message(1) + of_dtls13})
        EXPECT_TRUE(DtlsFlight::ends(b));
    for (const Bytes& b : {Bytes{}, change_cipher, message(1), record(21, 1, {1, 0}), Bytes(2000, 22)})
        EXPECT_FALSE(DtlsFlight::ends(b));
}

TEST_F(Flight, NobodyIsAnsweredForEver) {
    came(message(0), 0);
    send();
    unsigned repeats = 0;
    for (int i = 0; i < 100; ++i)
        repeats += came(message(0), GST_SECOND);
    EXPECT_EQ(repeats, DtlsFlight::most_repeats);
    for (int i = 1; i < 100; ++i)
        send(static_cast<uint8_t>(i));
    EXPECT_EQ(flight.datagrams().size(), DtlsFlight::most_datagrams);
}

TEST_F(Flight, WhatIsNoHandshakeIsNoRepetition) {
    came(message(0), 0);
    send();
    Bytes cut = message(0);
    cut.resize(30);
    for (const Bytes& b : {Bytes{}, Bytes(12, 22), cut, record(21, 0, {1, 0}), record(23, 1, Bytes(20)),
                           record(22, 0, Bytes(5)), change_cipher, Bytes(2000, 0xff), Bytes(2000, 22)})
        EXPECT_FALSE(came(b, GST_SECOND));
}

// The library has a timer, too, and makes new buffers then.
TEST_F(Flight, WhatTheLibraryRepeatsTakesThePlaceOfWhatItSentBefore) {
    came(message(0), 0);
    send(0);
    send(1);
    now += GST_SECOND;
    send(0);
    send(1);
    ASSERT_EQ(flight.datagrams().size(), 2u);
    EXPECT_EQ(flight.datagrams()[0].get(), buffers[2].get());
    EXPECT_TRUE(came(message(0), 200 * ms));
}

// Whoever sends new messages without end is remembered for so long, and answered no more often.
TEST_F(Flight, MemoryIsBounded) {
    unsigned repeats = 0;
    for (unsigned i = 0; i < 1000; ++i) {
        repeats += came(message(static_cast<uint8_t>(i)), GST_SECOND);
        send(static_cast<uint8_t>(i));
    }
    EXPECT_LE(repeats, DtlsFlight::most_repeats);
    EXPECT_LE(flight.datagrams().size(), DtlsFlight::most_datagrams);
}

} // namespace
} // namespace sluice
