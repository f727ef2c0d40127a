// SPDX-License-Identifier: LGPL-2.1-or-later
// The RTSP side of the simulated camera.
#pragma once

#include "tests/support/simcam_stream.hpp"

#include <gst/rtsp-server/rtsp-server.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::simcam {

struct ServerOptions {
    std::string address = "127.0.0.1";
    int port = 0;               // 0: any
    std::string user, password; // both or none
    std::string certificate;    // PEM file with the key: rtsps:// instead of rtsp://
    bool basic = false;         // Basic instead of Digest
};

// Each path has one reader of its own for as long as the server lives: the media is never taken apart and put
// together again between two readers (gst-rtsp-server 1.22 then lets one in three come away without data).
class Server {
public:
    // ready: called once, in the main context, when every path has given its own reader data.
    Server(const ServerOptions& options, std::function<void()> ready); // throws std::runtime_error
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void add(const std::string& path, Stream& stream);
    // After the last add().
    void start_readers();
    std::string url(const std::string& path) const; // without credentials

private:
    struct Path {
        Server* server;
        std::string path;
        Stream* stream;
        Ref<GstElement> reader;
        bool seen = false;
    };
    static void media_configure(GstRTSPMediaFactory*, GstRTSPMedia* media, gpointer path);
    static void media_unprepared(GstRTSPMedia* media, gpointer path);
    static gboolean reader_message(GstBus*, GstMessage* message, gpointer path);
    void start_reader(Path& path);
    void reader_has_data(Path& path);

    ServerOptions options_;
    std::function<void()> ready_;
    Ref<GstRTSPServer> server_;
    guint source_ = 0;
    std::vector<std::unique_ptr<Path>> paths_;
    bool told_ = false;
};

} // namespace sluice::simcam
