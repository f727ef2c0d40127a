// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/core/opus_chain.hpp"

#include "plugins/core/refs.hpp"

namespace sluice {

std::string opus_chain(Codec codec) {
    // No more than stereo, at a rate that Opus knows; 32 kbit/s are plenty for what a camera's microphone hears.
    const std::string encode = " ! audioconvert ! audioresample ! audio/x-raw,channels=[1,2] ! "
                               "opusenc bitrate=32000 complexity=5";
    switch (codec) {
    case Codec::aac: {
        const auto faad = adopt(gst_element_factory_find("faad"));
        return (faad ? "faad" : "avdec_aac") + encode;
    }
    case Codec::pcmu: return "mulawdec" + encode;
    case Codec::pcma: return "alawdec" + encode;
    default: return "capsfilter caps=audio/x-opus"; // no other, later: an error makes a new chain
    }
}

} // namespace sluice
