// SPDX-License-Identifier: LGPL-2.1-or-later
// What a viewer sends: an offer, a trickle fragment, a fingerprint; the same bytes are tried as each of them.
#include "plugins/webrtc/fingerprint.hpp"
#include "plugins/webrtc/sdp_offer.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <gio/gio.h>
#include <gst/sdp/gstsdpmessage.h>

#include <string_view>

using namespace sluice;

namespace {

void check_fingerprint(const Fingerprint& f) {
    FUZZ_CHECK(f.algorithm == "sha-256" || f.algorithm == "sha-384" || f.algorithm == "sha-512");
    const auto again = parse_fingerprint(f.algorithm + " " + f.digest);
    FUZZ_CHECK(again && *again == f);
}

// As those read it who get the text: the address is the fifth word, between single blanks. No name is there to be asked for.
void check_candidate(const GstSDPAttribute* a) {
    if (!a->key || std::string_view(a->key) != "candidate")
        return;
    char** words = g_strsplit(a->value, " ", 6);
    FUZZ_CHECK(g_strv_length(words) == 6 && g_hostname_is_ip_address(words[4]));
    g_strfreev(words);
}

void check_candidates(const std::string& text) {
    GstSDPMessage* m = nullptr;
    FUZZ_CHECK(gst_sdp_message_new(&m) == GST_SDP_OK);
    gst_sdp_message_parse_buffer(reinterpret_cast<const guint8*>(text.data()), static_cast<guint>(text.size()), m);
    for (guint i = 0; i < gst_sdp_message_attributes_len(m); ++i)
        check_candidate(gst_sdp_message_get_attribute(m, i));
    for (guint n = 0; n < gst_sdp_message_medias_len(m); ++n) {
        const GstSDPMedia* media = gst_sdp_message_get_media(m, n);
        for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i)
            check_candidate(gst_sdp_media_get_attribute(media, i));
    }
    gst_sdp_message_free(m);
}

void check_offer(std::string_view text) {
    const auto offer = parse_offer(text);
    if (!offer) {
        FUZZ_CHECK(!offer.error().text.empty() && offer.error().text.size() < 300);
        FUZZ_CHECK(offer.error().kind == ErrorKind::bad_input || offer.error().kind == ErrorKind::too_large);
        return;
    }
    FUZZ_CHECK(text.size() <= max_offer_bytes);
    check_candidates(offer->text);
    FUZZ_CHECK(!offer->fingerprints.empty());
    for (const auto& f : offer->fingerprints)
        check_fingerprint(f);
    FUZZ_CHECK(offer->text.ends_with("\r\n") && offer->text.find('\0') == std::string::npos);
    for (const auto& p : offer->video)
        FUZZ_CHECK(p.number < 128);
    for (const Codec codec : {Codec::h264, Codec::h265})
        if (const auto choice = offer->choose(codec)) {
            FUZZ_CHECK(choice->payload_type < 128);
            FUZZ_CHECK(choice->profile_level_id.size() == (codec == Codec::h264 ? 6 : 0));
            FUZZ_CHECK(choice->profile_level_id.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos);
        }
    FUZZ_CHECK(offer->video_codecs().size() < 400);
    const auto again =
        parse_offer(offer->text); // what webrtcbin gets is an offer as well, and nothing is left to leave out
    if (offer->text.size() <= max_offer_bytes)
        FUZZ_CHECK(again && again->text == offer->text);
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_offer(text);
    const auto candidates = parse_trickle(text);
    FUZZ_CHECK(candidates.size() <= max_remote_candidates);
    for (const auto& c : candidates)
        FUZZ_CHECK(c.starts_with("candidate:") && c.size() < 512 && c.find('\n') == std::string::npos);
    if (const auto f = parse_fingerprint(text))
        check_fingerprint(*f);
    certificate_matches(text, {{"sha-256", "00"}});
    return 0;
}
