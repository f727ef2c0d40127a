// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/webrtc/server.hpp"

#include "plugins/core/channel_access.hpp"
#include "plugins/core/credentials.hpp"
#include "plugins/webrtc/opus_version.hpp"
#include "plugins/webrtc/scene.hpp"
#include "plugins/webrtc/viewer_stats.hpp"

#include <gio/gio.h>
#include <malloc.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr unsigned worker_threads = 4;
constexpr unsigned ender_threads = 2;
constexpr unsigned max_joining = 64; // negotiations under way; more are refused, not queued
// After so many sessions have ended the memory they used is given back to the system.
constexpr unsigned trim_after = 16;
constexpr GstClockTime source_limit = 5 * GST_SECOND;
// close_all() is remembered for as long as a join may take, and so many times.
constexpr GstClockTime closed_limit = 60 * GST_SECOND;
constexpr size_t max_closed = 256;
// A viewer takes some 10 to 20. GLib ends the process when a main context finds none, so they must not run out.
constexpr unsigned long spare_descriptors = 64;

// A stream of its own for each viewer and track (RFC 3550).
RtpWriter::Identity new_identity(Codec codec, const SdpOffer::Choice& choice, const SdpOffer& offer) {
    return {.ssrc = g_random_int() | 1,
            .payload_type = static_cast<uint8_t>(choice.payload_type),
            .clock_rate = rtp_clock_rate(codec),
            .first_seq = static_cast<uint16_t>(g_random_int_range(0, 32768)),
            .timestamp_offset = g_random_int(),
            .extension_id = offer.transport_extension,
            .delay_extension_id = is_video(codec) ? offer.delay_extension : uint8_t(0)};
}

bool is_loopback(const std::string& address) {
    const auto a = adopt(g_inet_address_new_from_string(address.c_str()));
    return a && g_inet_address_get_is_loopback(a.get());
}

} // namespace

// Woken by the channel's first access unit.
struct Server::Pending : Wakeup, std::enable_shared_from_this<Pending> {
    Join join;
    Done done;
    ViewerStream::Scene scene;
    std::string stream;
    std::shared_ptr<Channel> channel;
    std::unique_ptr<Channel::Reader> reader; // demand: an on-demand source is started for it
    GstClockTime deadline = 0;
    std::weak_ptr<Server> server;
    std::atomic<bool> finished{false};

    void wake() override {
        if (channel->video_track() && !finished.exchange(true))
            if (auto s = server.lock())
                s->run_task([s, self = shared_from_this()] { s->finish_pending(self, true); });
    }
};

std::shared_ptr<Server> Server::create(ServerSettings settings, Listener listener) {
    return std::shared_ptr<Server>(new Server(std::move(settings), std::move(listener)));
}

Server::Server(ServerSettings settings, Listener listener)
    : settings_(std::move(settings)), listener_(std::move(listener)), pool_(SenderPool::shared()),
      places_(std::make_shared<PeerPlaces>()), channels_(settings_.channels), qualities_(settings_.qualities) {
    const auto run = +[](gpointer data, gpointer) {
        const std::unique_ptr<Task> task(static_cast<Task*>(data));
        (*task)();
    };
    workers_ = g_thread_pool_new(run, nullptr, worker_threads, FALSE, nullptr);
    enders_ = g_thread_pool_new(run, nullptr, ender_threads, FALSE, nullptr);
}

Server::~Server() {
    // The last reference may fall on a worker: nobody is waited for here, shut_down() did that.
    g_thread_pool_free(workers_, FALSE, FALSE);
    g_thread_pool_free(enders_, FALSE, FALSE);
}

void Server::run_task(Task task) { g_thread_pool_push(workers_, new Task(std::move(task)), nullptr); }
void Server::run_end(Task task) { g_thread_pool_push(enders_, new Task(std::move(task)), nullptr); }

void Server::set_channels(const std::string& patterns) {
    std::lock_guard lock(mutex_);
    channels_ = patterns;
}

void Server::warm_up() {
    {
        std::lock_guard lock(mutex_);
        ++warming_;
    }
    run_task([self = shared_from_this()] {
        const auto offer =
            parse_offer("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n"
                        "a=ice-ufrag:warm\r\na=ice-pwd:warmwarmwarmwarmwarmwarm\r\na=setup:actpass\r\na=mid:0\r\n"
                        "a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
                        "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n"
                        "a=recvonly\r\na=rtpmap:96 H264/90000\r\n"
                        "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n");
        IceSettings local = self->settings_.ice; // nothing leaves this machine for it
        local.stun_server.clear();
        local.turn_servers.clear();
        local.min_rtp_port = local.max_rtp_port = 0; // nor takes it a port that a viewer may need
        if (offer)
            if (const auto peer =
                    Peer::create(offer.value(), {.video = {.choice = {96, "42e01f"}, .ssrc = 1}}, local, false, {}))
                peer.value()->close();
        std::lock_guard lock(self->mutex_);
        --self->warming_;
        self->idle_.notify_all();
    });
}

Result<ViewerStream::Scene> Server::scene(const std::string& camera) const {
    std::string patterns;
    {
        std::lock_guard lock(mutex_);
        patterns = channels_;
    }
    return find_scene(camera, patterns);
}

void Server::join(Join join, Done done) {
    const auto refuse = [&](Error error) {
        {
            std::lock_guard lock(mutex_);
            ++refused_;
        }
        done(std::move(error));
    };
    auto found = scene(join.camera);
    if (!found)
        return refuse(found.error());
    join.follows = join.quality.empty();
    if (join.follows)
        join.quality = camera_quality(join.camera, found.value());
    const bool pinned = join.quality != quality_auto;
    if (pinned && !found->contains(join.quality))
        return refuse({ErrorKind::not_found, "camera '" + join.camera + "' has no stream '" + join.quality +
                                                 "', it has: " + stream_names(found.value())});
    const std::string stream = pinned ? join.quality : first_stream(found.value());
    join.place = PeerPlaces::take(places_, join.principal + '\n' + join.peer_address, settings_.max_sessions_per_peer);
    if (!join.place)
        return refuse({ErrorKind::too_many, "all " + std::to_string(settings_.max_sessions_per_peer) +
                                                " sessions that one viewer may have from one address are taken"});
    if (descriptors_left() < spare_descriptors)
        return refuse({ErrorKind::unavailable, "the server has no file descriptors left for another viewer; its "
                                               "limit (ulimit -n, LimitNOFILE=) is too small"});
    {
        std::unique_lock lock(mutex_);
        const bool full = viewers_.size() + joining_ + pending_.size() >= settings_.max_sessions;
        // Those that wait for their camera's first picture cost next to nothing and hold up nobody.
        if (shut_ || full || joining_ >= max_joining) {
            lock.unlock();
            return refuse(shut_  ? Error{ErrorKind::unavailable, "the server is shutting down"}
                          : full ? Error{ErrorKind::too_many,
                                         "all " + std::to_string(settings_.max_sessions) + " sessions are taken"}
                                 : Error{ErrorKind::too_many, "too many viewers are joining at this moment"});
        }
        ++joining_;
    }
    auto self = shared_from_this();
    run_task([self, join = std::move(join), scene = std::move(found).value(), stream, done = std::move(done)] {
        const auto target = scene.at(stream);
        if (target->video_track())
            return self->negotiate(join, scene, stream, done);
        auto pending = std::make_shared<Pending>();
        pending->join = join;
        pending->done = done;
        pending->scene = scene;
        pending->stream = stream;
        pending->channel = target;
        pending->deadline = channel_now() + source_limit;
        pending->server = self;
        pending->reader = target->attach(Channel::Start::cached_gop, true, false);
        bool shut = false;
        {
            std::lock_guard lock(self->mutex_);
            --self->joining_;
            shut = self->shut_;
            if (!shut)
                self->pending_.insert(pending);
            else
                ++self->refused_;
            self->idle_.notify_all();
        }
        if (shut)
            return done(Error{ErrorKind::unavailable, "the server is shutting down"});
        target->add_wakeup(pending);
        pending->wake(); // it may have come in between
    });
}

void Server::finish_pending(const std::shared_ptr<Pending>& pending, bool in_time) {
    pending->channel->remove_wakeup(pending);
    {
        std::lock_guard lock(mutex_);
        pending_.erase(pending);
        ++joining_;
    }
    if (in_time) {
        negotiate(pending->join, pending->scene, pending->stream, pending->done);
    } else {
        pending->reader.reset(); // no demand any more when the viewer hears of it
        const std::string why = pending->channel->unavailable();
        {
            std::lock_guard lock(mutex_);
            --joining_;
            ++refused_;
            idle_.notify_all();
        }
        pending->done(Error{ErrorKind::unavailable, "camera '" + pending->join.camera + "' gives no picture" +
                                                        (!why.empty()                      ? ": " + why
                                                         : pending->channel->audio_track() ? ", only sound"
                                                                                           : " yet")});
    }
    pending->reader.reset();
}

void Server::negotiate(Join join, ViewerStream::Scene scene, std::string stream, const Done& done) {
    const auto refuse = [&](Error error) {
        {
            std::lock_guard lock(mutex_);
            --joining_;
            ++refused_;
            idle_.notify_all();
        }
        done(std::move(error));
    };
    const auto offer = parse_offer(join.offer, is_loopback(join.peer_address));
    if (!offer)
        return refuse(offer.error());
    const auto asked = scene.at(stream);
    const auto given = give_stream(scene, stream, offer.value(), join.quality != quality_auto);
    if (!given)
        return refuse({given.error().kind, "camera '" + join.camera + "', " + given.error().text});
    stream = given->stream;
    if (join.quality != quality_auto)
        join.quality = stream;
    const auto channel = scene.at(stream);
    const Codec codec = channel->video_track()->codec;
    const auto choice = offer->choose(codec);

    const auto track_of = [&](const RtpWriter::Identity& id, Codec of, const SdpOffer::Choice& as) {
        return Peer::Track{.codec = of,
                           .choice = as,
                           .ssrc = id.ssrc,
                           .transport_extension = id.extension_id,
                           .delay_extension = id.delay_extension_id};
    };
    const RtpWriter::Identity identity = new_identity(codec, *choice, offer.value());
    Peer::Media media{.video = track_of(identity, codec, *choice), .audio = {}};
    std::optional<ViewerSound> sound;
    // What is made of it has the same sound, and may never have been made yet.
    const auto audio_track = (channel->last_resort() ? asked : channel)->audio_track();
    if (const auto taken = offer->choose_sound(audio_track ? audio_track->codec : Codec::other)) {
        const auto id = new_identity(taken->codec, taken->choice, offer.value());
        sound.emplace(taken->codec, id);
        media.audio = track_of(id, taken->codec, taken->choice);
    }
    const ViewerPath::Start path{.remembered = paths_.estimate(join.peer_address, channel_now()),
                                 .near = is_loopback(join.peer_address),
                                 .reports = offer->transport_extension != 0,
                                 .quality = join.quality,
                                 .round_trip = paths_.round_trip(join.peer_address)};
    Viewer::Info info{.id = random_token(16),
                      .principal = join.principal,
                      .camera = join.camera,
                      .peer_address = join.peer_address,
                      .login = join.login,
                      .instead = given->instead,
                      .joined_unix_ms = g_get_real_time() / 1000,
                      .posted = join.posted,
                      .expires = join.expires,
                      .place = join.place};
    const std::string id = info.id;
    const std::weak_ptr<Server> weak = weak_from_this();
    // May be called before the session is among the others: then it is found below.
    struct Failed {
        std::mutex mutex;
        std::optional<std::string> reason;
    };
    const auto failed = std::make_shared<Failed>();
    const auto end_soon = [weak, id, failed](const std::string& reason) {
        {
            std::lock_guard lock(failed->mutex);
            failed->reason = reason;
        }
        if (auto self = weak.lock())
            self->close(id, reason);
    };
    auto viewer = std::make_shared<Viewer>(
        std::move(info), std::make_unique<ViewerStream>(scene, stream, codec, identity, std::move(sound)), path,
        end_soon, [made_here = settings_.opus_versions](const std::shared_ptr<Channel>& source) {
            return made_here ? opus_version_of(*source) : opus_channel_of(*source);
        });
    const std::weak_ptr<Viewer> weak_viewer = viewer;
    Peer::Events events{.connected =
                            [weak, weak_viewer] {
                                auto self = weak.lock();
                                auto v = weak_viewer.lock();
                                if (self && v && v->connected(channel_now()))
                                    self->pool_->kick(v);
                            },
                        .failed = end_soon,
                        .key_unit_wanted =
                            [weak, weak_viewer] {
                                auto self = weak.lock();
                                auto v = weak_viewer.lock();
                                if (!self || !v)
                                    return;
                                v->request_key_unit();
                                self->pool_->kick(v);
                            },
                        .heard =
                            [weak_viewer](const std::optional<ReceiverReport>& report) {
                                if (auto v = weak_viewer.lock())
                                    v->heard(report, channel_now());
                            },
                        .missed =
                            [weak_viewer](uint16_t seq) {
                                auto v = weak_viewer.lock();
                                return v && v->missed(seq, channel_now());
                            },
                        .feedback =
                            [weak, weak_viewer](const std::vector<PacketResult>& packets) {
                                auto self = weak.lock();
                                auto v = weak_viewer.lock();
                                if (self && v && v->feedback(packets, channel_now()))
                                    self->pool_->kick(v);
                            }};
    auto peer = Peer::create(offer.value(), media, settings_.ice, is_loopback(join.peer_address), std::move(events));
    if (!peer)
        return refuse(peer.error());
    if (!peer.value()->has_feedback())
        viewer->leave_extension_out();
    if (!peer.value()->takes_delay())
        viewer->leave_delay_out();
    viewer->set_peer(peer.value());
    pool_->add(viewer);
    std::optional<Error> late; // what has happened meanwhile
    {
        std::lock_guard lock(mutex_);
        if (shut_)
            late = Error{ErrorKind::unavailable, "the server is shutting down"};
        for (const Closed& c : closed_)
            if (join.posted <= c.at && viewer->info().*c.field == c.value)
                late = Error{ErrorKind::forbidden, c.reason};
        if (!late) {
            --joining_;
            ++joined_;
            viewers_.emplace(id, viewer);
            announcing_.insert(id);
            if (join.follows)
                followers_.insert(id);
        }
    }
    if (late) {
        pool_->remove(viewer);
        peer.value()->close();
        return refuse(*late);
    }
    listener_.added(id);
    {
        std::lock_guard lock(mutex_);
        announcing_.erase(id);
        idle_.notify_all();
    }
    if (join.follows)
        follow_camera(viewer); // its quality may have changed since this join began
    std::optional<std::string> early;
    {
        std::lock_guard lock(failed->mutex);
        early = failed->reason;
    }
    if (early)
        close(id, *early);
    done(Joined{id, peer.value()->answer()});
}

Error Server::no_session() { return {ErrorKind::not_found, "there is no such session (any more)"}; }

std::shared_ptr<Viewer> Server::find(const std::string& id) const {
    std::lock_guard lock(mutex_);
    const auto it = viewers_.find(id);
    return it == viewers_.end() ? nullptr : it->second;
}

std::shared_ptr<Viewer> Server::find(const Session& session) const {
    std::lock_guard lock(mutex_);
    const auto it = viewers_.find(session.id);
    if (it == viewers_.end())
        return nullptr;
    const Viewer::Info& info = it->second->info();
    return info.principal == session.principal && info.camera == session.camera ? it->second : nullptr;
}

Result<bool> Server::trickle(const Session& session, const std::string& fragment) {
    const auto viewer = find(session);
    if (!viewer)
        return no_session();
    for (const auto& candidate : parse_trickle(fragment, is_loopback(viewer->info().peer_address)))
        if (viewer->takes_candidate())
            viewer->peer().add_candidate(candidate);
    return true;
}

Result<bool> Server::leave(const Session& session) {
    if (!find(session))
        return no_session();
    close(session.id, "the viewer has left");
    return true;
}

Result<GstStructurePtr> Server::session_stats(const Session& session) const {
    const auto viewer = find(session);
    if (!viewer)
        return no_session();
    return to_structure(*viewer, channel_now());
}

Result<SentStream> Server::watch(const Session& session, SessionListener listener) {
    const auto viewer = find(session);
    auto sent = viewer ? viewer->watch(std::move(listener)) : std::nullopt;
    return sent ? Result<SentStream>(std::move(*sent)) : no_session();
}

Result<std::string> Server::camera_of(const std::string& id, const std::string& principal) const {
    std::lock_guard lock(mutex_);
    const auto it = viewers_.find(id);
    if (it == viewers_.end() || it->second->info().principal != principal)
        return no_session();
    return it->second->info().camera;
}

std::optional<Viewer::Info> Server::info(const std::string& id) const {
    std::lock_guard lock(mutex_);
    const auto it = viewers_.find(id);
    return it == viewers_.end() ? std::nullopt : std::optional(it->second->info());
}

bool Server::close(const std::string& id, const std::string& reason) {
    std::shared_ptr<Viewer> viewer;
    {
        std::lock_guard lock(mutex_);
        const auto it = viewers_.find(id);
        if (it == viewers_.end())
            return false;
        viewer = it->second;
        viewers_.erase(it);
        followers_.erase(id);
        ++closing_;
    }
    viewer->close(reason);
    run_end([self = shared_from_this(), viewer, reason] { self->end(viewer, reason); });
    return true;
}

void Server::end(const std::shared_ptr<Viewer>& viewer, const std::string& reason) {
    pool_->remove(viewer);
    const Viewer::Learnt learnt = viewer->learnt(channel_now());
    if (learnt.carries)
        paths_.learn(viewer->info().peer_address, learnt.carries, learnt.lasted, channel_now());
    viewer->peer().close();
    {
        std::unique_lock lock(mutex_); // nobody hears that it is gone before hearing that it is there
        idle_.wait(lock, [&] { return !announcing_.contains(viewer->info().id); });
    }
    listener_.removed(viewer->info().id, reason);
    viewer->tell({SessionEvent::Kind::closed, reason});
    std::lock_guard lock(mutex_);
    --closing_;
    ++ended_since_trim_;
    idle_.notify_all();
}

unsigned Server::close_all(std::string Viewer::Info::*field, const std::string& value, const std::string& reason) {
    std::vector<std::string> ids;
    {
        std::lock_guard lock(mutex_);
        closed_.push_back({channel_now(), field, value, reason});
        if (closed_.size() > max_closed)
            closed_.pop_front();
        for (const auto& [id, v] : viewers_)
            if (v->info().*field == value)
                ids.push_back(id);
    }
    unsigned closed = 0;
    for (const auto& id : ids)
        closed += close(id, reason);
    return closed;
}

GstStructurePtr Server::viewers_by_camera() const {
    std::map<std::string, guint> counts;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, v] : viewers_)
            ++counts[v->info().camera];
    }
    GValue list = G_VALUE_INIT;
    gst_value_array_init(&list, static_cast<guint>(counts.size()));
    for (const auto& [camera, viewers] : counts) {
        GValue item = G_VALUE_INIT;
        g_value_init(&item, GST_TYPE_STRUCTURE);
        g_value_take_boxed(&item, gst_structure_new("camera", "name", G_TYPE_STRING, camera.c_str(), "viewers",
                                                    G_TYPE_UINT, viewers, nullptr));
        gst_value_array_append_and_take_value(&list, &item);
    }
    GstStructurePtr out(gst_structure_new_empty("viewers-by-camera"));
    gst_structure_take_value(out.get(), "cameras", &list);
    return out;
}

GstStructurePtr Server::stats() const {
    std::vector<std::shared_ptr<Viewer>> list;
    GstStructurePtr all;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, v] : viewers_)
            list.push_back(v);
        all.reset(gst_structure_new("webrtcserversink-stats", "sessions", G_TYPE_UINT, guint(viewers_.size()), "joined",
                                    G_TYPE_UINT64, guint64(joined_), "refused", G_TYPE_UINT64, guint64(refused_),
                                    nullptr));
    }
    GValue viewers = G_VALUE_INIT;
    gst_value_array_init(&viewers, static_cast<guint>(list.size()));
    const GstClockTime now = channel_now();
    for (const auto& v : list) {
        GValue item = G_VALUE_INIT;
        g_value_init(&item, GST_TYPE_STRUCTURE);
        g_value_take_boxed(&item, to_structure(*v, now).release());
        gst_value_array_append_and_take_value(&viewers, &item);
    }
    gst_structure_take_value(all.get(), "viewers", &viewers);
    return all;
}

void Server::tick(ChannelTime now, int64_t unix_now) {
    std::vector<std::shared_ptr<Pending>> late;
    std::vector<std::pair<std::string, std::string>> overdue;
    std::vector<std::shared_ptr<Viewer>> all;
    bool trim = false;
    {
        std::lock_guard lock(mutex_);
        for (const auto& p : pending_)
            if (p->deadline <= now && !p->finished.exchange(true))
                late.push_back(p);
        for (const auto& [id, v] : viewers_) {
            if (auto why = v->overdue(now, unix_now))
                overdue.emplace_back(id, *why);
            all.push_back(v);
        }
        while (!closed_.empty() && closed_.front().at + closed_limit < now)
            closed_.pop_front();
        trim = ended_since_trim_ >= trim_after && closing_ == 0;
        if (trim)
            ended_since_trim_ = 0;
    }
    if (trim) // the threads of each viewer leave their arenas half full behind
        run_task([] { malloc_trim(0); });
    for (const auto& viewer : all) {
        viewer->check_source(now);
        viewer->read_reports(now);
    }
    for (const auto& p : late)
        run_task([self = shared_from_this(), p] { self->finish_pending(p, false); });
    for (const auto& [id, why] : overdue)
        close(id, why);
}

void Server::shut_down(const std::string& reason) {
    std::vector<std::string> ids;
    {
        std::lock_guard lock(mutex_);
        shut_ = true;
        for (const auto& [id, v] : viewers_)
            ids.push_back(id);
    }
    for (const auto& id : ids)
        close(id, reason);
    tick(GST_CLOCK_TIME_NONE - 1, 0); // whoever still waits for a camera is told
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, std::chrono::seconds(5),
                   [this] { return closing_ == 0 && joining_ == 0 && warming_ == 0 && pending_.empty(); });
}

} // namespace sluice
