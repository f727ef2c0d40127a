// SPDX-License-Identifier: LGPL-2.1-or-later
// Waits until a channel has a key frame, as one of its readers: that is also what wakes a camera that is contacted only on
// demand. Lives in the main context.
#pragma once

#include "plugins/core/channel_access.hpp"

#include <functional>
#include <memory>

namespace sluice {

class PictureWait {
public:
    // cached: what the channel holds already will do; else only what comes from now on. on_news: in the main context, when it is
    // worth calling take(); ends with this object.
    PictureWait(Ref<SluiceChannel> channel, bool cached, std::function<void()> on_news);
    ~PictureWait();
    PictureWait(const PictureWait&) = delete;
    PictureWait& operator=(const PictureWait&) = delete;

    AccessUnitPtr take(); // NULL: none yet
    Channel& channel() const { return reader_->channel(); }

private:
    class Bell;
    const Ref<SluiceChannel> held_; // demand is told through it
    std::unique_ptr<Channel::Reader> reader_;
    std::shared_ptr<Bell> bell_;
};

} // namespace sluice
