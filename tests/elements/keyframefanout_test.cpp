// SPDX-License-Identifier: LGPL-2.1-or-later
// keyframefanout between pads of the test: what a branch does to nobody else.
#include "tests/support/element_rig.hpp"

#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace sluice {
namespace {

using namespace test;

constexpr std::chrono::seconds patience{20};

// Where a branch ends. Units are written down as K7 (key) or d7, with ! in front where DISCONT was set.
class Receiver {
public:
    explicit Receiver(GstElement* element, const char* name = "src_%u")
        : src_(adopt(gst_element_request_pad_simple(element, name))), element_(element) {
        EXPECT_TRUE(src_);
        static GstStaticPadTemplate any =
            GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
        sink_ = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new_from_static_template(&any, "sink"))));
        g_object_set_data(G_OBJECT(sink_.get()), "receiver", this);
        gst_pad_set_chain_function(sink_.get(), chain);
        gst_pad_set_event_function(sink_.get(), event);
        gst_pad_set_active(sink_.get(), TRUE);
    }
    ~Receiver() {
        go_on();
        release();
        gst_pad_set_active(sink_.get(), FALSE);
        GST_PAD_STREAM_LOCK(sink_.get()); // nobody is inside any more
        GST_PAD_STREAM_UNLOCK(sink_.get());
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    Receiver& link() {
        EXPECT_EQ(gst_pad_link(src_.get(), sink_.get()), GST_PAD_LINK_OK);
        return *this;
    }
    void release() {
        if (!src_)
            return;
        gst_pad_unlink(src_.get(), sink_.get());
        gst_element_release_request_pad(element_, src_.get());
        src_ = nullptr;
    }
    void hang() {
        std::lock_guard lock(mutex_);
        hang_ = true;
    }
    void go_on() {
        std::lock_guard lock(mutex_);
        hang_ = false;
        changed_.notify_all();
    }
    void answer(GstFlowReturn flow) {
        std::lock_guard lock(mutex_);
        flow_ = flow;
    }
    bool wait_hanging() {
        return wait([this] { return hanging_; });
    }
    bool wait_for(const std::string& what) {
        return wait([&] { return text_.find(what) != std::string::npos; });
    }
    std::string text() {
        std::lock_guard lock(mutex_);
        return text_;
    }
    GstPad* src() const { return src_.get(); }

private:
    template <typename F> bool wait(F condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, condition);
    }
    static Receiver& of(GstPad* pad) { return *static_cast<Receiver*>(g_object_get_data(G_OBJECT(pad), "receiver")); }
    static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* raw) {
        const auto buffer = adopt(raw);
        Receiver& r = of(pad);
        std::unique_lock lock(r.mutex_);
        if (r.hang_) {
            r.hanging_ = true;
            r.changed_.notify_all();
            r.changed_.wait(lock, [&] { return !r.hang_; });
            r.hanging_ = false;
        }
        r.text_ += std::string(r.text_.empty() ? "" : " ") +
                   (GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DISCONT) ? "!" : "") +
                   (GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DELTA_UNIT) ? "d" : "K") +
                   std::to_string(GST_BUFFER_OFFSET(raw));
        r.changed_.notify_all();
        return r.flow_;
    }
    static gboolean event(GstPad* pad, GstObject*, GstEvent* raw) {
        const auto e = adopt(raw);
        Receiver& r = of(pad);
        const GstEventType type = GST_EVENT_TYPE(raw);
        std::lock_guard lock(r.mutex_);
        const char* name = type == GST_EVENT_STREAM_START  ? "stream-start"
                           : type == GST_EVENT_CAPS        ? "caps"
                           : type == GST_EVENT_SEGMENT     ? "segment"
                           : type == GST_EVENT_EOS         ? "eos"
                           : type == GST_EVENT_FLUSH_START ? "flush-start"
                           : type == GST_EVENT_FLUSH_STOP  ? "flush-stop"
                           : type == GST_EVENT_GAP         ? "gap"
                                                           : nullptr;
        if (name)
            r.text_ += std::string(r.text_.empty() ? "" : " ") + name;
        r.changed_.notify_all();
        return TRUE;
    }

    Ref<GstPad> src_, sink_;
    GstElement* const element_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
    bool hang_ = false, hanging_ = false;
    GstFlowReturn flow_ = GST_FLOW_OK;
};

class KeyframeFanoutTest : public testing::Test {
protected:
    void SetUp() override {
        element = make_element("keyframefanout");
        in = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC))));
        g_object_set_data(G_OBJECT(in.get()), "test", this);
        gst_pad_set_event_function(in.get(), upstream_event);
        const auto sink_pad = adopt(gst_element_get_static_pad(element.get(), "sink"));
        gst_pad_set_active(in.get(), TRUE);
        ASSERT_EQ(gst_pad_link(in.get(), sink_pad.get()), GST_PAD_LINK_OK);
    }
    void TearDown() override {
        gst_element_set_state(element.get(), GST_STATE_NULL);
        gst_pad_set_active(in.get(), FALSE);
    }
    void play(const char* media = "video/x-raw") {
        ASSERT_NE(gst_element_set_state(element.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
        begin(media);
    }
    void begin(const char* media = "video/x-raw") {
        gst_pad_push_event(in.get(), gst_event_new_stream_start("test"));
        const auto c = caps(media);
        gst_pad_push_event(in.get(), gst_event_new_caps(c.get()));
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(in.get(), gst_event_new_segment(&segment));
    }
    GstFlowReturn push(bool key, unsigned id) {
        GstBuffer* b = gst_buffer_new_allocate(nullptr, 100, nullptr);
        GST_BUFFER_PTS(b) = id * 40 * ms;
        GST_BUFFER_OFFSET(b) = id;
        if (!key)
            GST_BUFFER_FLAG_SET(b, GST_BUFFER_FLAG_DELTA_UNIT);
        return gst_pad_push(in.get(), b);
    }
    void key(unsigned id) { EXPECT_EQ(push(true, id), GST_FLOW_OK); }
    void delta(unsigned id) { EXPECT_EQ(push(false, id), GST_FLOW_OK); }
    GstStructurePtr stats() const {
        GstStructure* s = nullptr;
        g_object_get(element.get(), "stats", &s, nullptr);
        return GstStructurePtr(s);
    }
    guint threads() const {
        guint n = 0;
        gst_structure_get_uint(stats().get(), "threads", &n);
        return n;
    }
    guint64 of_branch(unsigned index, const char* field) const {
        guint64 n = 0;
        const auto s = stats();
        const GValue* list = gst_structure_get_value(s.get(), "branches");
        gst_structure_get_uint64(gst_value_get_structure(gst_value_array_get_value(list, index)), field, &n);
        return n;
    }
    static gboolean upstream_event(GstPad* pad, GstObject*, GstEvent* raw) {
        const auto event = adopt(raw);
        auto* self = static_cast<KeyframeFanoutTest*>(g_object_get_data(G_OBJECT(pad), "test"));
        if (gst_video_event_is_force_key_unit(raw)) {
            std::lock_guard lock(self->mutex);
            ++self->key_requests;
            self->requested.notify_all();
            return self->makes_key_units;
        }
        return FALSE;
    }

    Ref<GstElement> element;
    Ref<GstPad> in;
    std::mutex mutex;
    bool wait_for_requests(unsigned count, std::chrono::milliseconds time = patience) {
        std::unique_lock lock(mutex);
        return requested.wait_for(lock, time, [&] { return key_requests >= count; });
    }
    std::condition_variable requested;
    unsigned key_requests = 0;
    bool makes_key_units = true;
};

TEST_F(KeyframeFanoutTest, ABranchStartsAtTheCachedKeyUnit) {
    play();
    key(1), delta(2), key(3), delta(4), delta(5);
    Receiver r(element.get());
    r.link();
    ASSERT_TRUE(r.wait_for("d5")) << r.text();
    EXPECT_EQ(r.text(), "stream-start caps segment !K3 d4 d5");
    delta(6);
    EXPECT_TRUE(r.wait_for("d5 d6")) << r.text();
}

TEST_F(KeyframeFanoutTest, OrAtTheNextKeyUnit) {
    g_object_set(element.get(), "start-mode", 1, nullptr);
    play();
    key(1), delta(2);
    Receiver r(element.get());
    r.link();
    delta(3), key(4), delta(5);
    ASSERT_TRUE(r.wait_for("d5")) << r.text();
    EXPECT_EQ(r.text(), "stream-start caps segment !K4 d5");
}

TEST_F(KeyframeFanoutTest, OrLive) {
    g_object_set(element.get(), "start-mode", 2, nullptr);
    play();
    key(1), delta(2);
    Receiver r(element.get());
    r.link();
    delta(3), delta(4);
    ASSERT_TRUE(r.wait_for("d4")) << r.text();
    EXPECT_EQ(r.text(), "stream-start caps segment !d3 d4");
}

TEST_F(KeyframeFanoutTest, NothingBeforeTheFirstKeyUnit) {
    Receiver r(element.get());
    r.link();
    play();
    delta(1), delta(2), key(3), delta(4);
    ASSERT_TRUE(r.wait_for("d4")) << r.text();
    EXPECT_EQ(r.text(), "stream-start caps segment !K3 d4");
}

TEST_F(KeyframeFanoutTest, ABranchThatHangsIsNoMatterOfTheOthers) {
    play();
    Receiver good(element.get()), bad(element.get());
    bad.hang();
    good.link();
    bad.link();
    key(1);
    ASSERT_TRUE(bad.wait_hanging());
    std::string all = "K1";
    for (unsigned id = 2; id < 400; ++id) {
        const bool is_key = id % 50 == 0;
        EXPECT_EQ(push(is_key, id), GST_FLOW_OK);
        all += (is_key ? " K" : " d") + std::to_string(id);
        ASSERT_TRUE(good.wait_for(all)); // as fast as it is read, faster than any camera
    }
    ASSERT_TRUE(good.wait_for("d399"));
    EXPECT_NE(good.text().find(all), std::string::npos) << "nothing is lost";
    bad.go_on();
    ASSERT_TRUE(bad.wait_for("d399"));
    EXPECT_NE(bad.text().find("!K1 !K350 d351"), std::string::npos) << bad.text().substr(0, 100);
    EXPECT_EQ(of_branch(0, "skips") + of_branch(1, "skips"), 1u);
}

TEST_F(KeyframeFanoutTest, ABranchThatHangsIsReleasedAtOnce) {
    play();
    Receiver good(element.get());
    good.link();
    auto bad = std::make_unique<Receiver>(element.get());
    bad->hang();
    bad->link();
    key(1);
    ASSERT_TRUE(bad->wait_hanging());
    bad->release(); // would hang here
    delta(2);
    EXPECT_TRUE(good.wait_for("K1 d2"));
    EXPECT_EQ(threads(), 2u) << "its thread is still out there";
    bad->go_on();
    bad.reset();
    for (int i = 0; i < 20000 && threads() != 1; ++i)
        std::this_thread::yield();
    EXPECT_EQ(threads(), 1u);
}

TEST_F(KeyframeFanoutTest, ErrorsAndEndsStayInTheirBranch) {
    play();
    Receiver good(element.get()), failing(element.get()), ended(element.get()), gone(element.get());
    failing.answer(GST_FLOW_ERROR);
    ended.answer(GST_FLOW_EOS);
    for (Receiver* r : {&good, &failing, &ended, &gone})
        r->link();
    key(1);
    for (Receiver* r : {&good, &failing, &ended, &gone})
        ASSERT_TRUE(r->wait_for("K1"));
    gone.release(); // in the middle of a GOP
    delta(2), key(3), delta(4);
    ASSERT_TRUE(good.wait_for("K1 d2 K3 d4")) << good.text();
    EXPECT_EQ(failing.text(), "stream-start caps segment !K1");
    EXPECT_EQ(ended.text(), "stream-start caps segment !K1");
    failing.answer(GST_FLOW_OK); // repaired, and linked anew
    const Ref<GstPad> peer = adopt(gst_pad_get_peer(failing.src()));
    gst_pad_unlink(failing.src(), peer.get());
    gst_pad_link(failing.src(), peer.get());
    EXPECT_TRUE(failing.wait_for("!K3 d4")) << failing.text();
}

TEST_F(KeyframeFanoutTest, AnUnlinkedBranchWaitsForItsLink) {
    play();
    Receiver r(element.get());
    key(1), delta(2), key(3), delta(4);
    r.link();
    ASSERT_TRUE(r.wait_for("!K3 d4")) << r.text();
    EXPECT_EQ(r.text().substr(0, 27), "stream-start caps segment !");
}

TEST_F(KeyframeFanoutTest, EachBufferOfRawMediaIsAKeyUnit) {
    play("audio/x-raw");
    key(1), key(2), key(3);
    Receiver r(element.get());
    r.link();
    ASSERT_TRUE(r.wait_for("!K3"));
    EXPECT_EQ(r.text(), "stream-start caps segment !K3");
}

TEST_F(KeyframeFanoutTest, KeyUnitsOfH264AreFoundInTheData) {
    play("video/x-h264, stream-format=byte-stream, alignment=au");
    const auto write = [&](const Bytes& data, unsigned id) {
        auto b = buffer_of(data); // not marked DELTA_UNIT, as from a parser that sees a recovery point
        GST_BUFFER_OFFSET(b.get()) = id;
        EXPECT_EQ(gst_pad_push(in.get(), b.release()), GST_FLOW_OK);
    };
    Receiver r(element.get());
    r.link();
    write(p_slice(20, 1), 1);
    write(sps_no_reorder() + pps() + idr(40, 2), 2);
    write(p_slice(20, 3), 3);
    ASSERT_TRUE(r.wait_for("K3"));
    EXPECT_EQ(r.text(), "stream-start caps segment !K2 K3");
}

TEST_F(KeyframeFanoutTest, EventsComeInTheirPlace) {
    play();
    Receiver r(element.get());
    r.link();
    key(1);
    ASSERT_TRUE(r.wait_for("K1"));
    gst_pad_push_event(in.get(), gst_event_new_gap(0, 1));
    delta(2);
    const auto other = caps("video/x-raw, width=(int)100");
    gst_pad_push_event(in.get(), gst_event_new_caps(other.get()));
    key(3);
    gst_pad_push_event(in.get(), gst_event_new_eos());
    ASSERT_TRUE(r.wait_for("eos"));
    EXPECT_EQ(r.text(), "stream-start caps segment !K1 gap d2 caps K3 eos");
    EXPECT_EQ(push(true, 4), GST_FLOW_EOS);
    Receiver late(element.get());
    late.link();
    EXPECT_TRUE(late.wait_for("!K3 eos")) << late.text();
    begin();
    key(5);
    EXPECT_TRUE(r.wait_for("eos stream-start caps segment K5")) << r.text();
}

TEST_F(KeyframeFanoutTest, TheEndAlsoReachesABranchThatHasNothingToBeginWith) {
    play();
    delta(1);
    Receiver waiting(element.get());
    waiting.link();
    gst_pad_push_event(in.get(), gst_event_new_eos());
    ASSERT_TRUE(waiting.wait_for("eos")) << waiting.text();
    EXPECT_EQ(waiting.text(), "stream-start caps segment eos");
    g_object_set(element.get(), "start-mode", 2, nullptr);
    Receiver late(element.get());
    late.link();
    ASSERT_TRUE(late.wait_for("eos")) << late.text();
    begin();
    key(2);
    ASSERT_TRUE(waiting.wait_for("K2") && late.wait_for("K2"));
    EXPECT_EQ(waiting.text().find("eos"), waiting.text().rfind("eos")) << "once: " << waiting.text();
}

TEST_F(KeyframeFanoutTest, ANewStreamOfTheSameCaps) {
    play();
    key(1);
    gst_pad_push_event(in.get(), gst_event_new_stream_start("another")); // encoders do not repeat equal caps
    key(2);
    Receiver r(element.get());
    r.link();
    ASSERT_TRUE(r.wait_for("K2"));
    EXPECT_EQ(r.text(), "stream-start caps segment !K2");
}

TEST_F(KeyframeFanoutTest, AFlushReachesEveryBranch) {
    play();
    Receiver good(element.get()), bad(element.get());
    good.link();
    bad.hang();
    bad.link();
    key(1);
    ASSERT_TRUE(good.wait_for("K1") && bad.wait_hanging());
    gst_pad_push_event(in.get(), gst_event_new_flush_start());
    gst_pad_push_event(in.get(), gst_event_new_flush_stop(TRUE));
    begin();
    key(2);
    ASSERT_TRUE(good.wait_for("K2"));
    EXPECT_NE(good.text().find("!K1 flush-start flush-stop"), std::string::npos) << good.text();
    bad.go_on();
    EXPECT_TRUE(bad.wait_for("flush-stop")) << bad.text();
    EXPECT_TRUE(bad.wait_for("!K2")) << bad.text();
}

TEST_F(KeyframeFanoutTest, SerializedQueriesEndHere) {
    play();
    Receiver r(element.get());
    r.hang();
    r.link();
    key(1);
    ASSERT_TRUE(r.wait_hanging());
    const auto c = caps("video/x-raw");
    GstQuery* allocation = gst_query_new_allocation(c.get(), TRUE);
    EXPECT_FALSE(gst_pad_peer_query(in.get(), allocation));
    gst_query_unref(allocation);
    GstQuery* drain = gst_query_new_drain();
    EXPECT_TRUE(gst_pad_peer_query(in.get(), drain)) << "and nobody is waited for";
    gst_query_unref(drain);
}

TEST_F(KeyframeFanoutTest, AsksForByteStreams) {
    const auto both = caps("video/x-h264, stream-format={avc, byte-stream}, alignment={au, nal}; audio/x-raw");
    const auto got = adopt(gst_pad_peer_query_caps(in.get(), both.get()));
    const auto wanted = caps("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au; audio/x-raw");
    const GString8 text(gst_caps_to_string(got.get()));
    EXPECT_TRUE(gst_caps_is_equal(got.get(), wanted.get())) << text.get();
    const auto avc = caps("video/x-h264, stream-format=(string)avc");
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(in.get(), avc.get()));
}

TEST_F(KeyframeFanoutTest, KeyUnitsAreAskedForOnceASecondAndOnlyWhereTheyCanBeMade) {
    play();
    Receiver r(element.get());
    r.link();
    key(1);
    ASSERT_TRUE(r.wait_for("K1"));
    const auto peer = adopt(gst_pad_get_peer(r.src()));
    for (int i = 0; i < 10; ++i)
        gst_pad_push_event(peer.get(), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
    std::lock_guard lock(mutex);
    EXPECT_LE(key_requests, 2u) << "one of the start, one of these";
    EXPECT_GE(key_requests, 1u);
}

TEST_F(KeyframeFanoutTest, ARequestThatComesTooSoonIsMadeUpFor) {
    g_object_set(element.get(), "start-mode", 1, nullptr);
    play();
    Receiver first(element.get()), second(element.get());
    first.link();
    ASSERT_TRUE(wait_for_requests(1));
    key(1);
    ASSERT_TRUE(first.wait_for("K1"));
    second.link(); // within the same second, and this encoder makes no key unit unless it is asked
    const auto end = std::chrono::steady_clock::now() + patience;
    for (unsigned id = 2; !wait_for_requests(2, std::chrono::milliseconds(20)); ++id) {
        ASSERT_LT(std::chrono::steady_clock::now(), end);
        delta(id);
    }
    key(1000);
    EXPECT_TRUE(second.wait_for("!K1000"));
}

TEST_F(KeyframeFanoutTest, ManyBranchesComeAndGoWhileItRuns) {
    play();
    std::atomic<bool> stop = false;
    std::thread source([&] {
        for (unsigned id = 1; !stop; ++id) {
            push(id % 25 == 1, id);
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < 200; ++i) {
        Receiver r(element.get());
        r.link();
        EXPECT_TRUE(r.wait_for("segment !K")) << r.text();
    }
    stop = true;
    source.join();
    for (int i = 0; i < 100000 && threads() != 0; ++i)
        std::this_thread::yield();
    EXPECT_EQ(threads(), 0u);
}

TEST_F(KeyframeFanoutTest, StopsWhileABranchHangs) {
    play();
    Receiver r(element.get());
    r.hang();
    r.link();
    key(1);
    ASSERT_TRUE(r.wait_hanging());
    std::thread helper([&] { r.go_on(); }); // the sink's own end would do that
    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    helper.join();
    EXPECT_EQ(threads(), 0u);
    play();
    key(10), delta(11);
    EXPECT_TRUE(r.wait_for("!K10 d11")) << r.text();
}

} // namespace
} // namespace sluice
