// SPDX-License-Identifier: LGPL-2.1-or-later
// A signaller as a GObject, for applications that carry its texts themselves (MQTT, SIP, a data channel...): see the action
// create-signaller of webrtcserversink. Known by its signals alone, so that no header is needed and every binding has it:
//   send (gchararray text)                  a text for the viewer; from the HTTP server's thread
//   close (guint code, gchararray reason)   nothing comes any more: end the connection. RFC 6455, section 7.4.1
//   open ()                                 action: the connection is there; the server says hello
//   receive (gchararray text)               action: a text from the viewer
//   closed (gboolean in-order)              action: the connection has ended. in-order: the viewer has said goodbye, its
//                                           sessions end; else they live on as long as it is heard of
#pragma once

#include "plugins/core/refs.hpp"
#include "plugins/webrtc/http_host.hpp"
#include "plugins/webrtc/signaller.hpp"

namespace sluice {

Ref<GObject> make_signaller(std::shared_ptr<HttpHost> host, std::shared_ptr<SessionService> service,
                            Signaller::Client client);
void shut_down_signaller(GObject* signaller, const std::string& reason);

} // namespace sluice
