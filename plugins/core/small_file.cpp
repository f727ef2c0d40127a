// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

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
    const bool known = fstat(fd, &info) == 0;
    if (known && S_ISDIR(info.st_mode))
        return Error{ErrorKind::bad_config, "is a directory"};
    std::string text;
    char block[16384];
    while (true) {
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return Error{ErrorKind::bad_config, std::strerror(errno)};
        if (n == 0 && text.empty() && known && S_ISFIFO(info.st_mode)) // to be taken for empty would be wrong
            return Error{ErrorKind::bad_config, "is a FIFO that nobody writes to"};
        if (n == 0)
            return text;
        text.append(block, static_cast<size_t>(n));
        if (text.size() > max_bytes)
            return Error{ErrorKind::bad_config, "larger than " + std::to_string(max_bytes) + " bytes"};
    }
}

std::vector<std::string> directories_in(const std::string& list) {
    std::vector<std::string> out;
    for (size_t begin = 0; begin <= list.size();) {
        const size_t end = std::min(list.find(':', begin), list.size());
        if (end > begin)
            out.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

Result<std::vector<std::string>> json_names_in(const std::string& directory, const std::string& what,
                                               const std::string& variable, size_t most) {
    const std::string noun = what.substr(what.rfind(' ') + 1); // of "encoder profiles"
    std::vector<std::string> out;
    std::error_code problem;
    for (std::filesystem::directory_iterator it(directory, problem), end; !problem && it != end; it.increment(problem))
        if (it->path().extension() == ".json")
            out.push_back(it->path().stem().string());
    const std::string where = what + " in " + directory + ": ";
    if (problem)
        return Error{ErrorKind::missing_file, where + "cannot be read: " + problem.message() + " (" + variable +
                                                  " names the directories of " + noun + ")"};
    if (out.size() > most)
        return Error{ErrorKind::bad_config, where + "found " + std::to_string(out.size()) +
                                                " files, allowed: at most " + std::to_string(most)};
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace sluice
