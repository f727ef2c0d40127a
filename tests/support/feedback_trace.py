#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a trace for tests/data/congestion of a log: feedback_trace.py [--viewer TEXT] [--expect "FROM TO LEAST MOST"]... < LOG > TRACE

The log has one line for each transport-wide feedback (trace_line() in plugins/webrtc/congestion/transport_feedback.hpp):
  ... feedback NOW_US SEQ:SENT_US:ARRIVED_US|lost:BYTES ...
and, beside it, lines `... probe FROM_US TO_US BIT/S`; GST_DEBUG=default:7 writes both. --viewer takes only lines that contain TEXT. All times are made to begin at
a thousand seconds: a trace tells nothing of when and where it was recorded."""
import argparse
import re
import sys

FEEDBACK = re.compile(r"\bfeedback (\d+)((?: \d+:\d+:(?:\d+|lost):\d+)*)\s*$")
PROBE = re.compile(r"\bprobe (\d+) (\d+) (\d+)\s*$")
BEGIN = 1_000_000_000


def convert(lines, out, viewer="", expect=()):
    """Returns the number of feedbacks."""
    print("# recorded; see tests/support/congestion_trace.hpp", file=out)
    for e in expect:
        print("# expect", e, file=out)
    sent_base = arrived_base = seq_base = None
    count = 0
    for line in lines:
        if viewer not in line:
            continue
        probe = PROBE.search(line)
        if probe and sent_base is not None:
            print("# probe", *(int(probe[i]) - sent_base for i in (1, 2)), probe[3], file=out)
        feedback = FEEDBACK.search(line)
        if not feedback:
            continue
        packets = [p.split(":") for p in feedback[2].split()]
        arrived = [int(p[2]) for p in packets if p[2] != "lost"]
        if sent_base is None:
            if not arrived:
                continue
            sent_base = min(int(p[1]) for p in packets) - BEGIN
            arrived_base = min(arrived) - BEGIN
            seq_base = int(packets[0][0]) - 65536
        for seq, sent, came, size in packets:
            when = came if came == "lost" else int(came) - arrived_base
            print(int(sent) - sent_base, when, size, int(seq) - seq_base, file=out)
        print("feedback", int(feedback[1]) - sent_base, file=out)
        print(file=out)
        count += 1
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewer", default="")
    parser.add_argument("--expect", action="append", default=[])
    options = parser.parse_args()
    if convert(sys.stdin, sys.stdout, options.viewer, options.expect) == 0:
        sys.exit("no feedback in the log")
