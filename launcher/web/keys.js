// SPDX-License-Identifier: LGPL-2.1-or-later
// The keyboard: arrow keys lead from tile to tile, single letters do the rest (and can be switched off in the help).
import { store, stored } from "./tile.js";

const help = document.getElementById("help");
const letters = document.getElementById("letters");

function showHelp() {
    if (!help.open)
        help.showModal();
}

// page: { tiles(), columns(), current(), large(), focus(tile), showLarge(name), toggleFullScreen(), toggleSound(tile) }
export function listenToKeys(page) {
    letters.checked = stored("letters") !== "off";
    letters.addEventListener("change", () => store("letters", letters.checked ? "on" : "off"));
    document.getElementById("help-open").addEventListener("click", showHelp);
    document.getElementById("help-close").addEventListener("click", () => help.close());

    const go = to => {
        if (!to)
            return;
        if (page.large())
            page.showLarge(to.name);
        page.focus(to);
    };
    const step = by => {
        const tiles = page.tiles();
        go(tiles[tiles.indexOf(page.large() || page.current()) + by]);
    };
    const moves = {
        ArrowLeft: () => step(-1),
        ArrowRight: () => step(1),
        ArrowUp: () => step(page.large() ? -1 : -page.columns()),
        ArrowDown: () => step(page.large() ? 1 : page.columns()),
        Home: () => go(page.tiles()[0]),
        End: () => go(page.tiles().at(-1)),
    };
    const words = {
        f: () => page.toggleFullScreen(),
        m: () => page.toggleSound(page.large() || page.current()),
        i: () => page.large()?.toggleDetails(),
        "?": showHelp,
    };

    addEventListener("keydown", event => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open
            || event.target.closest?.("select, input, textarea"))
            return;
        let act = null;
        if (event.key === "Escape" && page.large())
            act = () => page.showLarge(null);
        else if (page.tiles().length)
            act = moves[event.key] || letters.checked && words[event.key.toLowerCase()];
        if (!act)
            return;
        event.preventDefault();
        act();
    });
}
