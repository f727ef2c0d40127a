// SPDX-License-Identifier: LGPL-2.1-or-later
// A configuration file.
#include "launcher/config/config_parser.hpp"
#include "launcher/config/url.hpp"
#include "tests/fuzz/launcher_input.hpp"

using namespace sluice;

namespace {

void check_source(const SourceConfig& source) {
    FUZZ_CHECK(test::templates().find(source.source_template));
    FUZZ_CHECK(source.tls_fingerprint.empty() || source.tls_fingerprint.size() == 64);
    FUZZ_CHECK(source.latency_ms <= 10'000 && source.user.size() <= 256);
    if (source.url.empty())
        return;
    std::string why;
    const auto url = parse_camera_url(source.url, why);
    FUZZ_CHECK(url && !url->has_credentials);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = test::text_of(data, size);
    if (test::contains(text, test::canary))
        return 0;
    const ConfigContext context{test::templates(),
                                {[](const std::string&) { return std::optional<std::string>(test::canary); },
                                 [](const std::string&) { return Result<std::string>(std::string(test::canary)); }},
                                "/dir"};
    const ConfigResult result = parse_config(text, context);
    for (const ConfigError& error : result.errors) {
        test::check_error(error);
        FUZZ_CHECK(!to_string("file", error).empty());
    }
    if (!result.errors.empty())
        return 0;
    FUZZ_CHECK(!result.config.cameras.empty() && result.config.cameras.size() <= max_cameras);
    for (const CameraConfig& camera : result.config.cameras) {
        FUZZ_CHECK(is_config_name(camera.name));
        FUZZ_CHECK(!camera.streams.empty() && camera.streams[0].name == "main" && camera.streams.size() <= 2);
        for (const StreamConfig& stream : camera.streams) {
            FUZZ_CHECK(!stream.sources.empty() && stream.sources.size() <= max_sources);
            FUZZ_CHECK(stream.stall_ms >= 500 && stream.stall_ms <= 60'000);
            for (const SourceConfig& source : stream.sources)
                check_source(source);
        }
        // The description is the camera: what stands in the state directory is read again after a restart.
        FUZZ_CHECK(!test::contains(camera.description, test::canary));
        const ConfigResult again = parse_camera(camera.name, camera.description, context);
        FUZZ_CHECK(again.errors.empty() && again.config.cameras.size() == 1);
        FUZZ_CHECK(again.config.cameras[0].streams == camera.streams &&
                   again.config.cameras[0].webrtc == camera.webrtc);
    }
    return 0;
}
