// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/auth/http_fetch.hpp"

namespace sluice {

namespace {

constexpr int max_connections = 64;
constexpr gsize block = 16 * 1024;

} // namespace

// Belongs to the operation that is under way; each has exactly one.
struct HttpFetch::Job {
    HttpFetch* owner; // nullptr: it is gone
    std::function<void(HttpReply)> done;
    HttpReply reply;
    std::vector<std::string> wanted;
    size_t max_body = 0;
    Ref<SoupMessage> message;
    Ref<GInputStream> stream;
    Ref<GCancellable> cancellable = adopt(g_cancellable_new());
    guint deadline = 0;
    bool late = false;
};

HttpFetch::HttpFetch(bool direct) {
    // The TLS backend is loaded here, before threads of pipelines could do so at the same time.
    g_tls_backend_get_default();
    session_ = adopt(soup_session_new_with_options("max-conns", max_connections, "max-conns-per-host", max_connections,
                                                   "timeout", 15u, "idle-timeout", 10u, "user-agent",
                                                   "sluice/" SLUICE_VERSION, nullptr));
    // It would look for credentials of its own, and unpack what is small on the way and large here.
    soup_session_remove_feature_by_type(session_.get(), SOUP_TYPE_AUTH_MANAGER);
    soup_session_remove_feature_by_type(session_.get(), SOUP_TYPE_CONTENT_DECODER);
    if (direct)
        g_object_set(session_.get(), "proxy-resolver", nullptr, nullptr);
}

HttpFetch::~HttpFetch() {
    for (Job* job : jobs_) {
        job->owner = nullptr;
        job->done = nullptr;
        g_clear_handle_id(&job->deadline, g_source_remove);
        g_cancellable_cancel(job->cancellable.get());
    }
    soup_session_abort(session_.get());
}

void HttpFetch::get(const HttpAsk& ask, std::function<void(HttpReply)> done) {
    auto* job = new Job{this, std::move(done), {}, ask.wanted, ask.max_body, {}, {}};
    jobs_.insert(job);
    job->deadline = g_timeout_add(
        static_cast<guint>(ask.timeout.count()),
        [](gpointer data) -> gboolean {
            auto* late = static_cast<Job*>(data);
            late->deadline = 0;
            late->late = true;
            g_cancellable_cancel(late->cancellable.get());
            return G_SOURCE_REMOVE;
        },
        job);
    job->message = adopt(soup_message_new(SOUP_METHOD_GET, ask.url.c_str()));
    if (!job->message) { // the configuration lets none through that could not be parsed
        g_idle_add_once([](gpointer data) { finish(static_cast<Job*>(data), "the address cannot be understood"); },
                        job);
        return;
    }
    soup_message_add_flags(job->message.get(), SOUP_MESSAGE_NO_REDIRECT);
    SoupMessageHeaders* headers = soup_message_get_request_headers(job->message.get());
    for (const auto& [name, value] : ask.headers)
        soup_message_headers_replace(headers, name.c_str(), value.c_str());
    soup_session_send_async(session_.get(), job->message.get(), G_PRIORITY_DEFAULT, job->cancellable.get(), on_sent,
                            job);
}

void HttpFetch::finish(Job* job, const std::string& error) {
    const std::unique_ptr<Job> held(job);
    g_clear_handle_id(&job->deadline, g_source_remove);
    if (!job->owner)
        return;
    job->owner->jobs_.erase(job);
    if (!error.empty()) {
        job->reply = {};
        job->reply.error = job->late ? "no answer in time" : error;
    }
    job->done(std::move(job->reply));
}

void HttpFetch::on_sent(GObject* session, GAsyncResult* result, gpointer data) {
    auto* job = static_cast<Job*>(data);
    GError* raw = nullptr;
    job->stream = adopt(soup_session_send_finish(SOUP_SESSION(session), result, &raw));
    const GErrorPtr error(raw);
    if (!job->stream) {
        finish(job, error ? error->message : "no answer");
        return;
    }
    job->reply.status = soup_message_get_status(job->message.get());
    SoupMessageHeaders* headers = soup_message_get_response_headers(job->message.get());
    for (const std::string& name : job->wanted)
        if (const char* value = soup_message_headers_get_one(headers, name.c_str()))
            job->reply.headers[name] = value;
    read_more(job);
}

void HttpFetch::read_more(Job* job) {
    g_input_stream_read_bytes_async(job->stream.get(), block, G_PRIORITY_DEFAULT, job->cancellable.get(), on_read, job);
}

void HttpFetch::on_read(GObject* stream, GAsyncResult* result, gpointer data) {
    auto* job = static_cast<Job*>(data);
    GError* raw = nullptr;
    const Ref<GBytes> bytes = adopt(g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, &raw));
    const GErrorPtr error(raw);
    if (!bytes) {
        finish(job, error ? error->message : "the answer broke off");
        return;
    }
    gsize size = 0;
    const void* content = g_bytes_get_data(bytes.get(), &size);
    if (size == 0) {
        finish(job, {});
        return;
    }
    if (job->reply.body.size() + size > job->max_body) {
        finish(job, "the answer is larger than " + std::to_string(job->max_body) + " bytes");
        return;
    }
    job->reply.body.append(static_cast<const char*>(content), size);
    read_more(job);
}

} // namespace sluice
