// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/config/fleet_diff.hpp"

#include <map>

namespace sluice {

namespace {

bool same(const CameraConfig& a, const CameraConfig& b) { return a.streams == b.streams && a.webrtc == b.webrtc; }

} // namespace

FleetDiff diff_cameras(const std::vector<CameraConfig>& now, const std::vector<CameraConfig>& next) {
    FleetDiff out;
    std::map<std::string, const CameraConfig*> old;
    for (const CameraConfig& camera : now)
        old.emplace(camera.name, &camera);
    for (const CameraConfig& camera : next) {
        const auto it = old.find(camera.name);
        if (it == old.end()) {
            out.added.push_back(camera.name);
            continue;
        }
        if (same(*it->second, camera))
            out.untouched++;
        else
            out.changed.push_back(camera.name);
        old.erase(it);
    }
    for (const CameraConfig& camera : now)
        if (old.count(camera.name))
            out.removed.push_back(camera.name);
    return out;
}

std::string to_string(const FleetDiff& diff) {
    return std::to_string(diff.added.size()) + " added, " + std::to_string(diff.changed.size()) + " changed, " +
           std::to_string(diff.removed.size()) + " removed, " + std::to_string(diff.untouched) + " untouched";
}

std::vector<std::string> fixed_fields_changed(const ServerConfig& now, const ServerConfig& next) {
    std::vector<std::string> out;
    const auto check = [&out](const char* pointer, bool equal) {
        if (!equal)
            out.emplace_back(pointer);
    };
    check("/server/address", now.address == next.address);
    check("/server/port", now.port == next.port);
    check("/server/state", now.state == next.state);
    check("/server/tls", now.tls == next.tls);
    check("/server/trusted-proxies", now.trusted_proxies == next.trusted_proxies);
    check("/server/path-prefix", now.path_prefix == next.path_prefix);
    check("/server/allowed-origins", now.allowed_origins == next.allowed_origins);
    check("/server/transcodes", now.transcodes == next.transcodes);
    check("/server/transcode-cpu", now.transcode_cpu == next.transcode_cpu);
    const WebrtcServerConfig &a = now.webrtc, &b = next.webrtc;
    check("/server/webrtc/stun-server", a.stun_server == b.stun_server);
    check("/server/webrtc/ice-addresses", a.ice_addresses == b.ice_addresses);
    check("/server/webrtc/min-rtp-port", a.min_rtp_port == b.min_rtp_port);
    check("/server/webrtc/max-rtp-port", a.max_rtp_port == b.max_rtp_port);
    check("/server/webrtc/ice-tcp", a.ice_tcp == b.ice_tcp);
    check("/server/auth/jwt", now.auth.jwt == next.auth.jwt);
    check("/server/auth/auth-request", now.auth.auth_request == next.auth.auth_request);
    return out;
}

} // namespace sluice
