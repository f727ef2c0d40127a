#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""./examples/quickstart in a terminal: it gets to a playing picture, and Ctrl-C leaves nothing behind."""
import os
import pty
import re
import select
import signal
import sys
import time

from harness import ROOT, Browser, Suite, free_port, note, until

suite = Suite()


class Terminal:
    def __init__(self, *argv):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(argv[0], argv)

    def read_until(self, mark, seconds):
        end = time.monotonic() + seconds
        while mark not in self.text and time.monotonic() < end:
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode(errors="replace")
                except OSError:
                    break
        assert mark in self.text, self.text[-2000:]

    def close(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def descendants_of_quickstart(directory):
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                if directory.encode() in f.read() or b"build-quickstart/" in open(f"/proc/{entry}/cmdline", "rb").read():
                    found.append(entry)
        except OSError:
            pass
    return found


@suite.case
def plays_and_ends_by_ctrl_c():
    for name in ("SLUICE_PIPELINES", "GST_PLUGIN_PATH", "GST_REGISTRY"):
        os.environ.pop(name, None)
    port = free_port()
    terminal = suite.keep(Terminal(str(ROOT / "examples/quickstart"), "--no-install", "--port", str(port)))
    terminal.read_until("Ctrl-C ends the camera", 900)
    password = re.search(r"Password (\S+)", terminal.text).group(1)
    directory = re.search(r"Log: (\S+)/sluice.log", terminal.text).group(1)

    class Running:
        base = f"http://127.0.0.1:{port}"

    browser = suite.keep(Browser())
    browser.login(Running, password)
    started = time.monotonic()
    browser.playing()
    note(f"plays {time.monotonic() - started:.1f} s after the login was sent")
    os.write(terminal.fd, b"\x03")
    suite.open_things.remove(terminal)
    assert terminal.wait() == 130
    until(lambda: not descendants_of_quickstart(directory), 10, "every process it started has ended")
    assert not os.path.exists(directory)


if __name__ == "__main__":
    sys.exit(suite.main())
