// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of `sluice import`.
#pragma once

#include "launcher/import/import_command.hpp"

#include <glib.h>

#include <vector>

namespace sluice {

extern const char* const import_help;

// What GLib writes into.
class ImportWords {
public:
    ImportWords() = default;
    ImportWords(const ImportWords&) = delete;
    ImportWords& operator=(const ImportWords&) = delete;
    ~ImportWords();

    void add_entries(std::vector<GOptionEntry>& entries);
    ImportCommand command() const; // without its file

private:
    char *output_ = nullptr, *secrets_ = nullptr, *format_ = nullptr;
    gboolean on_demand_ = FALSE, separate_ = FALSE;
};

} // namespace sluice
