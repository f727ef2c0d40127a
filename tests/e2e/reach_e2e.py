#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page in a real browser, reached over TLS: of the launcher itself, and below a path of a real nginx."""
import json
import sys
from pathlib import Path
from urllib.parse import urlparse

from harness import Browser, Camera, Sluice, Suite, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from nginx import TELLS, Nginx  # noqa: E402  pylint: disable=wrong-import-position

suite = Suite()
camera = browser = None


def start(name, **server):
    global camera, browser
    if not camera:
        camera = suite.keep(Camera(suite.directory, "--gop", "1"))
        browser = suite.keep(Browser())
        browser.d.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}, name=name, server=server))
    until(lambda: json.loads(sluice.get("/api/v1/cameras")[2])["cameras"][0]["state"] == "streaming", 20, "it streams")
    return sluice


def plays(place):
    """Login, picture, events, signalling: all of it below this place; and out again."""
    browser.login(place)
    browser.playing()
    prefix = urlparse(place.base).path
    until(lambda: browser.sockets() == sorted([prefix + "/api/v1/events", prefix + "/ws"]), 10, "both WebSockets")
    asked = browser.js("return performance.getEntriesByType('resource').map(e => e.name)")
    strangers = [name for name in asked if not name.startswith((place.base + "/", "data:", "blob:"))]
    assert not strangers, strangers
    cookies = browser.d.get_cookies()
    assert [(c["path"], c["secure"], c["httpOnly"], c["sameSite"]) for c in cookies] == [(prefix + "/", True, True, "Strict")], cookies
    browser.d.delete_all_cookies()


@suite.case
def over_tls_of_its_own():
    sluice = start("own", tls="self-signed")
    plays(sluice)
    suite.close(sluice)


@suite.case
def below_a_path_of_nginx():
    sluice = start("proxied", **{"trusted-proxies": ["127.0.0.1"]})
    nginx = suite.keep(Nginx(suite.directory, sluice.base, {
        "/site-7/": TELLS + "\n            proxy_set_header X-Forwarded-Prefix /site-7;"}))
    nginx.base += "/site-7"
    plays(nginx)


if __name__ == "__main__":
    sys.exit(suite.main())
