#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""plugin_dir.py DEST SYSTEM_DIR NAME...: fills DEST with links to these GStreamer plugins and nothing else.

Tests see only the plugins they need: the scan is short, and hardware, displays and optional packages of the machine
cannot change a result. A plugin that is not installed is left out; the test that wants it says so.
"""
import os
import sys

dest, system, names = sys.argv[1], sys.argv[2], sys.argv[3:]
os.makedirs(dest, exist_ok=True)
for old in os.listdir(dest):
    os.unlink(os.path.join(dest, old))
for name in names:
    path = os.path.join(system, f"libgst{name}.so")
    if os.path.exists(path):
        os.symlink(path, os.path.join(dest, f"libgst{name}.so"))
