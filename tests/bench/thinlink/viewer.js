// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays ?cameras=cam1,cam2&buffer=MS by WHEP, and joins again when a session ends, as any player does. record.js notes what comes of it.
'use strict';
const REJOIN = 1000;

const asked = new URLSearchParams(location.search);

class Player {
  constructor(camera) {
    this.camera = camera;
    this.video = document.createElement('video');
    Object.assign(this.video, { autoplay: true, muted: true, playsInline: true });
    document.body.append(this.video);
    this.join();
  }

  async join() {
    const pc = this.pc = new RTCPeerConnection();
    try {
      const { receiver } = pc.addTransceiver('video', { direction: 'recvonly' });
      if (+asked.get('buffer')) receiver.jitterBufferTarget = +asked.get('buffer');
      pc.ontrack = e => { this.video.srcObject = new MediaStream([e.track]); };
      pc.onconnectionstatechange = () => {
        if (pc.connectionState == 'failed' || pc.connectionState == 'closed') this.again(pc);
      };
      // What it gathers later the server learns from the checks themselves.
      await pc.setLocalDescription(await pc.createOffer());
      const answer = await fetch('/whep?camera=' + this.camera,
        { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription.sdp });
      if (!answer.ok) throw new Error('status ' + answer.status);
      await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    } catch (e) {
      console.warn(e);
      this.again(pc);
    }
  }

  again(pc) {
    if (pc != this.pc) return;
    this.pc = null;
    pc.close();
    setTimeout(() => this.join(), REJOIN);
  }
}

for (const camera of asked.get('cameras').split(',')) new Player(camera);
