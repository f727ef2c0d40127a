#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pulse.py CPU: says when that processor of the machine stood still, a line "FROM TO" each time (s, monotonic clock).

A host that has more guests than processors stops ours for a while now and then; what is held up by that is no fault of ours. It
wants 10 ms of sleep and nothing else, so what wakes it later was not there for anybody."""
import os
import sys
import time

LATE = 0.03 # s

os.sched_setaffinity(0, {int(sys.argv[1])})
before = time.monotonic()
while True:
    time.sleep(0.01)
    now = time.monotonic()
    if now - before > LATE:
        print(before, now, flush=True)
    before = now
