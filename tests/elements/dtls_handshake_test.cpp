// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/mapped_buffer.hpp"
#include "plugins/webrtc/dtls_handshake.hpp"
#include "tests/support/dtls_bytes.hpp"
#include "tests/support/element_rig.hpp"

using namespace sluice;
using namespace sluice::test;
using dtls::message;

namespace {

// In the place of dtlsenc and dtlsdec: two elements through which the datagrams of both sides go.
struct DtlsHandshakeTest : ElementTest {
    std::vector<size_t> finished; // how many datagrams were on the network
    std::shared_ptr<DtlsHandshake> handshake =
        std::make_shared<DtlsHandshake>([this] { finished.push_back(gst_harness_buffers_received(ours.h)); });
    Harness ours{gst_harness_new("identity")}, theirs{gst_harness_new("identity")};
    GstClockTime now = 5000 * s;

    void SetUp() override {
        ElementTest::SetUp();
        for (const Harness* h : {&ours, &theirs})
            gst_harness_set_src_caps_str(h->h, "application/x-dtls");
        handshake->watch_sent(ours.element());
        handshake->watch_received(theirs.element());
    }

    void later(GstClockTime time) { set_channel_time(now += time); }
    static void push(const Harness& h, const dtls::Bytes& data) {
        ASSERT_EQ(gst_harness_push(h.h, buffer_of(data)), GST_FLOW_OK);
    }
    // What went to the network since it was looked at last.
    std::vector<dtls::Bytes> went() {
        std::vector<dtls::Bytes> list;
        while (const auto b = adopt(gst_harness_try_pull(ours.h))) {
            const MappedBuffer map(b.get());
            list.emplace_back(map.data().begin(), map.data().end());
        }
        return list;
    }

    static GstBuffer* buffer_of(const dtls::Bytes& data) { return gst_buffer_new_memdup(data.data(), data.size()); }
};

using Sent = std::vector<dtls::Bytes>;

TEST_F(DtlsHandshakeTest, SendsTheFlightOnceMoreWhenTheOtherSideRepeatsItself) {
    push(theirs, message(0));
    push(ours, message(1));
    push(ours, message(2));
    EXPECT_EQ(went(), (Sent{message(1), message(2)}));
    later(10 * ms);
    push(theirs, message(0));
    EXPECT_EQ(went(), Sent{}) << "it is still on its way";
    later(200 * ms);
    push(theirs, message(0));
    EXPECT_EQ(went(), (Sent{message(1), message(2)}));
    later(200 * ms);
    push(theirs, message(0));
    EXPECT_EQ(went(), (Sent{message(1), message(2)})) << "what was sent once more is still the same flight";
    push(theirs, message(1));
    push(ours, message(3));
    EXPECT_EQ(went(), Sent{message(3)});
    later(200 * ms);
    push(theirs, message(1));
    EXPECT_EQ(went(), Sent{message(3)});
    EXPECT_EQ(gst_harness_buffers_received(theirs.h), 6u) << "nothing is kept from webrtcbin";
}

TEST_F(DtlsHandshakeTest, DatagramsComeInListsToo) {
    push(ours, message(1));
    went();
    later(200 * ms);
    const auto pad = adopt(gst_element_get_static_pad(theirs.element(), "sink"));
    for (int i = 0; i < 2; ++i) {
        GstBufferList* list = gst_buffer_list_new();
        gst_buffer_list_add(list, buffer_of(dtls::record(21, 0, {1, 0})));
        gst_buffer_list_add(list, buffer_of(message(0)));
        ASSERT_EQ(gst_pad_chain_list(pad.get(), list), GST_FLOW_OK);
        if (i == 0) { // it is new and asks for another flight
            EXPECT_EQ(went(), Sent{});
            push(ours, message(2));
            EXPECT_EQ(went(), Sent{message(2)});
            later(200 * ms);
        }
    }
    EXPECT_EQ(went(), Sent{message(2)});
}

TEST_F(DtlsHandshakeTest, AnyBytesGoThroughAsTheyAre) {
    push(ours, message(1));
    later(200 * ms);
    for (const dtls::Bytes& data : {dtls::Bytes{22}, dtls::Bytes(2000, 0xff), dtls::Bytes(2000, 22)})
        push(theirs, data);
    EXPECT_EQ(went(), Sent{message(1)});
    EXPECT_EQ(gst_harness_buffers_received(theirs.h), 3u);
}

// Media that is sent when this is told must not come before the message that makes it readable.
TEST_F(DtlsHandshakeTest, TellsWhenOurLastMessageHasLeft) {
    push(ours, message(1));
    EXPECT_FALSE(handshake->finished());
    EXPECT_TRUE(finished.empty());
    push(ours, dtls::change_cipher + dtls::finished);
    EXPECT_TRUE(handshake->finished());
    EXPECT_EQ(finished, std::vector<size_t>{2});
    EXPECT_EQ(went(), (Sent{message(1), dtls::change_cipher + dtls::finished}));
    later(2 * s);
    push(ours, dtls::change_cipher + dtls::finished);
    EXPECT_EQ(finished.size(), 1u) << "once";
    EXPECT_EQ(went().size(), 1u);
}

TEST_F(DtlsHandshakeTest, ItsLastMessageMayComeInAListAndBeRepeated) {
    push(theirs, message(0));
    push(ours, message(1));
    push(theirs, message(1));
    const auto pad = adopt(gst_element_get_static_pad(ours.element(), "sink"));
    GstBufferList* list = gst_buffer_list_new();
    gst_buffer_list_add(list, buffer_of(dtls::change_cipher));
    gst_buffer_list_add(list, buffer_of(dtls::finished));
    ASSERT_EQ(gst_pad_chain_list(pad.get(), list), GST_FLOW_OK);
    EXPECT_TRUE(handshake->finished());
    went();
    later(200 * ms);
    push(theirs, message(1));
    EXPECT_EQ(went(), (Sent{dtls::change_cipher, dtls::finished}));
    EXPECT_EQ(finished.size(), 1u);
}

TEST_F(DtlsHandshakeTest, ThePeerMayBeGone) {
    push(theirs, message(0));
    push(ours, message(1));
    later(200 * ms);
    handshake.reset();
    push(theirs, message(0));
    push(ours, message(2));
    EXPECT_EQ(went(), (Sent{message(1), message(2)}));
}

} // namespace
