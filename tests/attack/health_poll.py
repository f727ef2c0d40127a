#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""health_poll.py PORT: asks /healthz ten times a second, as a process of its own that no flood holds up. For each line on its
standard input it says the longest time an answer took since the last line, in seconds, how many came, and how many did not:
"0.012 34 0"."""
import select
import socket
import sys
import time

LIMIT = 5


def ask(port):
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), LIMIT) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            fine = s.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        fine = False
    return time.monotonic() - began, fine


def main():
    port, longest, good, bad = int(sys.argv[1]), 0.0, 0, 0
    while True:
        took, fine = ask(port)
        longest, good, bad = max(longest, took), good + fine, bad + (not fine)
        if select.select([sys.stdin], [], [], 0.1)[0]:
            if not sys.stdin.readline():
                return
            print(f"{longest:.3f} {good} {bad}", flush=True)
            longest, good, bad = 0.0, 0, 0


if __name__ == "__main__":
    main()
