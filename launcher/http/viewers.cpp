// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/viewers.hpp"

#include "launcher/log.hpp"
#include "plugins/core/sluiceauthrequest.h"
#include "plugins/core/structure_json.hpp"

#include <algorithm>

namespace sluice {

namespace {

std::string text(const char* value) { return value ? value : ""; }

void answer(SluiceAuthRequest* request, const AuthDecision& a) {
    switch (a.verdict) {
    case AuthDecision::Verdict::accepted:
        sluice_auth_request_set_login(request, a.session.c_str());
        sluice_auth_request_accept(request, a.principal.c_str(), a.expires);
        return;
    case AuthDecision::Verdict::too_many:
    case AuthDecision::Verdict::unavailable:
        sluice_auth_request_deny_for(request, std::max(1u, a.retry_seconds), a.reason.c_str());
        return;
    case AuthDecision::Verdict::forbidden:
        sluice_auth_request_deny(request, SLUICE_AUTH_DENIED_FORBIDDEN, a.reason.c_str());
        return;
    case AuthDecision::Verdict::unauthenticated:
        sluice_auth_request_deny(request, SLUICE_AUTH_DENIED_UNAUTHENTICATED, a.reason.c_str());
        return;
    }
}

// One signal emission on its way to the main context.
struct Ask {
    std::weak_ptr<Viewers*> owner;
    Authenticator* auth;
    AuditLog* audit;
    Ref<SluiceAuthRequest> request;
};

void ask(const Ask& a) {
    SluiceAuthRequest* r = a.request.get();
    if (!a.owner.lock()) {
        sluice_auth_request_deny(r, SLUICE_AUTH_DENIED_FORBIDDEN, "the server is closing");
        return;
    }
    AuthRequest q;
    q.action = Action::view;
    q.transport = AuthTransport::whep;
    q.camera = text(sluice_auth_request_get_camera(r));
    if (const std::string action = text(sluice_auth_request_get_action(r)); action == "connect") {
        q.transport = AuthTransport::websocket;
        if (q.camera->empty())
            q.action.reset(); // has not yet said what it wants to see, and is asked again when it does
    }
    q.method = q.transport == AuthTransport::whep ? "POST" : "GET";
    q.path = (q.transport == AuthTransport::whep ? "/whep/" : "/ws/") + *q.camera;
    q.authorization = text(sluice_auth_request_get_header(r, "authorization"));
    q.cookie = text(sluice_auth_request_get_header(r, "cookie"));
    q.origin = text(sluice_auth_request_get_header(r, "origin"));
    q.host = text(sluice_auth_request_get_header(r, "host"));
    q.fetch_site = text(sluice_auth_request_get_header(r, "sec-fetch-site"));
    q.peer = text(sluice_auth_request_get_peer_address(r));
    q.changes_state = true; // a session costs bandwidth and is seen by others
    a.auth->authorize(q, [request = a.request, q, audit = a.audit](const AuthDecision& result) {
        if (!result.accepted())
            audit_denial(audit, q, result);
        answer(request.get(), result);
    });
}

void set_if(GObject* element, const char* property, const std::string& value) {
    if (!value.empty())
        g_object_set(element, property, value.c_str(), nullptr);
}

gboolean on_message(GstBus*, GstMessage* message, gpointer) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR || GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
        GError* raw = nullptr;
        char* debug = nullptr;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
            gst_message_parse_error(message, &raw, &debug);
        else
            gst_message_parse_warning(message, &raw, &debug);
        const GErrorPtr error(raw);
        const GString8 held(debug);
        log_line(GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR ? LogLevel::error : LogLevel::warning,
                 std::string("viewers: ") + error->message);
    }
    return G_SOURCE_CONTINUE;
}

std::string patterns(const std::vector<CameraConfig>& cameras) {
    std::string out;
    for (const CameraConfig& camera : cameras)
        if (camera.webrtc.enabled)
            out += (out.empty() ? "" : ",") + camera.name + "/*";
    return out;
}

// Those that differ from the element's default.
std::string qualities(const std::vector<CameraConfig>& cameras) {
    const std::string usual = WebrtcOutput().quality;
    std::string out;
    for (const CameraConfig& camera : cameras)
        if (camera.webrtc.quality != usual)
            out += (out.empty() ? "" : ",") + camera.name + "=" + camera.webrtc.quality;
    return out;
}

} // namespace

Result<std::unique_ptr<Viewers>> Viewers::create(const WebrtcServerConfig& webrtc,
                                                 const std::vector<CameraConfig>& cameras, SoupServer* server,
                                                 Authenticator& auth, AuditLog* audit) {
    const Ref<GstElement> element = sink(gst_element_factory_make("webrtcserversink", nullptr));
    if (!element)
        return Error{ErrorKind::unavailable, "the element webrtcserversink cannot be made"};
    std::string addresses;
    for (const std::string& address : webrtc.ice_addresses)
        addresses += (addresses.empty() ? "" : ",") + address;
    GObject* object = G_OBJECT(element.get());
    set_if(object, "channels", patterns(cameras));
    set_if(object, "qualities", qualities(cameras));
    set_if(object, "ice-addresses", addresses);
    set_if(object, "stun-server", webrtc.stun_server);
    if (webrtc.min_rtp_port)
        g_object_set(object, "min-rtp-port", static_cast<guint>(*webrtc.min_rtp_port), nullptr);
    if (webrtc.max_rtp_port)
        g_object_set(object, "max-rtp-port", static_cast<guint>(*webrtc.max_rtp_port), nullptr);
    g_object_set(object, "ice-tcp", static_cast<gboolean>(webrtc.ice_tcp), "opus-versions", FALSE, nullptr);

    GstContext* context = gst_context_new("sluice.http-server", TRUE);
    gst_structure_set(gst_context_writable_structure(context), "server", SOUP_TYPE_SERVER, server, "context",
                      G_TYPE_MAIN_CONTEXT, g_main_context_default(), nullptr);
    gst_element_set_context(element.get(), context);
    gst_context_unref(context);

    const Ref<GstElement> pipeline = sink(gst_pipeline_new("viewers"));
    gst_bin_add(GST_BIN(pipeline.get()), GST_ELEMENT(gst_object_ref(element.get())));
    auto out = std::unique_ptr<Viewers>(new Viewers(pipeline, element, auth, audit));
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return Error{ErrorKind::unavailable, "webrtcserversink cannot start; GST_DEBUG=3 says more"};
    return out;
}

Viewers::Viewers(Ref<GstElement> pipeline, Ref<GstElement> element, Authenticator& auth, AuditLog* audit)
    : pipeline_(std::move(pipeline)), element_(std::move(element)), auth_(auth),
      audit_(audit ? std::make_unique<ViewerAudit>(element_.get(), *audit) : nullptr),
      self_(std::make_shared<Viewers*>(this)) {
    using Holder = Ask;
    g_signal_connect_data(
        element_.get(), "authorize", G_CALLBACK(+[](GstElement*, SluiceAuthRequest* request, gpointer data) {
            auto* a = new Ask(*static_cast<Holder*>(data));
            a->request = ref(request);
            g_main_context_invoke_full(
                nullptr, G_PRIORITY_DEFAULT,
                [](gpointer held) -> gboolean {
                    ask(*static_cast<Ask*>(held));
                    return G_SOURCE_REMOVE;
                },
                a, [](gpointer held) { delete static_cast<Ask*>(held); });
        }),
        new Holder{self_, &auth_, audit, {}}, [](gpointer held, GClosure*) { delete static_cast<Holder*>(held); },
        GConnectFlags(0));
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_add_watch(bus.get(), on_message, nullptr);
}

Viewers::~Viewers() {
    stop();
    const Ref<GstBus> bus = adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_remove_watch(bus.get());
}

bool Viewers::working() const {
    GstState state = GST_STATE_NULL;
    return gst_element_get_state(pipeline_.get(), &state, nullptr, 0) != GST_STATE_CHANGE_FAILURE &&
           state == GST_STATE_PLAYING;
}

void Viewers::stop() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

Json Viewers::list() const {
    GstStructure* raw = nullptr;
    g_object_get(element_.get(), "stats", &raw, nullptr);
    const GstStructurePtr stats(raw);
    const GValue* viewers = stats ? gst_structure_get_value(stats.get(), "viewers") : nullptr;
    return viewers && GST_VALUE_HOLDS_ARRAY(viewers) ? value_to_json<Json>(viewers) : Json::array();
}

std::optional<Json> Viewers::find(const std::string& id) const {
    GstStructure* raw = nullptr;
    g_signal_emit_by_name(element_.get(), "session-stats", id.c_str(), &raw);
    const GstStructurePtr stats(raw);
    return stats ? std::optional(structure_to_json<Json>(stats.get())) : std::nullopt;
}

std::optional<Viewers::Owner> Viewers::owner_of(const std::string& id) const {
    GstStructure* raw = nullptr;
    g_signal_emit_by_name(element_.get(), "session-info", id.c_str(), &raw);
    const GstStructurePtr info(raw);
    if (!info)
        return std::nullopt;
    return Owner{text(gst_structure_get_string(info.get(), "principal")),
                 text(gst_structure_get_string(info.get(), "camera"))};
}

std::optional<Json> Viewers::set_quality(const std::string& id, const std::string& quality) {
    char* raw = nullptr;
    g_signal_emit_by_name(element_.get(), "set-quality", id.c_str(), quality.c_str(), &raw);
    const GString8 problem(raw);
    return problem ? std::optional(Json::parse(problem.get(), nullptr, false)) : std::nullopt;
}

bool Viewers::close(const std::string& id, const std::string& reason) {
    gboolean closed = FALSE;
    g_signal_emit_by_name(element_.get(), "close-session", id.c_str(), reason.c_str(), &closed);
    return closed;
}

void Viewers::close_by(const char* action, const std::string& value, const std::string& reason) {
    guint closed = 0;
    g_signal_emit_by_name(element_.get(), action, value.c_str(), reason.c_str(), &closed);
    if (closed)
        log_info(std::to_string(closed) + (closed == 1 ? " viewer" : " viewers") + " closed: " + reason);
}

void Viewers::close_principal(const std::string& principal, const std::string& reason) {
    close_by("close-principal", principal, reason);
}

void Viewers::close_login(const std::string& session, const std::string& reason) {
    close_by("close-login", session, reason);
}

void Viewers::close_camera(const std::string& camera, const std::string& reason) {
    close_by("close-camera", camera, reason);
}

void Viewers::set_cameras(const std::vector<CameraConfig>& cameras) {
    g_object_set(element_.get(), "channels", patterns(cameras).c_str(), "qualities", qualities(cameras).c_str(),
                 nullptr);
}

std::shared_ptr<SignalLink> Viewers::signalling(const SignalLink::Client& client) {
    return SignalLink::open(element_.get(), client);
}

std::map<std::string, unsigned> Viewers::by_camera() const {
    GstStructure* raw = nullptr;
    g_object_get(element_.get(), "viewers-by-camera", &raw, nullptr);
    const GstStructurePtr counts(raw);
    const GValue* cameras = counts ? gst_structure_get_value(counts.get(), "cameras") : nullptr;
    std::map<std::string, unsigned> out;
    for (guint i = 0; cameras && i < gst_value_array_get_size(cameras); i++) {
        const GstStructure* camera = gst_value_get_structure(gst_value_array_get_value(cameras, i));
        const char* name = gst_structure_get_string(camera, "name");
        guint viewers = 0;
        if (name && gst_structure_get_uint(camera, "viewers", &viewers))
            out[name] = viewers;
    }
    return out;
}

} // namespace sluice
