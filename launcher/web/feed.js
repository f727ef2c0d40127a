// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server says about cameras: pushed over one WebSocket, asked for by GET as long as that cannot be opened.
import { socketUrl, withJitter } from "./signalling.js";

const POLL_MS = 2000;
const POLL_HIDDEN_MS = 10000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15000;
const SILENCE_MS = 50000; // the server says something each 20 s
const DRAW_MS = 50;
const NOTICE_MS = 1500;   // a short break is nobody's business

export class Feed {
    // oncameras(list): all of them. onproblem(text): what stands between us and the server; "" when nothing does.
    // onlogin(): the login has ended.
    constructor({ oncameras, onproblem, onlogin }) {
        Object.assign(this, { oncameras, onproblem, onlogin });
        this.cameras = new Map();
        this.retryMs = FIRST_RETRY_MS;
        this.connect();
        this.ask(true);
    }

    connect() {
        clearTimeout(this.retry);
        const socket = this.socket = new WebSocket(socketUrl("api/v1/events"), "sluice.events.v1");
        socket.onmessage = event => {
            if (!this.pushed) {
                this.pushed = true;
                this.retryMs = FIRST_RETRY_MS;
                clearTimeout(this.poll);
            }
            this.guard();
            this.receive(JSON.parse(event.data));
        };
        socket.onclose = () => this.lost();
    }

    // Silence for too long: the network has gone without a word.
    guard() {
        clearTimeout(this.silence);
        this.silence = setTimeout(() => {
            this.socket.onclose = this.socket.onmessage = null;
            this.socket.close();
            this.lost();
        }, SILENCE_MS);
    }

    lost() {
        clearTimeout(this.silence);
        if (this.ended)
            return;
        const was = this.pushed;
        this.pushed = false;
        this.retry = setTimeout(() => this.connect(), withJitter(this.retryMs));
        this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
        if (was) // says whether the server is gone, or the login
            this.ask(false);
    }

    receive(message) {
        const heard = performance.now(); // what counts down counts from here
        if (message.type === "cameras")
            this.cameras = new Map(message.cameras.map(c => [c.name, { ...c, heard }]));
        else if (message.type === "camera")
            this.cameras.set(message.camera.name, { ...message.camera, heard });
        else if (message.type === "removed")
            this.cameras.delete(message.name);
        else
            return;
        this.good();
    }

    good() {
        clearTimeout(this.noticing);
        this.noticing = null;
        this.onproblem("");
        // One message per camera: all that come together are drawn together.
        this.drawing ??= setTimeout(() => {
            this.drawing = null;
            if (!this.ended)
                this.oncameras([...this.cameras.values()]);
        }, this.drawn ? DRAW_MS : 0);
        this.drawn = true;
    }

    bad(text) {
        this.noticing ??= setTimeout(() => this.onproblem(this.trouble), NOTICE_MS);
        this.trouble = text;
    }

    async ask(first) {
        clearTimeout(this.poll);
        try {
            // The first one is under way already (preload in the page); it matches only without headers of ours.
            const response = await fetch("api/v1/cameras",
                first ? {} : { headers: { "X-Requested-With": "sluice" }, cache: "no-store" });
            if (response.status === 401) {
                this.end();
                this.onlogin();
                return;
            }
            if (!response.ok)
                throw new Error(`The server answered ${response.status}`);
            const { cameras } = await response.json();
            if (!this.pushed)
                this.receive({ type: "cameras", cameras });
        } catch (error) {
            if (!this.pushed)
                this.bad(`${error instanceof TypeError ? "The server does not answer" : error.message}. Trying again…`);
        }
        if (!this.pushed && !this.ended)
            this.poll = setTimeout(() => this.ask(false), document.hidden ? POLL_HIDDEN_MS : POLL_MS);
    }

    // The network is back, or the page is looked at again: now is a good time.
    hurry() {
        if (this.pushed || this.ended || this.socket.readyState === WebSocket.CONNECTING)
            return;
        this.retryMs = FIRST_RETRY_MS;
        this.connect();
    }

    end() {
        this.ended = true;
        for (const timer of [this.poll, this.retry, this.silence, this.noticing])
            clearTimeout(timer);
        this.socket.close(1000);
    }
}
