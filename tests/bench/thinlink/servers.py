# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that are compared. Each writes its configuration into a directory and says how it is started and asked.

PEERS: directory of the programs go2rtc and mediamtx. SLUICE_BUILD: build directory of Sluice."""
import base64
import json
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "thin-Link-1"
BASIC = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
ADDRESS = {"edge": "192.168.10.1", "hub": "192.168.20.1"} # of netlab
CAMERAS_AT, CAMERAS_PORT = "192.168.10.11", 8554


def peer(name):
    directory = os.environ.get("PEERS")
    found = str(Path(directory, name)) if directory else shutil.which(name)
    if not found or not os.access(found, os.X_OK):
        raise SystemExit(f"{name} is not found: name the directory of the peers' programs in PEERS")
    return found


def build():
    return Path(os.environ.get("SLUICE_BUILD", ROOT / "build")).resolve()


def camera_url(number, stream="main"):
    return f"rtsp://{CAMERAS_AT}:{CAMERAS_PORT + 2 * number + (stream == 'sub')}/{stream}"


class Server:
    node = "edge"         # where it runs
    authorization = None  # of every request
    poll = None           # path that tells what it knows of its viewers
    env = {}

    def whep(self, camera):
        raise NotImplementedError

    def command(self, directory, cameras):
        raise NotImplementedError

    def page(self):
        """Of its own, and how one logs in."""
        return None

    def address(self):
        return ADDRESS[self.node]


class Sluice(Server):
    port, poll, authorization = 8080, "/api/v1/viewers", BASIC
    streams = ("main", "sub")
    made = {}

    def command(self, directory, cameras):
        state = Path(directory, "state")
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700)
        config = Path(directory, "sluice.json")
        config.write_text(json.dumps({
            "version": 1, "server": {"address": "0.0.0.0", "port": self.port, "state": str(state)},
            "cameras": {f"cam{i + 1}": {"streams": {**{s: {"url": camera_url(i, s)} for s in self.streams}, **self.made}}
                        for i in range(cameras)}}))
        plugins = build() / "plugins"
        self.env = {"SLUICE_ADMIN_PASSWORD": PASSWORD, "SLUICE_PIPELINES": str(ROOT / "pipelines"), "SLUICE_HW": str(ROOT / "hw"),
                    "GST_PLUGIN_PATH": ":".join(str(plugins / p) for p in ("fanout", "stall", "webrtc")),
                    "GST_REGISTRY": str(Path(directory, "registry.bin"))}
        return [build() / "launcher/sluice", "run", config]

    def whep(self, camera):
        return f"http://{self.address()}:{self.port}/whep/{camera}"

    def page(self):
        return {"base": f"http://{self.address()}:{self.port}", "user": "admin", "password": PASSWORD}


class SluiceMain(Sluice):
    """Cameras with one stream only."""
    streams = ("main",)


class SluiceMade(SluiceMain):
    """The same, and a sub that is made of it for whoever needs it."""
    made = {"sub": {"from": "main", "width": 640, "bitrate": 500}}


class SluiceSub(Sluice):
    """What can be had by hand: everybody gets sub, always."""

    def whep(self, camera):
        return super().whep(camera) + "?stream=sub"


class Go2rtc(Server):
    port = 1984

    def command(self, directory, cameras):
        lines = ["log: {level: warn}", 'api: {listen: ":1984"}', 'rtsp: {listen: ""}', 'webrtc: {listen: ":8555", ice_servers: []}', "streams:"]
        lines += [f"  cam{i + 1}: {camera_url(i)}" for i in range(cameras)]
        lines += ["preload:"] + [f'  cam{i + 1}: "video"' for i in range(cameras)]
        config = Path(directory, "go2rtc.yaml")
        config.write_text("\n".join(lines) + "\n")
        return [peer("go2rtc"), "-config", config]

    def whep(self, camera):
        return f"http://{self.address()}:{self.port}/api/webrtc?src={camera}"


class Pulled(Go2rtc):
    """RTSP across the thin link, by TCP; the viewer stands next to the server."""
    node = "hub"


class MediaMtx(Server):
    port = 8889

    def command(self, directory, cameras):
        lines = ["logLevel: warn", "rtmp: no", "hls: no", "srt: no", "moq: no", "rtsp: no", "webrtc: yes", f"webrtcAddress: :{self.port}",
                 "webrtcLocalUDPAddress: :8189", "paths:"]
        for i in range(cameras):
            lines += [f"  cam{i + 1}:", f"    source: {camera_url(i)}", "    rtspTransport: tcp", "    sourceOnDemand: no"]
        config = Path(directory, "mediamtx.yml")
        config.write_text("\n".join(lines) + "\n")
        return [peer("mediamtx"), config]

    def whep(self, camera):
        return f"http://{self.address()}:{self.port}/{camera}/whep"


SERVERS = {"sluice": Sluice, "sluice-main": SluiceMain, "sluice-made": SluiceMade, "sluice-sub": SluiceSub, "go2rtc": Go2rtc,
           "mediamtx": MediaMtx, "pulled-rtsp": Pulled}
