#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""64 cameras flap at random under five viewers of steady cameras: those notice nothing, and nothing is left behind.

    flap_soak.py [--seconds 600] [--seed N] [CASE...]     SLUICE_SOAK_SECONDS and SLUICE_SOAK_SEED say the same
"""
import argparse
import os
import random
import signal
import sys
import time

from api import cameras
from fault_cameras import Host
from fault_viewers import Viewers
from harness import ROOT, Process, Sluice, Suite, note, settled, until

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=int, default=int(os.environ.get("SLUICE_SOAK_SECONDS", "600")))
parser.add_argument("--seed", type=int, default=int(os.environ.get("SLUICE_SOAK_SEED") or random.randrange(1 << 30)))
parser.add_argument("case", nargs="*")
ARGUMENTS = parser.parse_args()
sys.argv[1:] = ARGUMENTS.case

HOSTS, EACH, STEADY = 4, 16, 5
GAP = 0.2 # s between two pictures of a steady camera, which sends 15 a second; what the machine or the camera was late comes on top
GOOD = {"media": "tiny", "silent": [], "trickle": False, "frozen": False, "mute": [], "status": {}}
suite = Suite()


class Flapping:
    """One of the 64, and when the trouble that it is in ends."""

    TROUBLES = {"reset": 4, "finish": 3, "half-frame-reset": 2, "garbage": 2, "close": 6, "hang": 4, "silent": 4, "rtcp": 2,
                "trickle": 1, "media": 2, "mute": 1, "status": 2, "frozen": 1, "offset": 1}

    def __init__(self, camera, chance):
        self.camera = camera
        self.chance = chance
        self.until = None

    def begin(self, now):
        kind = self.chance.choices(*zip(*self.TROUBLES.items()))[0]
        self.until = now + self.chance.choice((self.chance.uniform(0.2, 3), self.chance.uniform(3, 20)))
        options = {"silent": {"silent": ["video"]}, "rtcp": {"silent": ["video", "sound", "rtcp"]}, "trickle": {"trickle": True},
                   "media": {"media": self.chance.choice(("a", "b", "h265", "slices"))}, "frozen": {"frozen": True},
                   "mute": {"mute": [self.chance.choice(("OPTIONS", "DESCRIBE", "SETUP", "PLAY"))]},
                   "status": {"status": {"DESCRIBE": self.chance.choice((401, 404, 453, 503))}},
                   "offset": {"offset": self.chance.uniform(-4000, 4000)}}.get(kind)
        if options:
            self.camera.set(**options)
        if kind in ("mute", "status"):
            self.camera.act("reset")
        elif not options:
            self.camera.act(kind)
        return kind

    def end(self):
        self.until = None
        self.camera.act("open")
        self.camera.act("wake")
        self.camera.set(**GOOD)


class Pulses:
    """When the processors of this machine stood still."""

    def __init__(self):
        self.processes = [suite.keep(Process([sys.executable, ROOT / "tests/support/pulse.py", cpu], suite.directory, f"pulse-{cpu}"))
                          for cpu in sorted(os.sched_getaffinity(0))]

    def pauses(self):
        return [tuple(map(float, line.split())) for p in self.processes for line in p.output().splitlines()]


def excess(gap, pauses):
    """How long a time without a picture is without these pauses in it; what is held up by one processor may then have to wait for
    another."""
    begin, end = gap
    left = 0
    for since, till in sorted(pauses):
        left += max(0, min(end, since) - begin)
        begin = max(begin, min(end, till))
    return left + end - begin


def counts(sluice):
    return sluice.threads(), sluice.descriptors(), sluice.resident()


def flap(sluice, hosts, flapping, seconds, chance):
    """For so long; what was done, by kind."""
    done, end, told = {}, time.monotonic() + seconds, time.monotonic()
    together, down = time.monotonic() + 30, None # a switch reboots: all cameras of one process at once
    while (now := time.monotonic()) < end:
        assert sluice.running(), "the launcher has ended"
        for f in flapping:
            if f.until and f.until < now and f.camera.host is not down:
                f.end()
        well = [f for f in flapping if not f.until and f.camera.host is not down]
        if len(well) > len(flapping) / 2:
            kind = chance.choice(well).begin(now)
            done[kind] = done.get(kind, 0) + 1
        if now > together and not down:
            down, together = chance.choice(hosts), now + chance.uniform(4, 12)
            kind = chance.choice(("kill", "stop"))
            done[kind] = done.get(kind, 0) + 1
            if kind == "kill":
                down.kill()
            else:
                down.p.send_signal(signal.SIGSTOP)
        elif now > together:
            if down.p.poll() is None:
                down.p.send_signal(signal.SIGCONT)
            else:
                down.start()
                for f in flapping: # they come back well
                    if f.camera.host is down:
                        f.until = None
            down, together = None, now + chance.uniform(20, 60)
        if now > told + 60:
            told = now
            note("threads {}, descriptors {}, memory {:.1f} MB; {} troubles".format(*counts(sluice), sum(done.values())))
        time.sleep(chance.uniform(0.1, 0.5))
    if down and down.p.poll() is None:
        down.p.send_signal(signal.SIGCONT)
    elif down:
        down.start()
    for f in flapping:
        f.end()
    return done


@suite.case
def steady_viewers_notice_nothing_of_64_cameras_that_flap():
    chance = random.Random(ARGUMENTS.seed)
    note(f"seed {ARGUMENTS.seed}, {ARGUMENTS.seconds} s")
    hosts = [suite.keep(Host(suite.directory, {f"flap-{h}-{c}": {"media": "tiny", "sound": "PCMU" if c % 4 == 0 else None}
                                               for c in range(EACH)}, f"flap-{h}")) for h in range(HOSTS)]
    steady = suite.keep(Host(suite.directory, {f"steady-{n}": {} for n in range(STEADY)}, "steady"))
    flapping = [Flapping(h.camera(n), chance) for h in hosts for n in h.cameras]
    all_cameras = [f.camera for f in flapping] + [steady.camera(n) for n in steady.cameras]
    sluice = suite.keep(Sluice(suite.directory, {c.name: {"main": c.url()} for c in all_cameras}))

    def streaming():
        return all(c["state"] == "streaming" for c in cameras(sluice).values())

    until(streaming, 60, "all stream")
    pulses = Pulses()
    viewers = suite.keep(Viewers(sluice))
    watching = [viewers.join(name) for name in steady.cameras]
    flap(sluice, hosts, flapping, min(60, ARGUMENTS.seconds / 4), chance) # what is made once is made now
    until(streaming, 90, "all stream after the first troubles")
    before = settled(sluice.threads, 5), settled(sluice.descriptors, 2), sluice.resident()
    for name in steady.cameras:
        steady.camera(name).stats() # what was late until now
    began = time.monotonic()
    done = flap(sluice, hosts, flapping, ARGUMENTS.seconds, chance)
    until(streaming, 90, "all stream again")
    ended = time.monotonic()
    after = settled(sluice.threads, 20), settled(sluice.descriptors, 5), sluice.resident()
    pauses = pulses.pauses()
    gaps = [v.gap(began, ended) for v in watching]
    late = [[tuple(pause) for pause in steady.camera(name).stats()["late"]] for name in steady.cameras]
    longest = [max((excess(g, pauses + of_camera) for g in v.gaps(began, ended) if g[1] - g[0] > GAP), default=gap)
               for v, gap, of_camera in zip(watching, gaps, late)]
    note(", ".join(f"{k} {n}" for k, n in sorted(done.items())))
    note(f"threads {before[0]} -> {after[0]}, descriptors {before[1]} -> {after[1]}, memory {before[2]:.1f} -> {after[2]:.1f} MB")
    note("longest gaps of the steady viewers: " + ", ".join(f"{g * 1000:.0f}" for g in gaps) + " ms, without what "
         "machine and camera were late " + ", ".join(f"{x * 1000:.0f}" for x in longest) + f" ms; it was {len(pauses)} times, "
         f"{max((till - since for since, till in pauses), default=0) * 1000:.0f} ms at most, they {sum(map(len, late))} times, "
         f"{max((till - since for of_one in late for since, till in of_one), default=0) * 1000:.0f} ms at most")
    assert not any(v.closed for v in watching), [str(v) for v in watching if v.closed]
    assert max(longest) <= GAP, (gaps, longest)
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 3, (before, after)
    assert after[2] - before[2] < 20, (before, after)
    suite.close(viewers)
    assert suite.close(sluice) == 0


if __name__ == "__main__":
    sys.exit(suite.main())
