# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fault matrix: one launcher, many cameras, a viewer of each that stays; the cases go wrong side by side.

Each case begins and ends with a camera that works and a viewer that watches, so that what is left at the end was lost.
"""
import json
import re
import sys
import threading
import time
import traceback
from pathlib import Path

from api import cameras
from fault_cameras import Host
from fault_status import Status
from fault_viewers import Viewers
from harness import BUILD, Sluice, complain, note, settled, until

STALL = 3.5    # noticed within that many seconds at the default of 3
RETURNS = 1.5  # a camera that works again, and was lost less than 15 s ago: a try each 250 to 500 ms, and connecting
LOST = "closed the connection|reset the connection"
GOOD = {"media": "a", "sound": None, "auth": None, "status": {}, "mute": [], "silent": [], "trickle": False, "udp": "ok",
        "loss": 0.0, "frozen": False, "sprop": True, "in_band": True, "mode": 1, "start": "key", "position": 0.0}


class Fault:
    """One case under way: what it does to its camera, and what it sees."""

    def __init__(self, matrix, name, options, stream):
        self.matrix = matrix
        self.name = name
        self.options = options
        self.stream = stream
        self.camera = self.viewer = self.host = self.spare = None
        self.began = self.noticed = self.healed = None # moments
        self.detect = self.recover = None              # seconds
        self.closed = False
        self.error = None
        self.losses = 0 # of the launcher's count, before the case

    def configuration(self):
        if self.spare:
            return {"sources": [{"url": self.camera.url()}, {"url": self.spare.url()}], **self.stream}
        return {"url": self.camera.url(), **self.stream}

    # What happens to the camera

    def fault(self, moment=None):
        """The trouble begins now."""
        self.began = moment or time.monotonic()
        self.noticed = self.healed = None

    def set(self, **options):
        self.fault(self.camera.set(**options))

    def act(self, what):
        self.fault(time.monotonic())
        self.camera.act(what)

    def reboot(self, **options):
        """The camera's process ends and begins anew, on the same port; it works from then on."""
        self.fault()
        self.healed = self.camera.reboot(**options)

    def proves_itself(self):
        """A camera that has run for so long is a healthy one: losing it is followed by quick tries again."""
        time.sleep(10.5)

    def heal(self, **options):
        """The camera works again."""
        self.healed = self.camera.set(**options) if options else time.monotonic()

    # What is seen

    def status(self):
        return self.matrix.status.now(self.name)

    def is_noticed(self, failure, reason, within, state=None, fallback=False):
        """The API says so, no later than that after the fault; a plain text or several in `failure`. fallback: another source may
        play before anybody has asked how the lost one stands."""
        kinds = [failure] if isinstance(failure, str) else failure

        def as_wanted(seen):
            return (seen.at >= self.began and (seen.state == state if state else fallback or seen.state != "streaming")
                    and seen.failure in kinds and re.search(reason, seen.reason))

        seen = self.matrix.status.wait(self.name, as_wanted, self.began, within + 10,
                                       f"{'/'.join(kinds)} with a reason like '{reason}'")
        took = seen.at - self.began
        if self.noticed is None:
            self.noticed, self.detect = seen.at, max(self.detect or 0.0, took)
        assert took <= within, f"{self.name}: noticed after {took:.2f} s, allowed are {within}: {seen}"
        return seen

    def is_back(self, within=RETURNS, size=None):
        """Pictures again in the same session, no later than that after the camera worked again."""
        healed = self.healed or self.began
        came = self.viewer.picture_after(max(healed, self.noticed or 0), within + 15, "pictures again")
        if size:
            self.viewer.wait(lambda: self.viewer.size() == size, 5, f"pictures of {size}")
        took = came - healed
        self.recover = max(self.recover or 0.0, took)
        assert took <= within, f"{self.name}: pictures after {took:.2f} s, allowed are {within}; {self.viewer}"
        self.stays()
        self.in_time(self.began or came)
        until(lambda: self.status().state == "streaming", 3, "the API says streaming, too")
        return came

    def goes_on(self, seconds, gap):
        """For so long nothing is noticed but the longest time without a picture, which is bounded."""
        time.sleep(max(0.0, self.began + seconds - time.monotonic()))
        longest = self.viewer.gap(self.began)
        seen = self.matrix.status.since(self.name, self.began)
        assert all(s.state == "streaming" for s in seen), "; ".join(map(str, seen[-8:]))
        self.recover = max(self.recover or 0.0, longest)
        assert longest <= gap, f"{self.name}: {longest:.2f} s without a picture, allowed are {gap}; {self.viewer}"
        self.stays()
        self.in_time(self.began)

    def lost_nothing(self):
        """One connection all the time."""
        losses = self.status().stream["losses"] - self.losses
        assert losses == 0, f"{losses} connections were lost"

    def in_time(self, since):
        trouble = self.viewer.clock_trouble(since)
        assert not trouble, trouble

    def stays(self):
        assert not self.viewer.closed, f"the session was closed: {self.viewer.closed[1]}"

    def is_closed(self, reason, within=5):
        """Where a browser cannot go on: the session ends and says why."""
        at, why = self.viewer.wait(lambda: self.viewer.closed, within, f"closed: {reason}")
        assert re.search(reason, why), why
        self.closed = True
        return at

    def joins_again(self, within=5):
        """As the page does."""
        begun = time.monotonic()
        self.viewer = self.matrix.viewers.join(self.name, seconds=within)
        return self.viewer.pictures[0] - begun

    def run(self, function):
        try:
            self.losses = self.status().stream["losses"]
            function(self)
            if not self.viewer.closed:
                self.viewer.picture_after(time.monotonic(), 5, "pictures at the end of the case")
        except Exception:  # pylint: disable=broad-except
            self.error = traceback.format_exc()
            seen = self.matrix.status.since(self.name, self.began or 0)
            self.error += f"{self.name}: " + "; ".join(map(str, seen[-10:])) + f"\n{self.matrix.viewers_of(self.name)}"
        finally:
            self.repair()

    def repair(self):
        """A case that broke leaves a camera that works, too: the others' numbers count."""
        try:
            if self.error:
                self.host.p.send_signal(18)
                self.host.kill()
                self.camera.describe(**{**GOOD, **self.options})
                self.host.start()
        except Exception:  # pylint: disable=broad-except
            self.error += traceback.format_exc()


class Matrix:
    """Give it to `main()` of a suite after all cases have been written with @matrix.fault(...)."""

    def __init__(self, suite, memory=20, make_host=Host):
        self.suite = suite
        self.make_host = make_host
        self.memory = memory # MB the launcher may grow by
        self.faults = {}     # name: (Fault, function)
        self.threads = {}
        self.sluice = self.status = self.viewers = self.before = self.after = None

    def fault(self, stream=None, viewer="", spare=False, **options):
        """A case with a camera of these options. stream: more of its configuration; viewer: "sound" takes that, too; spare:
        it has a second camera as its fallback."""
        def add(function):
            name = function.__name__.replace("_", "-")
            fault = Fault(self, name, options, stream or {})
            fault.sound = viewer == "sound"
            fault.has_spare = spare
            self.faults[name] = fault, function

            def case():
                self.begin()
                if name in self.threads:
                    self.threads[name].join()
                if fault.error:
                    raise AssertionError(fault.error)

            case.__name__ = function.__name__
            self.suite.case(case)
            return function

        return add

    def spare(self, name, **options):
        """A camera that the launcher knows nothing of."""
        return self.suite.keep(self.make_host(self.suite.directory, {name: options}, name)).camera(name)

    def begin(self):
        if self.sluice:
            assert self.before, "the launcher did not come so far"
            return
        self.suite.keep(self)
        wanted = self.suite.wanted()
        self.faults = {n: f for n, f in self.faults.items() if not wanted or n.replace("-", "_") in wanted}
        for name, (fault, _) in self.faults.items():
            fault.host = self.suite.keep(self.make_host(self.suite.directory, {name: fault.options}, name))
            fault.camera = fault.host.camera(name)
            if fault.has_spare:
                fault.spare = self.spare(name + "-spare", media="b")
        self.sluice = self.suite.keep(Sluice(
            self.suite.directory, {n: {"main": f.configuration()} for n, (f, _) in self.faults.items()}))
        self.all_stream(30)
        self.viewers = self.suite.keep(Viewers(self.sluice))
        for name, (fault, _) in self.faults.items():
            fault.viewer = self.viewers.join(name, sound=fault.sound)
        self.status = self.suite.keep(Status(self.sluice))
        for name, (fault, _) in self.faults.items(): # what is made once is made now
            until(lambda n=name: n in self.status.history, 10, "the API answers")
            fault.act("reset")
            fault.viewer.picture_after(time.monotonic() + 0.5, 15, "pictures after the first loss")
        for fault, _ in self.faults.values():
            fault.viewer.wait(lambda v=fault.viewer: v.size() == v.sizes[0][1], 30, "the first source again")
        time.sleep(10.5) # see Fault.proves_itself()
        self.before = self.count()
        for name, (fault, function) in self.faults.items():
            self.threads[name] = threading.Thread(target=fault.run, args=(function,), daemon=True)
            self.threads[name].start()

    def all_stream(self, seconds):
        try:
            until(lambda: all(c["state"] == "streaming" for c in cameras(self.sluice).values()), seconds, "")
        except AssertionError as e:
            raise AssertionError("not all cameras stream: " + ", ".join(
                f"{n} {c['state']}: {c['reason']}" for n, c in cameras(self.sluice).items() if c["state"] != "streaming")) from e

    def count(self):
        return settled(self.sluice.threads, 2), settled(self.sluice.descriptors, 1), self.sluice.resident()

    def nothing_is_left(self):
        """The last case: threads, descriptors and memory are where they were."""
        self.begin()
        for thread in self.threads.values():
            thread.join()
        self.all_stream(70)
        try:
            until(lambda: settled(self.sluice.threads, 1) <= self.before[0], 15, "")
        except AssertionError:
            pass
        self.after = self.count()
        zombies = {n: s[0].get("zombies") for n, s in
                   ((c["name"], c["streams"]) for c in cameras(self.sluice).values()) if s[0].get("zombies")}
        assert self.after[0] <= self.before[0] + 2 and self.after[1] <= self.before[1] + 3, (self.before, self.after)
        assert self.after[2] - self.before[2] < self.memory, (self.before, self.after)
        assert not zombies, zombies

    def viewers_of(self, camera):
        """As the API lists them."""
        told = json.loads(self.sluice.get("/api/v1/viewers")[2])["viewers"]
        return json.dumps([v for v in told if v["camera"] == camera])

    def table(self):
        """Also in the build directory, where tests/run finds it."""
        def number(value):
            return "-" if value is None else f"{value:.2f} s"

        leaks = "?" if not self.after else "{:+d}/{:+d}/{:+.1f} MB".format(*(b - a for a, b in zip(self.before, self.after)))
        lines = [f"{'case':44} {'noticed':>9} {'back':>9}  viewer closed"]
        lines += [f"{name:44} {number(fault.detect):>9} {number(fault.recover):>9}  "
                  f"{'yes' if fault.closed else 'no':3} {'FAILED' if fault.error else ''}".rstrip()
                  for name, (fault, _) in self.faults.items()]
        lines.append(f"left by all of them: threads/descriptors/memory {leaks}")
        for line in lines:
            note(line)
        note(f"the API's slowest answer: {self.status.slowest * 1000:.0f} ms")
        directory = BUILD / "fault-matrix"
        directory.mkdir(exist_ok=True)
        (directory / f"{Path(sys.argv[0]).stem}.txt").write_text("\n".join(lines) + "\n")

    def stop(self):
        if self.status:
            self.table()
        for fault, _ in self.faults.values():
            if fault.error:
                complain(f"{fault.name}: {fault.error.strip().splitlines()[-2][:600]}")

    def main(self):
        def nothing_is_left():
            self.nothing_is_left()

        self.suite.case(nothing_is_left)
        return self.suite.main()
