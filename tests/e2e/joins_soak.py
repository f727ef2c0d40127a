#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers come and go: threads, descriptors and memory of the launcher are back where they were."""
import json
import sys

from harness import Browser, Camera, Sluice, Suite, note, settled, until

suite = Suite()

# `count` viewers at once, every other one over one shared WebSocket, the others over WHEP. Of each kind one in three leaves, one in
# three vanishes without a goodbye, one in three stays until the browser goes.
CROWD = """
const [count, done] = arguments;
(async () => {
  const socket = new WebSocket(new URL('ws', document.baseURI).href.replace(/^http/, 'ws'), 'sluice.v1');
  const waiting = new Map();
  await new Promise((ok, no) => { socket.onopen = ok; socket.onerror = () => no(new Error('no WebSocket')); });
  socket.onmessage = e => {
    const m = JSON.parse(e.data);
    if (m.type == 'answer' || m.type == 'error') waiting.get(m.id)(m);
  };
  const viewer = async i => {
    const pc = new RTCPeerConnection();
    pc.addTransceiver('video', {direction: 'recvonly'});
    const track = new Promise(ok => { pc.ontrack = e => ok(e.track); });
    await pc.setLocalDescription(await pc.createOffer());
    const sdp = pc.localDescription.sdp, id = 'v' + i;
    let place = null, answer;
    if (i % 2) {
      const m = await new Promise(ok => {
        waiting.set(id, ok);
        socket.send(JSON.stringify({type: 'join', id, camera: 'front', sdp}));
      });
      if (m.type != 'answer') throw new Error(JSON.stringify(m));
      answer = m.sdp;
    } else {
      const r = await fetch('whep/front', {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: sdp});
      if (r.status != 201) throw new Error(await r.text());
      answer = await r.text();
      place = new URL(r.headers.get('Location'), new URL('whep/front', document.baseURI)).href;
    }
    await pc.setRemoteDescription({type: 'answer', sdp: answer});
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream([await track]);
    document.body.append(video);
    const shown = new Promise(ok => video.requestVideoFrameCallback(ok));
    await video.play();
    await shown;
    return async () => {
      if (i % 3 == 0) {
        if (place) await fetch(place, {method: 'DELETE'});
        else socket.send(JSON.stringify({type: 'leave', id}));
      }
      if (i % 3 < 2) { video.remove(); pc.close(); }
    };
  };
  const leave = await Promise.all([...Array(count).keys()].map(viewer));
  await Promise.all(leave.map(f => f()));
  return count;
})().then(done, e => done('' + e));
"""
JOINS = 100
camera = sluice = browser = None


def nobody():
    return not json.loads(sluice.get("/api/v1/viewers")[2])["viewers"]


def join(times):
    for _ in range(times):
        browser.d.get(sluice.base + "/")
        browser.playing()
    browser.d.get("about:blank")
    until(nobody, 60, "no viewer is left")


@suite.case
def a_hundred_joins_leave_nothing_behind():
    global camera, sluice, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "3", "--width", "640", "--height", "360", "--bitrate", "300"))
    sluice = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}))
    until(lambda: json.loads(sluice.get("/api/v1/cameras")[2])["cameras"][0]["state"] == "streaming", 20, "streaming")
    browser = suite.keep(Browser())
    browser.login(sluice)
    browser.playing()
    join(10) # what is loaded once is loaded now
    threads, descriptors, memory = settled(sluice.threads, 5), settled(sluice.descriptors, 5), sluice.resident()
    join(JOINS)
    after = settled(sluice.threads), settled(sluice.descriptors, 5), sluice.resident()
    note(f"threads {threads} -> {after[0]}, descriptors {descriptors} -> {after[1]}, "
         f"memory {memory:.1f} -> {after[2]:.1f} MB")
    # A pool thread or a connection that is just being closed may be there; one per join would be a hundred.
    assert after[0] <= threads + 2 and after[1] <= descriptors + 3, after
    assert after[2] - memory < 10, (memory, after[2])


def crowd(count):
    browser.d.get(sluice.base + "/login")
    shown = browser.d.execute_async_script(CROWD, count)
    assert shown == count, shown


@suite.case
def three_hundred_come_and_go_some_without_a_goodbye():
    global browser
    crowd(20)
    suite.open_things.remove(browser)
    browser.kill()
    until(nobody, 60, "those that vanished are noticed")
    before = settled(sluice.threads, 10), settled(sluice.descriptors, 5), sluice.resident()
    for _ in range(10):
        browser = suite.keep(Browser())
        browser.login(sluice)
        browser.playing()
        crowd(30)
        suite.open_things.remove(browser)
        browser.kill()
    until(nobody, 60, "those that vanished are noticed")
    after = settled(sluice.threads), settled(sluice.descriptors, 5), sluice.resident()
    note(f"threads {before[0]} -> {after[0]}, descriptors {before[1]} -> {after[1]}, "
         f"memory {before[2]:.1f} -> {after[2]:.1f} MB")
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 3, (before, after)
    assert after[2] - before[2] < 20, (before, after)
    assert suite.close(sluice) == 0


if __name__ == "__main__":
    sys.exit(suite.main())
