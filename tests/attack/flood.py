# SPDX-License-Identifier: LGPL-2.1-or-later
"""A flood, and what it does to others: a viewer that watches meanwhile, /healthz, and what is left when it is over."""
import itertools
import os
import resource
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path

from attack import Toll
from fault_viewers import Viewers

# A machine that works for others all the time says nothing about ours: there the limits are wider.
BUSY = os.getloadavg()[0] > 2 * os.cpu_count()
GAP = 2.0 if BUSY else 1.0     # seconds a viewer may be without a picture
HEALTH = 4.0 if BUSY else 1.0  # seconds an answer may take


def more_descriptors():
    """As many as may be; returns the number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def sources(addresses, second=20):
    """127.20.0.1 and so on, again and again."""
    return itertools.cycle([f"127.{second}.{i // 250}.{i % 250 + 1}" for i in range(addresses)])


class Bystanders:
    """The launcher's honest clients."""

    def __init__(self, suite, sluice, table):
        self.table = table
        self.sluice = sluice
        self.viewers = suite.keep(Viewers(sluice))
        self.viewer = self.viewers.join("honest", camera="front")
        self.poll = subprocess.Popen([sys.executable, Path(__file__).with_name("health_poll.py"), str(sluice.port)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        suite.keep(self)

    def health(self):
        self.poll.stdin.write("\n")
        self.poll.stdin.flush()
        longest, good, bad = self.poll.stdout.readline().split()
        return float(longest), int(good), int(bad)

    def stop(self):
        self.poll.stdin.close()
        self.poll.wait(10)
        self.poll.stdout.close()


class Flood:
    """with Flood(bystanders, "name"): ... The lines of the table are written at its end."""

    def __init__(self, bystanders, name, memory=40, settle=40, **left):
        self.by, self.name, self.memory, self.settle, self.left = bystanders, name, memory, settle, left

    def __enter__(self):
        self.by.health()
        self.toll = Toll(self.by.sluice)
        self.began = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        ended = time.monotonic()
        longest, good, bad = self.by.health()
        gap = self.by.viewer.gap(self.began, ended)
        table = self.by.table
        table.line(f"{self.name}: longest time a viewer waited", f"<= {GAP:.0f} s", f"{gap:.2f} s in {ended - self.began:.0f} s",
                   gap <= GAP and not self.by.viewer.closed)
        table.line(f"{self.name}: slowest /healthz", f"<= {HEALTH:.0f} s", f"{longest:.3f} s, {good} answers, {bad} none",
                   longest <= HEALTH and bad == 0)
        text, fine = self.toll.left(self.settle, **self.left)
        memory = self.toll.now()[2] - self.toll.before[2]
        table.line(f"{self.name}: left behind", "next to nothing", text, fine and memory < self.memory)


class Crowd:
    """Many connections, all of them without blocking."""

    def __init__(self, port):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.all = {} # socket: bytes that came

    def connect(self, count, where, first=b""):
        """How many connections could be made."""
        for _ in range(count):
            s = socket.socket()
            s.bind((next(where), 0))
            s.setblocking(False)
            try:
                s.connect(("127.0.0.1", self.port))
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                continue
            self.all[s] = b""
            self.selector.register(s, selectors.EVENT_READ)
            if first:
                self.send(s, first)
        return len(self.all)

    @staticmethod
    def send(s, data):
        try:
            s.send(data)
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def trickle(self, data):
        """To each of them."""
        for s in list(self.all):
            self.send(s, data)

    def listen(self, seconds):
        """Takes what comes; returns how many are still open."""
        end = time.monotonic() + seconds
        while self.all and time.monotonic() < end:
            for key, _ in self.selector.select(max(0.0, min(0.1, end - time.monotonic()))):
                s = key.fileobj
                try:
                    data = s.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                self.all[s] += data
                if not data:
                    self.drop(s)
        return len(self.all)

    def drop(self, s):
        self.selector.unregister(s)
        s.close()
        del self.all[s]

    def close(self):
        for s in list(self.all):
            self.drop(s)
        self.selector.close()
