// SPDX-License-Identifier: LGPL-2.1-or-later
// One picture, encoded once, handed to any number of RTSP media. Runs from construction to destruction.
#pragma once

#include "plugins/core/refs.hpp"
#include "tests/support/simcam_picture.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::simcam {

struct StreamOptions {
    uint8_t id = 1; // shown in the picture: 1 main, 2 sub
    int width = 1280, height = 720, fps = 30;
    double gop = 10;    // seconds
    int bitrate = 1500; // kbit/s
    int bframes = 0, slices = 1, noise = 3;
    bool h265 = false, jpeg = false;
    std::string profile = "main"; // H.264: baseline, main, high
    std::string sound; // opus, pcmu, pcma, aac: a beep and a flash in the same instant each second; empty: none
};

class Stream {
public:
    explicit Stream(const StreamOptions& options); // throws std::runtime_error, in words for the user
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    const StreamOptions& options() const { return options_; }
    // feed: an appsrc. It gets everything from the next key frame on; that one is made at once. sound: another one, for the
    // sound, or NULL.
    void add(GstElement* feed, GstElement* sound);
    void remove(GstElement* feed);
    // From now on every RTP timestamp is later by so much: what a camera does when somebody sets its clock.
    void jump(unsigned seconds) { rtp_jump_ += seconds * 90000u; }
    uint32_t rtp_jump() const { return rtp_jump_; }

private:
    struct Consumer {
        Ref<GstElement> feed, sound;
        bool started = false;
    };
    void draw_frames();
    void make_sound(uint64_t number, GstClockTime time);
    std::optional<GstClockTime> clock_time_of(GstSample* sample) const;
    void deliver_sound(GstSample* sample);
    void deliver(GstSample* sample);
    void request_key_frame();

    StreamOptions options_;
    GstVideoInfo info_{};
    Picture picture_;
    Ref<GstElement> pipeline_, source_, sink_, sound_source_, sound_sink_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    GstClockTime key_requested_ = 0;
    std::atomic<uint32_t> rtp_jump_ = 0;
    std::vector<Consumer> consumers_;
    std::thread thread_;
};

} // namespace sluice::simcam
