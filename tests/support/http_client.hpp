// SPDX-License-Identifier: LGPL-2.1-or-later
// A blocking HTTP client for tests.
#pragma once

#include "plugins/core/refs.hpp"

#include <gtest/gtest.h>
#include <libsoup/soup.h>

#include <map>
#include <string>

namespace sluice::test {

struct HttpAnswer {
    unsigned status = 0;                        // 0: no answer, `error` says why
    std::map<std::string, std::string> headers; // lower-case names
    std::string body, error;
    std::string header(const std::string& name) const {
        const auto it = headers.find(name);
        return it == headers.end() ? "" : it->second;
    }
};
using HttpHeaders = std::map<std::string, std::string>;

inline HttpAnswer http(const std::string& method, const std::string& url, const HttpHeaders& headers = {},
                       const std::string& body = "") {
    HttpAnswer out;
    const auto context = adopt(g_main_context_new()); // libsoup ties a session to the context it was made in
    g_main_context_push_thread_default(context.get());
    {
        const auto session = adopt(static_cast<SoupSession*>(
            g_object_new(SOUP_TYPE_SESSION, "timeout", 30u, "proxy-resolver", nullptr, nullptr)));
        const auto message = adopt(soup_message_new(method.c_str(), url.c_str()));
        // Answers 401 are what the tests want to see.
        soup_message_add_flags(message.get(), SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
        g_signal_connect(message.get(), "accept-certificate", // self-signed ones
                         G_CALLBACK(+[](SoupMessage*, GTlsCertificate*, int, gpointer) -> gboolean { return TRUE; }),
                         nullptr);
        SoupMessageHeaders* sent = soup_message_get_request_headers(message.get());
        std::string type;
        for (const auto& [name, value] : headers) {
            if (name == "Content-Type")
                type = value;
            soup_message_headers_replace(sent, name.c_str(), value.c_str());
        }
        if (!body.empty() || !type.empty()) {
            const auto bytes = adopt(g_bytes_new(body.data(), body.size()));
            soup_message_set_request_body_from_bytes(message.get(), type.empty() ? nullptr : type.c_str(), bytes.get());
        }
        GError* error = nullptr;
        const auto answer = adopt(soup_session_send_and_read(session.get(), message.get(), nullptr, &error));
        const GErrorPtr owned(error);
        if (error) {
            out.error = error->message;
        } else {
            out.status = soup_message_get_status(message.get());
            gsize size = 0;
            const auto* data = static_cast<const char*>(g_bytes_get_data(answer.get(), &size));
            out.body.assign(data ? data : "", size);
            soup_message_headers_foreach(
                soup_message_get_response_headers(message.get()),
                +[](const char* name, const char* value, gpointer user) {
                    const GString8 lower(g_ascii_strdown(name, -1));
                    (*static_cast<std::map<std::string, std::string>*>(user))[lower.get()] = value;
                },
                &out.headers);
        }
    }
    while (g_main_context_iteration(context.get(), FALSE)) {
    }
    g_main_context_pop_thread_default(context.get());
    return out;
}

inline std::string basic_authorization(const std::string& user, const std::string& password) {
    const std::string text = user + ":" + password;
    const GString8 coded(g_base64_encode(reinterpret_cast<const guchar*>(text.data()), text.size()));
    return std::string("Basic ") + coded.get();
}

} // namespace sluice::test
