#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras that freeze, go and come back, as the page tells it: words, countdown, the same session, fallback, on demand."""
import json
import re
import signal
import sys
import time

from harness import Browser, Camera, Sluice, Suite, note, until

suite = Suite()
GOP = 2
SMALL = ("--width", "640", "--height", "360", "--fps", "15", "--gop", str(GOP), "--bitrate", "500")
TILE = """const t = [...document.querySelectorAll('.tile')].find(t => t.tile.name == arguments[0]);
  const text = part => t.querySelector(part).textContent;
  return { status: t.dataset.status, title: text('.state'), next: text('.next'), reason: text('.reason'), note: text('.from'),
           opacity: Number(getComputedStyle(t.querySelector(t.classList.contains('has-last') ? '.last' : 'video')).opacity) }"""
camera = other = sluice = browser = None


def tile(name="front"):
    return browser.js(TILE, name)


def status(*wanted, name="front"):
    return tile(name)["status"] in wanted


def until_dimmed():
    until(lambda: 0.2 < tile()["opacity"] < 0.6, 10, "the last picture is there, dimmed")


def live(index=0):
    """The picture moves and is of this moment."""
    return any(f["ms"] and f["at"] - f["ms"] < 500 for f in browser.frames(300, index))


def plays():
    browser.playing()
    until(lambda: status("live"), 5, "it plays")


def sessions():
    return {v["id"] for v in json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]}


def streams():
    return {c["name"]: c["streams"][0] for c in json.loads(sluice.get("/api/v1/cameras")[2])["cameras"]}


def listen():
    """What a screen reader says from now on."""
    browser.js("window.said = []; new MutationObserver(() => said.push(document.getElementById('spoken').textContent))"
               ".observe(document.getElementById('spoken'), {childList: true, characterData: true, subtree: true})")


def said():
    return browser.js("return said")


def steady():
    """A camera that stays."""
    global other
    other = other or suite.keep(Camera(suite.directory, *SMALL, name="other"))
    return other.url()


def start(description, name):
    """Another launcher with the same browser; the page is open and logged in."""
    global sluice
    if sluice:
        suite.close(sluice)
    sluice = suite.keep(Sluice(suite.directory, description, name=name))
    browser.login(sluice)
    until(lambda: browser.find(".tile"), 10, "the tiles are there")


def again(old, *options):
    """The same camera at the same address, rebooted."""
    suite.close(old)
    return suite.keep(Camera(suite.directory, *(options or SMALL), port=old.port, name=f"{old.name}-again"))


@suite.case
def each_state_has_its_words():
    global camera, browser
    camera = suite.keep(Camera(suite.directory, *SMALL))
    browser = suite.keep(Browser())
    start({"front": {"main": camera.url()}}, "words")
    base = {"state": "streaming", "reason": None, "state-seconds": 1, "next-attempt-seconds": None, "source": 0,
            "sources": 3, "on-demand": False, "codec": "H264"}
    plays = {"running": True, "playing": True, "problem": "", "waiting": ""}
    idle = {"running": False, "playing": False, "problem": "", "waiting": ""}
    away = {"state": "backoff", "reason": "connection refused", "next-attempt-seconds": 8}
    for stream, player, left, wanted in [
            ({}, plays, None, ["live", "Live", "", "", ""]),
            ({"source": 1}, plays, None, ["live", "Live", "", "", "fallback 2 of 3"]),
            ({"source": 1, "reason": "primary: refused"}, plays, None,
             ["live", "Live", "Primary: refused", "", "fallback 2 of 3"]),
            ({"state": "stalled", "reason": "no picture for 3 s"}, plays, None,
             ["stalled", "Stalled", "No picture for 3 s", "", ""]),
            (away, plays, 3.2, ["lost", "Reconnecting", "Connection refused", "next try in 4 s", ""]),
            (away, plays, -0.1, ["lost", "Reconnecting", "Connection refused", "", ""]),
            ({**away, "state-seconds": 0, "next-attempt-seconds": 0.4}, plays, 0.4,
             ["lost", "Reconnecting", "Connection refused", "", ""]),
            ({"state": "connecting"}, idle, None, ["connecting", "Connecting", "", "", ""]),
            ({"state": "connecting", "source": 2}, idle, None, ["connecting", "Connecting to fallback 3 of 3", "", "", ""]),
            ({"state": "connecting", "reason": "no route"}, plays, None, ["lost", "Reconnecting", "No route", "", ""]),
            ({"state": "connecting", "source": 1, "reason": "no route"}, plays, None,
             ["lost", "Trying fallback 2 of 3", "No route", "", ""]),
            ({"state": "idle", "on-demand": True}, idle, None, ["idle", "Starts when watched", "", "", ""]),
            ({"state": "idle", "on-demand": True}, {**idle, "running": True}, None, ["connecting", "Connecting", "", "", ""]),
            ({"state": "idle"}, idle, None, ["connecting", "Connecting", "", "", ""]),
            ({"codec": "H265"}, {**idle, "problem": "not taken"}, None,
             ["lost", "No picture", "This browser cannot play H.265", "", ""]),
            ({}, {**idle, "problem": "not taken"}, None, ["lost", "No picture", "Not taken", "", ""]),
            ({}, {**plays, "waiting": "the camera is away"}, None, ["stalled", "Stalled", "The camera is away", "", ""])]:
        found = browser.d.execute_async_script(
            "const [stream, player, left, done] = arguments; import('/status.js').then(({describe}) => {"
            "const d = describe({camera: {webrtc: true}, stream, player, frozen: false, left});"
            "done([d.status, d.title, d.text, d.next, d.note]); }, e => done(String(e)))", {**base, **stream}, player, left)
        assert found == wanted, f"{stream} {player}: found {found}, wanted {wanted}"


@suite.case
def a_camera_that_freezes_is_stalled_and_plays_again():
    plays()
    listen()
    before, joins, origin = sessions(), browser.joins(), browser.js("return performance.timeOrigin")
    camera.send(signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: status("stalled"), 6, "the tile says stalled")
    note(f"said to be stalled after {time.monotonic() - began:.1f} s")
    shown = tile()
    assert shown["title"] == "Stalled" and shown["reason"].startswith("No picture for"), shown
    until_dimmed()
    browser.screenshot("stalled")
    time.sleep(max(0, 6 - (time.monotonic() - began)))
    camera.send(signal.SIGCONT)
    back = time.monotonic()
    until(live, 20, "the picture is live again")
    note(f"live again {time.monotonic() - back:.1f} s after the camera has woken up")
    until(lambda: status("live") and tile()["opacity"] == 1, 10, "and the tile says so")
    assert sessions() == before and browser.joins() == joins, "the same session"
    assert browser.js("return performance.timeOrigin") == origin, "no reload"
    until(lambda: any("front is back" in text for text in said()), 5, "a screen reader says that it is back")
    assert "front: Stalled. No picture for" in said()[0], said()


@suite.case
def a_camera_that_is_killed_is_counted_down_to_and_plays_again():
    global camera
    plays()
    before, joins, origin = sessions(), browser.joins(), browser.js("return performance.timeOrigin")
    camera.stop(signal.SIGKILL)
    until(lambda: status("lost"), 10, "the tile says that the camera is away")
    shown = tile()
    assert shown["title"] == "Reconnecting" and shown["reason"], shown
    counting = r"next try in (\d+) s"

    def counted():
        found = re.fullmatch(counting, tile()["next"])
        return found and int(found[1]) >= 6

    until(counted, 60, "it counts down from far more than the time that is looked at")
    listen()
    asked, numbers, end = browser.asked(), [], time.monotonic() + 3.2
    while time.monotonic() < end:
        found = re.fullmatch(counting, tile()["next"])
        if found and int(found[1]) not in numbers:
            numbers.append(int(found[1]))
        time.sleep(0.1)
    assert len(numbers) >= 3 and numbers == sorted(numbers, reverse=True), numbers
    assert browser.asked() == asked, "nobody asked"
    assert not said(), f"a countdown is not spoken: {said()}"
    until_dimmed()
    browser.screenshot("reconnecting")
    camera = again(camera)
    back = time.monotonic()
    until(live, 40, "the picture is live again")
    note(f"live again {time.monotonic() - back:.1f} s after the camera was ready")
    until(lambda: status("live"), 10, "and the tile says so")
    assert sessions() == before and browser.joins() == joins, "the same session"
    assert browser.js("return performance.timeOrigin") == origin, "no reload"


@suite.case
def a_codec_that_the_browser_cannot_play_is_named():
    global camera
    start({"front": {"main": camera.url(), "outputs": {"webrtc": {"transcode": False}}}}, "codec")
    plays()
    before, origin = len(browser.joins()), browser.js("return performance.timeOrigin")
    camera = again(camera, *SMALL, "--codec", "h265")
    until(lambda: tile()["reason"] == "This browser cannot play H.265", 40, "the tile says what it is")
    assert len(browser.joins()) == before + 1, "asked once, at once"
    until_dimmed()
    time.sleep(3)
    assert len(browser.joins()) == before + 1, "and not again and again"
    browser.screenshot("codec")
    camera = again(camera)
    until(live, 40, "it plays again by itself")
    until(lambda: status("live"), 10, "and the tile says so")
    assert browser.js("return performance.timeOrigin") == origin, "no reload"


@suite.case
def a_fallback_is_noted_without_a_word_too_many():
    global camera
    start({"front": {"main": {"sources": [{"url": camera.url()}, {"url": steady()}]}}}, "fallback")
    plays()
    assert tile()["note"] == "", tile()
    listen()
    before, joins = sessions(), browser.joins()
    camera.stop(signal.SIGKILL)
    began = time.monotonic()
    until(lambda: tile()["note"] == "fallback 2 of 2", 10, "the note is there")
    until(live, 10, "it plays")
    note(f"played from the fallback {time.monotonic() - began:.1f} s after the primary was lost")
    browser.screenshot("fallback")
    until(lambda: any("from fallback 2 of 2" in text for text in said()), 5, "a screen reader says it")
    camera = again(camera)
    until(lambda: status("live") and tile()["note"] == "", 60, "back from the primary")
    assert live()
    assert sessions() == before and browser.joins() == joins, "the same session"


@suite.case
def an_on_demand_camera_starts_by_being_watched():
    start({"front": {"main": steady()}, "yard": {"main": {"url": camera.url(), "on-demand": True}}}, "demand")
    browser.js("location.hash = 'front'") # covers the other one
    for _ in range(2):
        until(lambda: status("idle", name="yard"), 25, "nobody watches it")
        assert tile("yard")["title"] == "Starts when watched", tile("yard")
        assert streams()["yard"]["state"] == "idle", streams()
        assert browser.js("return document.getElementById('summary').textContent") == "2 cameras", "nothing is amiss"
        began = time.monotonic()
        browser.js("location.hash = ''")
        until(lambda: live(1), 20, "it plays")
        note(f"played {time.monotonic() - began:.1f} s after it was looked at")
        until(lambda: status("live", name="yard"), 10, "and the tile says so")
        browser.js("location.hash = 'front'")


@suite.case
def an_on_demand_camera_that_is_away_says_so_and_plays_when_it_comes():
    global camera
    camera.stop(signal.SIGKILL)
    until(lambda: status("idle", name="yard"), 25, "nobody watches it")
    browser.js("location.hash = ''")
    until(lambda: status("lost", name="yard") and "refused" in tile("yard")["reason"], 10, "the reason is told")
    camera = again(camera)
    until(lambda: live(1), 40, "it plays")
    until(lambda: status("live", name="yard"), 10, "and the tile says so")


@suite.case
def a_wall_with_some_away_is_readable_everywhere():
    gone = suite.keep(Camera(suite.directory, *SMALL, name="gone"))
    cameras = {f"cam-{n:02}": {"main": gone.url() if n % 5 == 3 else steady()} for n in range(14)}
    cameras["locked"] = {"main": {"sources": [{"url": "rtsp://127.0.0.1:1/x"}, {"url": steady()}]}}
    cameras["nowhere"] = {"main": "rtsp://127.0.0.1:1/a"}
    start(cameras, "wall")
    until(lambda: list(browser.tiles().values()).count("live") == 15, 40, "all but one play")
    suite.close(gone)
    until(lambda: list(browser.tiles().values()).count("lost") == 4, 10, "some are away")
    time.sleep(3)
    for name, window in {"wall": (1920, 1080), "desktop": (1024, 768), "tablet": (768, 1024, 2, True),
                         "phone": (390, 844, 2, True)}.items():
        browser.window(*window)
        time.sleep(1)
        cut = browser.js("""return [...document.querySelectorAll('.facts')].flatMap(f => {
          const box = f.getBoundingClientRect();
          return [...f.children].filter(s => s.textContent).map(s => [s.textContent, s.getBoundingClientRect()])
            .filter(([, b]) => b.width && b.top < box.bottom - 1 && (b.left < box.left - 1 || b.right > box.right + 1))
            .map(([text]) => text); })""")
        assert not cut, (name, cut)
        over = browser.js("return [...document.querySelectorAll('.veil > *')].filter(p => p.clientWidth"
                          " && (p.scrollWidth > p.clientWidth + 1 || p.clientWidth > p.parentElement.clientWidth))"
                          ".map(p => p.textContent)")
        assert not over, (name, over)
        over = browser.js("return [...document.querySelectorAll('.veil')].filter(v => v.scrollHeight > v.clientHeight + 1"
                          " && v.parentElement.dataset.status != 'live').map(v => v.textContent)")
        assert not over, (name, over)
        for scheme in ("light", "dark"):
            browser.colours(scheme)
            browser.screenshot(f"away-{name}-{scheme}")


@suite.case
def who_wants_no_motion_gets_none():
    browser.d.execute_cdp_cmd("Emulation.setEmulatedMedia",
                              {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    moves = browser.js("""return [...document.querySelectorAll('.tile *')].map(e => getComputedStyle(e))
      .filter(s => s.animationName != 'none' || parseFloat(s.transitionDuration) > 0).length""")
    assert moves == 0, moves


if __name__ == "__main__":
    sys.exit(suite.main())
