// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/app.hpp"
#include "launcher/auth/accounts.hpp"
#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "launcher/log.hpp"
#include "launcher/options.hpp"

#include <glib.h>
#include <sysexits.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>

namespace sluice {
namespace {

int fail(const Error& error) {
    std::fprintf(stderr, "sluice: %s\n", error.text.c_str());
    return error_info(error.kind).exit_code;
}

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
    size_t streams = 0;
    const auto& cameras = result.value().config.cameras;
    for (const CameraConfig& camera : cameras)
        streams += camera.streams.size();
    std::printf("%s: ok, %zu %s, %zu %s\n", file.c_str(), cameras.size(), cameras.size() == 1 ? "camera" : "cameras",
                streams, streams == 1 ? "stream" : "streams");
    return 0;
}

Result<StateDirectory> open_state(const Options& options) {
    const auto path = options.state ? options.state : StateDirectory::default_path();
    if (!path)
        return Error{ErrorKind::bad_config, "no state directory: give one with --state"};
    return StateDirectory::open(*path, false); // beside a launcher that is running
}

int passwd(const Options& options) {
    Result<Secret> password = Secret();
    if (options.password_file) {
        password = secret_from_file(SecretSource::real(), *options.password_file);
        if (!password)
            return fail({password.error().kind, *options.password_file + ": " + password.error().text});
    } else {
        const bool terminal = isatty(STDIN_FILENO);
        char* typed = terminal ? getpass("New password: ") : nullptr;
        std::string line = typed ? typed : "";
        if (!terminal && !std::getline(std::cin, line))
            return fail({ErrorKind::usage, "no password on standard input"});
        if (terminal && line != getpass("Once more: "))
            return fail({ErrorKind::usage, "the two are not the same; nothing is changed"});
        password = Secret(line);
    }
    if (options.target.empty() || options.target.find_first_of(":\n\r#") != std::string::npos)
        return fail({ErrorKind::usage, "the name of an account holds no colon, # or line end"});
    const Result<StateDirectory> state = open_state(options);
    if (!state)
        return fail(state.error());
    Accounts accounts(state.value());
    if (const Result<bool> loaded = accounts.load(); !loaded)
        return fail(loaded.error());
    if (const Result<bool> set = accounts.set_password(options.target, password.value().reveal()); !set)
        return fail(set.error());
    std::printf("the password of %s is set\n", options.target.c_str());
    return 0;
}

int token(const Options& options) {
    if (!is_config_name(options.target))
        return fail({ErrorKind::usage, std::string("the name of a token is ") + config_name_allowed});
    const Result<StateDirectory> state = open_state(options);
    if (!state)
        return fail(state.error());
    Accounts accounts(state.value());
    const Result<std::string> made = accounts.add_token(options.target);
    if (!made)
        return fail(made.error());
    std::printf("%s\n", made.value().c_str());
    return 0;
}

int run_command(const Options& options, bool had_password) {
    const Result<Templates> templates = Templates::load(template_directories());
    if (!templates)
        return fail(templates.error());
    if (looks_like_url(options.target)) {
        if (had_password)
            std::fprintf(stderr, "sluice: a password on the command line can be read by others for a moment; "
                                 "--password-file is safer\n");
        const Result<Config> config = config_of_address(options, templates.value());
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
    const Result<Options> options = parse_options(arguments);
    if (!options)
        return fail(options.error());
    switch (options.value().command) {
    case Command::run: {
        const int code = run_command(options.value(), had_password);
        // All is closed by now. What libraries do at exit() is not safe while threads of other libraries still work (a
        // certificate that is being made, a pipeline that hangs on its way down): leave without it.
        std::fflush(nullptr);
        std::quick_exit(code);
    }
    case Command::check: return check(options.value().target);
    case Command::passwd: return passwd(options.value());
    case Command::token: return token(options.value());
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
