// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: one tile per camera, as large as the window allows; only tiles that can be seen have a session.
import { Feed } from "./feed.js";
import { signalling } from "./signalling.js";
import { sentence } from "./status.js";
import { Tile } from "./tile.js";

const HIDDEN_PAGE_MS = 30000;
const LOOK_MS = 2000;
const SPEAK_MS = 1500;     // what happens together is said together
const NAMES_SPOKEN = 3;
const FITTING_TILE = 130;  // pixels: a wall is shown without scrolling as long as tiles are not narrower
const SCROLLED_TILE = 175; // where it has to be scrolled anyway
const NEAR = 120;          // pixels below the window where pictures are begun already

const list = document.getElementById("cameras");
const summary = document.getElementById("summary");
const spoken = document.getElementById("spoken");
const notice = document.getElementById("notice");
const empty = document.getElementById("empty");
const template = document.getElementById("tile");
const tiles = new Map();
const root = document.documentElement;
let pageHidden = false;
let columns = 1;
let current = null;  // the tile that the keyboard is at
let large = null;
let sounding = null; // one sound at a time

function toLogin() {
    feed.end();
    location.replace("login" + location.hash);
}

const page = {
    signalling,
    hidden: () => pageHidden,
    tiles: () => [...tiles.values()],
    columns: () => columns,
    current: () => current,
    large: () => large,
    showLarge,
    toggleSound,
    toggleFullScreen,
    onlogin: toLogin,
    onstatus: tellStatus,
    focus(tile) {
        setCurrent(tile);
        tile.openPart.focus({ preventScroll: Boolean(large) });
    },
};

const observer = new IntersectionObserver(entries => {
    for (const entry of entries) {
        entry.target.tile.visible = entry.isIntersecting;
        entry.target.tile.follow();
    }
}, { rootMargin: `${NEAR}px` });

function setCurrent(tile) {
    if (current === tile)
        return;
    current?.setCurrent(false);
    current = tile;
    current?.setCurrent(true);
}

// The address carries the choice, so that "back" works and a large picture can be linked to.
function showLarge(name) {
    if (name && large)
        history.replaceState(null, "", `#${encodeURIComponent(name)}`);
    else if (name)
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
    const before = large;
    large = tiles.get(name) || null;
    document.body.classList.toggle("has-large", large !== null);
    document.querySelector("header").inert = large !== null;
    for (const tile of tiles.values()) {
        tile.setLarge(tile === large);
        tile.element.inert = large !== null && tile !== large;
        tile.follow();
    }
    if (large !== before) {
        const next = large || (tiles.get(before.name) === before ? before : current); // it may be gone
        if (next)
            page.focus(next);
    }
    document.title = large ? `${large.name} - Sluice` : "Sluice";
}

function toggleSound(tile) {
    if (!tile || !tile.player.hasSound)
        return;
    const next = sounding === tile ? null : tile;
    sounding?.setSound(false);
    sounding = next;
    sounding?.setSound(true);
}

function toggleFullScreen() {
    if (document.fullscreenElement)
        document.exitFullscreen();
    else if (root.requestFullscreen)
        root.requestFullscreen().catch(() => {});
    else // phones that know full screen for videos only
        (large || current)?.videoPart.webkitEnterFullscreen?.();
}

// As many columns as make the tiles largest while all fit; if they would become too small, the page scrolls.
function layout() {
    const count = tiles.size;
    if (!count)
        return;
    const style = getComputedStyle(list);
    const gap = parseFloat(style.columnGap) || 0;
    const width = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = window.innerHeight - list.getBoundingClientRect().top - window.scrollY
        - parseFloat(style.paddingBottom) - parseFloat(style.paddingTop) - 1; // fractions of pixels
    let best = { columns: 1, size: 0 };
    for (let n = 1; n <= count; n++) {
        const rows = Math.ceil(count / n);
        const byWidth = (width - gap * (n - 1)) / n;
        const byHeight = ((height - gap * (rows - 1)) / rows) * 16 / 9;
        const size = Math.min(byWidth, byHeight);
        if (size > best.size)
            best = { columns: n, size };
    }
    const fits = best.size >= Math.min(FITTING_TILE, width);
    if (!fits) {
        const n = Math.max(1, Math.floor((width + gap) / (SCROLLED_TILE + gap)));
        best = { columns: n, size: (width - gap * (n - 1)) / n };
    }
    columns = Math.min(best.columns, count);
    list.style.setProperty("--columns", String(columns));
    list.style.setProperty("--tile", `${Math.floor(best.size)}px`);
    list.classList.toggle("fits", fits);
    for (const tile of tiles.values())
        tile.follow();
}

function draw(cameras) {
    const names = new Set(cameras.map(c => c.name));
    const before = tiles.size;
    let changed = false;
    for (const [name, tile] of tiles) {
        if (names.has(name))
            continue;
        observer.unobserve(tile.element);
        tile.remove();
        tiles.delete(name);
        if (sounding === tile)
            sounding = null;
        if (current === tile)
            current = null;
        changed = true;
    }
    for (const camera of cameras) {
        if (tiles.has(camera.name))
            continue;
        const tile = new Tile(template, camera, page);
        tiles.set(camera.name, tile);
        list.append(tile.element);
        changed = true;
    }
    if (!current && tiles.size)
        setCurrent(tiles.values().next().value);
    if (changed) {
        layout();
        for (const tile of tiles.values()) {
            if (tile.observed)
                continue;
            // Known at once, without waiting for the observer's first report.
            const box = tile.element.getBoundingClientRect();
            tile.visible = box.top < window.innerHeight + NEAR && box.bottom > -NEAR;
            tile.observed = true;
            observer.observe(tile.element);
        }
        if (before === 0 || location.hash)
            applyHash();
    }
    for (const camera of cameras)
        tiles.get(camera.name).update(camera);
    empty.hidden = cameras.length > 0;
    const streaming = cameras.filter(c => c.state === "streaming").length;
    const idle = cameras.filter(c => c.state === "idle" && c.streams[0]?.["on-demand"]).length; // that is as it should be
    const text = streaming + idle === cameras.length
        ? `${cameras.length} ${cameras.length === 1 ? "camera" : "cameras"}`
        : `${streaming} of ${cameras.length - idle} live`;
    if (summary.textContent !== text)
        summary.textContent = text;
}

// For screen readers: pictures that go and come back, or come from elsewhere; a few words for all that happens within a moment.
const unsaid = new Map();
let speaking = null;

function tellStatus(tile, before) {
    const bad = tile.status === "lost" || tile.status === "stalled";
    const live = tile.status === "live";
    if (!bad && !(live && (tile.away || before === "live" || tile.note)))
        return;
    unsaid.set(tile.name, { tile, bad, again: tile.away });
    tile.away = bad;
    speaking ??= setTimeout(speak, SPEAK_MS);
}

function speak() {
    speaking = null;
    const all = [...unsaid.values()].filter(({ tile }) => tiles.get(tile.name) === tile);
    unsaid.clear();
    const name = (some, one, many) => some.length > NAMES_SPOKEN ? `${some.length} cameras ${many}. ` : some.map(one).join("");
    const from = ({ note }) => `from ${note || "its first source"}`;
    const text = name(all.filter(({ bad }) => bad),
            ({ tile }) => `${tile.name}: ${tile.words.title}. ${tile.words.text}. `, "without a picture")
        + name(all.filter(({ bad, again }) => !bad && again),
            ({ tile }) => `${tile.name} is back${tile.note ? `, ${from(tile)}` : ""}. `, "are back")
        + name(all.filter(({ bad, again }) => !bad && !again),
            ({ tile }) => `${tile.name} plays ${from(tile)}. `, "play from another source");
    if (text)
        spoken.textContent = text;
}

const feed = new Feed({
    oncameras: draw,
    onlogin: toLogin,
    onproblem(text) {
        notice.textContent = sentence(text);
        notice.hidden = !text;
    },
});

document.getElementById("logout").addEventListener("click", async () => {
    feed.end();
    for (const tile of tiles.values())
        tile.player.stop();
    try {
        await fetch("api/v1/logout", { method: "POST", headers: { "X-Requested-With": "sluice" } });
    } finally {
        toLogin();
    }
});
document.getElementById("full-open").addEventListener("click", toggleFullScreen);
// Nobody types before there are pictures; they come first.
import("./keys.js").then(keys => keys.listenToKeys(page));

list.addEventListener("focusin", event => {
    const tile = event.target.closest(".tile")?.tile;
    if (tile)
        setCurrent(tile);
});
addEventListener("hashchange", applyHash);
addEventListener("popstate", applyHash);
addEventListener("resize", layout);
addEventListener("online", () => feed.hurry());
setInterval(() => tiles.forEach(tile => tile.look()), LOOK_MS);

let hiding = null;
function followPage() {
    clearTimeout(hiding);
    if (document.hidden) {
        hiding = setTimeout(() => {
            pageHidden = true;
            tiles.forEach(tile => tile.follow());
        }, HIDDEN_PAGE_MS);
    } else {
        pageHidden = false;
        feed.hurry();
        tiles.forEach(tile => tile.shown());
    }
}
document.addEventListener("visibilitychange", followPage);
if (document.hidden) // opened behind another page
    followPage();
addEventListener("pagehide", () => {
    tiles.forEach(tile => tile.player.stop());
    signalling.leaveAll();
});
addEventListener("pageshow", event => {
    if (event.persisted) // from the browser's store of pages, with sockets long closed
        location.reload();
});
