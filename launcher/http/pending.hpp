// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests that are answered later.
#pragma once

#include <libsoup/soup.h>

#include <functional>

namespace sluice {

// Calls what answers the message, once, in the main context; does nothing if the client has gone meanwhile.
using Resume = std::function<void(const std::function<void()>& respond)>;

// Pauses the message until the Resume that `begin` gets is called, unless that happens at once.
void answer_later(SoupServerMessage* message, const std::function<void(Resume)>& begin);

} // namespace sluice
