// SPDX-License-Identifier: LGPL-2.1-or-later
// sluice-simcam: RTSP cameras for the quickstart and the tests. Moving picture, a clock to look at and the same clock
// for programs to read (simcam_picture.hpp). Key frames come at the GOP's pace only, whoever joins.
// SIGUSR1: its RTP timestamps jump one hour ahead.
#include "tests/support/simcam_server.hpp"

#include <glib-unix.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

using namespace sluice;
using namespace sluice::simcam;

namespace {

constexpr int exit_usage = 64, exit_software = 70; // sysexits.h

struct Options {
    int port = 0, fps = 30, width = 1280, height = 720, bitrate = 1500, bframes = 0, slices = 1, noise = 3, cameras = 0;
    double gop = 10;
    gboolean sub = FALSE, basic = FALSE;
    GString8 address, codec, profile, sound, user, password, certificate;
};

void check(bool ok, const char* what) {
    if (!ok)
        throw std::invalid_argument(what);
}

void parse(int& argc, char**& argv, Options& o) {
    char *address = nullptr, *codec = nullptr, *profile = nullptr, *sound = nullptr, *user = nullptr,
         *password = nullptr, *certificate = nullptr;
    const GOptionEntry entries[] = {
        {"address", 0, 0, G_OPTION_ARG_STRING, &address, "Address to listen on (127.0.0.1)", "ADDRESS"},
        {"port", 0, 0, G_OPTION_ARG_INT, &o.port, "RTSP port, 0 for any (0)", "PORT"},
        {"cameras", 0, 0, G_OPTION_ARG_INT, &o.cameras, "N cameras /cam0../camN-1 instead of the one /main", "N"},
        {"sub", 0, 0, G_OPTION_ARG_NONE, &o.sub, "Also /sub (or /camN/sub) with 640x360", nullptr},
        {"gop", 0, 0, G_OPTION_ARG_DOUBLE, &o.gop, "Seconds between key frames (10)", "SECONDS"},
        {"fps", 0, 0, G_OPTION_ARG_INT, &o.fps, "Frames per second (30)", "N"},
        {"width", 0, 0, G_OPTION_ARG_INT, &o.width, "Width of the main stream (1280)", "PIXELS"},
        {"height", 0, 0, G_OPTION_ARG_INT, &o.height, "Height of the main stream (720)", "PIXELS"},
        {"bitrate", 0, 0, G_OPTION_ARG_INT, &o.bitrate, "Bitrate of the main stream (1500)", "KBIT/S"},
        {"noise", 0, 0, G_OPTION_ARG_INT, &o.noise, "Noise in the picture, 0 to 20; it costs bits (3)", "LEVEL"},
        {"codec", 0, 0, G_OPTION_ARG_STRING, &codec, "h264, h265 or jpeg (h264)", "NAME"},
        {"profile", 0, 0, G_OPTION_ARG_STRING, &profile,
         "H.264 profile: constrained-baseline, baseline, main, high (main)", "NAME"},
        {"bframes", 0, 0, G_OPTION_ARG_INT, &o.bframes, "B-frames between two others (0)", "N"},
        {"slices", 0, 0, G_OPTION_ARG_INT, &o.slices, "Slices per picture, H.264 (1)", "N"},
        {"sound", 0, 0, G_OPTION_ARG_STRING, &sound,
         "Also sound, a beep with a flash each second: opus, pcmu, pcma or aac (none)", "NAME"},
        {"user", 0, 0, G_OPTION_ARG_STRING, &user, "Ask for this user...", "NAME"},
        {"password", 0, 0, G_OPTION_ARG_STRING, &password, "... and this password, by Digest", "PASSWORD"},
        {"basic", 0, 0, G_OPTION_ARG_NONE, &o.basic, "... or by Basic", nullptr},
        {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &certificate,
         "rtsps:// with the certificate and key of this PEM file", "FILE"},
        {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr},
    };
    GOptionContext* context = g_option_context_new("- simulated RTSP cameras");
    g_option_context_add_main_entries(context, entries, nullptr);
    g_option_context_add_group(context, gst_init_get_option_group());
    GError* error = nullptr;
    g_option_context_parse(context, &argc, &argv, &error);
    g_option_context_free(context);
    o.address.reset(address);
    o.codec.reset(codec);
    o.profile.reset(profile);
    o.sound.reset(sound);
    o.user.reset(user);
    o.password.reset(password);
    o.certificate.reset(certificate);
    if (GErrorPtr e{error})
        throw std::invalid_argument(e->message);

    check(argc == 1, "there are no arguments but options");
    check(o.port >= 0 && o.port <= 65535, "--port: 0 to 65535");
    check(o.cameras >= 0 && o.cameras <= 256, "--cameras: 1 to 256");
    check(o.gop > 0 && o.gop <= 600, "--gop: more than 0, up to 600 seconds");
    check(o.fps >= 1 && o.fps <= 120, "--fps: 1 to 120");
    check(o.width >= 160 && o.width <= 7680 && o.width % 8 == 0, "--width: 160 to 7680, a multiple of 8");
    check(o.height >= 90 && o.height <= 4320 && o.height % 2 == 0, "--height: 90 to 4320, even");
    check(o.bitrate >= 10 && o.bitrate <= 100000, "--bitrate: 10 to 100000 kbit/s");
    check(o.noise >= 0 && o.noise <= 20, "--noise: 0 to 20");
    check(o.bframes >= 0 && o.bframes <= 8, "--bframes: 0 to 8");
    check(o.slices >= 1 && o.slices <= 32, "--slices: 1 to 32");
    const std::string c = codec ? codec : "h264", p = profile ? profile : "main";
    check(c == "h264" || c == "h265" || c == "jpeg", "--codec: h264, h265 or jpeg");
    check(p == "constrained-baseline" || p == "baseline" || p == "main" || p == "high",
          "--profile: constrained-baseline, baseline, main or high");
    check(o.bframes == 0 || c == "h265" || p == "main" || p == "high", "--bframes: not in a baseline profile");
    const std::string a = sound ? sound : "opus";
    check(a == "opus" || a == "pcmu" || a == "pcma" || a == "aac", "--sound: opus, pcmu, pcma or aac");
    check(!user == !password, "--user and --password belong together");
    check(!user || !certificate, "--certificate: without --user");
}

StreamOptions stream_options(const Options& o, bool sub) {
    StreamOptions s;
    s.id = sub ? 2 : 1;
    s.width = sub ? 640 : o.width;
    s.height = sub ? 360 : o.height;
    s.bitrate = sub ? std::max(10, o.bitrate / 5) : o.bitrate;
    s.fps = o.fps;
    s.gop = o.gop;
    s.bframes = o.bframes;
    s.slices = o.slices;
    s.noise = o.noise;
    s.h265 = o.codec && std::string(o.codec.get()) == "h265";
    s.jpeg = o.codec && std::string(o.codec.get()) == "jpeg";
    if (o.profile)
        s.profile = o.profile.get();
    if (o.sound)
        s.sound = o.sound.get();
    return s;
}

[[noreturn]] void run(const Options& o) {
    GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
    const auto end = +[](gpointer l) -> gboolean {
        g_main_loop_quit(static_cast<GMainLoop*>(l));
        return G_SOURCE_CONTINUE;
    };
    g_unix_signal_add(SIGINT, end, loop);
    g_unix_signal_add(SIGTERM, end, loop);

    Stream main_stream(stream_options(o, false));
    std::unique_ptr<Stream> sub_stream;
    if (o.sub)
        sub_stream = std::make_unique<Stream>(stream_options(o, true));

    const auto jump = [&] {
        main_stream.jump(3600);
        if (sub_stream)
            sub_stream->jump(3600);
    };
    g_unix_signal_add(
        SIGUSR1,
        [](gpointer f) -> gboolean {
            (*static_cast<decltype(jump)*>(f))();
            return G_SOURCE_CONTINUE;
        },
        const_cast<void*>(static_cast<const void*>(&jump)));

    ServerOptions s;
    if (o.address)
        s.address = o.address.get();
    s.port = o.port;
    if (o.user) {
        s.user = o.user.get();
        s.password = o.password.get();
    }
    s.basic = o.basic;
    if (o.certificate)
        s.certificate = o.certificate.get();
    std::vector<std::string> paths;
    Server* self = nullptr;
    Server server(s, [&] {
        for (const auto& p : paths)
            std::printf("%s\n", self->url(p).c_str());
        std::printf("ready\n");
        std::fflush(stdout);
    });
    self = &server;
    auto add = [&](const std::string& path, Stream& stream) {
        paths.push_back(path);
        server.add(path, stream);
    };
    for (int i = 0; i < std::max(1, o.cameras); i++) {
        const std::string camera = o.cameras ? "/cam" + std::to_string(i) : std::string();
        add(o.cameras ? camera : "/main", main_stream);
        if (sub_stream)
            add(camera + "/sub", *sub_stream);
    }
    server.start_readers();
    g_main_loop_run(loop);
    // Medias of gst-rtsp-server outlive it in threads of its own, and would still tell those who are gone.
    std::fflush(nullptr);
    std::_Exit(0);
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    try {
        parse(argc, argv, options);
    } catch (const std::invalid_argument& e) {
        std::fprintf(stderr, "sluice-simcam: %s\n", e.what());
        return exit_usage;
    }
    try {
        run(options);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "sluice-simcam: %s\n", e.what());
        return exit_software;
    }
}
