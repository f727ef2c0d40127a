// SPDX-License-Identifier: LGPL-2.1-or-later
// What rtspsrc is about to send, and whether it still has user and password then.
#include "launcher/camera/redirect_guard.hpp"
#include "plugins/core/refs.hpp"

#include <gst/rtsp/rtsp.h>
#include <gtest/gtest.h>

using namespace sluice;

namespace {

class RedirectGuardTest : public testing::Test {
protected:
    RedirectGuardTest() {
        source_ = sink(gst_element_factory_make("rtspsrc", nullptr));
        g_object_set(source_.get(), "user-id", "viewer", "user-pw", "secret", nullptr);
        bus_ = adopt(gst_bus_new());
        gst_element_set_bus(source_.get(), bus_.get());
        std::string why;
        guard_redirects(source_.get(), *parse_camera_url("rtsps://camera.example/main", why));
    }
    ~RedirectGuardTest() override { gst_element_set_bus(source_.get(), nullptr); }

    bool keeps_password(GstRTSPMethod method, const char* uri) {
        GstRTSPMessage* message = nullptr;
        gst_rtsp_message_new_request(&message, method, uri);
        gboolean sent = FALSE;
        g_signal_emit_by_name(source_.get(), "before-send", message, &sent);
        EXPECT_TRUE(sent);
        gst_rtsp_message_free(message);
        char* raw = nullptr;
        g_object_get(source_.get(), "user-pw", &raw, nullptr);
        const GString8 password(raw);
        return password != nullptr;
    }
    size_t messages(GstMessageType type) {
        size_t count = 0;
        while (GstMessage* message = gst_bus_pop_filtered(bus_.get(), type)) {
            count++;
            gst_message_unref(message);
        }
        return count;
    }

    Ref<GstElement> source_;
    Ref<GstBus> bus_;
};

TEST_F(RedirectGuardTest, TheSameHostMayMoveTheStream) {
    EXPECT_TRUE(keeps_password(GST_RTSP_OPTIONS, "rtsp://camera.example:554/main"));
    EXPECT_TRUE(keeps_password(GST_RTSP_DESCRIBE, "rtsp://Camera.example:8554/other"));
    EXPECT_EQ(messages(GST_MESSAGE_APPLICATION), 0u);
}

TEST_F(RedirectGuardTest, AnotherHostGetsNoPassword) {
    EXPECT_FALSE(keeps_password(GST_RTSP_OPTIONS, "rtsp://other.example/main"));
    EXPECT_FALSE(keeps_password(GST_RTSP_DESCRIBE, "rtsp://other.example/main"));
    EXPECT_EQ(messages(GST_MESSAGE_APPLICATION), 1u);
    EXPECT_EQ(messages(GST_MESSAGE_ERROR), 0u);
}

TEST_F(RedirectGuardTest, WhatTheCameraCallsItsTracksIsNoRedirect) {
    EXPECT_TRUE(keeps_password(GST_RTSP_SETUP, "rtsp://192.168.0.2/main/track=0"));
    EXPECT_TRUE(keeps_password(GST_RTSP_PLAY, "rtsp://192.168.0.2/main"));
}

} // namespace
