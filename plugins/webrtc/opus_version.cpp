// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/opus_version.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/error_text.hpp"
#include "plugins/core/opus_chain.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <string>

GST_DEBUG_CATEGORY_STATIC(sluice_opus_debug);
#define GST_CAT_DEFAULT sluice_opus_debug

namespace sluice {

namespace {

// A source whose sound ended or could not be decoded is tried again.
constexpr GstClockTime retry_after = GST_SECOND;

// Starting and stopping a pipeline blocks; it never happens on a sender thread, nor twice at the same time.
void run_task(std::function<void()> task) {
    using Task = std::function<void()>;
    static GThreadPool* const pool = g_thread_pool_new(
        +[](gpointer data, gpointer) {
            const std::unique_ptr<Task> held(static_cast<Task*>(data));
            (*held)();
        },
        nullptr, 1, FALSE, nullptr); // outlives every plugin's destructors; its thread ends when there is nothing to do
    g_thread_pool_push(pool, new Task(std::move(task)), nullptr);
}

class OpusVersion : public std::enable_shared_from_this<OpusVersion> {
public:
    static std::shared_ptr<OpusVersion> create(const std::string& source) {
        std::shared_ptr<OpusVersion> v(new OpusVersion(source));
        if (!v->face_) // the name has become too long
            return nullptr;
        v->demand_handler_ = g_signal_connect_data(v->face_.get(), "demand",
                                                   G_CALLBACK(+[](SluiceChannel*, gboolean wanted, gpointer data) {
                                                       if (auto self = static_cast<Weak*>(data)->lock())
                                                           self->set_wanted(wanted);
                                                   }),
                                                   new Weak(v), drop_weak, GConnectFlags(0));
        return v;
    }
    ~OpusVersion() {
        if (face_)
            g_signal_handler_disconnect(face_.get(), demand_handler_);
    }
    OpusVersion(const OpusVersion&) = delete;
    OpusVersion& operator=(const OpusVersion&) = delete;

    Channel* channel() const { return channel_.get(); }

private:
    using Weak = std::weak_ptr<OpusVersion>;
    static void drop_weak(gpointer data, GClosure*) { delete static_cast<Weak*>(data); }

    explicit OpusVersion(std::string source)
        : source_(std::move(source)), face_(adopt(sluice_channel_get((source_ + opus_suffix).c_str()))) {
        if (face_)
            channel_ = channel_of(face_.get());
    }

    void set_wanted(bool wanted) {
        {
            std::lock_guard lock(mutex_);
            wanted_ = wanted;
            if (wanted)
                running_ = shared_from_this(); // beyond its last reader, until the demand ends
        }
        later(&OpusVersion::sync);
    }
    void later(void (OpusVersion::*what)()) {
        run_task([weak = weak_from_this(), what] {
            if (auto self = weak.lock())
                ((*self).*what)();
        });
    }

    // --- in the task thread ---
    void sync() {
        std::shared_ptr<OpusVersion> last; // let go outside the lock
        {
            std::lock_guard lock(mutex_);
            if (!wanted_)
                last.swap(running_);
        }
        if (last)
            stop();
        else if (!pipeline_)
            start();
    }
    void restart() {
        if (!pipeline_)
            return;
        stop();
        const auto clock = channel_clock();
        GstClockID timer = gst_clock_new_single_shot_id(clock.get(), gst_clock_get_time(clock.get()) + retry_after);
        gst_clock_id_wait_async(
            timer,
            +[](GstClock*, GstClockTime, GstClockID, gpointer data) -> gboolean {
                if (auto self = static_cast<Weak*>(data)->lock())
                    self->later(&OpusVersion::sync);
                return TRUE;
            },
            new Weak(weak_from_this()), +[](gpointer data) { drop_weak(data, nullptr); });
        gst_clock_id_unref(timer);
    }
    void start() {
        {
            std::lock_guard lock(mutex_);
            if (!wanted_)
                return;
        }
        const std::string text =
            "fanoutsrc name=source start-mode=live media=audio fanoutsink name=sink"; // linked when sound comes
        GError* raw = nullptr;
        auto pipeline = sink(gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw));
        const GErrorPtr error(raw);
        if (!pipeline) {
            GST_ERROR("%s: %s", source_.c_str(), error ? error->message : "no pipeline");
            return;
        }
        const auto from = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
        const auto to = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
        g_object_set(from.get(), "channel", source_.c_str(), nullptr);
        g_object_set(to.get(), "channel", channel_->name().c_str(), nullptr);
        g_signal_connect(from.get(), "pad-added", G_CALLBACK(pad_added), nullptr);
        const auto bus = adopt(gst_element_get_bus(pipeline.get()));
        gst_bus_set_sync_handler(
            bus.get(),
            +[](GstBus*, GstMessage* message, gpointer data) {
                if (auto self = static_cast<Weak*>(data)->lock())
                    self->take(message);
                gst_message_unref(message);
                return GST_BUS_DROP;
            },
            new Weak(weak_from_this()), +[](gpointer data) { drop_weak(data, nullptr); });
        use_channel_time(pipeline.get()); // units written before this began keep their moment, too
        pipeline_ = std::move(pipeline);
        GST_INFO("%s: begins", channel_->name().c_str());
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    void stop() {
        if (!pipeline_)
            return;
        GST_INFO("%s: ends", channel_->name().c_str());
        // Twice: what was linked while it went down the first time is still up.
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
        gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
        const auto bus = adopt(gst_element_get_bus(pipeline_.get()));
        gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
        pipeline_ = nullptr;
    }

    // --- in the pipeline's thread ---
    static void pad_added(GstElement* from, GstPad* pad, gpointer) {
        const auto pipeline = adopt(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(from))));
        if (!pipeline)
            return;
        const auto to = adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
        if (to->numsinkpads > 0)
            return; // a second track of sound: the first one is what viewers hear
        const auto caps = adopt(gst_pad_get_current_caps(pad));
        GError* raw = nullptr;
        GstElement* chain = gst_parse_bin_from_description_full(opus_chain(codec_from_caps(caps.get())).c_str(), TRUE,
                                                                nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw);
        const GErrorPtr error(raw);
        if (!chain) {
            GST_ELEMENT_ERROR(from, CORE, MISSING_PLUGIN, ("the sound cannot be made Opus: %s", error->message),
                              (nullptr));
            return;
        }
        gst_bin_add(GST_BIN(pipeline.get()), chain);
        const auto in = adopt(gst_element_get_static_pad(chain, "sink"));
        if (!gst_element_link_pads(chain, "src", to.get(), "sink_%u") || gst_pad_link(pad, in.get()) != GST_PAD_LINK_OK)
            GST_ELEMENT_ERROR(from, CORE, NEGOTIATION, ("the sound cannot be made Opus"), (nullptr));
        gst_element_sync_state_with_parent(chain);
    }
    void take(GstMessage* message) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            GST_WARNING("%s: %s", channel_->name().c_str(), error_text(message).c_str());
        } else if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_EOS) { // the source's sound has gone; it may come back
            return;
        }
        later(&OpusVersion::restart);
    }

    const std::string source_;
    const Ref<SluiceChannel> face_;
    std::shared_ptr<Channel> channel_;
    gulong demand_handler_ = 0;
    Ref<GstElement> pipeline_; // the task thread's
    std::mutex mutex_;         // all below
    bool wanted_ = false;
    std::shared_ptr<OpusVersion> running_; // itself
};

} // namespace

std::shared_ptr<Channel> opus_version_of(const Channel& source) {
    struct Registry {
        std::mutex mutex;
        std::map<std::string, std::weak_ptr<OpusVersion>> versions;
    };
    static auto* registry = new Registry; // outlives every plugin's destructors
    static std::once_flag once;
    std::call_once(once,
                   [] { GST_DEBUG_CATEGORY_INIT(sluice_opus_debug, "sluiceopus", 0, "Sluice: sound made Opus"); });
    std::lock_guard lock(registry->mutex);
    std::erase_if(registry->versions, [](const auto& v) { return v.second.expired(); });
    auto& weak = registry->versions[source.name()];
    auto version = weak.lock();
    if (!version)
        weak = version = OpusVersion::create(source.name());
    return version ? std::shared_ptr<Channel>(version, version->channel()) : nullptr;
}

std::shared_ptr<Channel> opus_channel_of(const Channel& source) {
    const auto face = adopt(sluice_channel_get((source.name() + opus_suffix).c_str()));
    return face ? hold_channel(face) : nullptr;
}

} // namespace sluice
