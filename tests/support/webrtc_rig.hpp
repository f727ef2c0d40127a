// SPDX-License-Identifier: LGPL-2.1-or-later
// webrtcserversink on a port that the kernel picks, cameras without a network, and what there is to see of the sessions.
#pragma once

#include "plugins/core/channel_access.hpp"
#include "plugins/core/sluiceauthrequest.h"
#include "tests/support/http_client.hpp"
#include "tests/support/offers.hpp"
#include "tests/support/units.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

namespace sluice::test {

constexpr std::chrono::seconds patience{30}; // far more than anything here takes

inline GstClockTime clock_now() {
    const auto clock = channel_clock();
    return gst_clock_get_time(clock.get());
}

// For what tells nobody when it changes: asks again and again, until the deadline.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience) {
    std::mutex mutex;
    std::condition_variable never;
    const auto end = std::chrono::steady_clock::now() + limit;
    std::unique_lock lock(mutex);
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end)
            return false;
        never.wait_for(lock, std::chrono::milliseconds(2));
    }
    return true;
}

// Writes units into a channel of this process as a fanoutsink would. Units are told apart by their last byte.
class Camera {
public:
    explicit Camera(const char* name) : face_(adopt(sluice_channel_get(name))), channel_(channel_of(face_.get())) {}
    ~Camera() { end(); } // somebody may hold the channel a moment longer than the test takes
    Camera(const Camera&) = delete;
    Camera& operator=(const Camera&) = delete;
    void begin(const char* track = "video/x-h264, stream-format=byte-stream, alignment=au") {
        token_ = channel_->open();
        const auto c = caps(track);
        channel_->set_track(token_, 0, c.get());
    }
    void end() { channel_->close(token_); }
    void add_sound(const char* track) {
        const auto c = caps(track);
        channel_->set_track(token_, 1, c.get());
    }
    Channel::Written write(const Bytes& data, GstClockTime pts, unsigned track = 0) {
        const auto buffer = buffer_of(data);
        return channel_->write(token_, track, buffer.get(), pts, clock_now(), false);
    }
    void key(uint8_t id, size_t size = 40) { write(sps_no_reorder() + pps() + idr(size, id), clock_now()); }
    void delta(uint8_t id, size_t size = 20) { write(p_slice(size, id), clock_now()); }
    SluiceChannel* face() const { return face_.get(); }
    Channel& channel() const { return *channel_; }
    unsigned readers() const { return channel_->stats(0).readers; }

private:
    Ref<SluiceChannel> face_;
    std::shared_ptr<Channel> channel_;
    Channel::Token token_ = 0;
};

// Channels are found by their names in the whole process: a test begins when those of the one before it are gone.
class ChannelTest : public testing::Test {
protected:
    ChannelTest() {
        EXPECT_TRUE(eventually([] { return all_channels().empty(); })) << "a channel of another test is left over";
    }
};

// Sessions as the signals tell of them.
class Sessions {
public:
    void added(const std::string& id) {
        std::lock_guard lock(mutex_);
        added_.push_back(id);
        changed_.notify_all();
    }
    void removed(const std::string& id, const std::string& reason) {
        std::lock_guard lock(mutex_);
        EXPECT_NE(std::find(added_.begin(), added_.end(), id), added_.end()) << "removed before it was added";
        EXPECT_TRUE(reasons_.emplace(id, reason).second) << "removed twice";
        changed_.notify_all();
    }
    bool wait_added(size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return added_.size() >= count; });
    }
    // The reason, once it is gone.
    std::string wait_removed(const std::string& id, std::chrono::milliseconds limit = patience) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return reasons_.count(id) != 0; }) ? reasons_[id]
                                                                                       : "it is still there";
    }
    size_t count_added() {
        std::lock_guard lock(mutex_);
        return added_.size();
    }
    size_t count_removed() {
        std::lock_guard lock(mutex_);
        return reasons_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> added_;
    std::map<std::string, std::string> reasons_;
};

class WebrtcServer {
public:
    using AuthHandler = std::function<void(SluiceAuthRequest*)>;

    // Everybody may watch unless `authorize` says otherwise; NULL: no handler at all.
    explicit WebrtcServer(AuthHandler authorize =
                              [](SluiceAuthRequest* r) { sluice_auth_request_accept(r, "admin", 0); })
        : authorize_(std::move(authorize)) {
        pipeline_ = sink(gst_pipeline_new(nullptr));
        element_ = ref(gst_element_factory_make("webrtcserversink", nullptr));
        if (!element_)
            throw std::runtime_error("no element webrtcserversink");
        g_object_set(element_.get(), "port", 0u, "address", "127.0.0.1", "channels", "*", nullptr);
        gst_bin_add(GST_BIN(pipeline_.get()), element_.get());
        if (authorize_)
            g_signal_connect(element_.get(), "authorize",
                             G_CALLBACK(+[](GstElement*, SluiceAuthRequest* r, gpointer user) {
                                 static_cast<WebrtcServer*>(user)->authorize_(r);
                             }),
                             this);
        g_signal_connect(element_.get(), "session-added", G_CALLBACK(+[](GstElement*, const char* id, gpointer user) {
                             static_cast<WebrtcServer*>(user)->sessions.added(id);
                         }),
                         this);
        g_signal_connect(element_.get(), "session-removed",
                         G_CALLBACK(+[](GstElement*, const char* id, const char* reason, gpointer user) {
                             static_cast<WebrtcServer*>(user)->sessions.removed(id, reason);
                         }),
                         this);
    }
    ~WebrtcServer() { stop(); }
    WebrtcServer(const WebrtcServer&) = delete;
    WebrtcServer& operator=(const WebrtcServer&) = delete;

    template <typename T> WebrtcServer& set(const char* property, T value) {
        g_object_set(element_.get(), property, value, nullptr);
        return *this;
    }
    GstStateChangeReturn start() { return gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }
    void stop() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    GstElement* element() const { return element_.get(); }
    GstElement* pipeline() const { return pipeline_.get(); }
    std::string url(const std::string& path) const {
        guint port = 0;
        g_object_get(element_.get(), "port", &port, nullptr);
        return "http://127.0.0.1:" + std::to_string(port) + path;
    }
    HttpAnswer request(const std::string& method, const std::string& path, const HttpHeaders& headers = {},
                       const std::string& body = "") const {
        return http(method, url(path), headers, body);
    }
    HttpAnswer post(const std::string& path, const std::string& offer = OfferText().text(),
                    const std::string& type = "application/sdp") const {
        return request("POST", path, {{"Content-Type", type}}, offer);
    }
    GstStructurePtr stats() const {
        GstStructure* s = nullptr;
        g_object_get(element_.get(), "stats", &s, nullptr);
        return GstStructurePtr(s);
    }
    guint session_count() const {
        guint n = 0;
        gst_structure_get_uint(stats().get(), "sessions", &n);
        return n;
    }
    gboolean close_session(const std::string& id, const char* reason) {
        gboolean was_there = FALSE;
        g_signal_emit_by_name(element_.get(), "close-session", id.c_str(), reason, &was_there);
        return was_there;
    }
    // The text of the first error on the bus, "" if there is none.
    std::string error() const {
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        const auto message = adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
        if (!message)
            return "";
        GError* raw = nullptr;
        gst_message_parse_error(message.get(), &raw, nullptr);
        const GErrorPtr error(raw);
        return error->message;
    }

    Sessions sessions;

private:
    AuthHandler authorize_;
    Ref<GstElement> pipeline_, element_;
};

// {path}/{camera}/{session} -> session
inline std::string session_of(const std::string& location) { return location.substr(location.rfind('/') + 1); }

} // namespace sluice::test
