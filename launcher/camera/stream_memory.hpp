// SPDX-License-Identifier: LGPL-2.1-or-later
// STATE/streams.json: what each stream was when it was last seen, so that a viewer of a camera that is contacted only
// while somebody watches can negotiate at once, also after a restart. Losing the file costs a moment, never a stream.
#pragma once

#include "launcher/auth/state_directory.hpp"

#include <map>
#include <string>
#include <string_view>

namespace sluice {

class StreamMemory {
public:
    struct Media { // caps as text; empty: there is none
        std::string video, audio;
        bool operator==(const Media&) const = default;
    };

    explicit StreamMemory(const StateDirectory& directory);

    // Nothing if it is not known.
    Media of(const std::string& channel) const;
    // Written at once if it is news. What cannot be written is told in the log, once.
    void learn(const std::string& channel, const Media& media);
    // Of other channels nothing is remembered any more.
    template <typename Known> void keep(const Known& known) {
        if (std::erase_if(streams_, [&](const auto& item) { return !known(item.first); }) > 0)
            write();
    }

    static std::map<std::string, Media> parse(std::string_view text);
    static std::string dump(const std::map<std::string, Media>& streams);

private:
    void write();

    const StateDirectory& directory_;
    std::map<std::string, Media> streams_;
    bool complained_ = false;
};

} // namespace sluice
