# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sluice as a server of peerbench: name this file in PB_EXTRA. It is executed at the end of peerbench's servers.py,
which has SERVERS; see README.md here. SLUICE_BUILD: the build directory to measure."""
import base64
import json
import os
import shutil
import sys
from pathlib import Path

_here = Path(os.environ["PB_EXTRA"]).resolve().parent
_root = _here.parents[1]
_build = Path(os.environ.get("SLUICE_BUILD", _root / "build-bench")).resolve()
_password = "peerbench"
_basic = "Basic " + base64.b64encode(f"admin:{_password}".encode()).decode()
# The page of cell e has no way to send credentials: a proxy in front of Sluice adds them, in that cell only.
_browser_cell = len(sys.argv) > 1 and sys.argv[1] == "e"


def _sluice(directory, cams, ondemand, cam_url):
    # Sluice pulls its cameras always, so ondemand changes nothing: "cold" of cell d is a camera nobody has watched yet.
    state = os.path.join(directory, "sluice-state")
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(state, mode=0o700)
    config = os.path.join(directory, "sluice.json")
    with open(config, "w", encoding="utf-8") as f:
        json.dump({"version": 1,
                   "server": {"address": "0.0.0.0", "port": 8081 if _browser_cell else 8080, "state": state},
                   "cameras": {f"cam{i}": {"streams": {"main": {"url": cam_url(i)}}} for i in range(cams)}}, f)
    argv = [str(_build / "launcher/sluice"), "run", config]
    if _browser_cell:
        return ["/usr/bin/python3", str(_here / "auth_proxy.py"), "8080", "10.99.0.1", "8081", _basic, *argv]
    return argv


SERVERS["sluice"] = {  # noqa: F821
    "config": _sluice, "mode": "whep", "whep": "http://{h}:8080/whep/cam%d", "rtsp": None, "ready": [8080],
    "load": ["-auth", _basic],
    "env": {
        "SLUICE_ADMIN_PASSWORD": _password,
        "SLUICE_PIPELINES": str(_root / "pipelines"),
        "SLUICE_HW": str(_root / "hw"),
        "GST_PLUGIN_PATH": f"{_build}/plugins/fanout:{_build}/plugins/webrtc",
        "GST_REGISTRY": str(_build / "bench-registry.bin"),
    }}
