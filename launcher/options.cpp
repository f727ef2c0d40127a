// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/options.hpp"

#include "launcher/config/url.hpp"
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

constexpr CommandText commands[] = {
    {"run", Command::run, "FILE | ADDRESS", "serve the cameras of a configuration file, or one camera",
     "Serves the cameras that FILE describes, or the one at ADDRESS (rtsp://..., http://..., file:..., test:), to "
     "browsers:\n"
     "open the address it prints.\n"
     "The first account is admin. Its password comes from SLUICE_ADMIN_PASSWORD or --admin-password-file on the first\n"
     "start; otherwise one is made and printed once. Ctrl-C ends, SIGHUP reads FILE again."},
    {"check", Command::check, "FILE", "say what is wrong with a configuration file",
     "Reads FILE as `run` would and prints each error with its place. Exit code: 0 all is well, 78 it is not,\n"
     "66 there is no such file."},
    {"passwd", Command::passwd, "[USER]", "set the password of an account (admin)",
     "Reads the new password from --password-file, or from standard input. A launcher that is running takes it over\n"
     "within seconds; who used the old password has to log in again."},
    {"token", Command::token, "NAME", "make a token for a tool that asks the API",
     "Prints a new token. A tool sends it as `Authorization: Bearer TOKEN`. An older token of that name ends."},
};

// Everything GLib writes into, and its release.
struct Raw {
    char* address = nullptr;
    char* state = nullptr;
    char* admin_password_file = nullptr;
    char* password_file = nullptr;
    int port = -1;
    char** rest = nullptr;
    ~Raw() {
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

Result<bool> take_target(Options& options, const CommandText& text, char** rest) {
    const guint count = rest ? g_strv_length(rest) : 0;
    const bool optional = options.command == Command::passwd;
    if (count > 1)
        return usage(std::string("too many arguments; usage: sluice ") + text.name + " " + text.arguments);
    if (count == 0 && !optional)
        return usage(std::string("an argument is missing; usage: sluice ") + text.name + " " + text.arguments);
    options.target = count ? rest[0] : "admin";
    if (options.command != Command::run || !looks_like_url(options.target))
        return true;
    std::string why;
    const auto url = parse_camera_url(options.target, why);
    if (!url)
        return usage("found " + quote_for_message(options.target) + " (" + why + "), allowed: FILE or " +
                     camera_url_allowed);
    options.target = url->location;
    options.camera_user = url->user;
    options.camera_password = Secret(url->password);
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
    if (text.command != Command::check)
        entries.push_back({"state", 's', 0, G_OPTION_ARG_FILENAME, &raw.state,
                           "Directory for accounts (default $STATE_DIRECTORY, else ~/.local/state/sluice)", "DIR"});
    entries.push_back({G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw.rest, nullptr, text.arguments});
    entries.push_back({});
    const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> context(g_option_context_new(nullptr),
                                                                                    g_option_context_free);
    g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
    g_option_context_set_description(context.get(), text.description);
    if (run)
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
    if (const Result<bool> taken = take_target(out, text, raw.rest); !taken)
        return taken.error();
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
        out += "  " + head + std::string(head.size() < 26 ? 26 - head.size() : 1, ' ') + c.summary + "\n";
    }
    return out + "\nOptions:\n"
                 "  -h, --help                this text; `sluice COMMAND --help` for one command\n"
                 "      --version             version and licence\n\n"
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
    return usage("unknown command " + quote_for_message(name) + ", allowed: run, check, passwd, token; " +
                 "`sluice --help` says more");
}

} // namespace sluice
