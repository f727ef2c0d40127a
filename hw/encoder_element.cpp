// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/elements.hpp"
#include "hw/encoder_bin.hpp"
#include "hw/ghost_pads.hpp"
#include "hw/prober.hpp"
#include "hw/profiles.hpp"

#include <mutex>
#include <string>

namespace {

using namespace sluice;
using namespace sluice::hw;

enum { prop_encoder = 1, prop_bitrate, prop_key_interval };

constexpr guint default_bitrate = 2000, most_bitrate = 2'000'000, default_key_interval = 50;

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-h264,stream-format=(string)byte-stream,alignment=(string)au"));

struct State {
    std::mutex mutex; // all below; never held while the inside is made or told something
    std::string wanted;
    guint bitrate = default_bitrate, key_interval = default_key_interval;
    Ref<GstElement> inside; // in READY and above
    EncoderProfile profile; // of it
};

struct SluiceH264Enc {
    GstBin parent;
    GstPad *sink, *src;
    State* state;
};
struct SluiceH264EncClass {
    GstBinClass parent;
};

GType sluice_h264_enc_get_type();
G_DEFINE_TYPE(SluiceH264Enc, sluice_h264_enc, GST_TYPE_BIN) // NOLINT

SluiceH264Enc* self_of(gpointer object) { return static_cast<SluiceH264Enc*>(object); }

struct Opened {
    EncoderProfile profile;
    Ref<GstElement> bin;
};

Result<Opened> open_encoder(const EncoderProfile& profile, const EncoderWish& wish) {
    Result<Ref<GstElement>> bin = make_encoder(profile, wish);
    if (!bin)
        return bin.error();
    if (const Result<bool> ready = open_element(bin->get()); !ready)
        return Error{ready.error().kind, "encoder profile " + profile.name + ": " + ready.error().text};
    return Opened{profile, std::move(bin).value()};
}

Result<Opened> open_first(const Profiles& profiles, const EncoderWish& wish) {
    std::string why;
    for (const EncoderProfile& profile : profiles.encoders) {
        if (!has_device(profile) || !has_factory(profile))
            continue;
        Result<Opened> opened = open_encoder(profile, wish);
        if (opened)
            return opened;
        why += (why.empty() ? "" : "; ") + opened.error().text;
    }
    return Error{ErrorKind::unavailable,
                 why.empty() ? "no H.264 encoder is installed (`sluice hardware` lists them)" : why};
}

Result<Opened> open_wanted(const std::string& wanted, const EncoderWish& wish) {
    const Result<Profiles> profiles = load_profiles(profile_directories());
    if (!profiles)
        return profiles.error();
    if (wanted.empty())
        return open_first(profiles.value(), wish);
    if (const EncoderProfile* profile = profiles->encoder(wanted))
        return open_encoder(*profile, wish);
    std::string names;
    for (const EncoderProfile& profile : profiles->encoders)
        names += (names.empty() ? "" : ", ") + profile.name;
    return Error{ErrorKind::unavailable, "there is no encoder profile " + wanted + "; there are: " + names};
}

void close(SluiceH264Enc* self) {
    Ref<GstElement> inside;
    {
        std::lock_guard lock(self->state->mutex);
        std::swap(inside, self->state->inside);
    }
    if (!inside)
        return;
    gst_element_set_state(inside.get(), GST_STATE_NULL);
    set_ghost_target(self->sink, nullptr);
    set_ghost_target(self->src, nullptr);
    gst_bin_remove(GST_BIN(self), inside.get());
}

Result<bool> open(SluiceH264Enc* self) {
    close(self);
    State& state = *self->state;
    std::string wanted;
    EncoderWish wish;
    {
        std::lock_guard lock(state.mutex);
        wanted = state.wanted;
        wish = {.bitrate = state.bitrate * 1000, .key_interval = state.key_interval};
    }
    Result<Opened> opened = open_wanted(wanted, wish);
    if (!opened)
        return opened.error();
    const Ref<GstElement> bin = opened->bin;
    gst_bin_add(GST_BIN(self), bin.get());
    set_ghost_target(self->sink, bin.get());
    set_ghost_target(self->src, bin.get());
    std::lock_guard lock(state.mutex);
    state.profile = opened->profile;
    state.inside = bin;
    return true;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
    auto* self = self_of(element);
    if (change == GST_STATE_CHANGE_NULL_TO_READY)
        if (const Result<bool> opened = open(self); !opened) {
            GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("%s", opened.error().text.c_str()), (nullptr));
            return GST_STATE_CHANGE_FAILURE;
        }
    const GstStateChangeReturn result = GST_ELEMENT_CLASS(sluice_h264_enc_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_READY_TO_NULL ||
        (change == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
        close(self);
    return result;
}

void change_bitrate(State& state, guint kbits) {
    Ref<GstElement> inside;
    EncoderProfile profile;
    {
        std::lock_guard lock(state.mutex);
        state.bitrate = kbits;
        inside = state.inside;
        profile = state.profile;
    }
    if (inside)
        set_bitrate(inside.get(), profile, kbits * 1000);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    State& state = *self_of(object)->state;
    if (id == prop_bitrate)
        return change_bitrate(state, g_value_get_uint(value));
    std::lock_guard lock(state.mutex);
    switch (id) {
    case prop_encoder: state.wanted = g_value_get_string(value) ? g_value_get_string(value) : ""; break;
    case prop_key_interval: state.key_interval = g_value_get_uint(value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    State& state = *self_of(object)->state;
    std::lock_guard lock(state.mutex);
    switch (id) {
    case prop_encoder: g_value_set_string(value, state.wanted.c_str()); break;
    case prop_bitrate: g_value_set_uint(value, state.bitrate); break;
    case prop_key_interval: g_value_set_uint(value, state.key_interval); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

void finalize(GObject* object) {
    delete self_of(object)->state;
    G_OBJECT_CLASS(sluice_h264_enc_parent_class)->finalize(object);
}

void sluice_h264_enc_class_init(SluiceH264EncClass* klass) {
    GObjectClass* object = G_OBJECT_CLASS(klass);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    const auto flags = [](unsigned mutable_until) {
        return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | mutable_until);
    };
    g_object_class_install_property(object, prop_encoder,
                                    g_param_spec_string("encoder", "Encoder",
                                                        "Name of an encoder profile; empty: the first that is present",
                                                        "", flags(GST_PARAM_MUTABLE_READY)));
    g_object_class_install_property(object, prop_bitrate,
                                    g_param_spec_uint("bitrate", "Bit rate", "Bit rate in kbit/s", 1, most_bitrate,
                                                      default_bitrate, flags(GST_PARAM_MUTABLE_PLAYING)));
    g_object_class_install_property(object, prop_key_interval,
                                    g_param_spec_uint("key-int-max", "Key interval",
                                                      "Most pictures between two key units", 1, G_MAXINT,
                                                      default_key_interval, flags(GST_PARAM_MUTABLE_READY)));
    GstElementClass* element = GST_ELEMENT_CLASS(klass);
    element->change_state = change_state;
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(element, "H.264 encoder of a profile", "Codec/Encoder/Video",
                                          "Encodes with whatever encoder of this machine a profile describes",
                                          "Sluice");
}

void sluice_h264_enc_init(SluiceH264Enc* self) {
    self->state = new State;
    self->sink = add_ghost_pad(GST_ELEMENT(self), "sink");
    self->src = add_ghost_pad(GST_ELEMENT(self), "src");
}

} // namespace

namespace sluice::hw {

GType encoder_element_type() { return sluice_h264_enc_get_type(); }

} // namespace sluice::hw
