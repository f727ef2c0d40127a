#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many cameras on one page: the grid in every window, keyboard, main and sub by size, sound, one socket for all."""
import json
import sys
import time

from harness import BUILD, Browser, Camera, Sluice, Suite, note, until

suite = Suite()
COUNT = 64
WINDOWS = {"wall": (1920, 1080, 1, False), "desktop": (1024, 768, 1, False), "phone": (390, 844, 2, True),
           "phone-landscape": (844, 390, 2, True)}
BOXES = """return [...document.querySelectorAll('.tile')].map(t => {
  const b = t.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"""
camera = sluice = browser = None


def focused():
    return browser.js("return document.activeElement.closest('.tile')?.querySelector('.name').textContent")


def large():
    return browser.js("return [...document.querySelectorAll('.tile.large .name')].map(n => n.textContent)")


def columns():
    return len({round(b[0]) for b in browser.js(BOXES)})


def stream_of(index):
    return browser.frames(400, index)[-1]["stream"]


def all_seen_are_live():
    return browser.js("return [...document.querySelectorAll('.tile')].filter(t => t.tile.seen)"
                      ".every(t => t.dataset.status == 'live')")


@suite.case
def every_camera_plays_and_two_sockets_do_all():
    global camera, sluice, browser
    camera = suite.keep(Camera(suite.directory, "--sub", "--fps", "5", "--gop", "4", "--bitrate", "300"))
    sluice = suite.keep(Sluice(suite.directory, {f"cam-{n:02}": {"main": camera.url(), "sub": camera.url("sub")}
                                                 for n in range(COUNT)}))
    until(lambda: all(c["state"] == "streaming" for c in json.loads(sluice.get("/api/v1/cameras")[2])["cameras"]), 30,
          "all cameras stream")
    browser = suite.keep(Browser())
    browser.window(*WINDOWS["wall"])
    browser.login(sluice)
    until(lambda: list(browser.tiles().values()) == ["live"] * COUNT, 40, "all pictures are live")
    assert browser.sockets() == ["/api/v1/events", "/ws"], browser.sockets()
    assert browser.asked() <= 1, "the list at the beginning, then it is told"
    assert len(browser.joins()) == COUNT
    states = [len(json.loads(sluice.get("/api/v1/viewers")[2])["viewers"])]
    assert states == [COUNT], states


@suite.case
def sockets_that_break_while_all_join_cost_moments():
    browser.d.get(sluice.base + "/")
    browser.js("const t = setInterval(() => probe.breakSockets(), 60); setTimeout(() => clearInterval(t), 1200)")
    began = time.monotonic()
    until(lambda: list(browser.tiles().values()) == ["live"] * COUNT, 12, "all pictures are live; no join was lost")
    note(f"all live {time.monotonic() - began:.1f} s after the page was there")
    until(lambda: browser.sockets() == ["/api/v1/events", "/ws"], 20, "both sockets are open")


@suite.case
def nothing_overlaps_and_nothing_scrolls_sideways():
    for name, window in WINDOWS.items():
        browser.window(*window)
        until(all_seen_are_live, 20, f"{name}: all that can be seen is live")
        boxes = browser.js(BOXES)
        width = browser.js("return document.documentElement.clientWidth")
        assert len(boxes) == COUNT
        assert browser.js("return document.documentElement.scrollWidth") <= width, name
        for n, (left, top, right, bottom) in enumerate(boxes):
            assert left >= 0 and right <= width and right - left >= 100 and bottom - top >= 56, (name, n, boxes[n])
            for other in boxes[n + 1:]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top, (name, n)
        height = browser.js("return [document.documentElement.scrollHeight, innerHeight]")
        assert name != "wall" or height[0] <= height[1], "a wall shows all at once"
        assert browser.js("return [...document.querySelectorAll('.bar')].every(b => b.scrollWidth <= b.clientWidth)"), name
        note(f"{name}: {columns()} columns of {boxes[0][2] - boxes[0][0]:.0f} pixels")
        for scheme in ("light", "dark"):
            browser.colours(scheme)
            browser.screenshot(f"{COUNT}-{name}-{scheme}")


@suite.case
def keys_lead_everywhere():
    from selenium.webdriver.common.keys import Keys
    browser.window(*WINDOWS["desktop"])
    until(all_seen_are_live, 20, "all that can be seen is live")
    browser.js("document.querySelector('.tile .open').focus()")
    across = columns()
    browser.press(Keys.ARROW_RIGHT)
    assert focused() == "cam-01", focused()
    browser.press(Keys.ARROW_DOWN)
    assert focused() == f"cam-{1 + across:02}", focused()
    browser.press(Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert focused() == "cam-00", "stays at the edge"
    browser.press(Keys.END)
    assert focused() == f"cam-{COUNT - 1:02}"
    browser.press(Keys.HOME)
    reachable = browser.js("return [...document.querySelectorAll('.tile .open')].filter(o => o.tabIndex == 0).length")
    assert reachable == 1, "the tab key does not have to pass all of them"

    browser.press(Keys.ENTER)
    until(lambda: large() == ["cam-00"], 10, "large")
    assert focused() == "cam-00"
    browser.press(Keys.ARROW_RIGHT)
    until(lambda: large() == ["cam-01"], 10, "the next one large")
    browser.press("f")
    until(lambda: browser.js("return document.fullscreenElement != null"), 5, "full screen")
    browser.press("f")
    until(lambda: browser.js("return document.fullscreenElement == null"), 5, "no full screen")
    browser.press(Keys.ESCAPE)
    until(lambda: large() == [], 10, "back")
    assert focused() == "cam-01", focused()
    browser.press("?")
    until(lambda: browser.js("return document.getElementById('help').open"), 10, "help")
    browser.press(Keys.ESCAPE)
    until(lambda: not browser.js("return document.getElementById('help').open"), 10, "no help")
    assert focused() == "cam-01", focused()


@suite.case
def a_small_tile_shows_sub_and_a_large_one_main():
    joins = len(browser.joins())
    until(lambda: stream_of(1) == 2, 10, "small: sub")
    browser.js("document.querySelectorAll('.tile .open')[1].click()")
    until(lambda: stream_of(1) == 1, 10, "large: main")
    browser.screenshot("large-dark")
    assert len(browser.joins()) == joins, "in the same session"
    browser.d.back()
    until(lambda: large() == [], 10, "back")
    until(lambda: stream_of(1) == 2, 10, "small again: sub")
    assert browser.sockets() == ["/api/v1/events", "/ws"]


@suite.case
def there_is_sound_one_at_a_time():
    import subprocess
    if "--sound" not in subprocess.run([BUILD / "tests/support/sluice-simcam", "--help"], text=True, check=True,
                                       capture_output=True).stdout:
        note("the simulated camera has no sound")
        return
    suite.close(sluice)
    talking = suite.keep(Camera(suite.directory, "--sound", "opus", "--fps", "10", name="talking"))
    other = suite.keep(Sluice(suite.directory, {"a": {"main": talking.url()}, "b": {"main": talking.url()},
                                                "mute": {"main": camera.url()}}, name="sounding"))
    browser.login(other)
    until(lambda: browser.js("return [...document.querySelectorAll('.sound')].map(s => s.hidden)") == [False, False, True],
          20, "the cameras with sound have a button")
    heard = "return [...document.querySelectorAll('video')].map(v => !v.muted && v.srcObject.getAudioTracks().length == 1)"
    assert browser.js(heard) == [False] * 3, "nothing is heard unasked"
    browser.find(".sound")[0].click()
    assert browser.js(heard) == [True, False, False]
    browser.find(".sound")[1].click()
    assert browser.js(heard) == [False, True, False]
    browser.press("m")
    assert browser.js(heard) == [False] * 3
    browser.press("m")
    talking.stop()
    suite.close(talking)
    until(lambda: browser.tiles()["b"] == "lost", 5, "the camera is away")
    suite.keep(Camera(suite.directory, "--sound", "opus", "--fps", "10", name="talking-again", port=talking.port))
    until(lambda: browser.tiles()["b"] == "live", 20, "the camera is back")
    assert browser.js(heard) == [False, True, False], "still chosen"


if __name__ == "__main__":
    sys.exit(suite.main())
