// SPDX-License-Identifier: LGPL-2.1-or-later
// Viewers of several cameras that come and go as they are told, over one WebSocket as those of a page do; what comes to
// each is told at once. See watcher.cpp.
#pragma once

#include "plugins/core/nal.hpp"
#include "tests/support/whep_viewer.hpp"
#include "tests/support/ws_client.hpp"

#include <cstdio>
#include <future>
#include <iostream>
#include <list>
#include <sstream>
#include <thread>

namespace sluice::test {

class WatchScript {
public:
    WatchScript(const std::string& base, const std::string& authorization)
        : socket_("ws" + base.substr(4) + "/ws", {{"Authorization", authorization}}) {}

    bool run() {
        if (!socket_.connected())
            return false;
        tell("ready");
        std::thread reader([this] {
            for (std::string line; std::getline(std::cin, line);) {
                const std::lock_guard lock(mutex_);
                lines_.push_back(line);
            }
            done_ = true;
        });
        while (!done_) {
            const WsClient::Json message = socket_.next(std::chrono::milliseconds(20));
            if (!message.empty())
                hear(message);
            for (const std::string& line : take_lines())
                obey(line);
            working_.remove_if([](const std::future<void>& f) {
                return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
            });
        }
        reader.join();
        working_.clear();
        watching_.clear();
        return true;
    }

private:
    using Json = WsClient::Json;

    // One viewer, and what of its stream has to be remembered from one packet to the next.
    struct Watching {
        explicit Watching(const char* sound) : viewer(sound) { viewer.keep = false; }
        WhepViewer viewer;
        bool key = false;
        std::string size;
        int64_t sound_told = 0;
    };

    static void tell(const std::string& line) {
        std::puts(line.c_str());
        std::fflush(stdout);
    }
    static void tell(const char* what, const std::string& name, const std::string& text = "") {
        tell(std::string(what) + " " + name + " " + std::to_string(g_get_monotonic_time()) +
             (text.empty() ? "" : " " + text));
    }

    std::vector<std::string> take_lines() {
        const std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }

    void obey(const std::string& line) {
        std::istringstream in(line);
        std::string what, name, camera, option;
        in >> what >> name >> camera >> option;
        const bool sound = option == "sound", forged = option == "forged";
        if (what == "join") {
            // It takes a while to gather candidates: not here, where all others are listened to.
            working_.push_back(std::async(std::launch::async, [this, name, camera, sound, forged] {
                auto made = std::make_shared<Watching>(sound ? WhepViewer::browser_sound : nullptr);
                made->viewer.on_packet = [name, w = made.get()](bool is_sound, GstBuffer* packet) {
                    is_sound ? sound_came(name, *w) : picture_came(name, *w, rtp_packet(packet));
                };
                std::string sdp = made->viewer.offer();
                if (forged)
                    forge_fingerprints(sdp);
                const std::lock_guard lock(mutex_);
                watching_[name] = made;
                lines_.push_back("offer " +
                                 Json{{"type", "join"}, {"id", name}, {"camera", camera}, {"sdp", sdp}}.dump());
            }));
        } else if (what == "offer") {
            socket_.say_text(line.substr(6));
        } else if (what == "leave") {
            socket_.say({{"type", "leave"}, {"id", name}});
            drop(name);
        }
    }

    void hear(const Json& m) {
        const std::string type = m.value("type", ""), name = m.value("id", "");
        if (type == "answer") {
            std::shared_ptr<Watching> w;
            {
                const std::lock_guard lock(mutex_);
                w = watching_[name];
            }
            tell("joined", name, m.value("session", ""));
            w->viewer.take_answer(m.value("sdp", ""));
        } else if (type == "error" && !name.empty()) {
            tell("refused", name, std::to_string(m["error"].value("status", 0)) + " " + m["error"].value("detail", ""));
            drop(name);
        } else if (type == "state") {
            tell("state", name, m.value("state", "") + " " + m.value("reason", ""));
        } else if (type == "closed") {
            tell("closed", name, m.value("reason", ""));
            drop(name);
        }
    }

    // To take a viewer down takes a while, too.
    void drop(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto it = watching_.find(name);
        if (it == watching_.end())
            return;
        working_.push_back(std::async(std::launch::async, [gone = it->second] { gone->viewer.close(); }));
        watching_.erase(it);
    }

    // As if somebody between had put a certificate of his own in place of the one that comes.
    static void forge_fingerprints(std::string& sdp) {
        constexpr std::string_view start = "a=fingerprint:sha-256 ";
        for (size_t at = sdp.find(start); at != std::string::npos; at = sdp.find(start, at + 1)) {
            char& digit = sdp.at(at + start.size());
            digit = digit == '0' ? '1' : '0';
        }
    }

    // Some of them: there are fifty a second.
    static void sound_came(const std::string& name, Watching& w) {
        const int64_t now = g_get_monotonic_time();
        if (now - w.sound_told < 100'000)
            return;
        w.sound_told = now;
        tell("sound", name);
    }

    static void picture_came(const std::string& name, Watching& w, const RtpPacket& p) {
        if (p.payload.empty())
            return;
        const std::span<const uint8_t> all(p.payload);
        const unsigned type = all[0] & 0x1f;
        if (type == 24) { // STAP-A
            for (size_t at = 1; at + 2 < all.size();) {
                const size_t size = std::min<size_t>(all[at] << 8 | all[at + 1], all.size() - at - 2);
                nal_came(name, w, all.subspan(at + 2, size));
                at += 2 + size;
            }
        } else if (type < 24) {
            nal_came(name, w, all);
        } else if (type == 28 && all.size() > 1) {
            w.key |= (all[1] & 0x1f) == 5;
        }
        if (p.marker)
            tell(std::exchange(w.key, false) ? "k" : "p", name, std::to_string(p.timestamp));
    }

    static void nal_came(const std::string& name, Watching& w, std::span<const uint8_t> nal) {
        if (nal.empty())
            return;
        w.key |= (nal[0] & 0x1f) == 5;
        if ((nal[0] & 0x1f) != 7)
            return;
        const auto info = parse_sps(Codec::h264, nal);
        const std::string size = info ? std::to_string(info->width) + "x" + std::to_string(info->height) : "broken";
        if (std::exchange(w.size, size) != size)
            tell("size", name, size);
    }

    WsClient socket_;
    std::mutex mutex_;
    std::vector<std::string> lines_;
    std::map<std::string, std::shared_ptr<Watching>> watching_;
    std::list<std::future<void>> working_;
    std::atomic<bool> done_{false};
};

} // namespace sluice::test
