# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run as SVG: what the link carried and what was sent, the stream that was shown, gaps, latency."""
from xml.sax.saxutils import escape

import figures

WIDTH, LEFT, RIGHT = 1100, 60, 20
RATE_TOP, RATE_HEIGHT, BAND, LATENCY_HEIGHT = 50, 220, 16, 130
COLOURS = {1: "#2b6cb0", 2: "#d69e2e", None: "#cbd5e0"}
MOST_LATENCY = 3000


def rates(link, counter):
    """[(when, Mbit/s)]"""
    return [(b["at"], (b[counter] - a[counter]) * 8 / (b["at"] - a["at"]) / 1000)
            for a, b in zip(link, link[1:]) if b["at"] > a["at"]]


def estimates(run, camera):
    """[(when, Mbit/s)] that the server believed in."""
    return [(entry["at"], viewer["estimate"] / 1e6) for entry in run["told"] for viewer in entry["viewers"]
            if viewer.get("camera") == camera and viewer.get("estimate")]


class Plot:
    def __init__(self, start, end):
        self.start, self.end, self.out = start, end, []

    def x(self, at):
        return LEFT + (min(max(at, self.start), self.end) - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)

    def line(self, points, y, colour, width=1.2, dash=""):
        if points:
            path = " ".join(f"{self.x(t):.1f},{y(v):.1f}" for t, v in points)
            self.out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>')

    def box(self, a, b, top, height, colour, title="", opacity=1.0):
        width = max(1.0, self.x(b) - self.x(a))
        self.out.append(f'<rect x="{self.x(a):.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" '
                        f'fill-opacity="{opacity}"><title>{escape(title)}</title></rect>')

    def text(self, x, y, words, size=11, anchor="start", colour="#2d3748"):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
                        f'font-family="sans-serif">{escape(words)}</text>')

    def axis(self, top, height, most, steps, unit):
        for i in range(steps + 1):
            y = top + height - height * i / steps
            self.out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e2e8f0"/>')
            self.text(LEFT - 6, y + 4, f"{most * i / steps:g}", anchor="end")
        self.text(4, top - 8, unit)


def draw(run, title):
    start, end = run["start"], run["end"]
    plot = Plot(start, end)
    link = run["link"]
    limit = [p for a, b in zip(link, [*link[1:], None]) for p in ((a["at"], a["rate"] / 1e6), (b["at"] if b else end, a["rate"] / 1e6)) if a["rate"]]
    sent, through = rates(link, "in_bytes"), rates(link, "out_bytes")
    most = max([1.0, *(v for _, v in limit if v < 20), *(min(v, 12) for _, v in sent)])
    most = float(-(-most * 1.1 // 1))

    def y(value):
        return RATE_TOP + RATE_HEIGHT * (1 - min(value, most) / most)

    plot.axis(RATE_TOP, RATE_HEIGHT, most, 4, "Mbit/s")
    for at, words in run["events"]:
        if words[0] == "outage":
            plot.box(at, at + float(words[1]) * 1000, RATE_TOP, RATE_HEIGHT, "#718096", "outage", 0.25)
    plot.line(limit, y, "#718096", 1.5, "5 3")
    plot.line(sent, y, "#9ae6b4")
    plot.line(through, y, "#2f855a")
    top = RATE_TOP + RATE_HEIGHT + 14
    for view in run["views"]:
        plot.line(estimates(run, view["camera"]), y, "#dd6b20", 1.4)
        frames = figures.pictures(view["frames"])
        changes = figures.stream_changes(frames)
        for (at, stream), following in zip(changes, [*changes[1:], (end, None)]):
            plot.box(at, following[0], top, BAND, COLOURS.get(stream, COLOURS[None]), f"{view['camera']} stream {stream}")
        for a, b in figures.gaps(frames, start, end):
            plot.box(a, b, top - 3, BAND + 6, "#e53e3e", f"nothing new for {b - a:.0f} ms")
        plot.text(LEFT - 6, top + 12, view["camera"], anchor="end")
        top += BAND + 10
    top += 24

    def y_latency(value):
        return top + LATENCY_HEIGHT * (1 - min(value, MOST_LATENCY) / MOST_LATENCY)

    plot.axis(top, LATENCY_HEIGHT, MOST_LATENCY, 3, "latency, ms")
    for view in run["views"]:
        began = run["began"][view["camera"]]
        plot.line([(f[0], f[0] - figures.captured(f, began)) for f in figures.pictures(view["frames"]) if f[1] is not None], y_latency, "#553c9a", 0.9)
    bottom = top + LATENCY_HEIGHT
    step = next(s for s in (5, 10, 20, 30, 60, 120, 300, 600) if (end - start) / 1000 / s <= 14)
    for second in range(0, int((end - start) / 1000) + 1, step):
        plot.text(plot.x(start + second * 1000), bottom + 16, f"{second} s", anchor="middle")
    plot.text(LEFT, 18, title, 14)
    x = LEFT
    for words, colour in (("link", "#718096"), ("sent", "#9ae6b4"), ("through the link", "#2f855a"), ("estimate", "#dd6b20"), ("main shown", COLOURS[1]),
                          ("sub shown", COLOURS[2]), ("nothing new for > 250 ms", "#e53e3e"), ("latency", "#553c9a")):
        plot.out.append(f'<rect x="{x}" y="26" width="10" height="10" fill="{colour}"/>')
        plot.text(x + 14, 35, words)
        x += 26 + 7 * len(words)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 26:.0f}">'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(plot.out)}</svg>\n')
