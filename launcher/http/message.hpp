// SPDX-License-Identifier: LGPL-2.1-or-later
// Small words around SoupServerMessage.
#pragma once

#include "plugins/core/error_kind.hpp"
#include "plugins/core/http_message.hpp"
#include "plugins/core/json_text.hpp"

#include <libsoup/soup.h>

#include <string>
#include <string_view>

namespace sluice {

std::string_view request_method(SoupServerMessage* message);
std::string_view request_body(SoupServerMessage* message); // lives as long as the message

// The request comes from a page of this server or of an allowed origin, or from no page at all.
bool from_own_page(SoupServerMessage* message);
constexpr const char* other_site = "the request comes from a page of another site";

std::string dump(const Json& json); // one line; what is no UTF-8 is replaced

void set_header(SoupServerMessage* message, const char* name, const std::string& value);
// For each answer of the launcher itself: nothing from elsewhere, not in a frame, not cached.
void set_security_headers(SoupServerMessage* message);
// Instead of "not in a frame": in one of this server's own pages.
void allow_own_frames(SoupServerMessage* message);

void respond(SoupServerMessage* message, unsigned status, const char* content_type, std::string_view body);
void respond_json(SoupServerMessage* message, unsigned status, const std::string& body);
void respond_problem(SoupServerMessage* message, ErrorKind kind, const std::string& detail);

} // namespace sluice
