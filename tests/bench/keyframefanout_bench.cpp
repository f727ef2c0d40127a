// SPDX-License-Identifier: LGPL-2.1-or-later
// What one branch of keyframefanout costs the others and the source. Prints, for a branch that is good, how long a buffer is under
// way and how many are lost, and how long the source is held in a push, while another branch does what it should not;
// beside it the same with "tee ! queue".
#include "tests/support/units.hpp"

#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

using namespace sluice;
using namespace sluice::test;

namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned buffers = 1500; // of each phase, one each 2 ms
constexpr auto interval = std::chrono::milliseconds(2);

double ms_between(Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double, std::milli>(b - a).count();
}

struct Figures {
    std::vector<double> ms;
    void print(const char* what) {
        std::sort(ms.begin(), ms.end());
        if (ms.empty())
            std::printf("  %s: none", what);
        else
            std::printf("  %s p50 %.3f p99 %.3f max %.3f ms", what, ms[ms.size() / 2], ms[ms.size() * 99 / 100],
                        ms.back());
    }
};

// The end of a branch. Buffers carry the time at which they were pushed.
struct End {
    std::atomic<GstFlowReturn> answer = GST_FLOW_OK;
    std::atomic<bool> hang = false;
    Clock::duration longest = std::chrono::hours(1); // "tee" would hold the source as long as it hangs
    std::atomic<unsigned> come = 0;
    std::mutex mutex;
    Figures way;
    Ref<GstPad> pad;

    End() : pad(adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("sink", GST_PAD_SINK))))) {
        g_object_set_data(G_OBJECT(pad.get()), "end", this);
        gst_pad_set_chain_function(pad.get(), chain);
        gst_pad_set_active(pad.get(), TRUE);
    }
    static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* raw) {
        const auto now = Clock::now();
        const auto buffer = adopt(raw);
        auto& end = *static_cast<End*>(g_object_get_data(G_OBJECT(pad), "end"));
        ++end.come;
        while (end.hang && Clock::now() - now < end.longest)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const Clock::time_point sent{Clock::duration(static_cast<Clock::rep>(GST_BUFFER_OFFSET(raw)))};
        std::lock_guard lock(end.mutex);
        end.way.ms.push_back(ms_between(sent, now));
        return end.answer;
    }
};

class Bench {
public:
    explicit Bench(const char* factory) : tee_(std::string(factory) == "tee") {
        pipeline_ = sink(gst_pipeline_new(nullptr));
        gst_bin_add(GST_BIN(pipeline_.get()), gst_element_factory_make(factory, "fan"));
        fan_ = adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "fan"));
        in_ = adopt(GST_PAD(gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC))));
        const auto sink_pad = adopt(gst_element_get_static_pad(fan_.get(), "sink"));
        gst_pad_link(in_.get(), sink_pad.get());
        gst_pad_set_active(in_.get(), TRUE);
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
        gst_pad_push_event(in_.get(), gst_event_new_stream_start("bench"));
        const auto c = h264_caps();
        gst_pad_push_event(in_.get(), gst_event_new_caps(c.get()));
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(in_.get(), gst_event_new_segment(&segment));
    }
    ~Bench() {
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
        gst_pad_set_active(in_.get(), FALSE);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    struct Branch {
        Ref<GstPad> src;
        Ref<GstElement> queue;
    };
    Branch add(End& end) {
        Branch b{adopt(gst_element_request_pad_simple(fan_.get(), "src_%u")), {}};
        if (!tee_) {
            gst_pad_link(b.src.get(), end.pad.get());
            return b;
        }
        b.queue = ref(gst_element_factory_make("queue", nullptr));
        gst_bin_add(GST_BIN(pipeline_.get()), b.queue.get());
        const auto out = adopt(gst_element_get_static_pad(b.queue.get(), "src"));
        gst_pad_link(out.get(), end.pad.get());
        gst_element_sync_state_with_parent(b.queue.get());
        const auto inlet = adopt(gst_element_get_static_pad(b.queue.get(), "sink"));
        gst_pad_link(b.src.get(), inlet.get());
        return b;
    }
    void remove(Branch& b) {
        gst_element_release_request_pad(fan_.get(), b.src.get());
        if (b.queue)
            gst_element_set_state(b.queue.get(), GST_STATE_NULL);
    }
    // each(n): called between two buffers. False: the source was told to stop, or is held for ever.
    bool push(Figures& held, const std::function<void(unsigned)>& each) {
        for (unsigned n = 0; n < buffers; ++n) {
            each(n);
            auto b = buffer_of(n % 50 ? p_slice(4000) : key_unit(20000));
            if (n % 50)
                GST_BUFFER_FLAG_SET(b.get(), GST_BUFFER_FLAG_DELTA_UNIT);
            const auto before = Clock::now();
            GST_BUFFER_PTS(b.get()) = n * 2 * GST_MSECOND;
            GST_BUFFER_OFFSET(b.get()) = static_cast<guint64>(before.time_since_epoch().count());
            const GstFlowReturn flow = gst_pad_push(in_.get(), b.release());
            held.ms.push_back(ms_between(before, Clock::now()));
            if (flow != GST_FLOW_OK) {
                std::printf("  the source was told: %s\n", gst_flow_get_name(flow));
                return false;
            }
            std::this_thread::sleep_for(interval);
        }
        return true;
    }

private:
    const bool tee_;
    Ref<GstElement> pipeline_, fan_;
    Ref<GstPad> in_;
};

void phase(const char* factory, const char* what, bool with_bad, const std::function<void(End&)>& prepare,
           bool release = false) {
    std::printf("%s, %s\n", factory, what);
    End good, bad;
    prepare(bad);
    if (std::string(factory) == "tee")
        bad.longest = std::chrono::seconds(2);
    {
        Bench bench(factory);
        bench.add(good);
        Bench::Branch second;
        Figures held;
        unsigned pushed = 0;
        bench.push(held, [&](unsigned n) {
            pushed = n + 1;
            if (with_bad && n == 25)
                second = bench.add(bad);
            if (release && n % 100 == 75 && second.src) {
                bench.remove(second);
                second = bench.add(bad);
            }
        });
        for (int i = 0; i < 1000 && good.come < pushed; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::lock_guard lock(good.mutex);
        good.way.print("good branch");
        std::printf(", lost %u of %u;", pushed - good.come, pushed);
        held.print("source held");
        std::printf("\n");
        bad.hang = false;
    }
}

} // namespace

int main(int argc, char** argv) {
    gst_init(&argc, &argv);
    for (const char* factory : {"keyframefanout", "tee"}) {
        const auto nothing = [](End&) {};
        phase(factory, "alone", false, nothing);
        phase(factory, "beside another good one", true, nothing);
        phase(factory, "beside one that hangs for ever (tee: for 2 s with each buffer)", true,
              [](End& e) { e.hang = true; });
        phase(factory, "beside one that returns ERROR", true, [](End& e) { e.answer = GST_FLOW_ERROR; });
        phase(factory, "beside one that returns EOS", true, [](End& e) { e.answer = GST_FLOW_EOS; });
        phase(factory, "beside one that is released in mid-GOP and made anew", true, nothing, true);
    }
    return 0;
}
