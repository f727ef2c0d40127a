// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/pending.hpp"

#include "plugins/core/refs.hpp"

#include <memory>
#include <utility>

namespace sluice {

namespace {

struct Waiting {
    Ref<SoupServerMessage> message;
    bool paused = false, answered = false, gone = false;
};

// What answers later may itself have to wait: first for who asks, then for what was asked. libsoup does not count.
int& pauses(SoupServerMessage* message) {
    constexpr const char* key = "sluice-pauses";
    auto* count = static_cast<int*>(g_object_get_data(G_OBJECT(message), key));
    if (!count) {
        count = new int(0);
        g_object_set_data_full(G_OBJECT(message), key, count, [](gpointer data) { delete static_cast<int*>(data); });
    }
    return *count;
}

} // namespace

void answer_later(SoupServerMessage* message, const std::function<void(Resume)>& begin) {
    using Holder = std::shared_ptr<Waiting>;
    const auto waiting = std::make_shared<Waiting>();
    waiting->message = ref(message);
    begin([waiting](const std::function<void()>& answer) {
        waiting->answered = true;
        // Not for longer: the message has a handler that holds us, and would be held by itself.
        const Ref<SoupServerMessage> held = std::exchange(waiting->message, nullptr);
        if (waiting->gone)
            return;
        answer();
        if (waiting->paused && --pauses(held.get()) == 0)
            soup_server_message_unpause(held.get());
    });
    if (waiting->answered)
        return;
    waiting->paused = true;
    // A client that has gone away must not be answered: its connection is freed.
    g_signal_connect_data(
        message, "finished", G_CALLBACK(+[](SoupServerMessage*, gpointer data) {
            const Holder& holder = *static_cast<Holder*>(data);
            holder->gone = true;
            holder->message = nullptr;
        }),
        new Holder(waiting), [](gpointer data, GClosure*) { delete static_cast<Holder*>(data); }, GConnectFlags(0));
    if (pauses(message)++ == 0)
        soup_server_message_pause(message);
}

} // namespace sluice
