// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plugins/core/media.hpp"
#include "plugins/core/parameter_sets.hpp"

namespace sluice {

// Makes the access units of one track out of what a parser gives: delimiters cut off, parameter sets in front of each place to
// start, memory that is no pool's. Of JPEG each picture is a place to start. Remembers the parameter sets; one thread at a time.
class SLUICE_API UnitMaker {
public:
    // Parameter sets of another codec are forgotten.
    void set_codec(Codec codec);
    Codec codec() const { return codec_; }
    // Whether readers may also start where there is no IDR (is_recovery_start).
    void set_recovery_points(bool on) { recovery_points_ = on; }

    // NULL: it is no access unit (its parameter sets are remembered all the same). Without a track, times and positions.
    std::shared_ptr<AccessUnit> make(GstBuffer* buffer);
    // What make() would make of it, without making it: nothing, or whether a reader may start there.
    std::optional<bool> look(GstBuffer* buffer);
    // What is wrong with a picture that was refused, if its sender can be told to send another kind: "The picture is ...". Empty:
    // nothing, or it was no picture at all.
    const std::string& fault() const { return fault_; }

private:
    struct Parts {
        std::vector<NalUnit> nals; // without delimiters
        size_t cut = 0;            // where they begin
        bool key = false;
    };
    std::optional<Parts> parse(std::span<const uint8_t> data);
    bool stands_alone() const { return codec_ == Codec::jpeg || !is_video(codec_); } // needs no unit before it
    std::optional<uint32_t> ticks_of(std::span<const uint8_t> data);

    Codec codec_ = Codec::other;
    bool recovery_points_ = false;
    ParameterSets parameter_sets_;
    std::string fault_;
};

} // namespace sluice
