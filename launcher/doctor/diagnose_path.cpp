// SPDX-License-Identifier: LGPL-2.1-or-later
// What packets of which size pass.
#include "launcher/doctor/diagnose.hpp"

#include <algorithm>

namespace sluice::doctor {

std::optional<PathMtu> path_mtu(const PathFacts& f) {
    PathMtu out;
    unsigned silent = 0; // the smallest that vanished
    bool any = false;
    for (const SizeProbe& p : f.probes)
        if (p.dont_fragment && p.answered) {
            out.passes = std::max(out.passes, p.size);
            any = true;
        }
    if (!any)
        return std::nullopt;
    for (const SizeProbe& p : f.probes) {
        if (p.dont_fragment && !p.answered && !p.too_large && p.size > out.passes)
            silent = silent ? std::min(silent, p.size) : p.size;
        out.fragments |= !p.dont_fragment && p.answered && p.size > out.passes;
    }
    // Who is told of the limit later (the first packet dies of it) is told all the same.
    out.black_hole = silent && !(f.signalled && f.signalled < silent);
    return out;
}

Finding diagnose_path(const PathFacts& f) {
    const std::string device = f.interface_name.empty() ? ""
                                                        : f.interface_name + (f.tunnel ? " (a tunnel)" : "") +
                                                              " has MTU " + std::to_string(f.interface_mtu) + "; ";
    if (!f.probed)
        return {Mark::skipped, device + f.why_not};
    const auto mtu = path_mtu(f);
    if (!mtu)
        return {Mark::warn, device + "no size of packet is answered"};
    std::string detail = device + "packets of " + std::to_string(mtu->passes) + " bytes pass";
    const bool narrow = mtu->passes < sluice_largest_packet;
    if (mtu->black_hole) {
        detail += ", larger ones vanish without a word";
        detail += mtu->fragments ? ", in pieces they pass" : "";
        return {narrow ? Mark::fail : Mark::warn,
                detail + (narrow ? "; media has up to " : "; media is not concerned, it has at most ") +
                    std::to_string(sluice_largest_packet),
                Cause::mtu_black_hole};
    }
    if (f.signalled && f.signalled < 1500) {
        detail += ", the way says that its MTU is " + std::to_string(f.signalled);
        detail += mtu->fragments ? ", larger ones pass in fragments" : "";
        if (f.signalled < sluice_largest_packet)
            return {
                Mark::warn, detail, Cause::none,
                "media has packets of up to " + std::to_string(sluice_largest_packet) +
                    " bytes: they are fragmented, and one lost fragment loses the packet; raise the MTU of the VPN"};
    }
    return {Mark::ok, detail};
}

} // namespace sluice::doctor
