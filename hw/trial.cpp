// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hw/trial.hpp"

#include "hw/element_run.hpp"
#include "hw/encoder_bin.hpp"
#include "hw/test_pictures.hpp"
#include "plugins/core/mapped_buffer.hpp"
#include "plugins/core/nal.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace sluice::hw {

namespace {

constexpr unsigned most_latency = 1;       // pictures
constexpr double most_of_bitrate = 1.5;    // of what was asked for, over three seconds
constexpr size_t most_in_before_first = 8; // pictures
constexpr size_t speed_pictures = 75, speed_pictures_1080 = 30, changed_pictures = 50, settling_pictures = 15;
constexpr double longest_speed_run = 2.5; // seconds, on a machine that is slow
constexpr GstClockTime first_wait = 3 * GST_SECOND, next_wait = 300 * GST_MSECOND, sure_wait = 2 * GST_SECOND;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Error wrong(const std::string& text) { return {ErrorKind::unavailable, text}; }

// An access unit, as far as it matters here.
struct Unit {
    size_t bytes = 0;
    bool idr = false, b = false, any = false;
    std::optional<SequenceInfo> sequence;
};

Unit look_at(GstBuffer* buffer) {
    Unit out;
    const MappedBuffer map(buffer);
    out.bytes = map.data().size();
    for (const NalUnit& nal : split_annex_b(map.data(), Codec::h264)) {
        const auto data = map.data().subspan(nal.offset, nal.size);
        out.any |= is_slice(Codec::h264, nal.type);
        out.idr |= is_random_access(Codec::h264, nal.type);
        if (is_slice(Codec::h264, nal.type))
            out.b |= is_b_slice(Codec::h264, data).value_or(false);
        if (nal.type == 7)
            out.sequence = parse_sps(Codec::h264, data);
    }
    return out;
}

class EncoderTrial {
public:
    EncoderTrial(const EncoderProfile& profile, unsigned width, unsigned height)
        : profile_(profile), width_(width), height_(height), pictures_(width, height) {}

    Result<bool> start() {
        Result<Ref<GstElement>> bin = make_encoder(profile_, {trial_bitrate, 1000});
        if (!bin)
            return bin.error();
        Result<ElementRun> run = ElementRun::start(std::move(bin).value(), pictures_.caps());
        if (!run)
            return run.error();
        run_.emplace(std::move(run).value());
        return true;
    }

    // Picture by picture until the first comes out: how many were in by then.
    Result<unsigned> first() {
        for (size_t in = 1; in <= most_in_before_first; in++) {
            if (!push())
                return broken("it takes no pictures");
            if (take(in == 1 ? first_wait : next_wait))
                return static_cast<unsigned>(in - 1);
            if (auto error = run_->error())
                return wrong(*error);
        }
        return broken("nothing came out of it");
    }

    // A request, and whether an IDR picture follows at once.
    Result<bool> answers_request(unsigned latency) {
        for (size_t i = 0; i < 10; i++)
            if (!push() || !take(sure_wait))
                return broken("it stopped after " + std::to_string(units_.size()) + " pictures");
        run_->request_key_unit();
        const size_t before = units_.size();
        for (size_t i = 0; i < latency + 3; i++)
            if (!push() || !take(sure_wait))
                return broken("it stopped after being asked for a key unit");
        return std::any_of(units_.begin() + static_cast<std::ptrdiff_t>(before), units_.end(),
                           [](const Unit& u) { return u.idr; });
    }

    // So many as fast as it can; pictures per second.
    Result<double> speed(size_t count) {
        const double begin = now();
        size_t in = 0;
        for (; in < count && now() - begin < longest_speed_run; in++)
            if (!push())
                return broken("it stopped after " + std::to_string(units_.size()) + " pictures");
        while (units_.size() + held_back_ < in_)
            if (!take(sure_wait))
                return broken("pictures are missing: " + std::to_string(in_) + " in, " + std::to_string(units_.size()) +
                              " out");
        last_run_ = in;
        return static_cast<double>(in) / std::max(now() - begin, 1e-6);
    }

    void holds_back(unsigned pictures) { held_back_ = pictures; }

    // Bits per second of what speed() made last, once it has settled.
    unsigned bitrate() const {
        const size_t count = last_run_ - std::min(settling_pictures, last_run_ / 2);
        size_t bytes = 0;
        for (size_t i = units_.size() - count; i < units_.size(); i++)
            bytes += units_[i].bytes;
        return static_cast<unsigned>(bytes * 8 * TestPictures::pictures_per_second / std::max<size_t>(count, 1));
    }

    Result<bool> end() {
        run_->end();
        while (units_.size() < in_ && take(sure_wait))
            ;
        if (auto error = run_->error())
            return wrong(*error);
        if (units_.size() != in_)
            return wrong("pictures are missing: " + std::to_string(in_) + " in, " + std::to_string(units_.size()) +
                         " out");
        return true;
    }

    // What all of it has to be.
    Result<bool> check() const {
        const Unit& begin = units_.front();
        if (!begin.idr || !begin.sequence)
            return wrong("its stream does not begin with a key unit and its parameters");
        // 7.4.2.1.1: profile_idc 66 with constraint_set1_flag, or what says the same of itself.
        if (begin.sequence->profile_idc != 66 || !(begin.sequence->constraint_flags & 0x40))
            return wrong("it makes profile " + std::to_string(begin.sequence->profile_idc) +
                         ", not constrained baseline");
        if (begin.sequence->width != width_ || begin.sequence->height != height_)
            return wrong("it makes pictures of " + std::to_string(begin.sequence->width) + "x" +
                         std::to_string(begin.sequence->height) + " of " + std::to_string(width_) + "x" +
                         std::to_string(height_));
        if (std::any_of(units_.begin(), units_.end(), [](const Unit& u) { return u.b; }))
            return wrong("it makes B-frames");
        return true;
    }

    ElementRun& run() { return *run_; }

private:
    bool push() {
        if (!run_->push(pictures_.picture(in_)))
            return false;
        in_++;
        return true;
    }

    bool take(GstClockTime wait) {
        const Ref<GstBuffer> buffer = run_->pull(wait);
        if (!buffer)
            return false;
        const Unit unit = look_at(buffer.get());
        if (unit.any)
            units_.push_back(unit);
        return unit.any;
    }

    Error broken(const std::string& otherwise) { return wrong(run_->error().value_or(otherwise)); }

    const EncoderProfile& profile_;
    unsigned width_, height_;
    TestPictures pictures_;
    std::optional<ElementRun> run_;
    std::vector<Unit> units_;
    size_t in_ = 0, held_back_ = 0, last_run_ = 0;
};

Result<double> speed_alone(const EncoderProfile& profile, unsigned width, unsigned height, size_t count) {
    EncoderTrial trial(profile, width, height);
    if (const auto started = trial.start(); !started)
        return started.error();
    const auto latency = trial.first();
    if (!latency)
        return latency.error();
    trial.holds_back(latency.value());
    return trial.speed(count);
}

} // namespace

Result<TrialFacts> try_encoder(const EncoderProfile& profile) {
    TrialFacts out;
    EncoderTrial trial(profile, 1280, 720);
    if (const auto started = trial.start(); !started)
        return started.error();
    const auto latency = trial.first();
    if (!latency)
        return latency.error();
    out.latency = latency.value();
    if (out.latency > most_latency)
        return wrong("it holds back " + std::to_string(out.latency) + " pictures");
    trial.holds_back(out.latency);
    if (const auto good = trial.check(); !good)
        return good.error();
    const auto answers = trial.answers_request(out.latency);
    if (!answers)
        return answers.error();
    out.key_units_on_request = answers.value();
    const auto speed = trial.speed(speed_pictures);
    if (!speed)
        return speed.error();
    out.fps_720 = speed.value();
    out.bitrate = trial.bitrate();
    if (set_bitrate(trial.run().element(), profile, trial_bitrate / 2)) {
        if (const auto slower = trial.speed(changed_pictures); !slower)
            return slower.error();
        out.bitrate_while_playing = trial.bitrate() < out.bitrate * 3 / 4;
    }
    if (const auto ended = trial.end(); !ended)
        return ended.error();
    if (const auto good = trial.check(); !good)
        return good.error();
    if (out.bitrate > trial_bitrate * most_of_bitrate)
        return wrong("it makes " + std::to_string(out.bitrate / 1000) + " kbit/s instead of " +
                     std::to_string(trial_bitrate / 1000));
    if (const auto large = speed_alone(profile, 1920, 1080, speed_pictures_1080)) // larger than it can is no fault
        out.fps_1080 = large.value();
    return out;
}

std::string to_line(const Result<TrialFacts>& result) {
    if (!result)
        return Json{{"error", result.error().text}}.dump(-1, ' ', true, Json::error_handler_t::replace);
    const TrialFacts& facts = result.value();
    return Json{{"fps-720", facts.fps_720},
                {"fps-1080", facts.fps_1080},
                {"latency", facts.latency},
                {"key-units-on-request", facts.key_units_on_request},
                {"bitrate-while-playing", facts.bitrate_while_playing},
                {"bitrate", facts.bitrate}}
        .dump();
}

std::optional<Result<TrialFacts>> from_line(const std::string& line) {
    const Json said = Json::parse(line, nullptr, false);
    if (!said.is_object())
        return std::nullopt;
    if (const std::string error = text_of(said, "error"); !error.empty())
        return Result<TrialFacts>(wrong(error));
    const auto number = [&](const char* name) {
        const auto it = said.find(name);
        return it != said.end() && it->is_number() ? std::max(0.0, it->get<double>()) : 0.0;
    };
    const auto yes = [&](const char* name) { return said.contains(name) && said[name] == true; };
    if (!said.contains("fps-720"))
        return std::nullopt;
    TrialFacts facts;
    facts.fps_720 = number("fps-720");
    facts.fps_1080 = number("fps-1080");
    facts.latency = static_cast<unsigned>(std::min(number("latency"), 1000.0));
    facts.key_units_on_request = yes("key-units-on-request");
    facts.bitrate_while_playing = yes("bitrate-while-playing");
    facts.bitrate = static_cast<unsigned>(std::min(number("bitrate"), 4e9));
    return Result<TrialFacts>(facts);
}

} // namespace sluice::hw
