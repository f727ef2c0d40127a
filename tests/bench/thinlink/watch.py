#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""watch.py PORT PATH [AUTHORIZATION]: what a server on this host says of its viewers, 5 times a second, as lines {"at": UNIX-MS, "viewers": [...]}."""
import json
import sys
import time
import urllib.request

request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}{sys.argv[2]}")
if len(sys.argv) > 3:
    request.add_header("Authorization", sys.argv[3])
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
due = time.monotonic()
while True:
    try:
        with opener.open(request, timeout=2) as answer:
            viewers = json.load(answer)["viewers"]
        print(json.dumps({"at": time.time() * 1000, "viewers": viewers}), flush=True)
    except (OSError, ValueError, KeyError):
        pass # it starts or ends; a hole in the curve says so
    due = max(due + 0.2, time.monotonic())
    time.sleep(max(0, due - time.monotonic()))
