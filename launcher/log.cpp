// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/log.hpp"

#include "launcher/config/time_text.hpp"
#include "launcher/config/url.hpp"

#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>

namespace sluice {

namespace {

// It has its own time in front of each line.
bool stderr_is_journal() {
    static const bool journal = goes_to_journal(STDERR_FILENO);
    return journal;
}

const char* level_name(LogLevel level) {
    switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
    }
    return "info";
}

std::string time_stamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return utc_text(now.tv_sec * 1000 + now.tv_nsec / 1'000'000) + " ";
}

GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField* fields, gsize count, gpointer) {
    if (g_log_writer_default_would_drop(flags, nullptr) && (flags & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)))
        return G_LOG_WRITER_HANDLED;
    std::string text, domain;
    for (gsize i = 0; i < count; i++) {
        const auto* value = static_cast<const char*>(fields[i].value);
        const std::string_view key = fields[i].key;
        if (key == "MESSAGE")
            text =
                fields[i].length < 0 ? std::string(value) : std::string(value, static_cast<size_t>(fields[i].length));
        else if (key == "GLIB_DOMAIN")
            domain = value;
    }
    const LogLevel level = flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) ? LogLevel::error
                           : flags & G_LOG_LEVEL_WARNING                      ? LogLevel::warning
                                                                              : LogLevel::info;
    log_line(level, (domain.empty() ? "" : domain + ": ") + text);
    return G_LOG_WRITER_HANDLED;
}

} // namespace

void log_line(LogLevel level, const std::string& text) {
    std::string line = stderr_is_journal() ? "" : time_stamp();
    line += level_name(level);
    line += ' ';
    for (const char c : redact_urls(text)) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(c));
            line += escape;
        } else {
            line += c;
        }
    }
    line += '\n';
    // One write: lines of several threads do not mix.
    size_t done = 0;
    while (done < line.size()) {
        const ssize_t n = write(STDERR_FILENO, line.data() + done, line.size() - done);
        if (n <= 0)
            break;
        done += static_cast<size_t>(n);
    }
}

bool goes_to_journal(int fd) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat info {};
    unsigned long long device = 0, inode = 0;
    return stream && fstat(fd, &info) == 0 && std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           device == info.st_dev && inode == info.st_ino;
}

int fail(const Error& error) {
    std::fprintf(stderr, "sluice: %s\n", error.text.c_str());
    return error_info(error.kind).exit_code;
}

void install_log_writer() { g_log_set_writer_func(write_glib, nullptr, nullptr); }

} // namespace sluice
