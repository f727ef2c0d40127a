#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What credentials cost a viewer who joins: from the POST of the offer to its answer, by way of proving who one is.

    SLUICE_BUILD=build tests/bench/auth_join.py [JOINS]

"application" is the same element inside a program that answers the question at once (examples/embed/embed.py): as good as open.
The ways take turns, so that what the machine does besides hits all of them. The password was hashed before: that is once in 5 minutes.
"""
import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
# pylint: disable=wrong-import-position
from api import OFFER, cameras, log_in  # noqa: E402
from harness import BUILD, PASSWORD, Camera, Sluice, Suite, free_port, until  # noqa: E402

JOINS = int(sys.argv[1]) if len(sys.argv) > 1 else 60


def join(port, path, credentials):
    """Milliseconds until 201; the session is closed again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    began = time.perf_counter()
    connection.request("POST", path, OFFER, {"Content-Type": "application/sdp", **credentials})
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - began) * 1000
    assert answer.status == 201, (answer.status, body[:200])
    session = path.rsplit("/", 1)[0] + "/" + answer.getheader("Location").split("/whep/")[-1]
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("DELETE", session, headers=credentials)
    assert connection.getresponse().status == 200
    connection.close()
    return took


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def main():
    suite = Suite()
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15"))
    sluice = suite.keep(Sluice(suite.directory, {"door": {"main": camera.url()}}))
    port = free_port()
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    embedded = subprocess.Popen([sys.executable, str(ROOT / "examples/embed/embed.py"), camera.url(), str(port)], env=env,
                                stdout=subprocess.PIPE, text=True)
    try:
        secret = embedded.stdout.readline().strip()
        until(lambda: cameras(sluice)["door"]["state"] == "streaming", 20, "it streams")
        made = subprocess.run([BUILD / "launcher/sluice", "token", "create", "bench", "--state", sluice.state], check=True,
                              capture_output=True, text=True).stdout.split()[-1]
        time.sleep(3)  # the launcher has read it
        ways = {"application": (port, {"Authorization": f"Bearer {secret}"}),
                "Basic": (sluice.port, basic("admin", PASSWORD)),
                "token": (sluice.port, {"Authorization": f"Bearer {made}"}),
                "cookie": (sluice.port, log_in(sluice))}
        took = {name: [] for name in ways}
        for _ in range(JOINS):
            for name, (where, credentials) in ways.items():
                took[name].append(join(where, "/whep/door", credentials))
        for name, times in took.items():
            times.sort()
            print(f"{name:12} {len(times)} joins: median {statistics.median(times):6.2f}, p90 {times[len(times) * 9 // 10]:6.2f} ms")
        base = statistics.median(took["application"])
        print(json.dumps({name: round(statistics.median(times) - base, 2) for name, times in took.items()}), "ms more than open")
    finally:
        embedded.terminate()
        embedded.wait(10)
        embedded.stdout.close()
        for started in (sluice, camera):
            suite.close(started)


if __name__ == "__main__":
    main()
