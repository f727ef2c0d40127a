// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/secret.hpp"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

namespace sluice {

namespace {

// Not refused: a container may have it no other way.
void warn_of_others(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
        g_warning("%s: other users may %s this secret; chmod 600 it", path.c_str(),
                  info.st_mode & (S_IWOTH | S_IWGRP) ? "change" : "read");
}

struct Asked {
    std::mutex mutex;
    std::set<std::string> names;
};
Asked& asked() {
    static Asked all;
    return all;
}

} // namespace

std::vector<std::string> secret_variables() {
    Asked& all = asked();
    const std::lock_guard lock(all.mutex);
    return {all.names.begin(), all.names.end()};
}

SecretSource SecretSource::real() {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY"); // systemd.exec(5)
    return {[](const std::string& name) -> std::optional<std::string> {
                const char* value = std::getenv(name.c_str());
                if (!value)
                    return std::nullopt;
                Asked& all = asked();
                const std::lock_guard lock(all.mutex);
                all.names.insert(name);
                return value;
            },
            [](const std::string& path) {
                warn_of_others(path);
                return read_small_file(path, max_secret_bytes);
            },
            "", "", directory ? directory : ""};
}

namespace {

Result<Secret> check(std::string text, const char* what) {
    if (text.empty())
        return Error{ErrorKind::bad_config, std::string(what) + " is empty"};
    if (text.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos)
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

Result<Secret> secret_from_credential(const SecretSource& source, const std::string& name) {
    if (source.credentials.empty())
        return Error{ErrorKind::missing_file, "the service manager gave no credentials, or they may not be named here"};
    if (name.find('/') != std::string::npos || name.front() == '.')
        return Error{ErrorKind::bad_config, "a credential has a plain name"};
    SecretSource inside = source;
    inside.only_directory.clear();
    for (const char* prefix : {"", "sluice_"})
        if (auto found = secret_from_file(inside, source.credentials + "/" + prefix + name);
            found || found.error().kind != ErrorKind::missing_file)
            return found;
    return Error{ErrorKind::missing_file, "the service manager gave none of this name"};
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
