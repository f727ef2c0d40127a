// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/app.hpp"

#include "hw/elements.hpp"
#include "launcher/auth/accounts.hpp"
#include "launcher/auth/authenticator.hpp"
#include "launcher/auth/identity.hpp"
#include "launcher/auth/state_directory.hpp"
#include "launcher/camera/fleet.hpp"
#include "launcher/config/url.hpp"
#include "launcher/first_account.hpp"
#include "launcher/fleet_service.hpp"
#include "launcher/http/api_json.hpp"
#include "launcher/http/go2rtc_sockets.hpp"
#include "launcher/http/http_server.hpp"
#include "launcher/http/routes.hpp"
#include "launcher/http/viewers.hpp"
#include "launcher/log.hpp"
#include "launcher/media/snapshots.hpp"
#include "launcher/parts.hpp"
#include "launcher/reach.hpp"
#include "launcher/service_notify.hpp"
#include "launcher/worker/process.hpp"
#include "launcher/worker/transcoding.hpp"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace sluice {

namespace {

constexpr std::chrono::seconds close_deadline{4};

int report(const Error& error) {
    log_error(error.text);
    return error_info(error.kind).exit_code;
}

// A viewer takes some 10 to 20 file descriptors.
void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Two threads that register GIO's types at the same time can wait for each other for ever (GLib 2.74: rtspsrc's task
// against a server that begins to listen). So they are registered before there are threads.
void register_types() {
    for (const GType type :
         {G_TYPE_INET_ADDRESS, G_TYPE_INET_SOCKET_ADDRESS, G_TYPE_SOCKET, G_TYPE_SOCKET_CLIENT,
          G_TYPE_SOCKET_CONNECTION, G_TYPE_TCP_CONNECTION, G_TYPE_SOCKET_LISTENER, G_TYPE_NETWORK_ADDRESS,
          G_TYPE_PROXY_ADDRESS, G_TYPE_RESOLVER, G_TYPE_TASK, G_TYPE_CANCELLABLE})
        g_type_class_ref(type); // for good
    const Ref<GResolver> resolver = adopt(g_resolver_get_default());
    const Ref<GObject> proxies = ref(G_OBJECT(g_proxy_resolver_get_default()));
}

// Without any everything else works.
hw::EncoderLadder encoders_here() {
    const auto profiles = hw::load_profiles(hw::profile_directories());
    if (!profiles)
        log_warning("nothing can be transcoded: " + profiles.error().text);
    return present_encoders(profiles ? profiles.value() : hw::Profiles());
}

// SIGINT and SIGTERM end the loop.
void end_on_signals(GMainLoop* loop) {
    for (const int number : {SIGINT, SIGTERM})
        g_unix_signal_add(
            number,
            [](gpointer data) -> gboolean {
                g_main_loop_quit(static_cast<GMainLoop*>(data));
                return G_SOURCE_CONTINUE;
            },
            loop);
}

bool has_terminal() {
    const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// SIGHUP reloads, unless it says what it once was made for: that the terminal is gone.
struct Hangup {
    GMainLoop* loop;
    FleetService* service;
    Reach* reach;
    bool had_terminal;
};

void reload_on_hangup(GMainLoop* loop, FleetService& service, Reach& reach) {
    g_unix_signal_add_full(
        G_PRIORITY_DEFAULT, SIGHUP,
        [](gpointer data) -> gboolean {
            const auto* hangup = static_cast<Hangup*>(data);
            if (hangup->had_terminal && !has_terminal())
                g_main_loop_quit(hangup->loop);
            else {
                hangup->service->reload();
                hangup->reach->reload();
            }
            return G_SOURCE_CONTINUE;
        },
        new Hangup{loop, &service, &reach, has_terminal()}, [](gpointer data) { delete static_cast<Hangup*>(data); });
}

// From here on a second signal ends the process at once, and so does something that hangs.
void begin_closing() {
    for (const int number : {SIGINT, SIGTERM})
        std::signal(number, [](int) { _exit(130); });
    g_thread_unref(g_thread_new(
        "close-deadline",
        [](gpointer) -> gpointer {
            std::this_thread::sleep_for(close_deadline + std::chrono::seconds(2));
            log_error("closing takes too long; ending without it");
            _exit(EXIT_SUCCESS);
        },
        nullptr));
}

} // namespace

int run(const Options& options, const Config& config, const Templates& templates) {
    raise_file_limit();
    register_types();
    hw::register_elements();
    // Ours from the beginning to the end, also before and after the loop runs: otherwise a worker thread that has an
    // answer for a request could take the context and use the server at the same time as this thread.
    g_main_context_acquire(nullptr);
    if (const Result<bool> found = require_parts(); !found)
        return report(found.error());

    const std::optional<std::string> state_path = options.state         ? options.state
                                                  : config.server.state ? config.server.state
                                                                        : StateDirectory::default_path();
    if (!state_path)
        return report({ErrorKind::bad_config, "no state directory: give one with --state"});
    const Result<StateDirectory> state = StateDirectory::open(*state_path, true);
    if (!state)
        return report(state.error());
    Accounts accounts(state.value());
    if (const Result<bool> loaded = accounts.load(); !loaded)
        return report(loaded.error());

    FleetService service(looks_like_url(options.target) ? std::string() : options.target, config, templates,
                         state.value());
    const std::vector<std::string> wrong = service.load();
    for (const std::string& line : wrong)
        log_error(line);
    if (!wrong.empty())
        return error_info(ErrorKind::bad_config).exit_code;

    auto reach = Reach::open(config.server, state.value());
    if (!reach)
        return report(reach.error());
    const std::string address = options.address.value_or(config.server.address.value_or(default_address));
    auto http = HttpServer::listen(address, options.port.value_or(config.server.port.value_or(default_port)),
                                   reach->settings());
    if (!http)
        return report(http.error());
    // Only now: a password that is printed by a launcher that then cannot start would be lost.
    if (const Result<bool> ready = ensure_admin(accounts, state.value(), options); !ready)
        return report(ready.error());

    HttpServer& server = *http.value();
    AuditLog audit(state.value().file("audit.log"));
    auto auth = std::make_unique<Authenticator>(accounts, "sluice-" + std::to_string(server.port()), &audit);
    SignedUrls signed_urls;
    if (const Result<bool> ready = add_identity(*auth, config.server.auth, signed_urls); !ready)
        return report(ready.error());
    StreamMemory memory(state.value());
    Transcoding transcoding(encoders_here(), {.at_once = config.server.transcodes.value_or(
                                                  std::max(1u, std::thread::hardware_concurrency())),
                                              .cpu_percent = config.server.transcode_cpu});
    transcoding.verify(hw::Prober({}, hw::Prober::limit, worker_environment()));
    Fleet fleet(service.cameras(), templates, memory, transcoding);
    auto viewers = Viewers::create(config.server.webrtc, service.cameras(), server.soup(), *auth, &audit);
    if (!viewers)
        return report(viewers.error());
    service.attach(fleet, *viewers.value());
    HttpServices services;
    services.auth = auth.get();
    services.editor = &service;
    services.cameras = [&] { return cameras_json(fleet.status(), viewers.value()->by_camera()); };
    services.viewers = [&] { return viewers.value()->list(); };
    services.viewer = [&](const std::string& id) { return viewers.value()->find(id); };
    services.owner_of_viewer = [&](const std::string& id) { return viewers.value()->owner_of(id); };
    services.set_viewer_quality = [&](const std::string& id, const std::string& quality) {
        return viewers.value()->set_quality(id, quality);
    };
    services.close_viewer = [&](const std::string& id, const std::string& reason) {
        return viewers.value()->close(id, reason);
    };
    services.signalling = [&](const ApiCall& call) { return viewers.value()->signalling(link_client(call)); };
    bool serving = false;
    services.ready = [&] { return serving && viewers.value()->working(); };
    Events events(services.cameras);
    services.events = &events;
    services.signed_urls = &signed_urls;
    Snapshots snapshots(templates);
    services.snapshots = &snapshots;
    Go2rtcSockets go2rtc(services.signalling);
    services.go2rtc = &go2rtc;
    server.serve(*auth, make_routes(services), &audit);
    auth->on_revoked([&](const std::string& principal) {
        viewers.value()->close_principal(principal, "the credentials have changed");
        events.close_principal(principal);
        go2rtc.close_principal(principal);
        signed_urls.revoke(principal, std::time(nullptr));
    });
    auth->on_widened([&](const std::string& principal, const Rights& rights) { events.widen(principal, rights); });
    auth->on_logout([&](const std::string& session) {
        viewers.value()->close_login(session, "logged out");
        events.close_login(session);
        go2rtc.close_login(session);
    });
    fleet.on_change([&] { events.changed(); });

    const Ref<GMainLoop> loop = adopt(g_main_loop_new(nullptr, FALSE));
    end_on_signals(loop.get());
    reload_on_hangup(loop.get(), service, reach.value());
    reach->watch();
    fleet.start();
    serving = true;
    const size_t count = service.cameras().size();
    log_info("sluice " SLUICE_VERSION " serves " + std::to_string(count) + (count == 1 ? " camera" : " cameras") +
             " on " + reach->url(address, server.port()));
    reach->tell(address);
    ServiceNotify manager;
    manager.ready("serving on " + reach->url(address, server.port()));
    g_main_loop_run(loop.get());

    log_info("closing");
    serving = false;
    manager.stopping();
    begin_closing();
    service.detach();
    events.going_away();
    fleet.on_change(nullptr);
    viewers.value()->stop();
    const bool in_time = fleet.stop(close_deadline);
    snapshots.stop();
    server.stop();
    auth.reset();
    if (!in_time)
        log_warning("some connections to cameras did not close in time");
    log_info("closed");
    // Threads that hang in a pipeline must not touch what is being destroyed.
    if (!in_time)
        _exit(EXIT_SUCCESS);
    return EXIT_SUCCESS;
}

} // namespace sluice
