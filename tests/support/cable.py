#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""cable.py PID-A PID-B ADDRESS-A ADDRESS-B: an IP link between the network namespaces of two processes, which loses what it is told to.
Needs root and /dev/net/tun. Prints "ready"; obeys lines on its standard input, answers each with "ok", ends with it:
  pass                    everything
  nothing                 nothing
  no-udp                  all but UDP
  largest N [udp | tell]  packets of at most N bytes; larger ones vanish (udp: of UDP only, as where the MSS of TCP is clamped), or
                          (tell) come back as ICMP "fragmentation needed" if they must not be cut, else they are cut
  thin KBIT DELAY QUEUE LOSS
                          both ways so many kbit/s and ms of delay; what would wait longer than QUEUE ms is lost, and LOSS % at random"""
import collections
import ctypes
import fcntl
import os
import random
import selectors
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454ca, 1, 0x1000, 0x40000000
UDP = 17
libc = ctypes.CDLL(None, use_errno=True)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data if len(data) % 2 == 0 else data[:-1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_header(size, number, flags, protocol, source, destination):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, number, flags, 64, protocol, 0, source, destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def fragmentation_needed(packet, mtu):
    body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + packet[:28]
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return ip_header(20 + len(body), 0, 0, 1, packet[16:20], packet[12:16]) + body # in the name of whom it was for


def fragments(packet, mtu):
    step = (mtu - 20) // 8 * 8
    data, number = packet[20:], struct.unpack("!H", packet[4:6])[0]
    for at in range(0, len(data), step):
        part = data[at:at + step]
        more = 0x2000 if at + step < len(data) else 0
        yield ip_header(20 + len(part), number, more | at // 8, packet[9], packet[12:16], packet[16:20]) + part


class Thin:
    """One way of a thin link: what is sent leaves at its rate and comes later by its delay."""

    def __init__(self, kbit, delay, queue, loss):
        self.rate, self.delay, self.queue, self.loss = kbit * 1000 / 8, delay / 1000, queue / 1000, loss / 100
        self.free = 0.0 # when all that waits has left
        self.under_way = collections.deque() # (when it comes, packet)

    def send(self, packet, now):
        if self.free - now > self.queue or random.random() < self.loss:
            return
        self.free = max(self.free, now) + len(packet) / self.rate
        self.under_way.append((self.free + self.delay, packet))

    def next(self):
        return self.under_way[0][0] if self.under_way else None

    def come(self, now):
        while self.under_way and self.under_way[0][0] <= now:
            yield self.under_way.popleft()[1]


class Cable:
    def __init__(self, ends):
        self.thin = None
        self.obey("pass")
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.devices = []
        for (pid, address), (_, other) in zip(ends, reversed(ends)):
            there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            enter(there)
            os.close(there)
            device = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"vpn0", IFF_TUN | IFF_NO_PI))
            for command in (f"addr add {address}/32 peer {other} dev vpn0", "link set vpn0 up"):
                subprocess.run(["ip", *command.split()], check=True)
            self.devices.append(device)
            enter(home)

    def carry(self, packet, back, on):
        if packet[0] >> 4 != 4 or self.rule == "nothing" or (self.rule == "no-udp" and packet[9] == UDP):
            return
        if self.thin:
            self.thin[on].send(packet, time.monotonic())
        elif len(packet) <= self.largest or (self.udp_only and packet[9] != UDP):
            os.write(on, packet)
        elif self.tell and packet[6] & 0x40:
            os.write(back, fragmentation_needed(packet, self.largest))
        elif self.tell:
            for part in fragments(packet, self.largest):
                os.write(on, part)

    def obey(self, line):
        words = line.split()
        self.rule, self.largest, self.tell, self.udp_only = words[0], 65535, False, False
        if words[0] == "largest":
            self.rule, self.largest = "pass", int(words[1])
            self.tell, self.udp_only = words[2:] == ["tell"], words[2:] == ["udp"]
        before, self.thin = self.thin, None
        if words[0] == "thin":
            self.thin = {device: Thin(*map(float, words[1:])) for device in self.devices}
        for device, way in (before or {}).items(): # what is under way comes, in its order
            if self.thin:
                self.thin[device].under_way, self.thin[device].free = way.under_way, way.free
            else:
                for packet in way.come(float("inf")):
                    os.write(device, packet)

    def wait(self):
        """Seconds until the next packet comes; None: nothing is under way."""
        times = [way.next() for way in (self.thin or {}).values() if way.next() is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def run(self):
        selector = selectors.DefaultSelector()
        for fd in (*self.devices, 0):
            selector.register(fd, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            ready = selector.select(self.wait())
            for device, way in (self.thin or {}).items():
                for packet in way.come(time.monotonic()):
                    os.write(device, packet)
            for key, _ in ready:
                if key.fd == 0:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.obey(line)
                    print("ok", flush=True)
                else:
                    a, b = self.devices
                    self.carry(os.read(key.fd, 65535), key.fd, b if key.fd == a else a)


a, b, address_a, address_b = sys.argv[1:]
Cable(((a, address_a), (b, address_b))).run()
