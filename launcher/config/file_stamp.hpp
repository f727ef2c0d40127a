// SPDX-License-Identifier: LGPL-2.1-or-later
// By which it is seen that a file is another one now.
#pragma once

#include <sys/stat.h>

#include <string>

namespace sluice {

struct FileStamp {
    ino_t inode = 0;
    off_t size = -1;
    timespec changed{};

    // That of no file: there is none.
    static FileStamp of(const std::string& path) {
        struct stat info {};
        if (stat(path.c_str(), &info) != 0)
            return {};
        return {info.st_ino, info.st_size, info.st_mtim};
    }
    bool operator==(const FileStamp& o) const {
        return inode == o.inode && size == o.size && changed.tv_sec == o.changed.tv_sec &&
               changed.tv_nsec == o.changed.tv_nsec;
    }
};

} // namespace sluice
