// SPDX-License-Identifier: LGPL-2.1-or-later
// sluice-watcher BASE-URL CAMERA COUNT: so many viewers of one camera of a running launcher, over WHEP, as admin with the
// password in SLUICE_ADMIN_PASSWORD. Says "watching"; then for each line on its standard input how many pictures have come
// since the last line, to the viewer that got the fewest, and the longest time without one in ms: "412 35.2". Ends with
// its input.
//
// sluice-watcher BASE-URL: viewers as its input says, "join NAME CAMERA [sound|forged]" and "leave NAME", over one WebSocket;
// forged: its offer names another DTLS certificate than it has. Says "ready", then a line for each thing that happens,
// "WHAT NAME TIME [TEXT]", TIME in us of the monotonic clock:
//   joined SESSION, refused STATUS WHY, closed WHY    once
//   p, k RTP-TIME                                     a picture is complete; one that begins with a key frame
//   size WIDTHxHEIGHT                                 of the pictures from now on, as their SPS says
//   sound                                             has come, ten times a second at most
//   state streaming|waiting [WHY]                     as the launcher tells it
//
// sluice-watcher --exchange: one viewer whose offer and answer somebody else carries. Says {"sdp": OFFER}, takes {"sdp": ANSWER},
// says "watching", and then the same as the first form.
#include "tests/support/http_client.hpp"
#include "tests/support/watch_script.hpp"
#include "tests/support/whep_viewer.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <list>

using namespace sluice;
using namespace sluice::test;

namespace {

int fail(const std::string& why) {
    std::fprintf(stderr, "sluice-watcher: %s\n", why.c_str());
    return EXIT_FAILURE;
}

// The time from the last picture to now counts, too: it may be the gap.
void report(std::list<WhepViewer>& viewers) {
    size_t fewest = SIZE_MAX;
    int64_t longest = 0;
    for (WhepViewer& viewer : viewers) {
        const std::vector<int64_t> times = viewer.take_unit_times();
        fewest = std::min(fewest, times.empty() ? 0 : times.size() - 1);
        for (size_t i = 1; i < times.size(); i++)
            longest = std::max(longest, times[i] - times[i - 1]);
        longest =
            std::max(longest, times.empty() ? int64_t(3600) * G_USEC_PER_SEC : g_get_monotonic_time() - times.back());
    }
    std::printf("%zu %.1f\n", fewest, static_cast<double>(longest) / 1000);
    std::fflush(stdout);
}

int exchange() {
    std::list<WhepViewer> viewers;
    WhepViewer& viewer = viewers.emplace_back();
    std::puts(nlohmann::json{{"sdp", viewer.offer()}}.dump().c_str());
    std::fflush(stdout);
    std::string line;
    std::getline(std::cin, line);
    const auto answer = nlohmann::json::parse(line, nullptr, false);
    if (!answer.is_object())
        return fail("no answer");
    viewer.take_answer(answer.value("sdp", ""));
    if (!viewer.wait_connected())
        return fail("no connection");
    std::puts("watching");
    std::fflush(stdout);
    while (std::getline(std::cin, line))
        report(viewers);
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    gst_init(&argc, &argv);
    if (argc == 2 && std::string_view(argv[1]) == "--exchange")
        return exchange();
    const char* password = std::getenv("SLUICE_ADMIN_PASSWORD");
    if ((argc != 2 && argc != 4) || !password)
        return fail("usage: sluice-watcher BASE-URL [CAMERA COUNT], with SLUICE_ADMIN_PASSWORD");
    const std::string authorization = basic_authorization("admin", password);
    if (argc == 2)
        return WatchScript(argv[1], authorization).run() ? EXIT_SUCCESS : fail("no WebSocket");
    std::list<WhepViewer> viewers;
    for (int i = 0; i < std::atoi(argv[3]); i++) {
        WhepViewer& viewer = viewers.emplace_back();
        const HttpAnswer answer =
            http("POST", std::string(argv[1]) + "/whep/" + argv[2],
                 {{"Content-Type", "application/sdp"}, {"Authorization", authorization}}, viewer.offer());
        if (answer.status != 201)
            return fail("no session: " + std::to_string(answer.status) + " " + answer.error + answer.body);
        viewer.take_answer(answer.body);
        if (!viewer.wait_connected())
            return fail("no connection");
    }
    std::puts("watching");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);)
        report(viewers);
    return EXIT_SUCCESS;
}
