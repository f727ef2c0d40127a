// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: one tile per camera, as large as the window allows; only tiles that can be seen have a session.
import { WhepPlayer } from "./player.js";

const POLL_MS = 2000;
const POLL_TROUBLED_MS = 1000; // a camera is away
const HIDDEN_TILE_MS = 4000;   // scrolled away for that long: its session ends
const HIDDEN_PAGE_MS = 30000;
const SUB_BELOW_PIXELS = 700;  // tiles narrower than that show the sub stream

const list = document.getElementById("cameras");
const summary = document.getElementById("summary");
const notice = document.getElementById("notice");
const template = document.getElementById("tile");
const tiles = new Map();
let pageHidden = false;
let firstPoll = true;

const headers = { "X-Requested-With": "sluice" };

function toLogin() {
    location.replace("login" + location.hash);
}

function stored(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null; // storage may be switched off
    }
}

function store(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch { /* the choice lasts as long as the page */ }
}

function formatBitrate(bits) {
    return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}

function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

class Tile {
    constructor(camera) {
        this.name = camera.name;
        this.camera = camera;
        this.visible = false;
        this.element = template.content.firstElementChild.cloneNode(true);
        const find = selector => this.element.querySelector(selector);
        this.video = find("video");
        this.reason = find(".reason");
        this.state = find(".state");
        this.size = find(".size");
        this.fps = find(".fps");
        this.rate = find(".rate");
        this.select = find(".stream");
        this.open = find(".open");
        this.close = find(".close");
        find(".name").textContent = this.name;
        this.video.setAttribute("aria-label", `Live picture of ${this.name}`);
        this.open.setAttribute("aria-label", `Show ${this.name} large`);
        this.select.setAttribute("aria-label", `Stream of ${this.name}`);
        this.select.value = stored(`stream:${this.name}`) || "auto";
        this.element.tile = this;
        this.player = new WhepPlayer(this.video, `whep/${encodeURIComponent(this.name)}`,
            { onchange: () => this.draw(), onlogin: toLogin });
        this.open.addEventListener("click", () => showLarge(this.large ? null : this.name));
        this.close.addEventListener("click", () => showLarge(null));
        this.select.addEventListener("change", () => {
            store(`stream:${this.name}`, this.select.value);
            this.follow();
        });
    }

    get large() {
        return this.element.classList.contains("large");
    }

    update(camera) {
        this.camera = camera;
        this.follow();
        this.draw();
    }

    stream(name) {
        return this.camera.streams.find(s => s.name === name);
    }

    wanted() {
        const sub = this.stream("sub");
        const choice = this.select.value;
        if (!sub)
            return "main";
        if (choice !== "auto")
            return choice;
        if (sub.state !== "streaming")
            return "main";
        if (this.stream("main").state !== "streaming")
            return "sub";
        if (this.large)
            return "main";
        const pixels = this.element.clientWidth * (window.devicePixelRatio || 1);
        return pixels < SUB_BELOW_PIXELS ? "sub" : "main";
    }

    // Brings the session in line with what is seen. A camera that is away is not asked for: the answer is known.
    follow() {
        const covered = document.body.classList.contains("has-large") && !this.large;
        const seen = (this.large || this.visible && !covered) && !pageHidden;
        if (!seen || !this.camera.webrtc) {
            if (this.player.running && !this.leaving)
                this.leaving = setTimeout(() => {
                    this.leaving = null;
                    this.player.stop();
                }, HIDDEN_TILE_MS);
            return;
        }
        clearTimeout(this.leaving);
        this.leaving = null;
        const stream = this.wanted();
        // Once there is a session it stays: the picture goes on in it when the camera is back.
        if (this.player.session || this.stream(stream)?.state === "streaming")
            this.player.start(stream);
        else if (this.player.running)
            this.player.stop();
    }

    draw() {
        const camera = this.camera;
        const stream = this.stream(this.player.stream || this.wanted()) || camera.streams[0];
        const live = stream.state === "streaming" && this.player.playing;
        let status = "connecting";
        let text = "";
        if (!camera.webrtc) {
            status = "off";
            text = "WebRTC is switched off for this camera";
        } else if (stream.state === "stalled" || stream.state === "backoff" || stream.reason) {
            status = stream.state === "stalled" ? "stalled" : "lost";
            text = sentence(stream.reason || "no picture");
        } else if (stream.state !== "streaming") {
            text = "Connecting to the camera";
        } else if (this.player.problem) {
            status = "lost";
            text = sentence(this.player.problem);
        } else if (live) {
            status = "live";
        }
        const words = { live: "Live", connecting: "Connecting", stalled: "Stalled", lost: "No picture", off: "Off" };
        this.element.dataset.status = status;
        this.element.classList.toggle("has-picture", this.player.playing);
        this.state.textContent = words[status];
        if (this.reason.textContent !== text)
            this.reason.textContent = text;
        const known = stream.width && status === "live";
        this.size.textContent = known ? `${stream.width}×${stream.height}` : "";
        this.fps.textContent = known && stream.fps ? `${Math.round(stream.fps)} fps` : "";
        this.rate.textContent = known && stream.bitrate ? formatBitrate(stream.bitrate) : "";
        this.select.hidden = !this.stream("sub");
        this.status = status;
    }

    setLarge(large) {
        if (large === this.large)
            return;
        this.element.classList.toggle("large", large);
        this.close.hidden = !large;
        this.open.setAttribute("aria-label", large ? "Back to all cameras" : `Show ${this.name} large`);
        (large ? this.close : this.open).focus({ preventScroll: true });
    }

    remove() {
        clearTimeout(this.leaving);
        this.player.stop();
        observer.unobserve(this.element);
        this.element.remove();
    }
}

const observer = new IntersectionObserver(entries => {
    for (const entry of entries) {
        entry.target.tile.visible = entry.isIntersecting;
        entry.target.tile.follow();
    }
}, { rootMargin: "120px" });

// The address carries the choice, so that "back" works and a large picture can be linked to.
function showLarge(name) {
    if (name)
        location.hash = encodeURIComponent(name);
    else if (location.hash)
        history.pushState(null, "", location.pathname + location.search);
    applyHash();
}

function applyHash() {
    let name = "";
    try {
        name = decodeURIComponent(location.hash.slice(1));
    } catch { /* not one of ours */ }
    const chosen = tiles.has(name) ? name : null;
    document.body.classList.toggle("has-large", chosen !== null);
    for (const tile of tiles.values()) {
        tile.setLarge(tile.name === chosen);
        tile.follow();
    }
    document.title = chosen ? `${chosen} - Sluice` : "Sluice";
}

// As many columns as make the tiles largest while all fit; on small screens tiles keep a useful width and the page scrolls.
function layout() {
    const count = tiles.size;
    if (!count)
        return;
    const style = getComputedStyle(list);
    const gap = parseFloat(style.columnGap) || 0;
    const width = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = window.innerHeight - list.getBoundingClientRect().top - window.scrollY
        - parseFloat(style.paddingBottom) - parseFloat(style.paddingTop);
    const least = Math.min(width, 260);
    let best = { columns: 1, size: 0 };
    for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const byWidth = (width - gap * (columns - 1)) / columns;
        const byHeight = ((height - gap * (rows - 1)) / rows) * 16 / 9;
        const size = Math.min(byWidth, byHeight);
        if (byWidth >= least && size > best.size)
            best = { columns, size };
    }
    let size = best.size;
    if (size < least) { // they do not all fit: as many columns as have room
        best.columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
        size = (width - gap * (best.columns - 1)) / best.columns;
    }
    list.style.setProperty("--columns", String(Math.min(best.columns, count)));
    list.style.setProperty("--tile", `${Math.floor(size)}px`);
    for (const tile of tiles.values())
        tile.follow();
}

function draw(cameras) {
    const names = new Set(cameras.map(c => c.name));
    for (const [name, tile] of tiles) {
        if (!names.has(name)) {
            tile.remove();
            tiles.delete(name);
        }
    }
    let added = false;
    for (const camera of cameras) {
        if (tiles.has(camera.name))
            continue;
        const tile = new Tile(camera);
        tiles.set(camera.name, tile);
        list.append(tile.element);
        added = true;
    }
    if (added) {
        layout();
        applyHash();
    }
    for (const camera of cameras) {
        const tile = tiles.get(camera.name);
        if (added && !tile.observed) {
            // Known at once, without waiting for the observer's first report.
            const box = tile.element.getBoundingClientRect();
            tile.visible = box.top < window.innerHeight + 120 && box.bottom > -120;
            tile.observed = true;
            observer.observe(tile.element);
        }
        tile.update(camera);
    }
    const streaming = cameras.filter(c => c.state === "streaming").length;
    const text = streaming === cameras.length
        ? `${cameras.length} ${cameras.length === 1 ? "camera" : "cameras"}`
        : `${streaming} of ${cameras.length} cameras live`;
    if (summary.textContent !== text)
        summary.textContent = text;
}

async function poll() {
    let wait = POLL_MS;
    try {
        // The first one is under way already (preload in the page); it matches only without headers of ours.
        const response = await fetch("api/v1/cameras", firstPoll ? {} : { headers, cache: "no-store" });
        firstPoll = false;
        if (response.status === 401) {
            toLogin();
            return;
        }
        if (!response.ok)
            throw new Error(`the server answered ${response.status}`);
        const { cameras } = await response.json();
        notice.hidden = true;
        draw(cameras);
        if (cameras.some(c => c.streams.some(s => s.state !== "streaming")))
            wait = POLL_TROUBLED_MS;
    } catch (error) {
        notice.textContent = error instanceof TypeError ? "The server does not answer. Trying again…"
            : `${sentence(error.message)}. Trying again…`;
        notice.hidden = false;
        wait = POLL_TROUBLED_MS;
    }
    setTimeout(poll, document.hidden ? POLL_MS * 5 : wait);
}

document.getElementById("logout").addEventListener("click", async () => {
    for (const tile of tiles.values())
        tile.player.stop();
    try {
        await fetch("api/v1/logout", { method: "POST", headers });
    } finally {
        toLogin();
    }
});

addEventListener("keydown", event => {
    if (event.key === "Escape" && document.body.classList.contains("has-large"))
        showLarge(null);
});
addEventListener("hashchange", applyHash);
addEventListener("popstate", applyHash);
addEventListener("resize", layout);

let hiding = null;
document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
        hiding = setTimeout(() => {
            pageHidden = true;
            tiles.forEach(tile => tile.follow());
        }, HIDDEN_PAGE_MS);
    } else {
        pageHidden = false;
        tiles.forEach(tile => tile.follow());
    }
});
addEventListener("pagehide", () => tiles.forEach(tile => tile.player.stop()));
addEventListener("pageshow", event => {
    if (event.persisted)
        tiles.forEach(tile => tile.follow());
});

poll();
