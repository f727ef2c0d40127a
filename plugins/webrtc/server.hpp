// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/result.hpp"
#include "plugins/core/sluicechannel.h"
#include "plugins/webrtc/congestion/path_memory.hpp"
#include "plugins/webrtc/quality.hpp"
#include "plugins/webrtc/session_limits.hpp"
#include "plugins/webrtc/viewer.hpp"

#include <deque>
#include <map>
#include <set>

namespace sluice {

struct ServerSettings {
    IceSettings ice;
    std::string channels; // comma separated glob patterns of channel names that may be served
    unsigned max_sessions = 1000;
    unsigned max_sessions_per_peer = 500; // of one principal from one address; 0: no limit
    QualityDefaults qualities = {};
    bool opus_versions = true; // are made here (opus_version.hpp)
};

// All sessions of one webrtcserversink, whatever transport asks for them. Thread-safe. What blocks (negotiation, teardown) runs on
// a few worker threads; `done` and the listener's calls come from them.
class Server : public std::enable_shared_from_this<Server> {
public:
    struct Listener {
        std::function<void(const std::string& id)> added;
        std::function<void(const std::string& id, const std::string& reason)> removed;
    };
    struct Join {
        std::string camera, quality; // quality: empty is the camera's, and follows it
        std::string offer;
        std::string principal;
        int64_t expires = 0;
        std::string peer_address;
        std::string login; // as in AuthAnswer
        ChannelTime posted = 0;
        std::shared_ptr<void> place; // among its peer's sessions; the server's own
        bool follows = false;        // the camera's quality; the server's own
    };
    struct Joined {
        std::string id, answer;
    };
    using Done = std::function<void(Result<Joined>)>;

    static std::shared_ptr<Server> create(ServerSettings settings, Listener listener);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Makes and drops a peer in the background: the first one of a process loads plugins and makes the certificate (0.4 s).
    void warm_up();
    void set_channels(const std::string& patterns);
    // Sessions that have not chosen for themselves follow at once.
    void set_qualities(const QualityDefaults& qualities);
    void join(Join join, Done done);
    // Named in full, for the principal that owns it: `not_found` for everybody else.
    struct Session {
        std::string id, camera, principal;
    };
    Result<bool> trickle(const Session& session, const std::string& fragment);
    Result<bool> set_quality(const Session& session, const std::string& quality);
    Result<bool> leave(const Session& session);
    Result<GstStructurePtr> session_stats(const Session& session) const;
    // What is being sent; from now on the listener is told. It replaces the one before.
    Result<SentStream> watch(const Session& session, SessionListener listener);
    Result<std::string> camera_of(const std::string& id, const std::string& principal) const;

    // Whoever it belongs to.
    std::optional<Viewer::Info> info(const std::string& id) const;
    GstStructurePtr stats_of(const std::string& id) const; // NULL: there is no such session
    // Chosen for the viewer, who is told.
    Result<bool> set_quality(const std::string& id, const std::string& quality);
    bool close(const std::string& id, const std::string& reason);
    // Closes all sessions with that property, also those that are being made just now.
    unsigned close_all(std::string Viewer::Info::*field, const std::string& value, const std::string& reason);
    GstStructurePtr viewers_by_camera() const; // those that have any
    GstStructurePtr stats() const;
    // Housekeeping, each second: deadlines of joins and sessions.
    void tick(ChannelTime now, int64_t unix_now);
    // Closes all sessions and waits until they are gone.
    void shut_down(const std::string& reason);

private:
    struct Pending; // a join that waits for its camera's first picture
    using Task = std::function<void()>;

    Server(ServerSettings settings, Listener listener);
    void run_task(Task task);
    void run_end(Task task); // has threads of its own: a slow negotiation holds up no end
    Result<ViewerStream::Scene> scene(const std::string& camera) const;
    void negotiate(Join join, ViewerStream::Scene scene, std::string stream, const Done& done);
    void finish_pending(const std::shared_ptr<Pending>& pending, bool in_time);
    std::shared_ptr<Viewer> find(const Session& session) const;
    std::shared_ptr<Viewer> find(const std::string& id) const;
    static Error no_session();
    std::string camera_quality(const std::string& camera, const ViewerStream::Scene& scene) const;
    Result<bool> choose(const std::shared_ptr<Viewer>& viewer, const std::string& quality);
    // Its camera's setting does not count for it any more. viewer: may be NULL.
    Result<bool> choose_for_good(const std::shared_ptr<Viewer>& viewer, const std::string& quality);
    void follow_camera(const std::shared_ptr<Viewer>& viewer);
    void end(const std::shared_ptr<Viewer>& viewer, const std::string& reason);

    const ServerSettings settings_;
    const Listener listener_;
    const std::shared_ptr<SenderPool> pool_;
    const std::shared_ptr<PeerPlaces> places_;
    PathMemory paths_;
    GThreadPool* workers_ = nullptr;
    GThreadPool* enders_ = nullptr;
    mutable std::mutex mutex_; // all below
    std::condition_variable idle_;
    std::string channels_;
    std::map<std::string, std::shared_ptr<Viewer>> viewers_;
    QualityDefaults qualities_;
    std::set<std::string> followers_; // sessions whose quality is their camera's
    std::set<std::shared_ptr<Pending>> pending_;
    std::set<std::string> announcing_; // sessions whose `added` is being told
    unsigned joining_ = 0;             // being negotiated
    unsigned warming_ = 0;
    unsigned closing_ = 0; // being torn down
    unsigned ended_since_trim_ = 0;
    struct Closed {
        ChannelTime at;
        std::string Viewer::Info::*field;
        std::string value, reason;
    };
    std::deque<Closed> closed_; // by close_all(), not long ago
    bool shut_ = false;
    uint64_t joined_ = 0, refused_ = 0;
};

} // namespace sluice
