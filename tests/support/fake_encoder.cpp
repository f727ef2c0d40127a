// SPDX-License-Identifier: LGPL-2.1-or-later
// fakeh264enc: an encoder that fails on command, for tests of who has to live with such drivers. Real pictures (it is a bin
// around x264enc), until: `fault` says how it goes wrong, `after` behind how many pictures, or as soon as the file `when` exists.
#include "plugins/core/refs.hpp"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace {

using sluice::Ref;

struct FakeEncoder {
    GstBin parent;
    GstElement* encoder;
    char *fault, *when;
    guint after, seen;
    GQueue held;
};
struct FakeEncoderClass {
    GstBinClass parent;
};

GType fake_encoder_get_type();
G_DEFINE_TYPE(FakeEncoder, fake_encoder, GST_TYPE_BIN) // NOLINT

enum { prop_fault = 1, prop_after, prop_when, prop_bitrate, prop_gop };

bool is(const FakeEncoder* self, const char* fault) { return g_strcmp0(self->fault, fault) == 0; }

bool is_time(const FakeEncoder* self) {
    if (self->when && *self->when)
        return access(self->when, F_OK) == 0;
    return self->seen > self->after;
}

// Behind the encoder: what goes wrong goes wrong here.
GstPadProbeReturn on_picture(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<FakeEncoder*>(data);
    self->seen++;
    if (!self->fault || !is_time(self))
        return GST_PAD_PROBE_OK;
    if (is(self, "error")) {
        GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("the driver was reset"), (nullptr));
        GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
        return GST_PAD_PROBE_DROP;
    }
    if (is(self, "crash"))
        raise(SIGSEGV);
    if (is(self, "exit"))
        _exit(3);
    if (is(self, "hang"))
        while (true)
            pause();
    if (is(self, "drop"))
        return GST_PAD_PROBE_DROP;
    if (is(self, "late")) { // each comes out when the third behind it goes in
        g_queue_push_tail(&self->held, GST_PAD_PROBE_INFO_BUFFER(info));
        GST_PAD_PROBE_INFO_DATA(info) = nullptr;
        if (g_queue_get_length(&self->held) <= 3)
            return GST_PAD_PROBE_HANDLED;
        GST_PAD_PROBE_INFO_DATA(info) = g_queue_pop_head(&self->held);
    }
    if (is(self, "garbage")) {
        GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
        gst_buffer_memset(buffer, 0, 0xa5, gst_buffer_get_size(buffer));
        GST_PAD_PROBE_INFO_DATA(info) = buffer;
    }
    return GST_PAD_PROBE_OK;
}

// So a driver is that has no session left.
GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
    auto* self = reinterpret_cast<FakeEncoder*>(element);
    if (change == GST_STATE_CHANGE_NULL_TO_READY && is(self, "start")) {
        GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("too many sessions"), (nullptr));
        return GST_STATE_CHANGE_FAILURE;
    }
    return GST_ELEMENT_CLASS(fake_encoder_parent_class)->change_state(element, change);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    auto* self = reinterpret_cast<FakeEncoder*>(object);
    switch (id) {
    case prop_fault:
        g_free(self->fault);
        self->fault = g_value_dup_string(value);
        break;
    case prop_when:
        g_free(self->when);
        self->when = g_value_dup_string(value);
        break;
    case prop_after: self->after = g_value_get_uint(value); break;
    case prop_bitrate: g_object_set(self->encoder, "bitrate", g_value_get_uint(value), nullptr); break;
    case prop_gop: g_object_set(self->encoder, "key-int-max", g_value_get_uint(value), nullptr); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

void finalize(GObject* object) {
    auto* self = reinterpret_cast<FakeEncoder*>(object);
    g_free(self->fault);
    g_free(self->when);
    g_queue_clear_full(&self->held, reinterpret_cast<GDestroyNotify>(gst_buffer_unref));
    G_OBJECT_CLASS(fake_encoder_parent_class)->finalize(object);
}

void fake_encoder_class_init(FakeEncoderClass* klass) {
    GObjectClass* object = G_OBJECT_CLASS(klass);
    object->set_property = set_property;
    object->finalize = finalize;
    GST_ELEMENT_CLASS(klass)->change_state = change_state;
    const auto flags = static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_property(
        object, prop_fault,
        g_param_spec_string("fault", "Fault", "start, error, crash, exit, hang, drop, garbage, late", nullptr, flags));
    g_object_class_install_property(
        object, prop_after, g_param_spec_uint("after", "After", "Pictures that are good", 0, G_MAXUINT, 0, flags));
    g_object_class_install_property(object, prop_when,
                                    g_param_spec_string("when", "When", "As soon as this file exists", nullptr, flags));
    g_object_class_install_property(object, prop_bitrate,
                                    g_param_spec_uint("bitrate", "Bit rate", "kbit/s", 1, 100000, 2048, flags));
    g_object_class_install_property(object, prop_gop,
                                    g_param_spec_uint("gop", "GOP", "Pictures", 0, G_MAXINT, 50, flags));
    GstElementClass* element = GST_ELEMENT_CLASS(klass);
    gst_element_class_set_static_metadata(element, "Fake encoder", "Codec/Encoder/Video", "Fails on command", "Sluice");
}

void fake_encoder_init(FakeEncoder* self) {
    g_queue_init(&self->held);
    self->encoder = gst_element_factory_make("x264enc", nullptr);
    gst_util_set_object_arg(G_OBJECT(self->encoder), "tune", "zerolatency");
    gst_util_set_object_arg(G_OBJECT(self->encoder), "speed-preset", "ultrafast");
    gst_bin_add(GST_BIN(self), self->encoder);
    for (const char* name : {"sink", "src"}) {
        const Ref<GstPad> pad = sluice::adopt(gst_element_get_static_pad(self->encoder, name));
        if (std::strcmp(name, "src") == 0)
            gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_picture, self, nullptr);
        gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(name, pad.get()));
    }
}

gboolean plugin_init(GstPlugin* plugin) {
    return gst_element_register(plugin, "fakeh264enc", GST_RANK_NONE, fake_encoder_get_type());
}

} // namespace

#define PACKAGE "sluice"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fakeencoder, "An encoder that fails on command", plugin_init,
                  SLUICE_VERSION, "LGPL", "Sluice", "Unknown package origin")
