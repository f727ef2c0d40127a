// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sluice {

Result<std::string> read_small_file(const std::string& path, size_t max_bytes) {
    // O_NONBLOCK: a FIFO in place of a file must not hang the start.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return Error{errno == ENOENT ? ErrorKind::missing_file : ErrorKind::bad_config, std::strerror(errno)};
    struct Closer {
        int fd;
        ~Closer() { close(fd); }
    } const closer{fd};
    struct stat info {};
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        return Error{ErrorKind::bad_config, "is a directory"};
    std::string text;
    char block[16384];
    while (true) {
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return Error{ErrorKind::bad_config, std::strerror(errno)};
        if (n == 0)
            return text;
        text.append(block, static_cast<size_t>(n));
        if (text.size() > max_bytes)
            return Error{ErrorKind::bad_config, "larger than " + std::to_string(max_bytes) + " bytes"};
    }
}

SecretSource SecretSource::real() {
    return {[](const std::string& name) -> std::optional<std::string> {
                const char* value = std::getenv(name.c_str());
                return value ? std::optional<std::string>(value) : std::nullopt;
            },
            [](const std::string& path) { return read_small_file(path, max_secret_bytes); }};
}

namespace {

Result<Secret> check(std::string text, const char* what) {
    if (text.empty())
        return Error{ErrorKind::bad_config, std::string(what) + " is empty"};
    if (text.find('\0') != std::string::npos || text.find('\n') != std::string::npos)
        return Error{ErrorKind::bad_config, std::string(what) + " holds more than one line"};
    return Secret(std::move(text));
}

} // namespace

Result<Secret> secret_from_file(const SecretSource& source, const std::string& path) {
    if (const std::string directory = source.only_directory + "/"; !source.only_directory.empty())
        if (path.compare(0, directory.size(), directory) != 0 || path.size() == directory.size() ||
            path[directory.size()] == '.' || path.find('/', directory.size()) != std::string::npos)
            return Error{ErrorKind::bad_config, "only files in " + source.only_directory + " may be named here"};
    Result<std::string> text = source.file(path);
    if (!text)
        return text.error();
    std::string value = std::move(text).value();
    if (!value.empty() && value.back() == '\n')
        value.pop_back();
    if (!value.empty() && value.back() == '\r')
        value.pop_back();
    return check(std::move(value), "the file");
}

Result<Secret> secret_from_environment(const SecretSource& source, const std::string& name) {
    if (name.compare(0, source.only_prefix.size(), source.only_prefix) != 0)
        return Error{ErrorKind::bad_config,
                     "only variables that begin with " + source.only_prefix + " may be named here"};
    std::optional<std::string> value = source.environment(name);
    if (!value)
        return Error{ErrorKind::bad_config, "the variable is not set"};
    return check(std::move(*value), "the variable");
}

} // namespace sluice
