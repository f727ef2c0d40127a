# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the runner's commands run: in front, with the whole machine and a console, or behind, on what that leaves idle.

Suites that watch a clock run in front. What only computes (sanitizer builds and their tests, fuzzing) runs behind them:
its processes get a core only while nobody in front wants it, what they print is kept until it is asked for.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GRACE = 10 # s that a command has to end what it started
GIB = 1 << 30


class Tally:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []
        self.seconds = [] # (part, s)

    def ok(self):
        self.passed += 1

    def fail(self, name, why=""):
        self.failures.append((name, why))

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.seconds += other.seconds


def memory():
    """Bytes that are there for us: of the machine, or of the control group if that has less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path(limit).read_text()))
        except (OSError, ValueError): # "max"
            pass
    return min(found)


class Stopped(Exception):
    """The runner ends: nothing more is started."""


class Front:
    """At once, on the console."""

    timeouts = 5 # multiplier for tests under sanitizers
    wrapper = ()
    quiet = ()

    def __init__(self):
        self.tally = Tally()
        self.child = None
        self.stopped = False
        self.lock = threading.Lock()
        self.part = None

    def jobs(self):
        """Compilers at a time: one more than cores, and 1 GiB for each."""
        return max(1, min(len(os.sched_getaffinity(0)) + 1, memory() // GIB))

    def say(self, text):
        """A part begins; the one before it has ended."""
        self.note()
        self.part = (text.split(",")[0], time.monotonic())
        self.write(f"== {text}\n")

    def note(self):
        if self.part:
            self.tally.seconds.append((self.part[0], time.monotonic() - self.part[1]))
        self.part = None

    def write(self, text):
        print(text, end="", flush=True)

    def start(self, argv, **kw):
        return subprocess.Popen(argv, cwd=ROOT, **kw)

    def call(self, argv, **kw):
        with self.lock:
            if self.stopped:
                raise Stopped
            self.child = self.start([str(a) for a in argv], **kw)
        try:
            code = self.child.wait()
            self.ended()
            return code
        except BaseException: # ctrl-C, TERM: nothing that was started may stay
            self.stop()
            raise

    def ended(self):
        pass

    def stop(self):
        """TERM first: ninja and meson then end their own children, which are in sessions of their own."""
        with self.lock:
            self.stopped = True
            child = self.child
        if not child or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()


class Behind(Front):
    """On what is left of the machine, in a thread of the runner; what it prints is kept until show()."""

    timeouts = 10
    wrapper = ("--wrapper", ROOT / "tests" / "support" / "idle_test")
    quiet = ("--quiet",)

    def __init__(self, parts):
        super().__init__()
        self.parts = parts # functions of a side
        self.shown = []
        self.output = []
        self.collector = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for part in self.parts:
            try:
                part(self)
            except Stopped:
                break
            except Exception as error: # a part that cannot run is a failure, and no reason to lose the next
                self.tally.fail(getattr(part, "func", part).__name__, f"{type(error).__name__}: {error}")
            self.note()
            with self.lock:
                self.shown, self.output = self.shown + self.output, []

    def jobs(self):
        """Beside a browser, a launcher and cameras: as many as cores, and 2 GiB for each."""
        return max(1, min(len(os.sched_getaffinity(0)), memory() // (2 * GIB)))

    def write(self, text):
        self.output.append(text)

    def start(self, argv, **kw):
        # A session is a scheduling group of its own to Linux (autogroup), as heavy as any other, whatever is in it;
        # idle_test says the same of the sessions that meson opens for its tests.
        command = ["chrt", "--idle", "0", ROOT / "tests" / "support" / "idle_test", *argv] if shutil.which("chrt") else argv
        kw.setdefault("stdout", subprocess.PIPE)
        child = subprocess.Popen([str(a) for a in command], cwd=ROOT, start_new_session=True, text=True, errors="replace",
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **kw)
        if child.stdout:
            self.collector = threading.Thread(target=self.collect, args=(child.stdout,), daemon=True)
            self.collector.start()
        return child

    def ended(self):
        if self.collector: # a process that outlives the command may hold the pipe
            self.collector.join(GRACE)

    def collect(self, stream):
        for line in stream:
            self.write(line)

    def show(self):
        """Prints what has ended."""
        with self.lock:
            text, self.shown = "".join(self.shown), []
        if text:
            print(text, end="", flush=True)

    def join(self):
        while self.thread.is_alive():
            self.thread.join(1)
            self.show()
        self.show()


def end_on_signals():
    """TERM and HUP end the runner as ctrl-C does: through the code that ends what was started."""
    def end(number, frame):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
