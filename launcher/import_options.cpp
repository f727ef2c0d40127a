// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/import_options.hpp"

namespace sluice {

const char* const import_help =
    "Reads the YAML file of go2rtc or MediaMTX and prints a configuration that `run` takes. What is different now, "
    "and\n"
    "what there is to do, is said on standard error, with its line. Passwords are never printed: the configuration\n"
    "refers to environment variables, or to files in the directory that --secrets names. docs/import.md says more.";

ImportWords::~ImportWords() {
    g_free(output_);
    g_free(secrets_);
    g_free(format_);
}

void ImportWords::add_entries(std::vector<GOptionEntry>& entries) {
    entries.push_back({"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_, "File to write (standard output)", "FILE"});
    entries.push_back({"secrets", 0, 0, G_OPTION_ARG_FILENAME, &secrets_,
                       "Directory to write passwords to, a file for each (mode 0600)", "DIR"});
    entries.push_back(
        {"format", 0, 0, G_OPTION_ARG_STRING, &format_, "If it cannot be told by FILE", "go2rtc|mediamtx"});
    entries.push_back(
        {"on-demand", 0, 0, G_OPTION_ARG_NONE, &on_demand_, "Contact cameras only while somebody watches", nullptr});
    entries.push_back(
        {"separate", 0, 0, G_OPTION_ARG_NONE, &separate_, "A camera per stream, also for NAME and NAME_sub", nullptr});
}

ImportCommand ImportWords::command() const {
    const auto text = [](const char* value) { return value ? std::optional<std::string>(value) : std::nullopt; };
    return {{}, text(output_), text(secrets_), text(format_), {on_demand_ != FALSE, separate_ != FALSE}};
}

} // namespace sluice
