// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs in the page, before everything else, whoever's page it is: notes every frame that is shown, what becomes of connections, and their
// statistics. The clock in the picture is read by tests/e2e/picture_clock.js (window.probe). All times are Unix ms.
'use strict';
window.bench = (() => {
  const STATS = ['bytesReceived', 'packetsReceived', 'packetsLost', 'framesReceived', 'framesDecoded', 'framesDropped', 'keyFramesDecoded',
    'freezeCount', 'totalFreezesDuration', 'pliCount', 'nackCount', 'jitterBufferDelay', 'jitterBufferEmittedCount', 'frameWidth', 'frameHeight'];
  const views = [];       // one for each <video>, in the order of the page
  const connections = []; // {pc, events}; events: [when, what]

  class View {
    constructor(video) {
      this.video = video;
      this.frames = []; // [shown, ms in the scene or null, stream or null, width]
      this.stats = [];  // {at, ...}
      const shown = () => {
        const clock = probe.read(video) || { ms: null, stream: null };
        this.frames.push([Date.now(), clock.ms, clock.stream, video.videoWidth]);
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    }

    // Its connections, the newest last.
    connections() {
      const tracks = this.video.srcObject ? this.video.srcObject.getTracks() : [];
      for (const c of connections)
        if (!c.view && (views.length == 1 || c.pc.getReceivers().some(r => tracks.includes(r.track)))) c.view = this;
      return connections.filter(c => c.view == this);
    }

    async measure() {
      const last = this.connections().pop();
      if (!last || last.pc.connectionState == 'closed') return;
      const entry = { at: Date.now() };
      (await last.pc.getStats()).forEach(s => {
        if (s.type == 'inbound-rtp' && s.kind == 'video') for (const k of STATS) if (k in s) entry[k] = s[k];
        if (s.type == 'candidate-pair' && s.nominated && s.currentRoundTripTime) entry.rtt = s.currentRoundTripTime * 1000;
      });
      this.stats.push(entry);
    }

    // What is new since the last call.
    take() {
      const events = this.connections().flatMap(c => c.events.splice(0));
      const { frames, stats } = this;
      this.frames = [];
      this.stats = [];
      return { frames, events, stats };
    }
  }

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...rest) {
      super(...rest);
      const events = [[Date.now(), 'join']];
      connections.push({ pc: this, events, view: null });
      this.addEventListener('connectionstatechange', () => events.push([Date.now(), this.connectionState]));
    }
  };

  function look() {
    for (const video of document.querySelectorAll('video'))
      if (!views.some(v => v.video == video)) views.push(new View(video));
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  setInterval(() => views.forEach(v => v.measure()), 500);
  return { take: () => views.map(v => v.take()) };
})();
