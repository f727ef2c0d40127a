// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/options.hpp"

#include "launcher/config/url.hpp"
#include "launcher/import_options.hpp"
#include "plugins/core/refs.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace sluice {

namespace {

struct CommandText {
    const char* name;
    Command command;
    const char* arguments;
    const char* summary;
    const char* description;
};

const CommandText commands[] = {
    {"run", Command::run, "FILE | ADDRESS", "serve the cameras of a configuration file, or one camera",
     "Serves the cameras that FILE describes, or the one at ADDRESS (rtsp://..., http://..., file:..., test:), to "
     "browsers:\n"
     "open the address it prints.\n"
     "The first account is admin. Its password comes from SLUICE_ADMIN_PASSWORD or --admin-password-file on the first\n"
     "start; otherwise one is made and printed once. Ctrl-C ends, SIGHUP reads FILE again."},
    {"check", Command::check, "FILE", "say what is wrong with a configuration file",
     "Reads FILE as `run` would and prints each error with its place. Exit code: 0 all is well, 78 it is not,\n"
     "66 there is no such file."},
    {"probe", Command::probe, "ADDRESS", "look at a camera: what it sends, who can play it, what to set",
     "Connects to the camera at ADDRESS (as for `run`) for some seconds and prints codec, resolution, pictures per\n"
     "second, bit rate, key frame interval, sound, clock, which players take it as it is, and advice.\n"
     "Exit code: 0 usable, 64 command line, 65 media that cannot be used, 66 no such file, 69 not reachable, 75 no\n"
     "pictures just now, 76 protocol, 77 credentials, 130 interrupted. docs/probe.md says more."},
    {"passwd", Command::passwd, "[add|rights|remove|list] [NAME]", "accounts: passwords and rights", passwd_help},
    {"token", Command::token, "[create|revoke|list] [NAME]", "tokens for tools that ask the API", token_help},
    {"routes", Command::routes, "", "list all that is answered over HTTP, and the right each asks for",
     "Prints method, path and right of every route. What is not in the list is answered with 404, or 401 without\n"
     "credentials."},
    {"doctor", Command::doctor, "ADDRESS", "walk the way from here to a camera's picture, and say where it ends",
     "ADDRESS is http[s]://HOST[:PORT][/PATH], as a dashboard on this machine uses it. The password comes from\n"
     "--password-file, SLUICE_PASSWORD or the terminal. Exit code: 0 it works, 69 not reachable, 75 not now (camera "
     "down),\n"
     "76 protocol (TLS, proxy), 77 credentials or rights, 130 interrupted. docs/doctor.md lists all causes."},
    {"hardware", Command::hardware, "", "try the encoders and decoders of this machine, and say which one is used",
     "Encodes and decodes real pictures with each, in a process of its own with a limit of 10 s, and prints speed, "
     "latency\n"
     "and what is chosen, or why not. SLUICE_HW names the directories of the profiles. Exit code: 0 an encoder works,\n"
     "69 none does. docs/hardware.md explains the table."},
    {"import", Command::import_file, "FILE", "make a configuration out of one of go2rtc or MediaMTX", import_help},
};

// Everything GLib writes into, and its release.
struct Raw {
    char* address = nullptr;
    char* state = nullptr;
    char* admin_password_file = nullptr;
    char* password_file = nullptr;
    int port = -1, trial_seconds = 10;
    gboolean json = FALSE, add = FALSE;
    char *expires = nullptr, **cameras = nullptr, **actions = nullptr;
    ImportWords import;
    char** rest = nullptr;
    ~Raw() {
        g_free(expires);
        g_strfreev(cameras);
        g_strfreev(actions);
        g_free(address);
        g_free(state);
        g_free(admin_password_file);
        g_free(password_file);
        g_strfreev(rest);
    }
};

std::optional<std::string> optional_text(const char* text) {
    return text ? std::optional<std::string>(text) : std::nullopt;
}

Error usage(const std::string& text) { return {ErrorKind::usage, text}; }

std::vector<std::string> words_of(char** list) {
    std::vector<std::string> out;
    for (char** word = list; word && *word; word++)
        out.emplace_back(*word);
    return out;
}

Result<bool> take_target(Options& options, const CommandText& text, char** rest) {
    const guint count = rest ? g_strv_length(rest) : 0;
    if (options.command == Command::passwd || options.command == Command::token)
        return take_account_words(options.account, options.command == Command::token, words_of(rest));
    const bool none = options.command == Command::routes || options.command == Command::hardware;
    if (count > (none ? 0u : 1u))
        return usage(std::string("too many arguments; usage: sluice ") + text.name + " " + text.arguments);
    if (count == 0 && !none)
        return usage(std::string("an argument is missing; usage: sluice ") + text.name + " " + text.arguments);
    options.target = count ? rest[0] : "";
    if (options.command != Command::run || !looks_like_url(options.target))
        return true;
    const Result<CameraAddress> camera = parse_camera_address(options.target);
    if (!camera)
        return camera.error();
    options.target = camera->url;
    options.camera_user = camera->user;
    options.camera_password = camera->password;
    return true;
}

Result<Options> parse_command(const CommandText& text, const std::vector<std::string>& arguments) {
    Raw raw;
    const bool run = text.command == Command::run;
    std::vector<GOptionEntry> entries;
    if (run) {
        entries.push_back(
            {"address", 'a', 0, G_OPTION_ARG_STRING, &raw.address, "IP address to listen on (0.0.0.0)", "IP"});
        entries.push_back(
            {"port", 'p', 0, G_OPTION_ARG_INT, &raw.port, "Port of pages, API and WHEP (8080); 0: any", "N"});
        entries.push_back({"admin-password-file", 0, 0, G_OPTION_ARG_FILENAME, &raw.admin_password_file,
                           "First password of admin, one line", "FILE"});
        entries.push_back({"password-file", 0, 0, G_OPTION_ARG_FILENAME, &raw.password_file,
                           "Password of the camera, one line (with rtsp://USER@...)", "FILE"});
    }
    if (text.command == Command::passwd)
        entries.push_back(
            {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &raw.password_file, "The new password, one line", "FILE"});
    if (text.command == Command::passwd || text.command == Command::token) {
        entries.push_back({"camera", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &raw.cameras,
                           "Cameras, * stands for any characters (*); may be repeated", "PATTERN,..."});
        entries.push_back({"action", 'A', 0, G_OPTION_ARG_STRING_ARRAY, &raw.actions,
                           "view, snapshot, playback, publish, operate, admin (the first three)", "ACTION,..."});
    }
    if (text.command == Command::passwd)
        entries.push_back({"also", 0, 0, G_OPTION_ARG_NONE, &raw.add, "Add to the rights that there are", nullptr});
    if (text.command == Command::token)
        entries.push_back({"expires", 'e', 0, G_OPTION_ARG_STRING, &raw.expires,
                           "When it ends: 90s, 30m, 8h, 7d, or never (never)", "TIME"});
    const bool hardware = text.command == Command::hardware;
    if (text.command == Command::routes || hardware)
        entries.push_back({"json", 0, 0, G_OPTION_ARG_NONE, &raw.json, "For programs", nullptr});
    if (hardware)
        entries.push_back({"limit", 0, 0, G_OPTION_ARG_INT, &raw.trial_seconds, "For each trial (10)", "SECONDS"});
    const bool doctor = text.command == Command::doctor;
    DoctorEntries doctor_entries;
    if (doctor)
        doctor_entries.add_to(entries);
    const bool probe = text.command == Command::probe;
    ProbeEntries probe_entries;
    if (probe)
        probe_entries.add_to(entries);
    const bool import = text.command == Command::import_file;
    if (import)
        raw.import.add_entries(entries);
    if (text.command != Command::check && text.command != Command::routes && !doctor && !probe && !import && !hardware)
        entries.push_back({"state", 's', 0, G_OPTION_ARG_FILENAME, &raw.state,
                           "Directory for accounts (default $STATE_DIRECTORY, else ~/.local/state/sluice)", "DIR"});
    entries.push_back({G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw.rest, nullptr, text.arguments});
    entries.push_back({});
    const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> context(g_option_context_new(nullptr),
                                                                                    g_option_context_free);
    g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
    g_option_context_set_description(context.get(), text.description);
    if (run || probe)
        g_option_context_add_group(context.get(), gst_init_get_option_group());

    std::vector<std::string> copy = arguments;
    copy.insert(copy.begin(), std::string("sluice ") + text.name);
    g_set_prgname(copy.front().c_str()); // "Usage: sluice run [OPTION...] FILE"
    std::vector<char*> pointers;
    pointers.reserve(copy.size() + 1);
    for (std::string& word : copy)
        pointers.push_back(word.data());
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    char** data = pointers.data();
    GError* failure = nullptr;
    const bool parsed = g_option_context_parse(context.get(), &count, &data, &failure);
    const GErrorPtr error(failure);
    g_set_prgname("sluice");
    if (!parsed)
        return usage(redact_urls(error->message) + "; `sluice " + text.name + " --help` lists what is allowed");

    Options out;
    out.command = text.command;
    out.json = raw.json;
    out.account.cameras = words_of(raw.cameras);
    out.account.actions = words_of(raw.actions);
    out.account.expires = optional_text(raw.expires);
    out.account.also = raw.add;
    if (raw.trial_seconds < 1 || raw.trial_seconds > 600)
        return usage("--limit: found " + std::to_string(raw.trial_seconds) + ", allowed: 1 to 600");
    out.trial_seconds = static_cast<unsigned>(raw.trial_seconds);
    if (const Result<bool> taken = take_target(out, text, raw.rest); !taken)
        return taken.error();
    if (doctor) {
        const Result<DoctorOptions> taken = doctor_entries.take(out.target);
        if (!taken)
            return taken.error();
        out.doctor = taken.value();
        return out;
    }
    if (probe) {
        const Result<ProbeOptions> taken = probe_entries.take(out.target);
        if (!taken)
            return taken.error();
        out.probe = taken.value();
        return out;
    }
    out.import = raw.import.command();
    out.import.file = out.target;
    out.address = optional_text(raw.address);
    out.state = optional_text(raw.state);
    out.admin_password_file = optional_text(raw.admin_password_file);
    out.password_file = optional_text(raw.password_file);
    if (raw.port != -1) {
        if (raw.port < 0 || raw.port > 65535)
            return usage("--port: found " + std::to_string(raw.port) + ", allowed: 0 to 65535");
        out.port = static_cast<uint16_t>(raw.port);
    }
    if (out.address && !g_hostname_is_ip_address(out.address->c_str()))
        return usage("--address: found " + quote_for_message(*out.address) + ", allowed: an IP address");
    if (run && out.password_file && !looks_like_url(out.target))
        return usage("--password-file goes with an address; a configuration names its files itself");
    if (run && out.password_file && out.camera_user.empty() && out.target.rfind("srt:", 0) != 0)
        return usage("--password-file needs the user in the address: rtsp://USER@HOST/PATH");
    return out;
}

} // namespace

std::string usage_text() {
    std::string out = "Usage: sluice COMMAND [OPTION...]\n\n"
                      "Streams cameras to browsers, with the first picture at once.\n\nCommands:\n";
    for (const CommandText& c : commands) {
        const std::string head = std::string(c.name) + " " + c.arguments;
        out += "  " + head + std::string(head.size() < 42 ? 42 - head.size() : 1, ' ') + c.summary + "\n";
    }
    return out + "\nOptions:\n"
                 "  -h, --help                                this text; `sluice COMMAND --help` for one command\n"
                 "      --version                             version and licence\n\n"
                 "Exit codes are those of sysexits.h: 64 command line, 66 no such file, 69 port or plugin not\n"
                 "available, 70 internal error, 75 another launcher is running, 78 configuration.\n";
}

Result<Options> parse_options(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = arguments;
    // GStreamer's options are understood before the command, too.
    const auto command =
        std::find_if(words.begin(), words.end(), [](const std::string& w) { return w.rfind("--gst-", 0) != 0; });
    if (command == words.end())
        return usage("a command is missing\n\n" + usage_text());
    const std::string name = *command;
    if (name == "--help" || name == "-h" || name == "help") {
        std::fputs(usage_text().c_str(), stdout);
        std::exit(0);
    }
    if (name == "--version") {
        std::puts("sluice " SLUICE_VERSION "\nLGPL-2.1-or-later");
        std::exit(0);
    }
    words.erase(command);
    for (const CommandText& c : commands)
        if (name == c.name)
            return parse_command(c, words);
    return usage("unknown command " + quote_for_message(name) +
                 ", allowed: run, check, probe, passwd, token, routes, doctor, hardware, import; " +
                 "`sluice --help` says more");
}

} // namespace sluice
