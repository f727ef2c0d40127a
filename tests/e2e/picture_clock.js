// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs in the page, before everything else. Notes when the first frame of every <video> is shown and reads the clock
// that the simulated camera draws into its picture (tests/support/simcam_picture.hpp).
window.probe = (() => {
  const COLUMNS = 16, ROWS = 4, ZOOM = 4;
  const canvas = document.createElement('canvas');
  canvas.width = COLUMNS * ZOOM;
  canvas.height = ROWS * ZOOM;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const first = []; // {video, at}: milliseconds since navigation

  function crc8(bytes) {
    let crc = 0;
    for (const b of bytes) {
      crc ^= b;
      for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 7) & 0xff : crc << 1;
    }
    return crc;
  }

  // {ms, stream} or null if the picture shows no valid clock
  function read(video) {
    const w = video.videoWidth, h = video.videoHeight;
    if (!w) return null;
    context.drawImage(video, 2 * w / 40, h * 2 / 45, COLUMNS * w / 40, ROWS * h * 2 / 45, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const cells = [];
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        let sum = 0; // the middle of the cell: its edges are blurred
        for (const [dx, dy] of [[1, 1], [2, 1], [1, 2], [2, 2]])
          sum += pixels[4 * ((row * ZOOM + dy) * canvas.width + column * ZOOM + dx) + 1];
        cells.push(sum / 4);
      }
    }
    const middle = (Math.min(...cells) + Math.max(...cells)) / 2;
    const bytes = [];
    for (let i = 0; i < 8; i++) bytes.push(cells.slice(8 * i, 8 * i + 8).reduce((v, c) => 2 * v + (c > middle ? 1 : 0), 0));
    if (crc8(bytes.slice(0, 7)) != bytes[7]) return null;
    return { ms: bytes.slice(0, 6).reduce((v, b) => v * 256 + b, 0), stream: bytes[6] };
  }

  function watch(video) {
    if (first.some(f => f.video === video)) return;
    const entry = { video, at: null };
    first.push(entry);
    video.requestVideoFrameCallback(() => { entry.at = performance.now(); });
  }
  new MutationObserver(() => document.querySelectorAll('video').forEach(watch))
    .observe(document, { childList: true, subtree: true });

  // Every frame shown during `duration` ms: [{at: Unix ms, ms, stream, width, height}]
  function frames(video, duration) {
    return new Promise(resolve => {
      const out = [], end = performance.now() + duration;
      let waiting = true;
      const stop = () => { if (waiting) { waiting = false; resolve(out); } };
      setTimeout(stop, duration + 50);
      const next = () => {
        const at = Date.now(), clock = read(video) || { ms: null, stream: null };
        out.push({ at, ...clock, width: video.videoWidth, height: video.videoHeight });
        if (performance.now() < end) video.requestVideoFrameCallback(next);
        else stop();
      };
      video.requestVideoFrameCallback(next);
    });
  }

  // WebSockets of this page: {path, at, open}; and what it joined by them.
  const sockets = [], all = [], joined = [];
  const breakSockets = () => all.forEach(socket => socket.close(4000)); // not in order: nobody takes leave
  window.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      super(url, ...rest);
      this.entry = { path: new URL(url).pathname, at: performance.now(), open: false };
      sockets.push(this.entry);
      all.push(this);
      this.addEventListener('open', () => { this.entry.open = true; });
      this.addEventListener('close', () => { this.entry.open = false; });
    }
    send(data) {
      if (typeof data == 'string' && JSON.parse(data).type == 'join') joined.push(performance.now());
      super.send(data);
    }
  };

  // When this page asked for pictures, by WebSocket or WHEP; ms since navigation.
  function joins() {
    return performance.getEntriesByType('resource')
      .filter(e => e.initiatorType == 'fetch' && /\/whep\/[^/]+$/.test(new URL(e.name).pathname))
      .map(e => e.startTime).concat(joined);
  }

  return { read, frames, joins, sockets, breakSockets, firstFrames: () => first.filter(f => f.video.isConnected).map(f => f.at) };
})();
