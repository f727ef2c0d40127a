// SPDX-License-Identifier: LGPL-2.1-or-later
// Another program's configuration: one byte for the options, then YAML.
#include "launcher/config/config_parser.hpp"
#include "launcher/import/format_import.hpp"
#include "launcher/import/import_writer.hpp"
#include "tests/fuzz/launcher_input.hpp"

using namespace sluice;

namespace {

size_t count(std::string_view text, std::string_view part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        found++;
    return found;
}

// Who writes a password into a path keeps it there: a variable of the text may stand in both places.
bool in_a_path(const Imported& imported, const std::string& password) {
    for (const ImportedStream& stream : imported.streams)
        for (const ImportedSource& source : stream.sources) {
            const size_t host = source.url.find("://");
            const size_t path = host == std::string::npos ? 0 : source.url.find_first_of("/?#", host + 3);
            if (path != std::string::npos && source.url.find(password, path) != std::string::npos)
                return true;
        }
    return false;
}

// Passwords that stand in the text as passwords only, and in no text of ours: they may be nowhere in what comes out.
std::vector<std::string> hidden(const Imported& imported, std::string_view text) {
    std::vector<std::string> all, out;
    for (const ImportedStream& stream : imported.streams)
        for (const ImportedSource& source : stream.sources)
            all.push_back(source.password.reveal());
    for (const std::string& password : all) {
        const bool odd = password.size() >= 6 && password.find_first_of("!$^") != std::string::npos;
        if (odd && !in_a_path(imported, password) &&
            count(text, password) <= static_cast<size_t>(std::count(all.begin(), all.end(), password)))
            out.push_back(password);
    }
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::FuzzInput input(data, size);
    const uint8_t how = input.byte();
    const std::string_view text = test::text_of(input.rest().data(), input.rest().size());
    const Result<YamlNode> root = parse_yaml(text);
    if (!root) {
        FUZZ_CHECK(root.error().kind == ErrorKind::bad_config);
        FUZZ_CHECK(test::contains(root.error().text, ": found ") || test::contains(root.error().text, ": not YAML: "));
        FUZZ_CHECK(root.error().text.find('\n') == std::string::npos && root.error().text.size() < 200);
        return 0;
    }
    ImportOptions options;
    options.on_demand = how & 1;
    options.separate = how & 2;
    Imported imported =
        how & 4 ? import_mediamtx(root.value(), options)
                : import_go2rtc(root.value(), options, [](const std::string& name) -> std::optional<std::string> {
                      return name.size() % 2 ? std::optional<std::string>(name) : std::nullopt;
                  });
    const std::vector<std::string> passwords = hidden(imported, text);
    const auto directory = how & 8 ? std::optional<std::string>("secrets") : std::nullopt;
    const ImportResult result = write_import(std::move(imported), options, test::templates(), directory);
    FUZZ_CHECK(result.errors.empty()); // what is wrong with one camera leaves that one out
    FUZZ_CHECK(result.json.empty() == (result.cameras == 0));
    std::string said = result.json;
    for (const Remark& remark : result.remarks) {
        FUZZ_CHECK(!remark.text.empty() && remark.text.find('\n') == std::string::npos);
        FUZZ_CHECK(remark.where.find('\n') == std::string::npos && remark.where.size() < 2000);
        said += remark.where + "\n" + remark.text + "\n";
    }
    for (const std::string& command : result.commands) {
        FUZZ_CHECK(command.starts_with("sluice passwd add ") && command.find('\n') == std::string::npos);
        said += command + "\n";
    }
    for (const ImportedSecret& secret : result.secrets) {
        FUZZ_CHECK(!secret.reference.empty());
        // What has a value becomes a file of that name; the others are variables, named as the file to be imported names them.
        FUZZ_CHECK(secret.value.empty() || secret.reference.find('/') == std::string::npos);
    }
    for (const std::string& password : passwords)
        FUZZ_CHECK(!test::contains(said, password));
    return 0;
}
