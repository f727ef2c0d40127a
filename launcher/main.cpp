// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/account_commands.hpp"
#include "launcher/app.hpp"
#include "launcher/auth/identity.hpp"
#include "launcher/config/camera_address.hpp"
#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "launcher/doctor/doctor.hpp"
#include "launcher/hardware_command.hpp"
#include "launcher/http/routes.hpp"
#include "launcher/import/import_command.hpp"
#include "launcher/log.hpp"
#include "launcher/options.hpp"
#include "launcher/probe/probe.hpp"
#include "launcher/worker_command.hpp"

#include <glib.h>
#include <sysexits.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace sluice {
namespace {

// Takes the arguments and leaves stars where other users of the machine would read a password (ps, /proc/PID/cmdline).
std::vector<std::string> take_arguments(int argc, char** argv, bool& had_password) {
    std::vector<std::string> out(argv + 1, argv + argc);
    for (int i = 1; i < argc; i++) {
        char* at = std::strrchr(argv[i], '@');
        char* begin = std::strstr(argv[i], "://");
        if (!at || !begin || at < begin)
            continue;
        char* password = static_cast<char*>(std::memchr(begin + 3, ':', static_cast<size_t>(at - begin - 3)));
        if (!password)
            continue;
        had_password = true;
        std::memset(password + 1, '*', static_cast<size_t>(at - password - 1));
    }
    return out;
}

int print_errors(const std::string& file, const std::vector<ConfigError>& errors) {
    for (const ConfigError& error : errors)
        std::fprintf(stderr, "%s\n", to_string(file, error).c_str());
    return EX_CONFIG;
}

int check(const std::string& file) {
    const Result<Templates> templates = Templates::load(template_directories());
    if (!templates)
        return fail(templates.error());
    const Result<ConfigResult> result = load_config(file, templates.value(), SecretSource::real());
    if (!result)
        return fail(result.error());
    if (!result.value().errors.empty())
        return print_errors(file, result.value().errors);
    if (const Result<bool> usable = check_identity(result.value().config.server.auth); !usable)
        return fail(usable.error());
    size_t streams = 0;
    const auto& cameras = result.value().config.cameras;
    for (const CameraConfig& camera : cameras)
        streams += camera.streams.size();
    std::printf("%s: ok, %zu %s, %zu %s\n", file.c_str(), cameras.size(), cameras.size() == 1 ? "camera" : "cameras",
                streams, streams == 1 ? "stream" : "streams");
    return 0;
}

int routes(const Options& options) {
    gst_init(nullptr, nullptr);
    std::vector<ApiRoute> all = make_routes({}).routes();
    const std::vector<ApiRoute> viewers = viewer_routes();
    if (viewers.empty())
        return fail({ErrorKind::unavailable, "the element webrtcserversink, which serves viewers, cannot be made; "
                                             "install Sluice, or set GST_PLUGIN_PATH"});
    all.insert(all.end(), viewers.begin(), viewers.end());
    std::fputs((options.json ? routes_json(all) : routes_text(all)).c_str(), stdout);
    return 0;
}

int import_file(const ImportCommand& command) {
    const Result<Templates> templates = Templates::load(template_directories());
    if (!templates)
        return fail(templates.error());
    const Result<bool> done = run_import(command, templates.value());
    return done ? 0 : fail(done.error());
}

void warn_of_password() {
    std::fprintf(stderr, "sluice: a password on the command line can be read by others for a moment; "
                         "--password-file is safer\n");
}

int probe_command(const ProbeOptions& options, bool had_password) {
    const Result<Templates> templates = Templates::load(template_directories());
    if (!templates)
        return fail(templates.error());
    if (had_password)
        warn_of_password();
    return run_probe(options, templates.value());
}

int run_command(const Options& options, bool had_password) {
    const Result<Templates> templates = Templates::load(template_directories());
    if (!templates)
        return fail(templates.error());
    if (looks_like_url(options.target)) {
        if (had_password)
            warn_of_password();
        const Result<Config> config = config_of_address(
            {options.target, options.camera_user, options.camera_password, options.password_file, {}, {}},
            templates.value());
        return config ? run(options, config.value(), templates.value()) : fail(config.error());
    }
    const Result<ConfigResult> result = load_config(options.target, templates.value(), SecretSource::real());
    if (!result)
        return fail(result.error());
    if (!result.value().errors.empty())
        return print_errors(options.target, result.value().errors);
    return run(options, result.value().config, templates.value());
}

// GLib before 2.76 keeps what its slab allocator has once taken: after 100 viewers have left, 80 MB more than with malloc.
// It decides when it is loaded, so the program starts itself anew with the allocator switched off.
void use_malloc_for_slices(char** argv) {
    if (glib_check_version(2, 76, 0) == nullptr || std::getenv("G_SLICE"))
        return;
    char path[4096];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0 || setenv("G_SLICE", "always-malloc", 1) != 0)
        return;
    path[size] = '\0';
    execv(path, argv); // returns only if it fails: then it goes on as it is
}

int start(int argc, char** argv) {
    bool had_password = false;
    const std::vector<std::string> arguments = take_arguments(argc, argv, had_password);
    std::setlocale(LC_CTYPE, ""); // names and texts are UTF-8; numbers stay as they are
    g_set_prgname("sluice");
    install_log_writer();
    if (!arguments.empty() && arguments.front() == "worker") // no command for people
        return run_worker();
    if (is_trial(arguments))
        run_trial(arguments);
    const Result<Options> options = parse_options(arguments);
    if (!options)
        return fail(options.error());
    switch (options.value().command) {
    case Command::run:
    case Command::probe:
    case Command::doctor: {
        const int code = options.value().command == Command::run ? run_command(options.value(), had_password)
                         : options.value().command == Command::probe
                             ? probe_command(options.value().probe, had_password)
                             : run_doctor(options.value().doctor);
        // All is closed by now. What libraries do at exit() is not safe while threads of other libraries still work (a
        // certificate that is being made, a pipeline that hangs on its way down): leave without it.
        std::fflush(nullptr);
        std::quick_exit(code);
    }
    case Command::check: return check(options.value().target);
    case Command::passwd: return account_command(options.value());
    case Command::token: return account_command(options.value());
    case Command::routes: return routes(options.value());
    case Command::import_file: return import_file(options.value().import);
    case Command::hardware: return run_hardware(options.value());
    }
    return EX_SOFTWARE;
}

} // namespace
} // namespace sluice

int main(int argc, char** argv) {
    sluice::use_malloc_for_slices(argv);
    try {
        return sluice::start(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "sluice: internal error: %s\n", e.what());
        return EX_SOFTWARE;
    }
}
