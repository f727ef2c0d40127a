#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plays and why, and the choice of it, in a real browser: without a reload, a new session or a new picture element."""
import json
import sys

from api import JSON, cameras, hup, rewrite
from harness import Browser, Camera, Sluice, Suite, longest_gap, until

suite = Suite()
sluice = browser = None
WIDTH = {"main": 1280, "sub": 640}


def viewers():
    return {v["camera"]: v for v in json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]}


def tile(name, css):
    """Text of a part of a camera's tile, if it is to be seen."""
    return browser.js("const t = [...document.querySelectorAll('.tile')].find(t => t.tile.name === arguments[0]);"
                      "const p = t.querySelector(arguments[1]); return p.checkVisibility() ? p.textContent : null", name, css)


def choice(index=0):
    return browser.js("return document.querySelectorAll('select.quality')[arguments[0]].value", index)


def shown(index, stream):
    until(lambda: browser.js("return document.querySelectorAll('video')[arguments[0]].videoWidth", index) == WIDTH[stream], 8,
          f"picture {index} is {stream}'s")


def large(name):
    browser.js("location.hash = arguments[0]", name)
    until(lambda: browser.js("return document.querySelectorAll('.tile.large').length") == 1, 5, "one tile is large")


@suite.case
def each_tile_says_which_stream_plays():
    global sluice, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "2", "--sub"))
    both = {"main": camera.url(), "sub": camera.url("sub")}
    sluice = suite.keep(Sluice(suite.directory, {"front": both, "yard": both}))
    until(lambda: all(s["state"] == "streaming" for c in cameras(sluice).values() for s in c["streams"]), 20, "all stream")
    browser = suite.keep(Browser(1920, 900))
    browser.login(sluice)
    for index in (0, 1):
        browser.playing(index=index)
    until(lambda: [tile(n, ".which") for n in ("front", "yard")] == ["Main", "Main"], 5, "both say so")
    assert [choice(0), choice(1)] == ["auto", "auto"]
    assert browser.js("return [...document.querySelector('select.quality').options].map(o => o.text)") == ["Auto", "Main", "Sub"]
    browser.js("""window.events = [];
        document.querySelectorAll('video').forEach((video, index) => ['loadstart', 'emptied', 'resize'].forEach(
            type => video.addEventListener(type, () => events.push(`${index} ${type}`))));""")


@suite.case
def a_pin_changes_the_picture_and_nothing_else():
    origin, before = browser.js("return performance.timeOrigin"), {c: v["id"] for c, v in viewers().items()}
    browser.choose_quality("sub", 0)
    shown(0, "sub")
    until(lambda: viewers()["front"]["stream"] == "sub", 5, "the server says so")
    assert longest_gap(browser.frames(1500)) < 1500
    seen = viewers()
    assert {c: v["id"] for c, v in seen.items()} == before, "the same sessions"
    assert [seen["front"][f] for f in ("quality", "switches")] == ["sub", 1], seen["front"]
    assert [seen["yard"][f] for f in ("quality", "stream", "switches")] == ["auto", "main", 0], "the other one is not touched"
    assert browser.js("return window.events") == ["0 resize"], browser.js("return window.events")
    assert browser.js("return performance.timeOrigin") == origin, "no reload"
    until(lambda: tile("front", ".which") == "Sub", 5, "the tile says it")
    assert tile("yard", ".which") == "Main"
    browser.screenshot("quality-desktop")


@suite.case
def the_choice_is_kept_for_the_next_visit():
    browser.d.refresh()
    browser.playing()
    shown(0, "sub")
    assert [choice(0), choice(1)] == ["sub", "auto"]
    browser.choose_quality("auto", 0)
    shown(0, "main")
    assert viewers()["front"]["quality"] == "auto"


@suite.case
def an_operator_chooses_and_the_page_shows_it():
    session = viewers()["yard"]["id"]
    status, _, body = sluice.get(f"/api/v1/viewers/{session}", method="PATCH", body=b'{"quality": "sub"}', headers=JSON)
    assert status == 204, body
    shown(1, "sub")
    until(lambda: choice(1) == "sub", 5, "the control says it")
    assert viewers()["yard"]["id"] == session
    assert choice(0) == "auto"
    browser.choose_quality("auto", 1)
    shown(1, "main")


@suite.case
def the_cameras_setting_is_followed():
    browser.js("localStorage.clear()")
    before = {c: v["id"] for c, v in viewers().items()}

    def change(config):
        config["cameras"]["yard"]["outputs"] = {"webrtc": {"quality": "sub"}}

    rewrite(sluice, change)
    hup(sluice)
    shown(1, "sub")
    assert [choice(0), choice(1)] == ["auto", "sub"]
    assert {c: v["id"] for c, v in viewers().items()} == before
    shown(0, "main")


@suite.case
def the_figures_of_a_picture():
    large("front")
    assert tile("front", ".details") is None
    browser.press("i")
    until(lambda: tile("front", ".details dl"), 5, "the figures are there")
    facts = until(lambda: (lambda f: f if f.get("Round trip", "–") != "–" else None)(browser.js(
        "const d = document.querySelector('.large .details');"
        "const text = tag => [...d.querySelectorAll(tag)].map(e => e.textContent);"
        "return Object.fromEntries(text('dt').map((t, i) => [t, text('dd')[i]]))")), 15, "the browser's reports have come")
    assert facts["Stream"] == "main, 1280×720" and facts["Quality"] == "auto", facts
    assert facts["Round trip"].endswith(" ms") and facts["Loss"].endswith(" %"), facts
    assert facts["Switches"].isdigit() and facts["Freezes"].isdigit(), facts
    browser.screenshot("quality-details")
    browser.press("i")
    assert tile("front", ".details") is None
    browser.press("i")
    browser.js("location.hash = ''")
    until(lambda: tile("front", ".details") is None, 5, "a small tile has none")


@suite.case
def a_phone_has_room_for_all_of_it():
    browser.window(390, 844, 2, True)
    browser.d.get(sluice.base + "/")
    browser.playing()
    large("front")
    browser.js("document.querySelector('.large .info').click()")
    until(lambda: tile("front", ".details dl"), 5, "the figures are there")
    # What the server says of a thin link, as it will say it.
    browser.js("const p = document.querySelector('.large').tile.player;"
               "p.session.onswitched({ stream: 'sub', reason: '1.9 Mbit/s do not carry main (4.1 Mbit/s)' })")
    assert tile("front", ".why") == "Sub: 1.9 Mbit/s do not carry main (4.1 Mbit/s)"
    assert browser.js("return document.documentElement.scrollWidth") <= 390
    boxes = browser.js("return ['.why', '.details', '.quality', '.info'].map(c => {"
                       "const b = document.querySelector(`.large ${c}`).getBoundingClientRect();"
                       "return [c, b.left >= 0 && b.right <= innerWidth && b.width > 20 && b.bottom <= innerHeight]})")
    assert all(ok for _, ok in boxes), boxes
    browser.screenshot("quality-phone")
    browser.js("location.hash = ''")
    browser.screenshot("quality-phone-wall")


if __name__ == "__main__":
    sys.exit(suite.main())
