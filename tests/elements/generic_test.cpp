// SPDX-License-Identifier: LGPL-2.1-or-later
// What every element of ours must bear: states in any order, all properties, state changes while data comes; and the example
// line that its documentation shows.
#include "tests/support/element_rig.hpp"
#include "tests/support/live_objects.hpp"
#include "tests/support/our_elements.hpp"

#include <glib/gstdio.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

using namespace sluice;
using namespace sluice::test;

namespace {

bool has_property(GstElement* e, const char* name) {
    return g_object_class_find_property(G_OBJECT_GET_CLASS(e), name) != nullptr;
}

// Such that it can play anywhere: loopback, any port, a channel of its own.
Ref<GstElement> make_ready(const std::string& factory) {
    auto e = make_element(factory.c_str());
    if (e && has_property(e.get(), "channel"))
        g_object_set(e.get(), "channel", "test/generic", nullptr);
    if (e && has_property(e.get(), "port"))
        g_object_set(e.get(), "address", "127.0.0.1", "port", 0, nullptr);
    return e;
}

bool change(const Ref<GstElement>& e, GstState to) {
    return gst_element_set_state(e.get(), to) != GST_STATE_CHANGE_FAILURE &&
           gst_element_get_state(e.get(), nullptr, nullptr, deadline) != GST_STATE_CHANGE_FAILURE;
}

constexpr GstState up[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};

template <typename F> void for_each_element(F f) {
    const auto names = our_elements();
    ASSERT_GE(names.size(), 5u); // fewer: a plugin was not found
    for (const std::string& name : names) {
        SCOPED_TRACE(name);
        f(name);
    }
}

TEST(Generic, StatesUpAndDown) {
    for_each_element([](const std::string& name) {
        const auto e = make_ready(name);
        for (int round = 0; round < 3; round++) {
            for (const GstState state : {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
                                         GST_STATE_READY, GST_STATE_NULL})
                EXPECT_TRUE(change(e, state)) << gst_element_state_get_name(state);
        }
    });
}

TEST(Generic, StatesSideways) {
    for_each_element([](const std::string& name) {
        const auto e = make_ready(name);
        for (const GstState from : up)
            for (const GstState to : up) {
                EXPECT_TRUE(change(e, from)) << gst_element_state_get_name(from);
                EXPECT_TRUE(change(e, to)) << gst_element_state_get_name(to);
                EXPECT_TRUE(change(e, to)) << gst_element_state_get_name(to);
            }
        EXPECT_TRUE(change(e, GST_STATE_NULL));
    });
}

TEST(Generic, PropertiesReadAndTakeTheirDefaults) {
    for_each_element([](const std::string& name) {
        for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
            const auto e = make_ready(name);
            EXPECT_TRUE(change(e, state));
            guint n = 0;
            GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(e.get()), &n);
            for (guint i = 0; i < n; i++) {
                GParamSpec* p = specs[i];
                if (p->owner_type != G_OBJECT_TYPE(e.get()))
                    continue;
                SCOPED_TRACE(p->name);
                EXPECT_NE(g_param_spec_get_blurb(p), nullptr);
                GValue value = G_VALUE_INIT;
                g_value_init(&value, p->value_type);
                if (p->flags & G_PARAM_READABLE)
                    g_object_get_property(G_OBJECT(e.get()), p->name, &value);
                if ((p->flags & G_PARAM_WRITABLE) && !(p->flags & G_PARAM_CONSTRUCT_ONLY)) {
                    if (state == GST_STATE_NULL) { // a fresh element has what the documentation says
                        const auto fresh = make_element(name.c_str());
                        GValue now = G_VALUE_INIT;
                        g_value_init(&now, p->value_type);
                        g_object_get_property(G_OBJECT(fresh.get()), p->name, &now);
                        EXPECT_TRUE(g_param_value_defaults(p, &now));
                        g_value_unset(&now);
                    }
                    g_object_set_property(G_OBJECT(e.get()), p->name, &value);
                    g_param_value_set_default(p, &value);
                    g_object_set_property(G_OBJECT(e.get()), p->name, &value);
                }
                g_value_unset(&value);
            }
            g_free(specs);
            change(e, GST_STATE_NULL);
        }
    });
}

TEST(Generic, MetadataIsThere) {
    for_each_element([](const std::string& name) {
        const auto e = make_element(name.c_str());
        GstElementClass* klass = GST_ELEMENT_GET_CLASS(e.get());
        for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
                                GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR}) {
            const char* text = gst_element_class_get_metadata(klass, key);
            EXPECT_TRUE(text && *text) << key;
        }
    });
}

// Pushes H.264 into a sink pad from a thread of its own until it goes; begins anew when a push is refused. Without a pad it
// writes the channel that the elements of make_ready() read.
class Feed {
public:
    explicit Feed(const Ref<GstPad>& sinkpad) : sinkpad_(sinkpad) {
        if (!sinkpad) {
            thread_ = std::thread([this] {
                Producer p(channel_of(face_.get()), 5000 * s, true);
                for (int i = 0; !over_; i++)
                    i % 10 ? p.delta() : p.key();
            });
            return;
        }
        src_ = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC))));
        EXPECT_EQ(gst_pad_link(src_.get(), sinkpad.get()), GST_PAD_LINK_OK);
        gst_pad_set_active(src_.get(), TRUE);
        thread_ = std::thread([this] {
            begin();
            for (int i = 0; !over_; i++) {
                auto b = buffer_of(i % 10 ? p_slice() : key_unit());
                GST_BUFFER_PTS(b.get()) = i * 40 * ms;
                if (gst_pad_push(src_.get(), b.release()) == GST_FLOW_OK)
                    continue;
                std::this_thread::yield();
                begin(); // what was said before is forgotten by a pad that was not active
            }
        });
    }
    ~Feed() {
        over_ = true;
        thread_.join();
        if (sinkpad_)
            gst_pad_unlink(src_.get(), sinkpad_.get());
    }
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

private:
    void begin() {
        if (!gst_pad_push_event(src_.get(), gst_event_new_stream_start("test")))
            return; // not now
        const auto c = h264_caps();
        gst_pad_push_event(src_.get(), gst_event_new_caps(c.get()));
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(src_.get(), gst_event_new_segment(&segment));
    }
    const Ref<SluiceChannel> face_ = adopt(sluice_channel_get("test/generic"));
    const Ref<GstPad> sinkpad_;
    Ref<GstPad> src_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

GstPadTemplate* find_template(const Ref<GstElement>& e, GstPadDirection direction, GstPadPresence presence) {
    for (GList* l = gst_element_class_get_pad_template_list(GST_ELEMENT_GET_CLASS(e.get())); l; l = l->next) {
        auto* t = GST_PAD_TEMPLATE(l->data);
        if (GST_PAD_TEMPLATE_DIRECTION(t) == direction && GST_PAD_TEMPLATE_PRESENCE(t) == presence &&
            !g_str_has_prefix(GST_PAD_TEMPLATE_NAME_TEMPLATE(t), "audio"))
            return t;
    }
    return nullptr;
}

// A pad that video can be pushed into. Nothing: the element has none.
Ref<GstPad> take_sink_pad(const Ref<GstElement>& e) {
    if (find_template(e, GST_PAD_SINK, GST_PAD_ALWAYS))
        return adopt(gst_element_get_static_pad(e.get(), "sink"));
    GstPadTemplate* request = find_template(e, GST_PAD_SINK, GST_PAD_REQUEST);
    return request ? adopt(gst_element_request_pad(e.get(), request, nullptr, nullptr)) : Ref<GstPad>();
}

void give_back(const Ref<GstElement>& e, const Ref<GstPad>& pad) {
    if (pad && pad->padtemplate && GST_PAD_TEMPLATE_PRESENCE(pad->padtemplate) == GST_PAD_REQUEST)
        gst_element_release_request_pad(e.get(), pad.get());
}

// Takes everything that comes.
Ref<GstPad> hole() {
    auto pad = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("sink", GST_PAD_SINK))));
    gst_pad_set_chain_function(
        pad.get(), +[](GstPad*, GstObject*, GstBuffer* buffer) {
            gst_buffer_unref(buffer);
            return GST_FLOW_OK;
        });
    gst_pad_set_event_function(
        pad.get(), +[](GstPad*, GstObject*, GstEvent* event) -> gboolean {
            gst_event_unref(event);
            return TRUE;
        });
    gst_pad_set_active(pad.get(), TRUE);
    return pad;
}

TEST(Generic, StateChangesWhileDataComes) {
    for_each_element([](const std::string& name) {
        const auto e = make_ready(name);
        const Ref<GstPad> sinkpad = take_sink_pad(e);
        {
            const Feed feed(sinkpad);
            for (int i = 0; i < 30; i++)
                for (const GstState state :
                     {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED})
                    EXPECT_TRUE(gst_element_set_state(e.get(), state) != GST_STATE_CHANGE_FAILURE);
        }
        EXPECT_TRUE(change(e, GST_STATE_NULL));
        give_back(e, sinkpad);
    });
}

TEST(Generic, PadsComeAndGoWhileDataComes) {
    unsigned kinds = 0;
    for_each_element([&kinds](const std::string& name) {
        const auto e = make_ready(name);
        GstPadTemplate* outlet = find_template(e, GST_PAD_SRC, GST_PAD_REQUEST);
        GstPadTemplate* inlet = find_template(e, GST_PAD_SINK, GST_PAD_REQUEST);
        if (!outlet && !inlet)
            return;
        kinds++;
        EXPECT_TRUE(gst_element_set_state(e.get(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
        const Ref<GstPad> sinkpad = outlet ? take_sink_pad(e) : Ref<GstPad>();
        std::optional<Feed> feed;
        if (outlet)
            feed.emplace(sinkpad);
        for (int i = 0; i < 100; i++) {
            const auto pad = adopt(gst_element_request_pad(e.get(), outlet ? outlet : inlet, nullptr, nullptr));
            ASSERT_TRUE(pad);
            if (inlet && !outlet) {
                const Feed passing(pad);
                std::this_thread::yield();
            } else if (i % 3) { // every third is never linked
                const auto peer = hole();
                EXPECT_EQ(gst_pad_link(pad.get(), peer.get()), GST_PAD_LINK_OK);
                std::this_thread::yield();
                if (i % 3 == 1)
                    gst_pad_unlink(pad.get(), peer.get());
                else
                    give_back(e, pad);
                if (i % 3 == 2)
                    continue;
            }
            give_back(e, pad);
        }
        EXPECT_TRUE(gst_element_set_state(e.get(), GST_STATE_NULL) != GST_STATE_CHANGE_FAILURE);
    });
    EXPECT_GE(kinds, 3u) << "fanoutsink, keyframefanout, webrtcserversink";
}

TEST(Generic, MadeAndThrownAwayInAnyStateLeavesNothing) {
    for_each_element([](const std::string& name) {
        expect_no_leak([&name] {
            for (const GstState state : up) {
                const auto e = make_ready(name);
                change(e, state);
                change(e, GST_STATE_NULL);
            }
        });
    });
}

// --- the documentation ---

struct Example {
    std::string element, line;
};
std::vector<Example> examples() {
    std::vector<Example> out;
    const auto plugins = std::filesystem::path(g_getenv("SLUICE_PIPELINES")).parent_path() / "plugins";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(plugins)) {
        if (entry.path().extension() != ".cpp")
            continue;
        std::ifstream in(entry.path());
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        static const std::regex section("SECTION:element-(\\S+)"), launch("gst-launch-1\\.0 (.*)");
        std::smatch name, line;
        if (!std::regex_search(text, name, section))
            continue;
        auto at = text.cbegin();
        while (std::regex_search(at, text.cend(), line, launch)) {
            out.push_back({name[1], line[1]});
            at = line.suffix().first;
        }
    }
    return out;
}

TEST(Examples, EveryElementHasOne) {
    std::set<std::string> documented;
    for (const Example& e : examples())
        documented.insert(e.element);
    for_each_element([&](const std::string& name) { EXPECT_TRUE(documented.contains(name)); });
}

// In this process, by the parser that gst-launch-1.0 uses: sanitized builds can do this too. Lines that name a number of
// buffers end by themselves; the others must come to play.
TEST(Examples, Run) {
    const GString8 dir(g_dir_make_tmp("sluice-XXXXXX", nullptr)), before(g_get_current_dir());
    ASSERT_EQ(g_chdir(dir.get()), 0);
    std::ofstream("viewers.htpasswd") << "viewer:$6$0123456789abcdef$x\n";
    for (const Example& example : examples()) {
        SCOPED_TRACE(example.line);
        const std::string line =
            std::regex_replace(example.line, std::regex("port=[0-9]+"), "port=0 address=127.0.0.1");
        GError* raw = nullptr;
        const auto pipeline = sink(gst_parse_launch(line.c_str(), &raw));
        const GErrorPtr error(raw);
        ASSERT_TRUE(pipeline && !error) << (error ? error->message : "");
        const auto bus = adopt(gst_element_get_bus(pipeline.get()));
        EXPECT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        const bool ends = line.find("num-buffers=") != std::string::npos;
        for (;;) {
            const auto m = adopt(gst_bus_timed_pop_filtered(
                bus.get(), 3 * deadline,
                GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_EOS | GST_MESSAGE_STATE_CHANGED)));
            ASSERT_TRUE(m) << "nothing happens any more";
            if (GST_MESSAGE_TYPE(m.get()) == GST_MESSAGE_EOS)
                break;
            if (GST_MESSAGE_TYPE(m.get()) == GST_MESSAGE_ERROR) {
                GError* e = nullptr;
                gst_message_parse_error(m.get(), &e, nullptr);
                ADD_FAILURE() << GErrorPtr(e)->message;
                break;
            }
            GstState now = GST_STATE_NULL;
            gst_message_parse_state_changed(m.get(), nullptr, &now, nullptr);
            if (!ends && GST_MESSAGE_SRC(m.get()) == GST_OBJECT(pipeline.get()) && now == GST_STATE_PLAYING)
                break;
        }
        gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    }
    EXPECT_EQ(g_chdir(before.get()), 0);
    std::filesystem::remove_all(dir.get());
    EXPECT_TRUE(all_channels().empty());
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// With the program itself, where it can load our plugins, and nothing left alive at its end.
TEST(Examples, RunInGstLaunchWithoutLeaks) {
    const GString8 program(g_find_program_in_path("gst-launch-1.0"));
    if (sanitized || !program)
        GTEST_SKIP() << "gst-launch-1.0 is not there, or cannot load sanitized plugins";
    unsigned runs = 0;
    for (const Example& example : examples()) {
        if (example.line.find("num-buffers=") == std::string::npos)
            continue;
        SCOPED_TRACE(example.line);
        gchar** argv = nullptr;
        ASSERT_TRUE(g_shell_parse_argv(("gst-launch-1.0 -q " + example.line).c_str(), nullptr, &argv, nullptr));
        gchar** env = g_environ_setenv(g_get_environ(), "GST_TRACERS", "leaks", TRUE);
        env = g_environ_setenv(env, "GST_DEBUG", "GST_TRACER:7", TRUE);
        env = g_environ_setenv(env, "GST_DEBUG_NO_COLOR", "1", TRUE);
        gchar *out = nullptr, *err = nullptr;
        gint status = -1;
        EXPECT_TRUE(
            g_spawn_sync(nullptr, argv, env, G_SPAWN_SEARCH_PATH, nullptr, nullptr, &out, &err, &status, nullptr));
        const GString8 out_text(out), err_text(err);
        g_strfreev(argv);
        g_strfreev(env);
        EXPECT_EQ(status, 0) << err;
        EXPECT_NE(std::string(err).find("object-alive"), std::string::npos) << "the tracer did not run";
        std::istringstream lines(err);
        for (std::string line; std::getline(lines, line);)
            if (line.find("object-alive,") != std::string::npos &&
                line.find("(string)%s") == std::string::npos) // the format
                ADD_FAILURE() << line;
        runs++;
    }
    EXPECT_GE(runs, 2u);
}

} // namespace
