// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/opus_chain.hpp"

#include "plugins/core/refs.hpp"

namespace sluice {

namespace {

// The first that is installed is taken.
constexpr const char* aac_decoders[] = {"faad", "avdec_aac"};

const char* aac_decoder() {
    for (const char* name : aac_decoders)
        if (adopt(gst_element_factory_find(name)))
            return name;
    return nullptr;
}

} // namespace

std::string opus_chain(Codec codec) {
    // No more than stereo, at a rate that Opus knows; 32 kbit/s are plenty for what a camera's microphone hears.
    const std::string encode = " ! audioconvert ! audioresample ! audio/x-raw,channels=[1,2] ! "
                               "opusenc bitrate=32000 complexity=5";
    switch (codec) {
    case Codec::aac: {
        const char* found = aac_decoder();
        return (found ? found : aac_decoders[1]) + encode; // what is missing is named by the error
    }
    case Codec::pcmu: return "mulawdec" + encode;
    case Codec::pcma: return "alawdec" + encode;
    default: return "capsfilter caps=audio/x-opus"; // no other, later: an error makes a new chain
    }
}

bool has_opus_decoder(Codec codec) { return codec != Codec::aac || aac_decoder(); }

} // namespace sluice
