// SPDX-License-Identifier: LGPL-2.1-or-later
// The figures of one picture, over it: what plays and why, and what is known of the way here.

const UNKNOWN = "–";

const rate = bits => bits ? `${(bits / 1e6).toFixed(1)} Mbit/s` : "";
const percent = share => share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
const milliseconds = value => value === undefined ? "" : `${Math.round(value)} ms`;

// figures: of GET /api/v1/viewers/{id}; null: none yet. freezes: as the browser counts them, null: it does not.
export function rows({ size, why, latencyMs, freezes, figures }) {
    const f = figures || {};
    const stream = f.stream ? f.stream + (size ? `, ${size}` : "") : size;
    return [
        ["Stream", stream],
        ["Quality", f.quality],
        ["Why", why || f["stream-reason"]],
        ["Connection carries", rate(f.estimate)],
        ["Arrives", rate(f["received-bitrate"])],
        ["Loss", percent(f.loss)],
        ["Round trip", milliseconds(f.rtt)],
        ["Queue", milliseconds(f["queue-delay"])],
        ["Latency", latencyMs === null ? "" : milliseconds(latencyMs)],
        ["Switches", f.switches?.toString()],
        ["Freezes", (freezes ?? f.freezes)?.toString()],
    ].map(([name, value]) => [name, value || UNKNOWN]);
}

export class Details {
    constructor(list) {
        this.list = list;
        this.values = new Map();
    }

    show(facts) {
        for (const [name, value] of rows(facts)) {
            if (!this.values.has(name)) {
                const [term, description] = ["dt", "dd"].map(tag => document.createElement(tag));
                term.textContent = name;
                this.list.append(term, description);
                this.values.set(name, description);
            }
            const part = this.values.get(name);
            if (part.textContent !== value)
                part.textContent = value;
        }
    }
}
