// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said of one picture. Pure: all that is known is given, words are returned.

const SHORT_WAIT = 1; // seconds: counting those down would only flicker

const CODECS = { H264: "H.264", H265: "H.265", JPEG: "MJPEG" };

export function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

// What this browser can decode. It need not tell all: good for explaining and for choosing, not for refusing.
const known = new Set((globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs || [])
    .map(({ mimeType }) => mimeType.toUpperCase()));

export function playable(codec) {
    return !codec || !known.size || known.has(`VIDEO/${codec.toUpperCase()}`);
}

// Is it worth asking for? A stream that is there only on demand starts by being asked for.
export function available(stream) {
    return Boolean(stream) && playable(stream.codec) && (stream.state === "streaming"
        || stream["on-demand"] && (stream.state === "idle" || stream.state === "connecting"));
}

// What a viewer asks for: "auto", the best that the connection carries, or a stream. choice: made on the page. small: the tile
// has no use for more than sub. asked: what the session has been given so far; nothing: there is none.
export function wantedQuality({ choice, main, sub, small, asked }) {
    if (choice !== "auto" || !sub)
        return choice;
    if (available(main) !== available(sub))
        return available(main) ? "auto" : "sub";
    if (!available(main) && asked) // both are away: no reason to change
        return asked;
    return small ? "sub" : "auto";
}

// Why another stream than main plays although nobody wants it so: to be said on the picture. Else nothing.
export function whyNotMain({ choice, showing, asked, reason, main }) {
    if (!showing || showing === "main" || choice !== "auto")
        return "";
    if (asked === "auto")
        return reason ? `${sentence(showing)}: ${reason}` : "";
    return available(main) ? "" : `${sentence(showing)}: main gives no picture`;
}

// camera, stream: as the API has them. player: its properties running, playing, problem, waiting. frozen: no new picture is
// shown. left: seconds until the next attempt as the page counts them, or null.
// status is one of live, connecting, stalled, lost, idle, off; title and text say what is the matter, next what comes; note: a
// picture plays, but not from where it should. A picture that plays may have a text, too: what else is wrong.
export function describe({ camera, stream, player, frozen, left }) {
    const say = (status, title, text = "") => ({ status, title, text: sentence(text), next: "", note: "" });
    const fallback = stream.source > 0 ? `fallback ${stream.source + 1} of ${stream.sources}` : "";
    if (!camera.webrtc)
        return say("off", "Off", "WebRTC is switched off for this camera");
    switch (stream.state) {
    case "stalled":
        return say("stalled", "Stalled", stream.reason || "no picture");
    case "backoff": {
        const counts = left > 0 && stream["state-seconds"] + stream["next-attempt-seconds"] > SHORT_WAIT;
        const next = counts ? `next try in ${Math.ceil(left)} s` : "";
        return { ...say("lost", "Reconnecting", stream.reason || "no picture"), next };
    }
    case "idle":
        if (stream["on-demand"] && !player.running)
            return say("idle", "Starts when watched");
        if (player.problem)
            return say("lost", "No picture", player.problem);
        return say("connecting", "Connecting");
    case "streaming":
        break;
    default:
        if (stream.reason)
            return say("lost", fallback ? `Trying ${fallback}` : "Reconnecting", stream.reason);
        return say("connecting", fallback ? `Connecting to ${fallback}` : "Connecting");
    }
    if (player.problem && !playable(stream.codec))
        return say("lost", "No picture", `this browser cannot play ${CODECS[stream.codec] || "what the camera sends"}`);
    if (player.problem)
        return say("lost", "No picture", player.problem);
    if (player.waiting)
        return say("stalled", "Stalled", player.waiting);
    if (!player.playing)
        return say("connecting", "Connecting");
    if (frozen)
        return say("stalled", "Stalled", "no new picture arrives from the server");
    return { ...say("live", "Live", stream.reason || ""), note: fallback };
}
