// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/track_offer.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

constexpr const char* both = "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000; "
                             "application/x-rtp,media=audio,encoding-name=PCMU";

class Description {
public:
    explicit Description(const std::string& medias) {
        gst_sdp_message_new(&sdp);
        const std::string text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" + medias;
        EXPECT_EQ(gst_sdp_message_parse_buffer(reinterpret_cast<const guint8*>(text.data()), guint(text.size()), sdp),
                  GST_SDP_OK);
    }
    ~Description() { gst_sdp_message_free(sdp); }
    Description(const Description&) = delete;
    Description& operator=(const Description&) = delete;
    // As rtspsrc asks for it.
    Ref<GstCaps> track(guint i) const {
        const GstSDPMedia* media = gst_sdp_message_get_media(sdp, i);
        return adopt(gst_sdp_media_get_caps_from_media(media, std::atoi(gst_sdp_media_get_format(media, 0))));
    }
    GstSDPMessage* sdp = nullptr;
};

Ref<GstCaps> caps(const char* text) { return adopt(gst_caps_from_string(text)); }

const std::string h264 = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
const std::string h265 = "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\n";
const std::string jpeg = "m=video 0 RTP/AVP 26\r\n";
const std::string pcmu = "m=audio 0 RTP/AVP 0\r\n";
const std::string opus = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 opus/48000/2\r\n";

// What is taken of those tracks, in their order.
std::vector<bool> taken(TrackOffer& offer, const Description& description, guint count) {
    const auto source = sink(gst_pipeline_new(nullptr)); // without a parent: no branch is made
    std::vector<bool> out;
    offer.read(description.sdp);
    for (guint i = 0; i < count; i++) {
        const Ref<GstCaps> track = description.track(i);
        out.push_back(offer.select(source.get(), track.get()));
    }
    return out;
}

TEST(TrackOffer, TakesWhatThePipelineHasAnOpenEndFor) {
    TrackOffer offer(caps(both), {});
    EXPECT_EQ(taken(offer, Description(h265 + h264 + opus + pcmu), 4), (std::vector<bool>{false, true, false, true}));
    EXPECT_EQ(offer.nothing_usable(), "");
    TrackOffer other(caps("application/x-rtp,media=video,encoding-name=H265"), {});
    EXPECT_EQ(taken(other, Description(h265 + h264 + opus + pcmu), 4), (std::vector<bool>{true, false, false, false}));
}

TEST(TrackOffer, OneOfEachKind) {
    TrackOffer offer(caps(both), {});
    EXPECT_EQ(taken(offer, Description(h264 + h264 + pcmu + pcmu), 4), (std::vector<bool>{true, false, true, false}));
}

TEST(TrackOffer, SoundAloneIsNoCamera) {
    TrackOffer offer(caps(both), {});
    EXPECT_EQ(taken(offer, Description(pcmu + h265), 2), (std::vector<bool>{false, false}));
    EXPECT_EQ(offer.nothing_usable(), "the camera offers no video that can be passed on (it offers audio PCMU, video "
                                      "H265; supported: H264)");
    TrackOffer first(caps(both), {});
    EXPECT_EQ(taken(first, Description(pcmu + h264), 2), (std::vector<bool>{true, true})) << "sound may stand first";
}

TEST(TrackOffer, PayloadTypesNameTheirCodecs) {
    const Description description(jpeg + pcmu);
    TrackOffer offer(caps("application/x-rtp,media=video,encoding-name=JPEG; "
                          "application/x-rtp,media=audio,encoding-name=PCMU"),
                     {});
    EXPECT_EQ(taken(offer, description, 2), (std::vector<bool>{true, true}));
    EXPECT_STREQ(gst_sdp_media_get_attribute_val(gst_sdp_message_get_media(description.sdp, 0), "rtpmap"),
                 "26 JPEG/90000");
    TrackOffer without(caps(both), {});
    EXPECT_EQ(taken(without, Description(jpeg + pcmu), 2), (std::vector<bool>{false, false}))
        << "no JPEG into a chain for H.264";
}

TEST(TrackOffer, BranchesCount) {
    TrackOffer offer(caps(both), {{"application/x-rtp,media=video,encoding-name=JPEG", "identity"}});
    EXPECT_EQ(taken(offer, Description(jpeg + pcmu), 2), (std::vector<bool>{true, true}));
    TrackOffer none(caps(both), {{"application/x-rtp,media=video,encoding-name=JPEG", "identity"}});
    EXPECT_EQ(taken(none, Description(h265), 1), (std::vector<bool>{false}));
    EXPECT_NE(none.nothing_usable().find("supported: H264, JPEG"), std::string::npos) << none.nothing_usable();
}

} // namespace
