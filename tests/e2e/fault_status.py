# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the API says of all cameras of a launcher, asked often and kept by the moment."""
import json
import threading
import time

from api import log_in

INTERVAL = 0.05


class Seen:
    """How one camera stood from a moment on."""

    def __init__(self, at, stream):
        self.at = at
        self.stream = stream
        self.state, self.reason = stream["state"], stream["reason"] or ""
        self.failure = stream.get("failure")

    def __str__(self):
        return f"{self.at:.2f} {self.state} {self.failure or '-'} \"{self.reason}\" (attempt {self.stream['attempts']})"


class Status:
    """A thread that asks; times are those of time.monotonic() when the answer had come."""

    TOLD = ("state", "reason", "failure", "attempts", "losses", "codec", "width", "source")

    def __init__(self, sluice):
        self.sluice = sluice
        self.cookie = log_in(sluice)
        self.changed = threading.Condition()
        self.history = {} # camera: [Seen]
        self.slowest = 0.0
        self.ended = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended:
            asked = time.monotonic()
            status, _, body = self.sluice.get("/api/v1/cameras", auth=None, headers=self.cookie)
            now = time.monotonic()
            self.slowest = max(self.slowest, now - asked)
            if status == 200:
                self._take(now, json.loads(body)["cameras"])
            time.sleep(max(0.0, INTERVAL - (now - asked)))

    def _take(self, now, cameras):
        with self.changed:
            for camera in cameras:
                stream = camera["streams"][0]
                seen = self.history.setdefault(camera["name"], [])
                if not seen or any(seen[-1].stream.get(f) != stream.get(f) for f in self.TOLD):
                    seen.append(Seen(now, stream))
                else:
                    seen[-1].stream = stream # the numbers that change all the time
            self.changed.notify_all()

    def now(self, camera):
        with self.changed:
            return self.history[camera][-1]

    def since(self, camera, moment):
        """All that was seen from then on, with what held at that moment."""
        with self.changed:
            seen = self.history[camera]
            first = max((i for i, s in enumerate(seen) if s.at <= moment), default=0)
            return seen[first:]

    def wait(self, camera, condition, moment, seconds, what):
        """The first that was seen after the moment, or still held then, and is as wanted."""
        def first():
            return next((s for s in self.since(camera, moment) if condition(s)), None)

        with self.changed:
            found = self.changed.wait_for(first, max(0.0, moment + seconds - time.monotonic()))
        assert found, f"{camera}: not within {seconds} s: {what}; " + "; ".join(map(str, self.since(camera, moment)[-12:]))
        return found

    def stop(self):
        self.ended = True
        self.thread.join(15)
