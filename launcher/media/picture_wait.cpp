// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/media/picture_wait.hpp"

#include <atomic>

namespace sluice {

// Rung by the producer's thread, heard in the main context; many strokes there are one here.
class PictureWait::Bell : public Wakeup, public std::enable_shared_from_this<PictureWait::Bell> {
public:
    explicit Bell(std::function<void()> on_news) : on_news_(std::move(on_news)) {}
    void wake() override {
        if (rung_.exchange(true))
            return;
        using Held = std::shared_ptr<Bell>;
        g_main_context_invoke_full(
            nullptr, G_PRIORITY_DEFAULT,
            [](gpointer data) -> gboolean {
                const Held bell = *static_cast<Held*>(data);
                bell->rung_ = false;
                if (const auto on_news = bell->on_news_)
                    on_news();
                return G_SOURCE_REMOVE;
            },
            new Held(shared_from_this()), [](gpointer data) { delete static_cast<Held*>(data); });
    }
    void silence() { on_news_ = nullptr; } // main context

private:
    std::function<void()> on_news_;
    std::atomic<bool> rung_{false};
};

PictureWait::PictureWait(Ref<SluiceChannel> channel, bool cached, std::function<void()> on_news)
    : held_(std::move(channel)), bell_(std::make_shared<Bell>(std::move(on_news))) {
    const auto c = channel_of(held_.get());
    c->add_wakeup(bell_);
    reader_ = c->attach(cached ? Channel::Start::cached_gop : Channel::Start::next_key_unit, true, false);
}

PictureWait::~PictureWait() {
    reader_->channel().remove_wakeup(bell_);
    bell_->silence();
}

AccessUnitPtr PictureWait::take() {
    while (const AccessUnitPtr unit = reader_->next().unit)
        if (unit->key)
            return unit;
    return nullptr;
}

} // namespace sluice
