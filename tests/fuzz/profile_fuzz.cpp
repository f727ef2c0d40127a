// SPDX-License-Identifier: LGPL-2.1-or-later
// A description of an encoder or decoder.
#include "hw/encoder_profile.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sluice;

namespace {

void check_errors(const std::vector<ConfigError>& errors) {
    for (const ConfigError& error : errors) {
        FUZZ_CHECK(!error.text.empty() && error.text.size() < 4096);
        FUZZ_CHECK(error.text.find('\n') == std::string::npos && error.where.find('\n') == std::string::npos);
        FUZZ_CHECK(!to_string("file", error).empty());
    }
}

void check_element(const hw::ElementProfile& profile) {
    FUZZ_CHECK(is_config_name(profile.name));
    FUZZ_CHECK(!profile.factory.empty() && profile.factory.find_first_of(" !=\"'") == std::string::npos);
    FUZZ_CHECK(profile.codec == "h264" || profile.codec == "h265");
    FUZZ_CHECK(profile.device.empty() || profile.device.front() == '/');
    FUZZ_CHECK(profile.order >= 0 && profile.order <= 1000);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = size ? std::string_view(reinterpret_cast<const char*>(data), size) : "";
    std::vector<ConfigError> errors;
    const hw::EncoderProfile encoder = hw::parse_encoder_profile(text, errors);
    check_errors(errors);
    if (errors.empty()) {
        check_element(encoder);
        FUZZ_CHECK(!encoder.formats.empty() && !encoder.convert.empty());
        FUZZ_CHECK(encoder.caps.rfind("video/x-h264", 0) == 0);
        FUZZ_CHECK(!encoder.bitrate.property.empty() && !encoder.key_interval.property.empty());
        FUZZ_CHECK(encoder.bits_per_unit == 1 || encoder.bits_per_unit == 1000);
        for (const auto& part : {encoder.settings, encoder.optional})
            for (const auto& [name, setting] : part)
                FUZZ_CHECK(!name.empty() && name.find_first_of(" !=") == std::string::npos);
    }
    errors.clear();
    const hw::DecoderProfile decoder = hw::parse_decoder_profile(text, errors);
    check_errors(errors);
    if (errors.empty())
        check_element(decoder);
    return 0;
}
