// SPDX-License-Identifier: LGPL-2.1-or-later
// One picture over WHEP: the page offers, the server answers. Comes back by itself until stop() is called.

const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 8000;
const DISCONNECTED_MS = 2500; // ICE may find its way back
const CONNECT_MS = 10000;

export class LoginNeeded extends Error {}

async function detailOf(response) {
    try {
        const problem = await response.json();
        return problem.detail || problem.title || response.statusText;
    } catch {
        return response.statusText || `the server answered ${response.status}`;
    }
}

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

export class WhepPlayer {
    // onchange(): a property has changed. onlogin(): the login has ended.
    constructor(video, base, { onchange, onlogin }) {
        this.video = video;
        this.base = base;
        this.onchange = onchange;
        this.onlogin = onlogin;
        this.stream = "";
        this.running = false;
        this.playing = false; // a picture has been shown in this session
        this.problem = "";    // why there is none
        this.lastFrame = 0;
        this.attempt = 0;     // what belongs to an older one is ignored
        this.retryMs = FIRST_RETRY_MS;
        this.firstFrameMs = 0;
    }

    start(stream) {
        if (this.running) {
            this.choose(stream);
            return;
        }
        this.running = true;
        this.stream = stream;
        this.retryMs = FIRST_RETRY_MS;
        this.connect();
    }

    stop() {
        if (!this.running)
            return;
        this.running = false;
        this.problem = "";
        this.drop();
        this.onchange();
    }

    // Ends what there is of a session, on the server too.
    drop() {
        this.attempt++;
        clearTimeout(this.timer);
        this.abort?.abort();
        if (this.peer) {
            this.peer.onconnectionstatechange = this.peer.ontrack = null;
            this.peer.close();
        }
        if (this.session)
            fetch(this.session, { method: "DELETE", keepalive: true, headers: { "X-Requested-With": "sluice" } })
                .catch(() => {});
        this.peer = this.session = this.abort = null;
        this.playing = false;
    }

    again(problem) {
        this.drop();
        this.problem = problem;
        this.onchange();
        this.timer = setTimeout(() => this.connect(), this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    }

    async connect() {
        const attempt = ++this.attempt;
        const begun = performance.now();
        const stale = () => attempt !== this.attempt;
        try {
            const { peer, offer } = await takePeer();
            if (stale()) {
                peer.close();
                return;
            }
            this.peer = peer;
            this.abort = new AbortController();
            peer.ontrack = event => this.show(event, attempt, begun);
            peer.onconnectionstatechange = () => this.connectionChanged(attempt);
            // The offer goes out before candidates are gathered: the server finds this end by its checks.
            const local = peer.setLocalDescription(offer);
            const asked = this.stream;
            const url = this.base + (asked ? `?stream=${encodeURIComponent(asked)}` : "");
            const response = await fetch(url, {
                method: "POST",
                headers: { "Content-Type": "application/sdp", "X-Requested-With": "sluice" },
                body: offer.sdp,
                signal: this.abort.signal,
            });
            const place = response.headers.get("Location");
            if (response.status === 201 && place) {
                const session = new URL(place, new URL(url, document.baseURI)).href;
                if (stale()) {
                    fetch(session, { method: "DELETE", keepalive: true, headers: { "X-Requested-With": "sluice" } })
                        .catch(() => {});
                    return;
                }
                this.session = session;
            }
            if (stale())
                return;
            if (response.status === 401) {
                this.stop();
                this.onlogin();
                return;
            }
            if (response.status !== 201) {
                const wait = Number(response.headers.get("Retry-After"));
                if (wait > 0)
                    this.retryMs = Math.min(wait * 1000, LONGEST_RETRY_MS);
                const reason = await detailOf(response);
                if (!stale())
                    this.again(reason);
                return;
            }
            const answer = await response.text();
            await local;
            await peer.setRemoteDescription({ type: "answer", sdp: answer });
            if (stale())
                return;
            if (asked !== this.stream)
                this.sendChoice(attempt);
            this.timer = setTimeout(() => {
                if (!stale() && peer.connectionState !== "connected")
                    this.again("no connection to the server for media (UDP may be blocked)");
            }, CONNECT_MS);
        } catch (error) {
            if (!stale() && error.name !== "AbortError")
                this.again(error instanceof TypeError ? "the server does not answer" : error.message);
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
            if (!this.playing) {
                this.playing = true;
                this.firstFrameMs = now - begun;
                this.onchange();
            }
            video.requestVideoFrameCallback(frame);
        };
        if (video.requestVideoFrameCallback)
            video.requestVideoFrameCallback(frame);
        else
            video.onplaying = () => frame(performance.now());
        video.play().catch(() => {}); // muted pictures may always play
    }

    // Another stream of the same camera, in the same session.
    choose(stream) {
        if (stream === this.stream)
            return;
        this.stream = stream;
        if (this.session)
            this.sendChoice(this.attempt);
    }

    async sendChoice(attempt) {
        try {
            const response = await fetch(this.session, {
                method: "PATCH",
                headers: { "Content-Type": "application/json", "X-Requested-With": "sluice" },
                body: JSON.stringify({ stream: this.stream }),
            });
            if (!response.ok && attempt === this.attempt)
                this.again(await detailOf(response));
        } catch {
            if (attempt === this.attempt)
                this.again("the server does not answer");
        }
    }
}
