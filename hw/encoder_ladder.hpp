// SPDX-License-Identifier: LGPL-2.1-or-later
// Which encoder to use now: the first rung that has not failed lately. Hardware that fails (driver reset, too many sessions)
// costs one rung, not the picture; after a while the higher rung is tried again, later each time it fails anew. No clock
// but the caller's, no locks: one thread.
#pragma once

#include "hw/encoder_profile.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::hw {

class EncoderLadder {
public:
    using Time = std::chrono::milliseconds; // of any clock that does not go back
    // Software fails for a reason of the moment (memory) and is often all there is: it gets its next chance soon.
    static constexpr Time hardware_back_off = std::chrono::seconds(30), software_back_off = std::chrono::seconds(1),
                          longest_back_off = std::chrono::minutes(10);
    // So close together two lost processes are no accident; and so long a stream is held to be the cause of its own.
    static constexpr Time suspicion = std::chrono::minutes(1), distrust = std::chrono::minutes(10);

    struct Rung {
        EncoderProfile profile;
        unsigned failures = 0; // in a row
        std::string reason;    // of the last one; empty: it has not failed since it last worked
        Time failed_at{0}, retry_at{0};
        bool removed = false;        // by a trial, until one passes
        std::optional<Time> lost_at; // when a process was lost with it last
    };

    // profiles: those that work here, in the order in which they are to be tried.
    explicit EncoderLadder(std::vector<EncoderProfile> profiles);

    // nullptr: every rung has failed lately (next_try says when it is worth asking again), or there is none.
    const EncoderProfile* current(Time now) const;
    // The encoder of that name has failed. Returns what to use instead, as current() does. A second report of the same failure
    // (two streams lose one driver) that comes while the rung is off already changes nothing.
    const EncoderProfile* failed(const std::string& name, const std::string& reason, Time now);
    // The process that made `stream` with the encoder of that name has crashed or hung. Whose fault that is nobody can say, the
    // decoder is in there, too. So hardware has failed when it is the second within `suspicion`, or when it has not worked since
    // it failed last; software never has, nor has the last encoder there is. A stream that is lost with software as well is
    // itself the cause, and says nothing against any encoder for as long as `distrust`. True: it counts, as failed() does.
    bool lost(const std::string& name, const std::string& stream, const std::string& reason, Time now);
    // It was tried and does not work. False: there is none of that name, or it was removed before.
    bool remove(const std::string& name, const std::string& reason);
    // It was tried again and works: back on its rung, as if it had never failed. False: it was not removed.
    bool restore(const std::string& name);
    // A run that began then has delivered for long enough to trust its encoder again. One from before the last failure says
    // nothing about it: at the limit of sessions those that are open go on.
    void worked(const std::string& name, Time began);

    // When the first of the rungs that are off may be tried again; `now` if one is on, Time::max() if all were removed.
    Time next_try(Time now) const;
    const std::vector<Rung>& rungs() const { return rungs_; }

private:
    Rung* find(const std::string& name);
    static bool is_on(const Rung& rung, Time now);

    std::vector<Rung> rungs_;
    std::map<std::string, Time> lost_in_software_; // streams, when; those of the last `distrust`
};

} // namespace sluice::hw
