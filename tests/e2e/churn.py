# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras come and go by reload and API while others watch one that stays: the watchers notice nothing, nothing is left."""
import os
import subprocess
import time

from api import cameras, delete, equal, hup, put, rewrite
from harness import BUILD, PASSWORD, Camera, Sluice, note, settled, until, until_more

LIMIT = 100  # ms between two pictures of 33 ms


class Watchers:
    def __init__(self, sluice, camera, count):
        self.p = subprocess.Popen([BUILD / "tests/integration/sluice-watcher", sluice.base, camera, str(count)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "SLUICE_ADMIN_PASSWORD": PASSWORD})
        assert self.p.stdout.readline() == "watching\n"

    def ask(self):
        """(pictures, longest gap in ms) since the last call."""
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        pictures, gap = self.p.stdout.readline().split()
        return int(pictures), float(gap)

    def wait_for(self, pictures):
        """Until so many more have come."""
        until_more(lambda: self.ask()[0], pictures, "pictures")

    def stop(self):
        self.p.stdin.close()
        self.p.wait(20)
        self.p.stdout.close()


def churn(sluice, url, reloads, edits):
    """So many reloads and so many cameras made and removed, evenly mixed."""
    def change(config):
        stream = config["cameras"]["other"]["streams"]["main"]
        stream["latency"] = 20 - stream.get("latency", 0)

    done = 0
    for n in range(edits):
        equal(put(sluice, f"extra-{n % 7}", {"streams": {"main": {"url": url if n % 2 else "rtsp://127.0.0.1:1/x"}}})[0],
              201)
        if n % 2:
            time.sleep(0.1)  # what it connects to is on its way when it is removed
        equal(delete(sluice, f"extra-{n % 7}")[0], 204)
        while done * edits < reloads * (n + 1):
            rewrite(sluice, change)
            said = hup(sluice)
            assert "0 added, 1 changed, 0 removed" in said, said
            done += 1


def run(suite, reloads, edits, viewers):
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "30",
                               "--bitrate", "300"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}, "other": {"main": camera.url()}}))

    def streaming():
        return all(c["state"] == "streaming" for c in cameras(sluice).values())

    until(streaming, 20, "both stream")
    watchers = suite.keep(Watchers(sluice, "front", viewers))
    churn(sluice, camera.url(), 2, 4)  # what is made once is made now
    until(streaming, 20, "both stream")
    before = settled(sluice.threads, 3), settled(sluice.descriptors, 1), sluice.resident()
    watchers.ask()
    began = time.monotonic()
    churn(sluice, camera.url(), reloads, edits)
    pictures, gap = watchers.ask()
    took = time.monotonic() - began
    until(streaming, 20, "both stream")
    after = settled(sluice.threads, 5), settled(sluice.descriptors, 1), sluice.resident()
    note(f"{reloads} reloads, {edits} cameras made and removed in {took:.1f} s; {pictures} pictures, longest gap {gap} ms; "
         f"threads {before[0]} -> {after[0]}, descriptors {before[1]} -> {after[1]}, "
         f"memory {before[2]:.1f} -> {after[2]:.1f} MB")
    assert gap <= LIMIT, gap
    assert pictures > took * 20, (pictures, took)
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 3, (before, after)
    assert after[2] - before[2] < 10, (before, after)
    equal(cameras(sluice)["front"]["streams"][0]["attempts"], 1, "the camera that stays was not touched")
    suite.close(watchers)
    equal(suite.close(sluice), 0)
