// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/camera/demand_watch.hpp"

#include "plugins/core/call_later.hpp"

#include <utility>

namespace sluice {

DemandWatch::DemandWatch(Ref<SluiceChannel> channel, std::function<void()> changed)
    : channel_(std::move(channel)), changed_(std::move(changed)), self_(std::make_shared<DemandWatch*>(this)) {
    using Holder = std::weak_ptr<DemandWatch*>;
    signal_ = g_signal_connect_data(
        channel_.get(), "demand", G_CALLBACK(+[](SluiceChannel*, gboolean wanted, gpointer data) {
            call_later([watch = *static_cast<Holder*>(data), wanted] {
                if (const auto self = watch.lock()) {
                    (*self)->wanted_ = wanted != FALSE;
                    (*self)->changed_();
                }
            });
        }),
        new Holder(self_), [](gpointer holder, GClosure*) { delete static_cast<Holder*>(holder); }, GConnectFlags(0));
    // Readers may have been there before: a stream that is described anew keeps its channel.
    gboolean wanted = FALSE;
    g_object_get(channel_.get(), "wanted", &wanted, nullptr);
    wanted_ = wanted;
}

DemandWatch::~DemandWatch() { g_signal_handler_disconnect(channel_.get(), signal_); }

} // namespace sluice
