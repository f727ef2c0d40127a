// SPDX-License-Identifier: LGPL-2.1-or-later
// Small words around SoupServerMessage.
#pragma once

#include "plugins/core/error_kind.hpp"
#include "plugins/core/http_message.hpp"

#include <libsoup/soup.h>

#include <string>
#include <string_view>

namespace sluice {

std::string_view request_method(SoupServerMessage* message);
std::string_view request_body(SoupServerMessage* message); // lives as long as the message

void set_header(SoupServerMessage* message, const char* name, const std::string& value);
// For each answer of the launcher itself: nothing from elsewhere, not in a frame, not cached.
void set_security_headers(SoupServerMessage* message);

void respond(SoupServerMessage* message, unsigned status, const char* content_type, std::string_view body);
void respond_json(SoupServerMessage* message, unsigned status, const std::string& body);
void respond_problem(SoupServerMessage* message, ErrorKind kind, const std::string& detail);

} // namespace sluice
