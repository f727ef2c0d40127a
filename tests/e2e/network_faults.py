#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras behind a network that loses every packet, while somebody watches. All of it in network namespaces of its own, which end
with the processes in them; the machine's own interfaces are not touched. Needs root."""
import os
import subprocess
import sys
import time

from fault_cameras import Host
from faults import STALL, Matrix
from harness import Skip, Suite

INSIDE = "SLUICE_FAULTS_NAMESPACE"


def ip(*arguments, pid=None):
    subprocess.run([*(["nsenter", "-t", str(pid), "-n"] if pid else []), "ip", *map(str, arguments)], check=True)


class FarHost(Host):
    """A camera in a namespace of its own, at the other end of a cable."""

    count = 0

    def __init__(self, directory, cameras, name):
        FarHost.count += 1
        self.cable, self.here, self.place = f"cam{self.count}", f"10.77.{self.count}.1", f"10.77.{self.count}.2"
        super().__init__(directory, {n: {**o, "address": "0.0.0.0"} for n, o in cameras.items()}, name, ["unshare", "-n"])

    def start(self):
        at = super().start()
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.pid)
        ip("addr", "add", f"{self.here}/24", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        ip("addr", "add", f"{self.place}/24", "dev", "eth0", pid=self.pid)
        ip("link", "set", "eth0", "up", pid=self.pid)
        return at

    def kill(self):
        super().kill()
        # Its namespace goes with it, but not at once.
        subprocess.run(["ip", "link", "del", self.cable], check=False, capture_output=True)

    def lose_packets(self):
        """Each end sends to a card that is not there; neither is told anything."""
        for where, who, device in ((None, self.place, self.cable), (self.pid, self.here, "eth0")):
            ip("neigh", "replace", who, "lladdr", "02:00:00:00:00:99", "dev", device, "nud", "permanent", pid=where)
        return time.monotonic()

    def pass_packets(self):
        for where, who, device in ((None, self.place, self.cable), (self.pid, self.here, "eth0")):
            ip("neigh", "del", who, "dev", device, pid=where)
        return time.monotonic()


suite = Suite()
matrix = Matrix(suite, make_host=FarHost)
NOWHERE = "no (answer|connection|route)"


def half_open(f, seconds, within):
    f.fault(f.host.lose_packets())
    f.is_noticed("stalled", "no picture for 3 s", STALL)
    f.is_noticed(("timed-out", "unreachable"), NOWHERE, 15.0)
    time.sleep(max(0.0, f.began + seconds - time.monotonic()))
    f.healed = f.host.pass_packets()
    f.is_back(within)


@matrix.fault()
def all_packets_lost_for_10_seconds(f):
    half_open(f, 10, 5.0)


@matrix.fault(sound="PCMU")
def all_packets_lost_for_25_seconds(f):
    half_open(f, 25, 10.0)


@matrix.fault(stream={"transport": "udp"})
def all_packets_lost_over_udp(f):
    half_open(f, 10, 6.0)


@matrix.fault()
def a_second_without_packets_is_no_loss(f):
    f.fault(f.host.lose_packets())
    time.sleep(1)
    f.healed = f.host.pass_packets()
    f.is_back(2.0) # TCP sends again what it has not sent
    f.lost_nothing()


@matrix.fault()
def cable_pulled_and_plugged_in(f):
    f.fault()
    ip("link", "set", "eth0", "down", pid=f.host.pid)
    f.is_noticed("stalled", "no picture for 3 s", STALL)
    f.is_noticed(("timed-out", "unreachable"), NOWHERE, 12.0)
    time.sleep(max(0.0, f.began + 10 - time.monotonic()))
    ip("link", "set", "eth0", "up", pid=f.host.pid)
    f.heal()
    f.is_back(5.0)


def main():
    if os.environ.get(INSIDE):
        ip("link", "set", "lo", "up")
        return matrix.main()
    if subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], check=False, capture_output=True).returncode:
        def namespaces():
            raise Skip("network namespaces of its own need root (unshare -n)")
        suite.case(namespaces)
        return suite.main()
    os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    return 1


if __name__ == "__main__":
    sys.exit(main())
