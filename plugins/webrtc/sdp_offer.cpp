// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/sdp_offer.hpp"

#include "plugins/core/refs.hpp"
#include "plugins/webrtc/fingerprint.hpp"
#include "plugins/webrtc/remote_candidate.hpp"

#include <glib.h>
#include <gst/sdp/sdp.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice {

namespace {

struct SdpFree {
    void operator()(GstSDPMessage* m) const { gst_sdp_message_free(m); }
};

std::string upper(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
    return out;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
    std::vector<std::string_view> parts;
    while (!s.empty()) {
        const size_t end = s.find(separator);
        parts.push_back(s.substr(0, end));
        s = end == std::string_view::npos ? std::string_view() : s.substr(end + 1);
    }
    return parts;
}

std::optional<unsigned> number(std::string_view s) {
    unsigned v = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    return error == std::errc() && end == s.data() + s.size() ? std::optional(v) : std::nullopt;
}

// Of a viewer that leaves it to us who begins the DTLS handshake (RFC 8842 section 5.2), webrtcbin makes one that waits. It would begin
// itself when its own check of the path is answered; the viewer's was before, and so all is over a round trip and a half sooner. And
// who begins decides how long a lost packet is waited for: browsers repeat theirs after 50 ms, OpenSSL after 1 s.
constexpr std::string_view viewer_may_begin = "a=setup:actpass", viewer_begins = "a=setup:active";

// Line by line, as GStreamer's parser sees them: it skips blanks in front.
std::string as_webrtcbin_is_to_see_it(std::string_view text, bool loopback) {
    std::string out;
    out.reserve(text.size() + 2);
    unsigned candidates = 0;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t\r\v\f"), line.size()));
        if (line.empty())
            continue;
        if (line.starts_with("a=candidate:") &&
            (!may_be_tried(line.substr(2), loopback) || ++candidates > max_remote_candidates))
            continue;
        out.append(line == viewer_may_begin ? viewer_begins : line).append("\r\n");
    }
    return out;
}

const char* attribute(const GstSDPMessage* m, const GstSDPMedia* media, const char* name) {
    const char* value = media ? gst_sdp_media_get_attribute_val(media, name) : nullptr;
    return value ? value : gst_sdp_message_get_attribute_val(m, name);
}

bool wants_to_receive(const GstSDPMessage* m, const GstSDPMedia* media) {
    for (const char* name : {"sendonly", "inactive"})
        if (gst_sdp_media_get_attribute_val(media, name))
            return false;
    for (const char* name : {"recvonly", "sendrecv"})
        if (gst_sdp_media_get_attribute_val(media, name))
            return true;
    return !gst_sdp_message_get_attribute_val(m, "sendonly") && !gst_sdp_message_get_attribute_val(m, "inactive");
}

std::vector<SdpOffer::PayloadType> payload_types(const GstSDPMedia* media) {
    std::vector<SdpOffer::PayloadType> list;
    for (guint i = 0; i < gst_sdp_media_formats_len(media); ++i)
        if (const auto n = number(gst_sdp_media_get_format(media, i)); n && *n < 128)
            list.push_back({.number = *n});
    const auto find = [&](std::string_view n) {
        const auto value = number(n);
        return std::find_if(list.begin(), list.end(), [&](const auto& p) { return value && p.number == *value; });
    };
    for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i) {
        const GstSDPAttribute* a = gst_sdp_media_get_attribute(media, i);
        if (!a->key || !a->value)
            continue;
        const std::string_view value = a->value;
        const size_t space = value.find(' ');
        if (space == std::string_view::npos)
            continue;
        const auto p = find(value.substr(0, space));
        if (p == list.end())
            continue;
        const std::string_view rest = value.substr(space + 1);
        if (!g_strcmp0(a->key, "rtpmap")) {
            const auto parts = split(rest, '/');
            p->encoding = upper(parts.empty() ? std::string_view() : parts[0]);
            p->clock_rate = parts.size() > 1 ? number(parts[1]).value_or(0) : 0;
            p->channels = parts.size() > 2 ? number(parts[2]).value_or(0) : 1;
        } else if (!g_strcmp0(a->key, "fmtp")) {
            p->fmtp = rest;
        }
    }
    for (auto& p : list) // need no rtpmap (RFC 3551 section 6)
        if (p.encoding.empty() && (p.number == 0 || p.number == 8) &&
            !g_strcmp0(gst_sdp_media_get_media(media), "audio")) {
            p.encoding = p.number == 0 ? "PCMU" : "PCMA";
            p.clock_rate = 8000;
        }
    return list;
}

// Port 0 rejects an m-line, unless it only rides in a bundle (RFC 9143 section 6).
bool is_rejected(const GstSDPMedia* media) {
    return gst_sdp_media_get_port(media) == 0 && !gst_sdp_media_get_attribute_val(media, "bundle-only");
}

// One transport for both: a=group:BUNDLE names the mids of both.
bool in_one_bundle(const GstSDPMessage* m, const GstSDPMedia* a, const GstSDPMedia* b) {
    const char *first = gst_sdp_media_get_attribute_val(a, "mid"), *second = gst_sdp_media_get_attribute_val(b, "mid");
    for (guint i = 0; first && second; ++i) {
        const char* group = gst_sdp_message_get_attribute_val_n(m, "group", i);
        if (!group)
            break;
        const auto words = split(group, ' ');
        const auto has = [&](const char* mid) { return std::find(words.begin(), words.end(), mid) != words.end(); };
        if (!words.empty() && words[0] == "BUNDLE" && has(first) && has(second))
            return true;
    }
    return false;
}

std::string fmtp_value(const std::string& fmtp, std::string_view key) {
    for (std::string_view part : split(fmtp, ';')) {
        while (part.starts_with(' '))
            part.remove_prefix(1);
        if (part.starts_with(key) && part.size() > key.size() && part[key.size()] == '=')
            return std::string(part.substr(key.size() + 1));
    }
    return {};
}

void add_fingerprints(std::vector<Fingerprint>& list, const GstSDPMessage* m) {
    const auto add = [&](const GstSDPAttribute* a) {
        if (!g_strcmp0(a->key, "fingerprint") && a->value)
            if (auto f = parse_fingerprint(a->value); f && std::find(list.begin(), list.end(), *f) == list.end())
                list.push_back(*f);
    };
    for (guint i = 0; i < gst_sdp_message_attributes_len(m); ++i)
        add(gst_sdp_message_get_attribute(m, i));
    for (guint n = 0; n < gst_sdp_message_medias_len(m); ++n) {
        const GstSDPMedia* media = gst_sdp_message_get_media(m, n);
        for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i)
            add(gst_sdp_media_get_attribute(media, i));
    }
}

// Letters, digits, + and / by the RFC; some put others there.
bool is_ice_text(std::string_view text, size_t least) {
    return text.size() >= least && text.size() <= 256 &&
           std::all_of(text.begin(), text.end(), [](char c) { return g_ascii_isgraph(c); });
}

// The library reads some lines otherwise than without_unwanted_candidates does ("a= candidate"): what it has read is what counts.
bool only_candidates_to_be_tried(const GstSDPMessage* m, bool loopback) {
    unsigned candidates = 0;
    const auto good = [&](const GstSDPAttribute* a) {
        if (!a->key || g_ascii_strcasecmp(a->key, "candidate") != 0)
            return true;
        return ++candidates <= max_remote_candidates &&
               may_be_tried("candidate:" + std::string(a->value ? a->value : ""), loopback);
    };
    for (guint i = 0; i < gst_sdp_message_attributes_len(m); ++i)
        if (!good(gst_sdp_message_get_attribute(m, i)))
            return false;
    for (guint n = 0; n < gst_sdp_message_medias_len(m); ++n) {
        const GstSDPMedia* media = gst_sdp_message_get_media(m, n);
        for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i)
            if (!good(gst_sdp_media_get_attribute(media, i)))
                return false;
    }
    return true;
}

// The id that a=extmap (RFC 8285 section 5) gives the extension, if it fits into one byte headers; else 0.
uint8_t extension(const GstSDPMedia* media, std::string_view uri) {
    unsigned id = 0;
    for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i) {
        const GstSDPAttribute* a = gst_sdp_media_get_attribute(media, i);
        const std::string_view key = a->key ? a->key : "", value = a->value ? a->value : "";
        const size_t blank = value.find(' ');
        if (key != "extmap" || blank == std::string_view::npos)
            continue;
        const std::string_view name = value.substr(blank + 1);
        if (name.substr(0, name.find(' ')) != uri) // extension attributes may follow
            continue;
        const auto read = number(value.substr(0, std::min(blank, value.find('/'))));
        if (read && *read >= 1 && *read <= 14)
            id = *read;
    }
    return static_cast<uint8_t>(id);
}

// That of the transport-wide sequence number, if a=rtcp-fb (RFC 4585 section 4.2) promises the reports.
uint8_t transport_extension(const GstSDPMedia* media) {
    for (guint i = 0; i < gst_sdp_media_attributes_len(media); ++i) {
        const GstSDPAttribute* a = gst_sdp_media_get_attribute(media, i);
        if (!g_strcmp0(a->key, "rtcp-fb") && a->value && std::string_view(a->value).ends_with(" transport-cc"))
            return extension(media, transport_extension_uri);
    }
    return 0;
}

Error bad(std::string text) { return {ErrorKind::bad_input, "SDP offer: " + std::move(text)}; }

} // namespace

Result<SdpOffer> parse_offer(std::string_view text, bool loopback) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return bad("empty body, expected a session description (RFC 8866)");
    if (text.size() > max_offer_bytes)
        return Error{ErrorKind::too_large, "SDP offer: " + std::to_string(text.size()) + " bytes, at most " +
                                               std::to_string(max_offer_bytes) + " are allowed"};
    if (!text.starts_with("v=0") || text.find('\0') != std::string_view::npos)
        return bad("not a session description: it does not begin with v=0 or holds a zero byte");

    SdpOffer offer;
    offer.text = as_webrtcbin_is_to_see_it(text, loopback);
    GstSDPMessage* raw = nullptr;
    if (gst_sdp_message_new(&raw) != GST_SDP_OK)
        return Error{ErrorKind::internal, "out of memory"};
    const std::unique_ptr<GstSDPMessage, SdpFree> m(raw);
    if (gst_sdp_message_parse_buffer(reinterpret_cast<const guint8*>(offer.text.data()),
                                     static_cast<guint>(offer.text.size()), m.get()) != GST_SDP_OK)
        return bad("cannot be parsed as a session description (RFC 8866)");

    if (!only_candidates_to_be_tried(m.get(), loopback))
        return bad("a line with a candidate that is not spelled as RFC 8839 says");

    const GstSDPMedia *video = nullptr, *audio = nullptr;
    unsigned videos = 0;
    const guint medias = gst_sdp_message_medias_len(m.get());
    if (medias > 8)
        return bad(std::to_string(medias) + " m-lines, at most 8 are allowed");
    for (guint i = 0; i < medias; ++i) {
        const GstSDPMedia* media = gst_sdp_message_get_media(m.get(), i);
        const std::string kind = gst_sdp_media_get_media(media) ? gst_sdp_media_get_media(media) : "";
        if (kind == "video") {
            ++videos;
            video = media;
        } else if (kind == "audio" && !audio) {
            audio = media; // the first one is the one that webrtcbin takes
        }
    }
    if (videos != 1)
        return bad(videos == 0 ? "no video m-line, one is needed"
                               : std::to_string(videos) + " video m-lines, one is allowed");
    if (is_rejected(video))
        return bad("the video m-line has port 0, which means it is not wanted");
    if (!wants_to_receive(m.get(), video))
        return bad("the video m-line does not receive; recvonly or sendrecv is needed");
    const char* ufrag = attribute(m.get(), video, "ice-ufrag");
    const char* pwd = attribute(m.get(), video, "ice-pwd");
    if (!ufrag || !pwd || !*ufrag || !*pwd)
        return bad("no ICE credentials (a=ice-ufrag, a=ice-pwd)");
    if (!is_ice_text(ufrag, 4) || !is_ice_text(pwd, 22))
        return bad(
            "the ICE credentials are not as RFC 8839 has them: a=ice-ufrag of 4 to 256 characters, a=ice-pwd of 22 to "
            "256, no blanks");
    offer.video = payload_types(video);
    offer.has_audio = audio != nullptr;
    if (audio && !is_rejected(audio) && wants_to_receive(m.get(), audio) && in_one_bundle(m.get(), video, audio))
        offer.audio = payload_types(audio);
    offer.transport_extension = transport_extension(video);
    if (!offer.audio.empty() && transport_extension(audio) != offer.transport_extension)
        offer.transport_extension = 0; // one bundle has one number for it
    offer.delay_extension = extension(video, delay_extension_uri);
    add_fingerprints(offer.fingerprints, m.get());
    if (offer.fingerprints.empty())
        return bad(
            "no usable a=fingerprint (sha-256, sha-384 or sha-512): without it the connection cannot be authenticated");
    return offer;
}

std::optional<SdpOffer::Choice> SdpOffer::choose(Codec codec) const {
    if (!has_rtp_payloads(codec))
        return std::nullopt;
    const std::string name = codec_name(codec);
    if (!is_video(codec)) {
        for (const PayloadType& p : audio)
            if (p.encoding == name && p.clock_rate == rtp_clock_rate(codec) &&
                p.channels == (codec == Codec::opus ? 2 : 1)) // two, for mono too (RFC 7587 section 7)
                return Choice{p.number, {}, {}};
        return std::nullopt;
    }
    std::optional<Choice> best;
    // Browsers take High streams under a constrained baseline id, but reject high ids in the answer.
    static constexpr std::array<const char*, 4> order = {"42e01f", "42c01f", "42001f", "4d001f"};
    size_t best_rank = order.size() + 1;
    for (const PayloadType& p : video) {
        if (p.encoding != name || p.clock_rate != 90000)
            continue;
        if (codec != Codec::h264)
            return Choice{p.number, {}, {}};
        if (fmtp_value(p.fmtp, "packetization-mode") != "1")
            continue; // without fragments a key frame does not fit into packets
        const std::string spelled = fmtp_value(p.fmtp, "profile-level-id");
        std::string id = spelled;
        std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
        const size_t rank = static_cast<size_t>(std::find(order.begin(), order.end(), id) - order.begin());
        if (rank < best_rank) {
            best_rank = rank;
            const bool whole =
                id.size() == 6 && std::all_of(id.begin(), id.end(), [](char c) { return g_ascii_isxdigit(c); });
            const std::string asymmetry = fmtp_value(p.fmtp, "level-asymmetry-allowed");
            best = Choice{p.number, whole ? spelled : "42e01f", asymmetry == "0" || asymmetry == "1" ? asymmetry : ""};
        }
    }
    return best;
}

std::optional<SdpOffer::Sound> SdpOffer::choose_sound(Codec camera) const {
    for (const Codec codec : {camera, Codec::opus, Codec::pcmu, Codec::pcma})
        if (const auto choice = choose(codec))
            return Sound{codec, *choice};
    return std::nullopt;
}

std::string SdpOffer::video_codecs() const {
    std::vector<std::string> names;
    for (const PayloadType& p : video)
        if (!p.encoding.empty() && p.encoding != "RTX" &&
            std::find(names.begin(), names.end(), p.encoding) == names.end() && names.size() < 12)
            names.push_back(p.encoding.substr(0, 24));
    std::string out;
    for (const auto& n : names)
        out += (out.empty() ? "" : ", ") + n;
    return out.empty() ? "none" : out;
}

std::vector<std::string> parse_trickle(std::string_view fragment, bool loopback, unsigned limit) {
    std::vector<std::string> list;
    for (std::string_view line : split(fragment, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with("a=candidate:") && line.size() < 512 && may_be_tried(line.substr(2), loopback) &&
            list.size() < limit)
            list.emplace_back(line.substr(2));
    }
    return list;
}

} // namespace sluice
