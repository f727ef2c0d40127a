// SPDX-License-Identifier: LGPL-2.1-or-later
// How players reach the server. A signalling has one method, join({ camera, quality, sdp }), which resolves to a session
// or rejects with a SignallingError. quality: "auto", the name of a stream, or nothing for the camera's setting.
// A session is used the same way wherever it came from:
//   answer (SDP), sent ({ stream, quality, reason }: what comes at first, as far as it is known), choose(quality), candidate(c),
//   figures() (as GET /api/v1/viewers/{id} has them, or null), refresh() (where nobody tells what changes), leave()
//   and, set by the player: onswitched(sent), onquality(quality) (somebody else has chosen), onstate(state, reason),
//   onrefused(reason), onclosed(reason)

const ANSWER_MS = 15000;
const OPENING_MS = 1500;     // so long a join waits for the socket before it goes by WHEP
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30000;
const PING_MS = 15000;
const SILENCE_MS = 10000;     // after a ping; timers of hidden pages come when they like

const HEADERS = { "X-Requested-With": "sluice" };

export class SignallingError extends Error {
    // status: of HTTP, 0 if the server could not be reached. retryMs: when to try again, if the server said so.
    constructor(message, status = 0, retryMs = 0) {
        super(message);
        this.status = status;
        this.retryMs = retryMs;
    }
}

export function socketUrl(path) {
    const url = new URL(path, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
}

// Many pages that lost the same server must not come back all at once.
export function withJitter(milliseconds) {
    return milliseconds * (0.5 + Math.random());
}

async function refusal(response) {
    let detail = response.statusText || `the server answered ${response.status}`;
    try {
        const problem = await response.json();
        detail = problem.detail || problem.title || detail;
    } catch { /* no problem object */ }
    return new SignallingError(detail, response.status, 1000 * Number(response.headers.get("Retry-After")) || 0);
}

// Goes out even if the page is being closed.
function deleteSession(url) {
    fetch(url, { method: "DELETE", keepalive: true, headers: HEADERS }).catch(() => {});
}

class Session {
    constructor(answer, name, sent = {}) {
        Object.assign(this, { answer, name, sent });
        this.onswitched = this.onquality = this.onstate = this.onrefused = this.onclosed = () => {};
    }

    async figures() {
        try {
            const response = await fetch(`api/v1/viewers/${encodeURIComponent(this.name)}`, { headers: HEADERS });
            return response.ok ? await response.json() : null;
        } catch {
            return null;
        }
    }

    refresh() {}
}

class WhepSession extends Session {
    constructor(url, answer) {
        super(answer, url.split("/").at(-1));
        this.url = url;
    }

    async refresh() {
        const { stream, quality, "stream-reason": reason } = await this.figures() || {};
        if (stream)
            this.onswitched({ stream, quality, reason });
    }

    async choose(quality) {
        try {
            const response = await fetch(this.url, {
                method: "PATCH",
                headers: { ...HEADERS, "Content-Type": "application/json" },
                body: JSON.stringify({ quality }),
            });
            if (response.ok)
                this.refresh();
            else
                this.onrefused((await refusal(response)).message);
        } catch {
            this.onrefused("the server does not answer");
        }
    }

    candidate() {} // the server finds this end by its checks

    leave() {
        deleteSession(this.url);
    }
}

export class WhepSignalling {
    async join({ camera, quality, sdp }) {
        const url = new URL(`whep/${encodeURIComponent(camera)}`, document.baseURI);
        if (quality)
            url.searchParams.set("quality", quality);
        let response;
        try {
            response = await fetch(url, {
                method: "POST",
                headers: { ...HEADERS, "Content-Type": "application/sdp" },
                body: sdp,
                signal: AbortSignal.timeout(ANSWER_MS),
            });
        } catch {
            throw new SignallingError("the server does not answer");
        }
        const place = response.headers.get("Location");
        if (response.status !== 201 || !place)
            throw await refusal(response);
        return new WhepSession(new URL(place, url).href, await response.text());
    }
}

class SocketSession extends Session {
    constructor(signalling, id, camera, { sdp, session, ...sent }) {
        super(sdp, session, sent);
        Object.assign(this, { signalling, id, camera });
    }

    choose(quality) {
        this.wanted = quality; // if the socket is away: after it was attached again
        this.signalling.send({ type: "quality", id: this.id, quality });
    }

    candidate(c) {
        if (c && !c.candidate.includes(".local ")) // names that only this machine can resolve
            this.signalling.send({ type: "candidate", id: this.id, candidate: c.candidate, mid: c.sdpMid });
    }

    leave() {
        this.signalling.sessions.delete(this.id);
        if (!this.signalling.send({ type: "leave", id: this.id }))
            deleteSession(`whep/${encodeURIComponent(this.camera)}/${encodeURIComponent(this.name)}`);
    }
}

// One socket for all pictures of the page (docs/signalling.md). When it breaks, pictures go on and the sessions are
// attached to the next one.
export class SocketSignalling {
    constructor(path = "ws") {
        this.path = path;
        this.next = 1;
        this.joining = new Map();  // id -> { resolve, reject, camera }
        this.sessions = new Map(); // id -> SocketSession
        this.retryMs = FIRST_RETRY_MS;
        this.connect();
        setInterval(() => this.ping(), PING_MS);
    }

    connect() {
        this.open = false;
        this.unanswered = 0; // since when a ping has had no answer
        this.opening = new Promise(resolve => { this.settle = resolve; });
        const socket = this.socket = new WebSocket(socketUrl(this.path), "sluice.v1");
        socket.onmessage = event => {
            this.unanswered = 0;
            let message;
            try {
                message = JSON.parse(event.data);
            } catch {
                return;
            }
            this.receive(message);
        };
        socket.onclose = () => this.lost();
    }

    lost() {
        this.open = false;
        this.settle(false);
        this.opening = Promise.resolve(false); // until it is tried again
        for (const { reject } of this.joining.values())
            reject(new SignallingError("the connection to the server was lost"));
        this.joining.clear();
        clearTimeout(this.timer);
        if (!this.ended)
            this.timer = setTimeout(() => this.connect(), withJitter(this.retryMs));
        this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    }

    // True once the socket is open, false if it does not open now.
    ready() {
        return Promise.race([this.opening, new Promise(resolve => setTimeout(resolve, OPENING_MS, false))]);
    }

    send(message) {
        if (!this.open || this.socket.readyState !== WebSocket.OPEN)
            return false;
        this.socket.send(JSON.stringify(message));
        return true;
    }

    // A network that went away without a word is noticed by silence.
    ping() {
        const now = performance.now();
        if (this.unanswered && now - this.unanswered > SILENCE_MS) {
            this.socket.onclose = this.socket.onmessage = null;
            this.socket.close();
            this.lost();
        } else if (this.send({ type: "ping" })) {
            this.unanswered ||= now;
        }
    }

    join({ camera, quality, sdp }) {
        const id = String(this.next++);
        return new Promise((resolve, reject) => {
            if (!this.send({ type: "join", id, camera, ...(quality && { quality }), sdp })) {
                reject(new SignallingError("the connection to the server was lost"));
                return;
            }
            this.joining.set(id, { resolve, reject, camera });
            setTimeout(() => {
                if (this.joining.delete(id))
                    reject(new SignallingError("the server does not answer"));
            }, ANSWER_MS);
        });
    }

    receive(message) {
        const session = this.sessions.get(message.id);
        const joining = this.joining.get(message.id);
        switch (message.type) {
        case "hello":
            this.open = true;
            this.retryMs = FIRST_RETRY_MS;
            this.settle(true);
            for (const { id, name } of this.sessions.values())
                this.send({ type: "attach", id, session: name });
            break;
        case "answer":
            if (!joining) { // too late: nobody waits for it any more
                this.send({ type: "leave", id: message.id });
                break;
            }
            this.joining.delete(message.id);
            this.sessions.set(message.id, new SocketSession(this, message.id, joining.camera, message));
            joining.resolve(this.sessions.get(message.id));
            break;
        case "attached":
            if (!session) {
                this.send({ type: "leave", id: message.id });
                break;
            }
            // What was said while the socket was away is not said again, except that there is no picture.
            session.onswitched(message);
            session.onstate("streaming");
            if (session.wanted && session.wanted !== message.quality)
                session.choose(session.wanted);
            break;
        case "error":
            if (joining) {
                this.joining.delete(message.id);
                const { detail, title, status } = message.error;
                joining.reject(new SignallingError(detail || title, status, 1000 * message.error["retry-after"] || 0));
            } else if (session) {
                session.onrefused(message.error.detail || message.error.title);
            }
            break;
        case "switched":
            session?.onswitched(message);
            break;
        case "quality":
            if (session) {
                session.wanted = message.quality;
                session.onquality(message.quality);
            }
            break;
        case "state":
            session?.onstate(message.state, message.reason);
            break;
        case "closed":
            this.sessions.delete(message.id);
            session?.onclosed(message.reason);
            break;
        }
    }

    // Leaves everything at once.
    end() {
        this.ended = true;
        this.socket.close(1000);
    }
}

// The socket when it opens, WHEP otherwise.
export class Signalling {
    constructor() {
        this.socket = new SocketSignalling();
        this.whep = new WhepSignalling();
    }

    async join(request) {
        return await this.socket.ready() ? this.socket.join(request) : this.whep.join(request);
    }

    leaveAll() {
        this.socket.end();
    }
}

// Begun with the loading of the page: the first join finds it open.
export const signalling = new Signalling();
