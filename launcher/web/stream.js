// SPDX-License-Identifier: LGPL-2.1-or-later
// One picture that fills the page: stream.html?src=CAMERA or CAMERA/STREAM, with &quality=auto as it suits, as dashboards put
// it into a frame.
import { Player } from "./player.js";
import { signalling } from "./signalling.js";
import { sentence } from "./status.js";

const LOOK_MS = 2000;

const video = document.querySelector("video");
const notice = document.getElementById("notice");
const asked = new URLSearchParams(location.search);
// What follows asks for tracks and codecs; here the offer does.
const [camera, stream = ""] = (asked.get("src") || "").split(/[?&#]/)[0].split("/");
const mode = asked.get("mode") || "webrtc";

function tell(text) {
    const words = text ? sentence(text) : "";
    if (notice.textContent !== words)
        notice.textContent = words;
    notice.hidden = !text;
}

if (!camera) {
    tell("the address names no camera: stream.html?src=NAME");
} else if (!mode.split(",").some(m => m.trim().startsWith("webrtc"))) {
    tell(`this page plays by WebRTC only, not by ${mode}`);
} else {
    document.title = `${asked.get("src")} - Sluice`;
    const player = new Player({
        video,
        last: document.querySelector("canvas"),
        camera,
        signalling,
        onchange() {
            tell(player.playing ? player.waiting : player.problem || player.waiting);
        },
        onlogin: () => tell("log in first"),
    });
    player.start(stream || asked.get("quality") || "");
    // The browser's own control says whether sound is wanted.
    video.addEventListener("volumechange", () => player.setSound(!video.muted));
    setInterval(() => player.look(), LOOK_MS);
    addEventListener("online", () => player.hurry());
    addEventListener("pagehide", () => {
        player.stop();
        signalling.leaveAll();
    });
    addEventListener("pageshow", event => {
        if (event.persisted)
            location.reload();
    });
}
