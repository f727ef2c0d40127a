// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-webrtcserversink
 *
 * Serves cameras to browsers: an HTTP server that answers WHEP offers and sends each viewer the picture over WebRTC, at once
 * from the cached GOP, without transcoding. Nobody is let in without credentials.
 *
 * The picture is at http://HOST:8080/whep/camera for any WHEP player; docs/signalling.md has the same over a WebSocket. Sound
 * goes to `audio_0`: Opus and G.711 as they are, AAC is made Opus while somebody listens. A credentials file is made with
 * `mkpasswd -m yescrypt`: lines of `user:hash`.
 *
 * `authorize` (request) asks the application instead of the file; it answers within 10 s, from any thread. `session-added` (id)
 * and `session-removed` (id, reason) come from a worker thread. `session-info` (id) says whose it is, of which camera;
 * `session-stats` (id) all that `stats` says of it.
 * `close-session` (id, reason) is TRUE if it was there; `close-principal`, `close-login` and `close-camera` (name, reason) return
 * how many were closed. `create-signaller` carries the signalling over a connection of the application's.
 *
 * Of a camera with several streams each viewer gets the one that `quality` names, or with `auto` the one that its path carries;
 * a viewer may choose for itself (`?quality=`), and `set-quality` (id, quality) chooses for a viewer that is there. It returns
 * NULL, or why that is not possible.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=300 ! video/x-h264,profile=baseline ! h264parse config-interval=-1 ! webrtcserversink port=8080 credentials-file=viewers.htpasswd
 * ]|
 */
#include "plugins/core/channel_access.hpp"
#include "plugins/core/weak_ref.hpp"
#include "plugins/webrtc/authorizer.hpp"
#include "plugins/webrtc/elements.hpp"
#include "plugins/webrtc/http_host.hpp"
#include "plugins/webrtc/input_pads.hpp"
#include "plugins/webrtc/server.hpp"
#include "plugins/webrtc/server_service.hpp"
#include "plugins/webrtc/signaller_object.hpp"
#include "plugins/webrtc/sink_settings.hpp"
#include "plugins/webrtc/websocket.hpp"
#include "plugins/webrtc/whep.hpp"

GST_DEBUG_CATEGORY_STATIC(sluice_webrtcserversink_debug);
#define GST_CAT_DEFAULT sluice_webrtcserversink_debug

using namespace sluice;

namespace {

// What exists between READY and NULL.
struct State {
    std::shared_ptr<HttpHost> host;
    std::shared_ptr<Server> server;
    std::shared_ptr<Authorizer> authorizer;
    std::shared_ptr<Whep> whep;
    std::shared_ptr<WebsocketSignalling> websocket;
    std::vector<std::shared_ptr<WeakRef<GObject>>> signallers; // of the application; those that still exist
    GstClockID timer = nullptr;
};

struct Sink {
    std::mutex mutex; // all below
    SinkSettings settings;
    State state;
    std::shared_ptr<HttpHost> application_host;
    InputPads inputs; // has a lock of its own
};

enum {
    SIGNAL_AUTHORIZE,
    SIGNAL_SESSION_ADDED,
    SIGNAL_SESSION_REMOVED,
    SIGNAL_SESSION_INFO,
    SIGNAL_SESSION_STATS,
    SIGNAL_SET_QUALITY,
    SIGNAL_CLOSE_SESSION,
    SIGNAL_CLOSE_PRINCIPAL,
    SIGNAL_CLOSE_LOGIN,
    SIGNAL_CLOSE_CAMERA,
    SIGNAL_CREATE_SIGNALLER,
    N_SIGNALS
};
guint signals[N_SIGNALS];

} // namespace

struct _SluiceWebrtcServerSink {
    GstBin parent;
    Sink* sink;
};
G_DECLARE_FINAL_TYPE(SluiceWebrtcServerSink, sluice_webrtc_server_sink, SLUICE, WEBRTC_SERVER_SINK, GstBin)
G_DEFINE_FINAL_TYPE(SluiceWebrtcServerSink, sluice_webrtc_server_sink, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE(webrtcserversink, "webrtcserversink", GST_RANK_NONE, sluice_webrtc_server_sink_get_type())

namespace {

using Self = SluiceWebrtcServerSink;

std::shared_ptr<Server> server_of(Self* self) {
    std::lock_guard lock(self->sink->mutex);
    return self->sink->state.server;
}

using WeakElement = WeakRef<Self>;

std::string own_channels(const SinkSettings& s) {
    return s.channels + (s.channels.empty() ? "" : ",") + s.camera + "/*";
}

gboolean housekeeping(GstClock* clock, GstClockTime, GstClockID, gpointer data) {
    if (auto self = static_cast<WeakElement*>(data)->get()) {
        std::shared_ptr<Server> server;
        std::shared_ptr<Authorizer> authorizer;
        {
            std::lock_guard lock(self->sink->mutex);
            server = self->sink->state.server;
            authorizer = self->sink->state.authorizer;
        }
        const GstClockTime now = gst_clock_get_time(clock);
        if (server)
            server->tick(now, g_get_real_time() / G_USEC_PER_SEC);
        if (authorizer)
            authorizer->tick(now);
    }
    return TRUE;
}

std::shared_ptr<HttpHost> find_host(Self* self, const SinkSettings& settings) {
    const auto given = [&] {
        std::lock_guard lock(self->sink->mutex);
        return self->sink->application_host;
    };
    if (auto host = given())
        return host;
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_need_context(GST_OBJECT(self), HttpHost::context_type));
    if (auto host = given())
        return host;
    auto host = HttpHost::open(settings.address, settings.port);
    if (!host) {
        if (host.error().kind == ErrorKind::busy)
            GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("%s", host.error().text.c_str()), ("properties address, port"));
        else
            GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", host.error().text.c_str()), ("property address"));
        return nullptr;
    }
    return host.value();
}

bool open_server(Self* self) {
    SinkSettings settings;
    {
        std::lock_guard lock(self->sink->mutex);
        settings = self->sink->settings;
    }
    std::shared_ptr<const Credentials> credentials;
    if (!settings.credentials_file.empty()) {
        auto loaded = Credentials::load(settings.credentials_file);
        if (!loaded) {
            GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", loaded.error().text.c_str()),
                              ("property credentials-file"));
            return false;
        }
        credentials = std::make_shared<const Credentials>(std::move(loaded).value());
    }
    if (const auto complaint = complaint_about(settings.ice)) {
        GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", complaint->c_str()), ("ICE settings of webrtcserversink"));
        return false;
    }
    const auto qualities = settings.quality_defaults();
    if (!qualities) {
        GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", qualities.error().text.c_str()), (nullptr));
        return false;
    }
    State state;
    state.host = find_host(self, settings);
    if (!state.host)
        return false;
    auto weak = std::make_shared<WeakElement>(self);
    state.server = Server::create({.ice = settings.ice,
                                   .channels = own_channels(settings),
                                   .max_sessions = settings.max_sessions,
                                   .max_sessions_per_peer = settings.max_sessions_per_peer,
                                   .qualities = qualities.value(),
                                   .opus_versions = settings.opus_versions},
                                  {.added =
                                       [weak](const std::string& id) {
                                           if (auto e = weak->get())
                                               g_signal_emit(e.get(), signals[SIGNAL_SESSION_ADDED], 0, id.c_str());
                                       },
                                   .removed =
                                       [weak](const std::string& id, const std::string& reason) {
                                           if (auto e = weak->get())
                                               g_signal_emit(e.get(), signals[SIGNAL_SESSION_REMOVED], 0, id.c_str(),
                                                             reason.c_str());
                                       }});
    state.authorizer = std::make_shared<Authorizer>(
        Authorizer::Handler{.present =
                                [weak] {
                                    auto e = weak->get();
                                    return e &&
                                           g_signal_has_handler_pending(e.get(), signals[SIGNAL_AUTHORIZE], 0, FALSE);
                                },
                            .hand_over =
                                [weak](SluiceAuthRequest* request) {
                                    if (auto e = weak->get())
                                        g_signal_emit(e.get(), signals[SIGNAL_AUTHORIZE], 0, request);
                                }},
        std::move(credentials));
    state.whep = Whep::create(state.host, state.server, state.authorizer, settings.path);
    if (!state.whep->start()) {
        GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("path '%s' is served by another element", settings.path.c_str()),
                          ("property path"));
        state.server->shut_down("the path is taken");
        return false;
    }
    if (!settings.ws_path.empty()) {
        state.websocket =
            WebsocketSignalling::create(state.host, std::make_shared<ServerService>(state.server, state.authorizer),
                                        settings.ws_path, settings.ws_origins);
        if (!state.websocket->start()) {
            state.websocket = nullptr;
            if (settings.ws_path_wanted) {
                GST_ELEMENT_ERROR(self, RESOURCE, BUSY,
                                  ("path '%s' is served by another element", settings.ws_path.c_str()),
                                  ("property ws-path"));
                state.whep->stop();
                state.server->shut_down("the path is taken");
                return false;
            }
            GST_INFO_OBJECT(self, "no WebSocket: path '%s' is served by another element", settings.ws_path.c_str());
        }
    }
    state.server->warm_up();
    const auto clock = channel_clock();
    state.timer = gst_clock_new_periodic_id(clock.get(), gst_clock_get_time(clock.get()) + GST_SECOND, GST_SECOND);
    {
        std::lock_guard lock(self->sink->mutex);
        self->sink->state = state;
    }
    gst_clock_id_wait_async(
        state.timer, housekeeping, new WeakElement(self),
        +[](gpointer data) { delete static_cast<WeakElement*>(data); });
    return true;
}

void close_server(Self* self) {
    State state;
    {
        std::lock_guard lock(self->sink->mutex);
        std::swap(state, self->sink->state);
    }
    if (state.timer) {
        gst_clock_id_unschedule(state.timer);
        gst_clock_id_unref(state.timer);
    }
    if (state.whep)
        state.whep->stop();
    if (state.websocket)
        state.websocket->stop("the server is shutting down");
    for (const auto& weak : state.signallers)
        if (const auto signaller = weak->get())
            shut_down_signaller(signaller.get(), "the server is shutting down");
    if (state.server)
        state.server->shut_down("the server is shutting down");
    if (state.authorizer)
        state.authorizer->close();
    if (state.host)
        state.host->settle(); // what it was given holds it: the port is to be free when we return
}

GObject* create_signaller(Self* self, const char* principal, const char* peer_address, const GstStructure* headers) {
    Signaller::Client client{.principal = principal ? principal : ""};
    client.question.peer_address = peer_address ? peer_address : "";
    for (gint i = 0; headers && i < gst_structure_n_fields(headers); ++i) {
        const char* name = gst_structure_nth_field_name(headers, static_cast<guint>(i));
        const GString8 lower(g_ascii_strdown(name, -1));
        if (const char* value = gst_structure_get_string(headers, name))
            client.question.headers[lower.get()] = value;
    }
    std::lock_guard lock(self->sink->mutex);
    State& state = self->sink->state;
    if (!state.server)
        return nullptr;
    auto signaller =
        make_signaller(state.host, std::make_shared<ServerService>(state.server, state.authorizer), std::move(client));
    std::erase_if(state.signallers, [](const auto& weak) { return !weak->get(); });
    state.signallers.push_back(std::make_shared<WeakRef<GObject>>(signaller.get()));
    return signaller.release();
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
    auto* self = SLUICE_WEBRTC_SERVER_SINK(element);
    if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_server(self))
        return GST_STATE_CHANGE_FAILURE;
    const auto result = GST_ELEMENT_CLASS(sluice_webrtc_server_sink_parent_class)->change_state(element, transition);
    if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
        (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
        close_server(self);
    return result;
}

void set_context(GstElement* element, GstContext* context) {
    auto* self = SLUICE_WEBRTC_SERVER_SINK(element);
    if (context && gst_context_has_context_type(context, HttpHost::context_type)) {
        Ref<SoupServer> server;
        Ref<GMainContext> main_context;
        gst_structure_get(gst_context_get_structure(context), "server", SOUP_TYPE_SERVER, server.out(), "context",
                          G_TYPE_MAIN_CONTEXT, main_context.out(), nullptr);
        if (server) {
            std::lock_guard lock(self->sink->mutex);
            self->sink->application_host = HttpHost::use(server.get(), main_context.get());
        } else {
            GST_WARNING_OBJECT(self, "the context %s has no field 'server' of type SoupServer", HttpHost::context_type);
        }
    }
    GST_ELEMENT_CLASS(sluice_webrtc_server_sink_parent_class)->set_context(element, context);
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name, const GstCaps*) {
    Sink& sink = *SLUICE_WEBRTC_SERVER_SINK(element)->sink;
    std::string camera;
    {
        std::lock_guard lock(sink.mutex);
        camera = sink.settings.camera;
    }
    return sink.inputs.request(GST_BIN(element), templ, name, camera);
}

void release_pad(GstElement* element, GstPad* pad) {
    SLUICE_WEBRTC_SERVER_SINK(element)->sink->inputs.release(GST_BIN(element), pad);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_WEBRTC_SERVER_SINK(object);
    std::unique_lock lock(self->sink->mutex);
    SinkSettings& s = self->sink->settings;
    if (!s.set(id, value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
        return;
    }
    const auto server = self->sink->state.server;
    const SinkSettings now = s;
    lock.unlock();
    if (server && id == PROP_CHANNELS)
        server->set_channels(own_channels(now));
    if (!server || (id != PROP_QUALITY && id != PROP_QUALITIES))
        return;
    if (const auto defaults = now.quality_defaults())
        server->set_qualities(defaults.value());
    else
        GST_WARNING_OBJECT(self, "%s; viewers keep what they have", defaults.error().text.c_str());
}

template <std::string Viewer::Info::*field> guint close_all(Self* self, const char* value, const char* reason) {
    const auto server = server_of(self);
    return server && value ? server->close_all(field, value, reason ? reason : "closed") : 0;
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
    auto* self = SLUICE_WEBRTC_SERVER_SINK(object);
    Sink& sink = *self->sink;
    if (id == PROP_STATS || id == PROP_VIEWERS_BY_CAMERA) {
        const auto server = server_of(self);
        g_value_take_boxed(value, !server            ? gst_structure_new_empty("none")
                                  : id == PROP_STATS ? server->stats().release()
                                                     : server->viewers_by_camera().release());
        return;
    }
    std::lock_guard lock(sink.mutex);
    if (id == PROP_PORT && sink.state.host && sink.state.host->port())
        g_value_set_uint(value, sink.state.host->port());
    else if (!sink.settings.get(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

void finalize(GObject* object) {
    delete SLUICE_WEBRTC_SERVER_SINK(object)->sink;
    G_OBJECT_CLASS(sluice_webrtc_server_sink_parent_class)->finalize(object);
}

char* set_session_quality(Self* self, const char* id, const char* quality) {
    const auto server = server_of(self);
    Result<bool> done = Error{ErrorKind::unavailable, "no sessions are served"};
    if (server && id && quality)
        done = server->set_quality(std::string(id), quality);
    return done ? nullptr : g_strdup(problem_json(done.error().kind, done.error().text).c_str());
}

void install_signals(GType type) {
    /**
     * webrtcserversink::authorize:
     * @request: a SluiceAuthRequest: keep a reference and accept or deny it, now or within 10 s, from any thread
     *
     * Whether somebody may watch, or use the session that it has. Without a handler the credentials file decides.
     */
    signals[SIGNAL_AUTHORIZE] = g_signal_new("authorize", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr,
                                             G_TYPE_NONE, 1, SLUICE_TYPE_AUTH_REQUEST);
    // A session is there (negotiated, not yet connected) / has gone, with the reason; from a worker thread.
    signals[SIGNAL_SESSION_ADDED] = g_signal_new("session-added", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr,
                                                 G_TYPE_NONE, 1, G_TYPE_STRING);
    signals[SIGNAL_SESSION_REMOVED] = g_signal_new("session-removed", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                                                   nullptr, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
    // Actions: close one session (TRUE if it was there); close all of a principal, of a login (sluice_auth_request_set_login())
    // or of a camera (how many).
    constexpr auto action = GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
    signals[SIGNAL_CLOSE_SESSION] = g_signal_new_class_handler(
        "close-session", type, action, G_CALLBACK(+[](Self* self, const char* id, const char* reason) -> gboolean {
            const auto server = server_of(self);
            return server && id && server->close(id, reason ? reason : "closed");
        }),
        nullptr, nullptr, nullptr, G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_STRING);
    // Whose session it is: id, principal, camera, peer, or NULL if there is none (any more). Cheaper than `stats`.
    signals[SIGNAL_SESSION_INFO] = g_signal_new_class_handler(
        "session-info", type, action, G_CALLBACK(+[](Self* self, const char* id) -> GstStructure* {
            const auto server = server_of(self);
            const auto info = server && id ? server->info(id) : std::nullopt;
            return info
                       ? gst_structure_new("session", "id", G_TYPE_STRING, info->id.c_str(), "principal", G_TYPE_STRING,
                                           info->principal.c_str(), "camera", G_TYPE_STRING, info->camera.c_str(),
                                           "peer", G_TYPE_STRING, info->peer_address.c_str(), nullptr)
                       : nullptr;
        }),
        nullptr, nullptr, nullptr, GST_TYPE_STRUCTURE, 1, G_TYPE_STRING);
    // The same with all figures, as in `stats`.
    signals[SIGNAL_SESSION_STATS] = g_signal_new_class_handler(
        "session-stats", type, action, G_CALLBACK(+[](Self* self, const char* id) -> GstStructure* {
            const auto server = server_of(self);
            return server && id ? server->stats_of(id).release() : nullptr;
        }),
        nullptr, nullptr, nullptr, GST_TYPE_STRUCTURE, 1, G_TYPE_STRING);
    // Chooses for a viewer, who is told: id, quality ("auto" or a stream). NULL, or why not as application/problem+json.
    signals[SIGNAL_SET_QUALITY] =
        g_signal_new_class_handler("set-quality", type, action, G_CALLBACK(set_session_quality), nullptr, nullptr,
                                   nullptr, G_TYPE_STRING, 2, G_TYPE_STRING, G_TYPE_STRING);
    const auto close_action = [&](const char* name, GCallback handler) {
        return g_signal_new_class_handler(name, type, action, handler, nullptr, nullptr, nullptr, G_TYPE_UINT, 2,
                                          G_TYPE_STRING, G_TYPE_STRING);
    };
    signals[SIGNAL_CLOSE_PRINCIPAL] = close_action("close-principal", G_CALLBACK(close_all<&Viewer::Info::principal>));
    signals[SIGNAL_CLOSE_LOGIN] = close_action("close-login", G_CALLBACK(close_all<&Viewer::Info::login>));
    signals[SIGNAL_CLOSE_CAMERA] = close_action("close-camera", G_CALLBACK(close_all<&Viewer::Info::camera>));
    /**
     * webrtcserversink::create-signaller:
     * @principal: who the client is, as the application knows it
     * @peer_address: where from, for limits and logs (may be NULL)
     * @headers: fields of type string that `authorize` sees as headers with each join (may be NULL)
     *
     * Signalling over a connection of the application's: an object with the signals send and close and the actions open, receive
     * and closed, which speaks docs/signalling.md. Each join is authorized like any other.
     *
     * Returns: (transfer full) (nullable): NULL below READY
     */
    signals[SIGNAL_CREATE_SIGNALLER] =
        g_signal_new_class_handler("create-signaller", type, action, G_CALLBACK(create_signaller), nullptr, nullptr,
                                   nullptr, G_TYPE_OBJECT, 3, G_TYPE_STRING, G_TYPE_STRING, GST_TYPE_STRUCTURE);
}

} // namespace

static void sluice_webrtc_server_sink_class_init(SluiceWebrtcServerSinkClass* klass) {
    GST_DEBUG_CATEGORY_INIT(sluice_webrtcserversink_debug, "webrtcserversink", 0, "Sluice: WebRTC server");
    auto* object = G_OBJECT_CLASS(klass);
    auto* element = GST_ELEMENT_CLASS(klass);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    element->change_state = change_state;
    element->set_context = set_context;
    element->request_new_pad = request_new_pad;
    element->release_pad = release_pad;
    install_sink_properties(object);
    install_signals(G_TYPE_FROM_CLASS(klass));
    InputPads::add_templates(element);
    gst_element_class_set_static_metadata(
        element, "WebRTC server", "Sink/Network/WebRTC",
        "Serves cameras to browsers over WebRTC (WHEP), from the cached GOP, without transcoding",
        "The Sluice developers");
}

static void sluice_webrtc_server_sink_init(SluiceWebrtcServerSink* self) { self->sink = new Sink; }
