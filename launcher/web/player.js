// SPDX-License-Identifier: LGPL-2.1-or-later
// One picture: the page offers, the server answers. Comes back by itself until stop() is called.
import { withJitter } from "./signalling.js";

const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 8000;
const DISCONNECTED_MS = 2500; // ICE may find its way back
const CONNECT_MS = 10000;
const FROZEN_MS = 3000;       // or three pictures of a slow camera
const UNPLAYABLE_MS = 30000;  // unless somebody says before that the camera sends something else
const REJOIN_MS = 10000;      // a session that the server has closed is joined anew at once, if the last time is so long ago
const JOINS_AT_ONCE = 6;      // a wall of pictures must not run into the server's limit
const COLD_JOIN_MS = 1000;    // from then on it waits for its camera, which costs the server nothing

// Made ahead of time, so that the first tile does not wait for it.
async function makePeer() {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    const offer = await peer.createOffer();
    return { peer, offer };
}
let prepared = makePeer();
prepared.catch(() => {}); // told when it is used

function takePeer() {
    const taken = prepared || makePeer();
    prepared = null;
    return taken;
}

let joins = 0;
const queue = [];

async function enter() {
    if (joins >= JOINS_AT_ONCE)
        await new Promise(resolve => queue.push(resolve)); // gets the place of the one who leaves
    else
        joins++;
}

function exit() {
    const next = queue.shift();
    if (next)
        next();
    else
        joins--;
}

export class Player {
    // last: a canvas that keeps the last picture of a session that is over. onchange(): a property has changed.
    // onlogin(): the login has ended. onquality(quality): somebody else has chosen, or the camera's setting has changed.
    constructor({ video, last, camera, signalling, onchange, onlogin, onquality }) {
        Object.assign(this, { video, last, camera, signalling, onchange, onlogin, onquality });
        this.quality = "";     // asked for: "auto" or a stream; empty: as the camera is set
        this.showing = "";     // the stream that is being sent, if it is known
        this.reason = "";      // why that one, in the server's words
        this.running = false;
        this.playing = false;  // a picture has been shown in this session
        this.problem = "";     // why there is none
        this.waiting = "";     // the session is there, but the camera gives nothing: why
        this.frozen = false;   // it should play, but no new picture is shown; see look()
        this.hasSound = false; // the camera has sent some
        this.latencyMs = null; // from the server to the screen, when measured
        this.freezes = null;   // of this session, as the browser counts them
        this.sound = false;    // the viewer wants to hear it
        this.lastFrame = 0;
        this.cold = false;     // the camera is contacted only now: an answer may take seconds
        this.retrying = false; // nothing is under way, a timer runs
        this.rejoinedAt = -REJOIN_MS;
        this.attempt = 0;      // what belongs to an older one is ignored
        this.retryMs = FIRST_RETRY_MS;
        this.firstFrameMs = 0;
        video.muted = true;
    }

    start(quality) {
        if (this.running) {
            this.choose(quality);
            return;
        }
        this.running = true;
        this.quality = quality;
        this.retryMs = FIRST_RETRY_MS;
        this.connect();
        this.onchange();
    }

    stop() {
        if (!this.running)
            return;
        this.running = false;
        this.problem = "";
        this.drop();
        this.onchange();
    }

    // What stood in the way may be gone: the next attempt is now.
    hurry() {
        if (!this.retrying)
            return;
        this.retryMs = FIRST_RETRY_MS;
        clearTimeout(this.timer);
        this.connect();
    }

    // Ends what there is of a session, on the server too.
    drop() {
        this.attempt++;
        this.retrying = false;
        clearTimeout(this.timer);
        if (this.playing)
            this.keepPicture();
        if (this.peer) {
            this.peer.onconnectionstatechange = this.peer.ontrack = this.peer.onicecandidate = null;
            this.peer.close();
        }
        this.session?.leave();
        this.peer = this.session = this.soundTrack = this.counted = null;
        this.playing = false;
        this.showing = this.reason = this.waiting = "";
        this.frozen = false;
        this.latencyMs = this.freezes = null;
    }

    again(problem, waitMs = 0) {
        this.drop();
        this.problem = problem;
        this.retrying = true;
        this.onchange();
        this.timer = setTimeout(() => this.connect(), waitMs || withJitter(this.retryMs));
        this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    }

    // The server has ended the session and said so, as it does when the camera's codec has changed: what can be had now is
    // found by asking.
    closed(reason) {
        const now = performance.now();
        if (!this.playing || now - this.rejoinedAt < REJOIN_MS) {
            this.again(reason);
            return;
        }
        this.rejoinedAt = now;
        this.drop();
        this.onchange();
        this.connect();
    }

    // A video element forgets its picture when it gets the next stream.
    keepPicture() {
        const { video, last } = this;
        const scale = Math.min(1, video.clientWidth * (window.devicePixelRatio || 1) / video.videoWidth);
        last.width = Math.round(video.videoWidth * scale) || 0;
        last.height = Math.round(video.videoHeight * scale) || 0;
        if (last.width && last.height)
            last.getContext("2d").drawImage(video, 0, 0, last.width, last.height);
    }

    get kept() {
        return this.last.width > 0;
    }

    async connect() {
        const attempt = ++this.attempt;
        this.retrying = false;
        const begun = performance.now();
        const stale = () => attempt !== this.attempt;
        try {
            const joined = await this.join(attempt, begun);
            if (!joined)
                return;
            const { peer, local, candidates, asked, session } = joined;
            this.session = session;
            this.showing = session.sent.stream || (asked === "auto" ? "" : asked);
            this.reason = session.sent.reason || "";
            const current = act => (...values) => {
                if (!stale())
                    act(...values);
            };
            session.onswitched = current(({ stream, reason = "" }) => {
                this.showing = stream;
                this.reason = reason;
                this.onchange();
            });
            session.onquality = current(quality => {
                this.quality = quality;
                this.onquality?.(quality);
            });
            session.onstate = current((state, reason) => {
                this.waiting = state === "waiting" ? reason || "no picture from the camera" : "";
                this.onchange();
            });
            session.onrefused = current(reason => this.again(reason));
            session.onclosed = current(reason => {
                this.session = null;
                this.closed(reason);
            });
            await local;
            await peer.setRemoteDescription({ type: "answer", sdp: session.answer });
            if (stale())
                return;
            candidates.forEach(c => session.candidate(c));
            peer.onicecandidate = ({ candidate }) => session.candidate(candidate);
            if (asked !== this.quality)
                session.choose(this.quality);
            this.timer = setTimeout(() => {
                if (!stale() && peer.connectionState !== "connected")
                    this.again("no connection to the server for media (UDP may be blocked)");
            }, CONNECT_MS);
        } catch (error) {
            if (stale())
                return;
            if (error.status === 401) {
                this.stop();
                this.onlogin();
            } else {
                const wait = Math.min(error.retryMs || 0, LONGEST_RETRY_MS);
                this.again(error.message, { 403: LONGEST_RETRY_MS, 406: UNPLAYABLE_MS }[error.status] || wait);
            }
        }
    }

    // What costs the server something; nothing if the attempt is over. The place is given back before what may never end: the
    // promises of a peer that is closed stay as they are.
    async join(attempt, begun) {
        await enter();
        let inside = true;
        const leave = () => {
            if (inside)
                exit();
            inside = false;
        };
        const patience = this.cold ? setTimeout(leave, COLD_JOIN_MS) : 0;
        try {
            if (attempt !== this.attempt)
                return null;
            const { peer, offer } = await takePeer();
            if (attempt !== this.attempt) {
                peer.close();
                return null;
            }
            this.peer = peer;
            peer.ontrack = event => this.show(event, attempt, begun);
            peer.onconnectionstatechange = () => this.connectionChanged(attempt);
            const candidates = [];
            peer.onicecandidate = ({ candidate }) => candidates.push(candidate);
            // The offer goes out before candidates are gathered: the server finds this end by its checks.
            const local = peer.setLocalDescription(offer);
            local.catch(() => {}); // told when it is waited for
            const asked = this.quality;
            const session = await this.signalling.join({ camera: this.camera, quality: asked, sdp: offer.sdp });
            if (attempt === this.attempt)
                return { peer, local, candidates, asked, session };
            session.leave();
            return null;
        } finally {
            clearTimeout(patience);
            leave();
        }
    }

    connectionChanged(attempt) {
        if (attempt !== this.attempt)
            return;
        const state = this.peer.connectionState;
        if (state === "connected") {
            clearTimeout(this.timer);
            this.problem = "";
            this.retryMs = FIRST_RETRY_MS;
            this.onchange();
        } else if (state === "failed" || state === "closed") {
            this.again("the connection was lost");
        } else if (state === "disconnected") {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.again("the connection was lost"), DISCONNECTED_MS);
        }
    }

    // Sound and picture go into one stream: the browser keeps them together. The element stays muted until somebody wants sound.
    show(event, attempt, begun) {
        if (attempt !== this.attempt)
            return;
        if (event.track.kind === "audio") {
            this.soundTrack = event.track;
            this.applySound();
            return;
        }
        const video = this.video;
        if (!this.media || this.mediaAttempt !== attempt) {
            this.mediaAttempt = attempt;
            this.media = new MediaStream();
        }
        this.media.addTrack(event.track);
        if (event.track.kind !== "video")
            return;
        video.srcObject = this.media;
        const frame = now => {
            if (attempt !== this.attempt)
                return;
            this.lastFrame = performance.now();
            const news = !this.playing || this.waiting || this.frozen;
            if (!this.playing) {
                this.playing = true;
                this.firstFrameMs = now - begun;
                this.last.width = this.last.height = 0;
            }
            this.waiting = "";
            this.frozen = false;
            if (news)
                this.onchange();
            video.requestVideoFrameCallback?.(frame);
        };
        if (video.requestVideoFrameCallback)
            video.requestVideoFrameCallback(frame);
        else
            video.onplaying = () => frame(performance.now());
        this.applySound();
        this.play();
    }

    // Regularly, while it is seen: does the picture move?
    look(fps) {
        const frozen = this.playing && "requestVideoFrameCallback" in this.video // nobody else says when pictures come
            && performance.now() - this.lastFrame > Math.max(FROZEN_MS, 3000 / (fps || 1));
        if (frozen === this.frozen)
            return;
        this.frozen = frozen;
        this.onchange();
    }

    // It is seen again, or the camera is back: until now there were no pictures to be told of.
    expect() {
        this.lastFrame = performance.now();
        this.frozen = false;
    }

    // Pictures without sound may always play; with sound only after the viewer has touched the page.
    play() {
        this.video.play().catch(error => {
            if (error.name !== "NotAllowedError" || this.video.muted)
                return;
            this.video.muted = true;
            this.video.play().catch(() => {});
        });
    }

    setSound(on) {
        if (on === this.sound)
            return;
        this.sound = on;
        this.applySound();
        if (on && this.video.srcObject)
            this.play();
    }

    // The track is part of what is played only while it is heard: otherwise the picture would wait for the sound.
    applySound() {
        const stream = this.video.srcObject;
        const track = this.soundTrack;
        if (stream && track && this.sound)
            stream.addTrack(track);
        else if (stream && track)
            stream.removeTrack(track);
        this.video.muted = !this.sound;
    }

    // Another stream of the same camera, or whatever the connection carries, in the same session.
    choose(quality) {
        if (quality === this.quality)
            return;
        this.quality = quality;
        this.session?.choose(quality);
        this.hurry();
    }

    // Latency since the last call, freezes, and whether there is sound.
    async measure() {
        const peer = this.peer;
        if (!peer || !this.playing)
            return;
        this.session?.refresh();
        let report;
        try {
            report = await peer.getStats();
        } catch {
            return;
        }
        if (peer !== this.peer)
            return;
        let delay = null, roundTrip = 0;
        for (const s of report.values()) {
            if (s.type === "inbound-rtp" && s.kind === "video" && s.jitterBufferEmittedCount) {
                this.freezes = s.freezeCount ?? null;
                const before = this.counted || { seconds: 0, frames: 0 };
                const frames = s.jitterBufferEmittedCount - before.frames;
                if (frames > 0)
                    delay = (s.jitterBufferDelay - before.seconds) / frames;
                this.counted = { seconds: s.jitterBufferDelay, frames: s.jitterBufferEmittedCount };
            } else if (s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0) {
                this.hasSound = true;
            } else if (s.type === "candidate-pair" && s.nominated && s.currentRoundTripTime) {
                roundTrip = s.currentRoundTripTime;
            }
        }
        this.latencyMs = delay === null ? null : Math.round(1000 * (delay + roundTrip / 2));
        this.onchange();
    }
}
