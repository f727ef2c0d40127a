// SPDX-License-Identifier: LGPL-2.1-or-later
// One camera on the page: its picture, its bar, its controls.
import { Player } from "./player.js";
import { describe, playable, sentence, wantedQuality, whyNotMain } from "./status.js";

const HIDDEN_TILE_MS = 4000;   // scrolled away or covered for that long: its session ends
const SUB_BELOW_PIXELS = 700;  // tiles narrower than that have no use for more than the sub stream
const FACTS_FROM_PIXELS = 200; // narrower ones have no room for numbers
const SOUND_LOOKS = 4;         // so often a small tile is asked whether it has sound

export function stored(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null; // storage may be switched off
    }
}

export function store(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch { /* the choice lasts as long as the page */ }
}

function formatBitrate(bits) {
    return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}

function put(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

export class Tile {
    // page: { signalling, hidden(), showLarge(name), toggleSound(tile), toggleFullScreen(), onlogin(), onstatus(tile) }
    constructor(template, camera, page) {
        this.name = camera.name;
        this.camera = camera;
        this.page = page;
        this.visible = false;
        this.status = this.note = "";
        this.looks = 0;
        this.sounding = false; // chosen by the viewer; heard only while the tile is seen
        this.element = template.content.firstElementChild.cloneNode(true);
        const find = selector => this.element.querySelector(selector);
        for (const part of ["video", "reason", "state", "next", "note", "from", "which", "size", "fps", "rate", "latency", "why",
                            "quality", "open", "sound", "info", "details", "full", "close"])
            this[part + "Part"] = find(part === "video" ? "video" : "." + part);
        find(".name").textContent = this.name;
        this.videoPart.setAttribute("aria-label", `Live picture of ${this.name}`);
        this.openPart.setAttribute("aria-label", `Show ${this.name} large`);
        this.qualityPart.setAttribute("aria-label", `Quality of ${this.name}`);
        this.soundPart.setAttribute("aria-label", `Sound of ${this.name}`);
        this.offerQualities();
        this.element.tile = this;
        this.player = new Player({ video: this.videoPart, last: find(".last"), camera: this.name,
                                   signalling: page.signalling, onchange: () => this.draw(), onlogin: page.onlogin,
                                   onquality: quality => this.setQuality(quality) });
        this.openPart.addEventListener("click", () => page.showLarge(this.large ? null : this.name));
        this.closePart.addEventListener("click", () => page.showLarge(null));
        this.fullPart.addEventListener("click", () => page.toggleFullScreen());
        this.soundPart.addEventListener("click", () => page.toggleSound(this));
        this.infoPart.addEventListener("click", () => this.toggleDetails());
        this.qualityPart.addEventListener("change", () => {
            store(`quality:${this.name}`, this.qualityPart.value);
            this.setQuality(this.qualityPart.value);
        });
        this.setCurrent(false);
    }

    get large() {
        return this.element.classList.contains("large");
    }

    // Of all tiles one can be reached with the tab key; the arrow keys lead to the others.
    setCurrent(current) {
        for (const part of [this.openPart, this.soundPart, this.infoPart, this.qualityPart])
            part.tabIndex = current ? 0 : -1;
    }

    update(camera) {
        const before = this.streamOf(this.wanted());
        const { quality, streams } = this.camera;
        this.camera = camera;
        if (quality !== camera.quality || streams.length !== camera.streams.length)
            this.offerQualities();
        const now = this.streamOf(this.wanted());
        const back = now && now.state === "streaming" && before?.state !== "streaming";
        if (back)
            this.player.expect();
        if ((back || now?.codec !== before?.codec) && playable(now?.codec))
            this.player.hurry();
        this.follow();
        this.draw();
    }

    stream(name) {
        return this.camera.streams.find(s => s.name === name);
    }

    // The stream that a quality stands for until the server says what it sends.
    streamOf(quality) {
        return this.stream(quality === "auto" ? "main" : quality);
    }

    // What can be chosen, and what is: by the viewer, else by the camera's setting.
    offerQualities() {
        const names = ["auto", ...this.camera.streams.map(s => s.name).filter(s => s !== "web")];
        this.qualityPart.replaceChildren(...names.map(name => new Option(sentence(name), name)));
        this.qualityPart.value = [stored(`quality:${this.name}`), this.camera.quality].find(q => names.includes(q)) || "auto";
    }

    setQuality(quality) {
        this.qualityPart.value = quality;
        this.follow();
        this.draw();
    }

    wanted() {
        const pixels = this.element.clientWidth * (window.devicePixelRatio || 1);
        return wantedQuality({ choice: this.qualityPart.value, main: this.stream("main"), sub: this.stream("sub"),
                               small: !this.large && pixels < SUB_BELOW_PIXELS,
                               asked: this.player.session && this.player.quality });
    }

    get seen() {
        const covered = document.body.classList.contains("has-large") && !this.large;
        return (this.large || this.visible && !covered) && !this.page.hidden();
    }

    // The page can be seen again.
    shown() {
        this.player.expect();
        this.follow();
        this.draw();
    }

    // Brings the session in line with what is seen. A camera that is away is not asked for: the answer is known. One that is
    // contacted on demand is: asking is the demand.
    follow() {
        if (this.removed)
            return;
        this.player.setSound(this.sounding && this.seen);
        if (!this.seen || !this.camera.webrtc) {
            if (this.player.running && !this.leaving)
                this.leaving = setTimeout(() => {
                    this.leaving = null;
                    this.player.stop();
                }, HIDDEN_TILE_MS);
            return;
        }
        clearTimeout(this.leaving);
        this.leaving = null;
        const quality = this.wanted();
        const stream = this.streamOf(quality);
        const live = stream?.state === "streaming";
        this.player.cold = !live;
        // Once there is a session it stays: the picture goes on in it when the camera is back.
        if (this.player.session || live || stream?.["on-demand"])
            this.player.start(quality);
        else if (this.player.running)
            this.player.stop();
    }

    setSound(on) {
        this.sounding = on;
        this.follow();
        this.draw();
    }

    // Regularly: does the picture move? And what the numbers in the bar need; asking costs, so only where they can be seen.
    look() {
        if (!this.seen || !this.player.playing || document.hidden)
            return;
        this.player.look(this.stream(this.player.showing)?.fps);
        const room = this.large || this.element.clientWidth >= FACTS_FROM_PIXELS;
        if (room || !this.player.hasSound && this.looks++ < SOUND_LOOKS)
            this.player.measure();
        if (this.details)
            this.showDetails();
    }

    async toggleDetails() {
        const open = this.detailsPart.hidden && this.large;
        this.detailsPart.hidden = !open;
        this.infoPart.setAttribute("aria-pressed", String(open));
        this.details = open ? new (await import("./details.js")).Details(this.detailsPart.querySelector("dl")) : null;
        this.detailsPart.querySelector("dl").replaceChildren();
        if (this.details)
            this.showDetails();
    }

    async showDetails() {
        const { player } = this;
        const figures = await player.session?.figures();
        const { videoWidth, videoHeight } = this.videoPart;
        this.details?.show({ size: videoWidth ? `${videoWidth}×${videoHeight}` : "", why: this.why, latencyMs: player.latencyMs,
                             freezes: player.freezes, figures });
    }

    // Seconds until the next attempt; nothing if none is waited for.
    secondsLeft(stream) {
        const next = stream["next-attempt-seconds"];
        return next === null ? null : next - (performance.now() - this.camera.heard) / 1000;
    }

    draw() {
        const { camera, player } = this;
        const stream = this.stream(player.showing) || this.streamOf(player.quality || this.wanted()) || camera.streams[0];
        const left = this.secondsLeft(stream);
        const { status, title, text, next, note } = describe({ camera, stream, player, frozen: player.frozen, left });
        clearTimeout(this.counting);
        if (next && !this.removed)
            this.counting = setTimeout(() => this.draw(), (left * 1000 % 1000) + 5);
        this.element.dataset.status = status;
        this.element.classList.toggle("has-picture", player.playing);
        this.element.classList.toggle("has-last", !player.playing && player.kept);
        put(this.statePart, title);
        put(this.nextPart, next);
        put(this.reasonPart, text);
        this.notePart.hidden = !note;
        put(this.fromPart, note);
        const live = status === "live";
        const { latencyMs } = player;
        const several = camera.streams.filter(s => s.name !== "web").length > 1;
        const choice = this.qualityPart.value;
        this.why = live ? whyNotMain({ choice, showing: player.showing, asked: player.quality, reason: player.reason,
                                       main: this.stream("main") }) : "";
        put(this.whyPart, this.why);
        const facts = [
            [this.whichPart, live && several && player.showing ? sentence(player.showing) : ""],
            [this.sizePart, live && stream.width ? `${stream.width}×${stream.height}` : ""],
            [this.ratePart, live && stream.bitrate ? formatBitrate(stream.bitrate) : ""],
            [this.fpsPart, live && stream.fps ? `${Math.round(stream.fps)} fps` : ""],
            [this.latencyPart, live && latencyMs !== null ? `${latencyMs} ms` : ""],
        ];
        facts.forEach(([part, value]) => put(part, value));
        // Without what counts down: a screen reader may say it each time that it changes.
        const told = [this.name, (note ? `Playing from ${note}` : title) + (text && `: ${text}`), this.why,
                      ...facts.map(([, value]) => value)];
        this.openPart.title = told.filter(Boolean).join(" · ");
        this.qualityPart.hidden = !several;
        this.element.classList.toggle("chosen", choice !== "auto");
        this.soundPart.hidden = !player.hasSound;
        this.soundPart.setAttribute("aria-pressed", String(this.sounding));
        if (this.status === status && this.note === note)
            return;
        const before = this.status;
        this.status = status;
        this.note = note;
        this.words = { title, text };
        this.page.onstatus(this, before);
    }

    setLarge(large) {
        if (large === this.large)
            return;
        this.element.classList.toggle("large", large);
        this.closePart.hidden = this.fullPart.hidden = this.infoPart.hidden = !large;
        if (!large && !this.detailsPart.hidden)
            this.toggleDetails();
        this.openPart.setAttribute("aria-label", large ? "Back to all cameras" : `Show ${this.name} large`);
    }

    remove() {
        this.removed = true;
        clearTimeout(this.leaving);
        this.player.stop();
        clearTimeout(this.counting);
        this.element.remove();
    }
}
