// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import/import_command.hpp"

#include "launcher/config/secret.hpp"
#include "launcher/config/url.hpp"
#include "launcher/import/format_import.hpp"
#include "launcher/import/import_writer.hpp"

#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

namespace sluice {

namespace {

// Takes away again what it has made, unless it is told to keep it.
class NewFiles {
public:
    NewFiles() = default;
    NewFiles(const NewFiles&) = delete;
    NewFiles& operator=(const NewFiles&) = delete;
    ~NewFiles() {
        for (const std::string& path : made_)
            unlink(path.c_str());
    }
    void keep() { made_.clear(); }

    // Nobody but the owner reads it.
    Result<bool> write(const std::string& path, std::string_view content) {
        const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno == EEXIST)
            return Error{ErrorKind::bad_config, path +
                                                    ": is there already, and stays as it is: nothing is written; give "
                                                    "another name, or move it away"};
        if (fd < 0)
            return failed(path);
        made_.push_back(path);
        while (!content.empty()) {
            const ssize_t n = ::write(fd, content.data(), content.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                break;
            content.remove_prefix(static_cast<size_t>(n));
        }
        const bool done = content.empty() && fsync(fd) == 0;
        const int error = errno;
        close(fd);
        errno = error;
        return done ? Result<bool>(true) : failed(path);
    }

private:
    static Error failed(const std::string& path) {
        return {ErrorKind::bad_config, path + ": cannot be written: " + g_strerror(errno)};
    }
    std::vector<std::string> made_;
};

// As the configuration will name it: relative, if the two can be moved together.
std::string reference_to(const std::string& directory, const std::optional<std::string>& output) {
    const auto absolute = std::filesystem::absolute(directory).lexically_normal();
    std::string whole = absolute.string();
    while (whole.size() > 1 && whole.back() == '/')
        whole.pop_back();
    if (!output)
        return whole;
    const auto beside = std::filesystem::absolute(*output).lexically_normal().parent_path();
    const std::string relative = std::filesystem::path(whole).lexically_relative(beside).string();
    return relative.empty() || relative.rfind("..", 0) == 0 ? whole : relative;
}

Result<ImportFormat> format_of(const ImportCommand& command, const YamlNode& root) {
    if (command.format) {
        if (const auto format = parse_import_format(*command.format))
            return *format;
        return Error{ErrorKind::usage,
                     "--format: found " + quote_for_message(*command.format) + ", allowed: go2rtc, mediamtx"};
    }
    if (root.find("go2rtc") && !root.find("streams") && !root.find("paths"))
        return Error{ErrorKind::bad_config, command.file +
                                                ": found a configuration with go2rtc in a part of it; make a "
                                                "file of what stands under \"go2rtc:\" and import that"};
    if (const auto format = guess_import_format(root))
        return *format;
    return Error{ErrorKind::bad_config, command.file +
                                            ": found neither \"streams\" (go2rtc) nor \"paths\" (MediaMTX), or "
                                            "both; say which it is with --format go2rtc or --format mediamtx"};
}

void say(const std::string& file, const ImportResult& result) {
    for (const Remark& remark : result.remarks) {
        std::string line = file;
        if (remark.line)
            line += ":" + std::to_string(remark.line);
        line += ": " + remark.where + (remark.where.empty() ? "" : ": ") + remark.text;
        std::fprintf(stderr, "%s\n", line.c_str());
    }
}

void say_what_is_left_to_do(const ImportCommand& command, const ImportResult& result) {
    bool first = true;
    for (const ImportedSecret& secret : result.secrets) {
        if (command.secrets && !secret.value.empty())
            continue;
        if (std::exchange(first, false))
            std::fprintf(stderr,
                         "\nBefore `sluice run`, set these variables to the passwords that they had (as they are, "
                         "without %%-escapes):\n");
        std::fprintf(stderr, "  %s   camera %s\n", secret.reference.c_str(), secret.camera.c_str());
    }
    if (!first && !command.secrets)
        std::fprintf(stderr, "With --secrets DIR they are put into files there instead.\n");
    if (!result.commands.empty())
        std::fprintf(stderr, "\nAccounts, each command asks for the password:\n");
    for (const std::string& line : result.commands)
        std::fprintf(stderr, "  %s\n", line.c_str());
}

} // namespace

Result<bool> run_import(const ImportCommand& command, const Templates& templates) {
    const Result<std::string> text = read_small_file(command.file, max_yaml_bytes);
    if (!text)
        return Error{text.error().kind, command.file + ": cannot be read: " + text.error().text};
    const Result<YamlNode> root = parse_yaml(text.value());
    if (!root)
        return Error{root.error().kind, command.file + ":" + root.error().text};
    if (!root.value().is_map())
        return Error{ErrorKind::bad_config,
                     command.file + ": found no map, allowed: a configuration of go2rtc or MediaMTX"};
    const Result<ImportFormat> format = format_of(command, root.value());
    if (!format)
        return format.error();

    Imported imported = format.value() == ImportFormat::go2rtc
                            ? import_go2rtc(root.value(), command.options, SecretSource::real().environment)
                            : import_mediamtx(root.value(), command.options);
    const auto reference =
        command.secrets ? std::optional(reference_to(*command.secrets, command.output)) : std::nullopt;
    const ImportResult result = write_import(std::move(imported), command.options, templates, reference);
    say(command.file, result);
    if (!result.errors.empty())
        return Error{ErrorKind::bad_config,
                     command.file + ": nothing is written, Sluice does not take the result: " + result.errors.front()};
    if (result.cameras == 0)
        return Error{ErrorKind::bad_config, command.file + ": nothing is written: no camera could be taken over"};

    NewFiles files;
    if (command.secrets && g_mkdir_with_parents(command.secrets->c_str(), 0700) != 0)
        return Error{ErrorKind::bad_config, *command.secrets + ": cannot be made: " + g_strerror(errno)};
    for (const ImportedSecret& secret : result.secrets) {
        if (!command.secrets || secret.value.empty())
            continue;
        const auto written = files.write(*command.secrets + "/" + secret.reference, secret.value.reveal() + "\n");
        if (!written)
            return written.error();
    }
    if (command.output) {
        if (const auto written = files.write(*command.output, result.json); !written)
            return written.error();
    } else if (std::fputs(result.json.c_str(), stdout) == EOF || std::fflush(stdout) == EOF) {
        return Error{ErrorKind::bad_config, std::string("standard output cannot be written: ") + g_strerror(errno)};
    }
    files.keep();
    std::fprintf(stderr, "%s: read as %s, %zu %s, %zu %s\n", command.file.c_str(), to_string(format.value()),
                 result.cameras, result.cameras == 1 ? "camera" : "cameras", result.remarks.size(),
                 result.remarks.size() == 1 ? "remark" : "remarks");
    say_what_is_left_to_do(command, result);
    return true;
}

} // namespace sluice
