// SPDX-License-Identifier: LGPL-2.1-or-later
// Single pictures of cameras as JPEG, from the key frame that the channel holds anyway. Lives in the main context; pictures are
// decoded by worker processes.
#pragma once

#include "launcher/camera/main_timer.hpp"
#include "launcher/config/templates.hpp"
#include "launcher/media/picture_makers.hpp"
#include "launcher/media/picture_wait.hpp"
#include "launcher/media/snapshot_desk.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

struct SnapshotLimits {
    SnapshotDesk::Limits desk{};
    PictureMakers::Limits makers{};
    size_t waiting = 64;                   // for a camera's first picture
    std::chrono::milliseconds wait{5'000}; // as long as a viewer's join does
};

class Snapshots {
public:
    static constexpr unsigned least_width = 16;

    struct Ask {
        std::string channel;
        std::string description;         // of the camera: what was taken of another one by this name is not given out
        bool on_demand = false;          // worth waiting for, although it gives nothing now
        std::optional<unsigned> width;   // even, up to the camera's
        bool fit = false;                // a width that is not possible becomes the nearest one that is
        std::optional<unsigned> height;  // with fit: the width follows from it
        std::chrono::seconds max_age{0}; // a picture no older than that need not be the newest
        std::string known_tag;           // If-None-Match
    };
    struct Picture {
        Ref<GBytes> jpeg; // nothing: it is the one that is known already
        KeyPicturePtr of;
        std::string tag; // ETag
    };
    // Errors: bad_input (names what is allowed), unavailable (with the reason), too_many.
    using Done = std::function<void(const Result<Picture>&)>;

    // templates: outlives it.
    explicit Snapshots(const Templates& templates, const SnapshotLimits& limits = {});
    ~Snapshots();
    Snapshots(const Snapshots&) = delete;
    Snapshots& operator=(const Snapshots&) = delete;

    void take(const Ask& ask, Done done);
    // Whoever waits is told that the server ends, and so do the worker processes.
    void stop();
    const SnapshotDesk::Counts& counts() const { return desk_.counts(); }

private:
    struct Waiting;
    struct Post;
    void look(Waiting& waiting);
    void late();
    void set_timer();
    void order(const Ask& ask, const AccessUnitPtr& unit, const Done& done);
    Result<std::unique_ptr<PictureMaker>> start(uint64_t number);

    const SnapshotLimits limits_;
    const std::string salt_; // tags of an earlier life of the process are others
    TimerQueue timers_;
    MainTimer main_timer_{timers_};
    TimerQueue::Timer late_{timers_, [this] { late(); }};
    const Templates& templates_;
    SnapshotDesk desk_;
    std::list<std::unique_ptr<Waiting>> waiting_;
    const std::shared_ptr<Post> post_;
    PictureMakers makers_; // their threads use the post
    bool stopped_ = false;
};

} // namespace sluice
