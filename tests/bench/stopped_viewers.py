#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What viewers that stop reading do to the others: added latency of one viewer, alone, beside 20 that play, and beside
the same 20 stopped (SIGSTOP). Uses peerbench's camera and clients; see README.md.

    PEERBENCH=... PB_TMP=... PB_EXTRA=$PWD/tests/bench/peerbench_sluice.py tests/bench/stopped_viewers.py [server]
"""
import os
import signal
import sys
import time

sys.path.insert(0, os.environ["PEERBENCH"])
import bench  # noqa: E402

SECONDS = 15
VIEWERS = 20


def read(path):
    with open(path, encoding="ascii") as lines:
        return [(int(time_ns), digest) for time_ns, digest in (line.split()[:2] for line in lines)]


def added_latency(direct, served):
    arrivals = {}
    for time_ns, digest in read(direct):
        arrivals.setdefault(digest, []).append(time_ns)
    found = []
    for time_ns, digest in read(served):
        near = [time_ns - t for t in arrivals.get(digest, []) if abs(time_ns - t) < 5e9]
        if near:
            found.append(min(near, key=abs) / 1e6)
    found.sort()
    if not found:
        return "no picture matched"

    def at(part):
        return round(found[int(part * (len(found) - 1))], 2)
    return f"n {len(found)} p50 {at(.5)} p90 {at(.9)} p99 {at(.99)} max {at(1)} ms"


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "sluice"
    os.makedirs(os.path.join(bench.PB, "log"), exist_ok=True)
    os.makedirs(os.path.join(bench.PB, "cfg"), exist_ok=True)
    camera = bench.camera(1)
    server = bench.server(name, settle=5)
    others = None
    try:
        for case in ("alone", f"{VIEWERS} others play", f"{VIEWERS} others are stopped"):
            if others is None and case != "alone":
                others = bench.client(name, "webrtc", VIEWERS, hold="120s", interval="30ms")
                time.sleep(4)
            if case.endswith("stopped"):
                os.kill(others.pid, signal.SIGSTOP)
            logs = [os.path.join(bench.PB, f"au_{kind}") for kind in ("direct", "served")]
            direct = bench.Proc([f"{bench.PB}/bin/rtspload", "-url", f"rtsp://127.0.0.1:{bench.CAMPORT}/cam0", "-n", "1",
                                 "-hold", f"{SECONDS + 4}s", "-aulog", logs[0]], name="direct")
            served = bench.client(name, "webrtc", 1, hold=f"{SECONDS}s", aulog=logs[1])
            bench.result(served)
            direct.p.wait(30)
            direct.stop()
            print(f"{name}, {case}: {added_latency(*logs)}", flush=True)
    finally:
        if others:
            os.kill(others.pid, signal.SIGCONT)
            others.p.kill()
            others.stop()
        server.stop()
        camera.stop()


if __name__ == "__main__":
    main()
