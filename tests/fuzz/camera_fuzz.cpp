// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera's description as the API takes it, from somebody who does not own the machine.
#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "tests/fuzz/launcher_input.hpp"

using namespace sluice;

namespace {

// Whatever is asked for lies where the API may look.
SecretSource guarded() {
    SecretSource out{[](const std::string& name) {
                         FUZZ_CHECK(name.starts_with("SLUICE_CAMERA_"));
                         return std::optional<std::string>(test::canary);
                     },
                     [](const std::string& path) {
                         const std::string directory = "/state/secrets/";
                         FUZZ_CHECK(path.starts_with(directory) && path.size() > directory.size());
                         FUZZ_CHECK(path[directory.size()] != '.');
                         FUZZ_CHECK(path.find('/', directory.size()) == std::string::npos);
                         return Result<std::string>(std::string(test::canary));
                     }};
    out.only_prefix = "SLUICE_CAMERA_";
    out.only_directory = "/state/secrets";
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = test::text_of(data, size);
    if (test::contains(text, test::canary))
        return 0;
    const ConfigContext context{test::templates(), guarded(), "/state/secrets", true};
    const ConfigResult result = parse_camera("front", text, context);
    for (const ConfigError& error : result.errors)
        test::check_error(error);
    if (!result.errors.empty())
        return 0;
    FUZZ_CHECK(result.config.cameras.size() == 1 && result.config.cameras[0].name == "front");
    for (const StreamConfig& stream : result.config.cameras[0].streams)
        for (const SourceConfig& source : stream.sources) {
            std::string why;
            const auto url = parse_camera_url(source.url, why);
            FUZZ_CHECK(url && !url->has_credentials);
            FUZZ_CHECK(url->scheme != "file" && url->scheme != "v4l2");
            FUZZ_CHECK(source.source_template == url->source_template);
        }
    return 0;
}
