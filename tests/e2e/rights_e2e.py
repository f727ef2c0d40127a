#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of somebody who sees some cameras only, and of whom rights are taken, in a real browser."""
import subprocess
import sys

from harness import BUILD, Browser, Camera, Sluice, Suite, until

suite = Suite()
sluice = browser = None


def passwd(*arguments):
    subprocess.run([BUILD / "launcher/sluice", "passwd", *arguments, "--state", sluice.state], input="guard-password\n",
                   text=True, check=True, capture_output=True, timeout=20)


@suite.case
def the_page_shows_what_one_may_see():
    global sluice, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "10"))
    sluice = suite.keep(Sluice(suite.directory, {name: {"main": camera.url()} for name in ("front", "yard", "vault")}))
    passwd("add", "guard", "--camera", "front", "--action", "view")
    passwd("rights", "guard", "--also", "--camera", "yard", "--action", "snapshot")
    browser = suite.keep(Browser())
    browser.login(sluice, password="guard-password", user="guard")
    until(lambda: browser.tiles().get("front") == "live", 20, "the picture plays")
    assert sorted(browser.tiles()) == ["front", "yard"], browser.tiles()
    until(lambda: "lacks the right" in browser.js("return document.querySelectorAll('.tile')[1].innerText"), 10,
          "why the other one shows nothing")
    until(lambda: browser.sockets() == ["/api/v1/events", "/ws"], 10, "both sockets are open")


@suite.case
def a_new_right_shows_without_a_reload():
    origin = browser.js("return performance.timeOrigin")
    passwd("rights", "guard", "--also", "--camera", "vault", "--action", "view")
    until(lambda: browser.tiles().get("vault") == "live", 15, "the new camera plays")
    assert browser.tiles()["front"] == "live"
    assert browser.js("return performance.timeOrigin") == origin, "no reload"


@suite.case
def who_is_removed_is_back_at_the_login():
    passwd("remove", "guard")
    until(lambda: browser.find("input[type=password]"), 10, "the login page")
    assert not browser.find("video")


if __name__ == "__main__":
    sys.exit(suite.main())
