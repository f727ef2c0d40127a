// SPDX-License-Identifier: LGPL-2.1-or-later
// Small GET requests to other servers: asynchronous, bounded in time and size, redirects not followed.
#pragma once

#include "plugins/core/refs.hpp"

#include <libsoup/soup.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

struct HttpAsk {
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> wanted; // headers of the answer
    std::chrono::milliseconds timeout{10'000};
    size_t max_body = 64 * 1024;
};

struct HttpReply {
    unsigned status = 0; // 0: there was no answer, see error
    std::string error;   // without the address
    std::map<std::string, std::string> headers;
    std::string body;
};

class HttpFetch {
public:
    // Lives in the main context. direct: never through a proxy, whatever the environment says.
    explicit HttpFetch(bool direct);
    ~HttpFetch(); // ends what is under way; no `done` is called any more
    HttpFetch(const HttpFetch&) = delete;
    HttpFetch& operator=(const HttpFetch&) = delete;

    // Calls done once, later.
    void get(const HttpAsk& ask, std::function<void(HttpReply)> done);

private:
    struct Job;
    static void on_sent(GObject* session, GAsyncResult* result, gpointer data);
    static void on_read(GObject* stream, GAsyncResult* result, gpointer data);
    static void read_more(Job* job);
    static void finish(Job* job, const std::string& error);

    Ref<SoupSession> session_;
    std::set<Job*> jobs_;
};

} // namespace sluice
