# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fault cameras of tests/support/fault_camera.py, from the side of a test."""
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from harness import ROOT, Process

sys.path.insert(0, str(ROOT / "tests/support"))
import camera_media  # noqa: E402  pylint: disable=wrong-import-position

_directory = None
_making = threading.Lock()


def media(name):
    """The path of a variant of camera_media.py; each is encoded once in a test program. A path is what it is."""
    if "/" in name:
        return name
    global _directory  # pylint: disable=global-statement
    with _making:
        if _directory is None:
            _directory = tempfile.TemporaryDirectory(prefix="sluice-media-")
        return str(camera_media.make(name, _directory.name))


def options_of(options):
    return {k: media(v) if k == "media" else v for k, v in options.items()}


class Host(Process):
    """One process with any number of cameras: {name: options}. `media` is a variant's name or a path; the rest is in fault_camera.py."""

    place = "127.0.0.1" # where the launcher finds it

    def __init__(self, directory, cameras, name="cameras", under=()):  # pylint: disable=super-init-not-called
        self.cameras = {n: {"media": "a", **o} for n, o in cameras.items()}
        self.name, self.told, self.under = name, 0, list(under)
        self.log = Path(directory) / f"{name}.log"
        self.lock = threading.Lock()
        self.file = None
        self.start()

    def start(self):
        """Also again, after kill(): on the same ports, with what the cameras were told to be by describe()."""
        if self.file:
            self.file.close()
        self.file = open(self.log, "ab")
        self.p = subprocess.Popen([*self.under, sys.executable, ROOT / "tests/support/fault_camera.py",
                                   json.dumps({n: options_of(o) for n, o in self.cameras.items()})],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.file, text=True)
        self.pid = self.p.pid
        line = self.p.stdout.readline()
        assert line, f"the cameras did not start: {self.output()}"
        ready = json.loads(line)
        for name, port in ready["ready"].items():
            self.cameras[name]["port"] = port
        self.ready_at = ready["at"]
        return self.ready_at

    def ask(self, camera, do, **rest):
        with self.lock:
            self.p.stdin.write(json.dumps({"do": do, "camera": camera, **rest}) + "\n")
            self.p.stdin.flush()
            answer = json.loads(self.p.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def kill(self):
        """As a power cut ends it."""
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()

    def stop(self, number=None, seconds=15):  # pylint: disable=arguments-differ
        if self.p.poll() is None:
            self.p.send_signal(18)  # CONT
            self.p.stdin.close()
            self.p.wait(seconds)
            self.p.stdout.close()
        self.file.close()

    def camera(self, name):
        return FaultCamera(self, name)


class FaultCamera:
    def __init__(self, host, name):
        self.host = host
        self.name = name

    def url(self, path="main"):
        o = self.host.cameras[self.name]
        return f"rtsp://{self.host.place}:{o['port']}/{path}"

    def set(self, **options):
        """From now on; the moment at which it was so."""
        return self.host.ask(self.name, "set", options=options_of(options))["at"]

    def act(self, what):
        return self.host.ask(self.name, "act", act=what)["at"]

    def stats(self):
        return self.host.ask(self.name, "stats")

    def describe(self, **options):
        """What it will be when its process starts the next time."""
        self.host.cameras[self.name].update(options)

    def reboot(self, **options):
        """At once; the moment at which it listens again."""
        self.host.kill()
        self.describe(**options)
        return self.host.start()
