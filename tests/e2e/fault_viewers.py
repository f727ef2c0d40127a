# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers that stay: what tests/support/watcher.cpp tells of many viewers of many cameras, kept by the moment."""
import bisect
import os
import subprocess
import threading
import time

from harness import BUILD, PASSWORD


class Viewer:
    """What came to one viewer. Times are those of time.monotonic()."""

    def __init__(self, name):
        self.name = name
        self.changed = threading.Condition()
        self.pictures = []     # when each was complete
        self.clock = []        # their RTP times in seconds, without wrapping
        self.keys = []         # of those the ones that begin with a key frame
        self.sizes = []        # (time, "320x180") as it changes
        self.sounds = []
        self.states = []       # (time, state, reason)
        self.joined = None     # session
        self.refused = None    # "406 why"
        self.closed = None     # (time, reason)

    def wait(self, condition, seconds, what):
        """The first true value of condition()."""
        with self.changed:
            value = self.changed.wait_for(condition, seconds)
        assert value, f"the viewer {self.name}: not within {seconds} s: {what}; {self}"
        return value

    def picture_after(self, moment, seconds, what="a picture"):
        """When it came."""
        def first():
            place = bisect.bisect_right(self.pictures, moment)
            return self.pictures[place] if place < len(self.pictures) else None

        return self.wait(first, seconds, what)

    def gaps(self, begin, end=None):
        """The times without a picture, each from and to."""
        with self.changed:
            end = end or time.monotonic()
            times = [begin] + self.pictures[bisect.bisect(self.pictures, begin):bisect.bisect(self.pictures, end)] + [end]
        return list(zip(times, times[1:]))

    def gap(self, begin, end=None):
        """The longest time without a picture, in seconds."""
        return max(b - a for a, b in self.gaps(begin, end))

    def picture_came(self, at, rtp_time):
        """Of two RTP times the way from the one to the other is the shorter one."""
        before = self.clock[-1] if self.clock else rtp_time / 90000
        step = (rtp_time - round(before * 90000)) % (1 << 32)
        self.clock.append(before + (step - (1 << 32) * (step >= 1 << 31)) / 90000)
        self.pictures.append(at)

    def clock_trouble(self, begin, end=None):
        """Why a browser would not show these pictures in time: their RTP times must grow, and as fast as time passes."""
        with self.changed:
            first, last = bisect.bisect(self.pictures, begin), bisect.bisect(self.pictures, end or time.monotonic())
            came, clock = self.pictures[first:last], self.clock[first:last]
        for i in range(1, len(clock)):
            if clock[i] <= clock[i - 1]:
                return f"RTP time {clock[i]:.3f} after {clock[i - 1]:.3f}, {came[i] - begin:.2f} s after the beginning"
        off = [c - a for a, c in zip(came, clock)]
        if off and max(off) - min(off) > 0.5:
            return f"RTP time and time drift {max(off) - min(off):.2f} s apart"
        return None

    def count(self, begin, end):
        return bisect.bisect(self.pictures, end) - bisect.bisect(self.pictures, begin)

    def size(self):
        return self.sizes[-1][1] if self.sizes else None

    def __str__(self):
        return (f"joined {self.joined}, refused {self.refused}, closed {self.closed}, {len(self.pictures)} pictures, "
                f"sizes {self.sizes}, states {self.states[-3:]}, now {time.monotonic():.2f}")


class Viewers:
    """One process; each viewer joins over one shared WebSocket, as those of a page do."""

    def __init__(self, sluice, under=()):
        self.saying = threading.Lock()
        self.viewers = {}
        self.p = subprocess.Popen([*under, BUILD / "tests/integration/sluice-watcher", sluice.base], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env={**os.environ, "SLUICE_ADMIN_PASSWORD": PASSWORD})
        assert self.p.stdout.readline() == "ready\n"
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def join(self, name, camera=None, sound=False, seconds=20):
        """Joins and waits for the first picture; an AssertionError says why there is none."""
        viewer = self.begin(name, camera, sound)
        viewer.wait(lambda: viewer.pictures or viewer.refused or viewer.closed, seconds, "joined and a picture")
        assert viewer.pictures, str(viewer)
        return viewer

    def begin(self, name, camera=None, sound=False, forged=False):
        viewer = self.viewers[name] = Viewer(name)
        self._say(f"join {name} {camera or name}{' sound' if sound else ' forged' if forged else ''}")
        return viewer

    def leave(self, name):
        self._say(f"leave {name}")

    def _say(self, line):
        with self.saying:
            self.p.stdin.write(line + "\n")
            self.p.stdin.flush()

    def _read(self):
        for line in self.p.stdout:
            what, name, at, *rest = line.rstrip("\n").split(" ", 3)
            viewer, at, rest = self.viewers[name], int(at) / 1e6, rest[0] if rest else ""
            with viewer.changed:
                if what in ("p", "k"):
                    viewer.picture_came(at, int(rest))
                    if what == "k":
                        viewer.keys.append(at)
                elif what == "sound":
                    viewer.sounds.append(at)
                elif what == "size":
                    viewer.sizes.append((at, rest))
                elif what == "state":
                    viewer.states.append((at, *rest.split(" ", 1)))
                elif what == "joined":
                    viewer.joined = rest
                elif what == "refused":
                    viewer.refused = rest
                elif what == "closed":
                    viewer.closed = (at, rest)
                viewer.changed.notify_all()

    def stop(self):
        self.p.stdin.close()
        self.p.wait(20)
        self.reader.join(5)
        self.p.stdout.close()
