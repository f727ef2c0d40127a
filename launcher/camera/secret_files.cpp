// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/secret_files.hpp"

#include "launcher/auth/session_store.hpp"
#include "launcher/config/secret.hpp"
#include "plugins/core/credentials.hpp"

#include <glib/gstdio.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

constexpr size_t number_length = 16;

// Ours, not one that somebody has put there.
bool is_ours(const std::string& name) {
    const size_t mark = name.rfind('~');
    return mark != std::string::npos && mark > 0 && name.size() - mark - 1 == number_length &&
           name.find_first_not_of("0123456789abcdef", mark + 1) == std::string::npos;
}

std::vector<std::string> list(const std::string& directory) {
    std::vector<std::string> out;
    GDir* dir = g_dir_open(directory.c_str(), 0, nullptr);
    while (const char* name = dir ? g_dir_read_name(dir) : nullptr)
        if (is_ours(name))
            out.emplace_back(name);
    if (dir)
        g_dir_close(dir);
    return out;
}

} // namespace

Result<std::string> SecretFiles::keep(const std::string& camera, const Secret& secret) const {
    if (secret.reveal().size() > max_secret_bytes || secret.reveal().find_first_of("\r\n") != std::string::npos)
        return Error{ErrorKind::bad_input, "the password is too long, or holds a line end"};
    const std::string directory = directory_.file("secrets");
    if (g_mkdir_with_parents(directory.c_str(), 0700) != 0)
        return Error{ErrorKind::internal, directory + " cannot be made"};
    const SecretSource source = SecretSource::real();
    for (const std::string& name : list(directory))
        if (name.starts_with(camera + "~"))
            if (const auto held = secret_from_file(source, directory + "/" + name); held && held.value() == secret)
                return name;
    const std::string name = camera + "~" + sha256_hex(random_token(16)).substr(0, number_length);
    const Result<bool> written = directory_.write("secrets/" + name, secret.reveal() + "\n");
    if (!written)
        return Error{ErrorKind::internal, written.error().text};
    return name;
}

void SecretFiles::drop_unused(const std::function<bool(const std::string& name)>& used) const {
    const std::string directory = directory_.file("secrets");
    for (const std::string& name : list(directory))
        if (!used(name))
            g_unlink((directory + "/" + name).c_str());
}

} // namespace sluice
