# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what was noted to figures. Times in ms; a frame is [shown (Unix), place in the scene or None, stream or None, width]."""
import statistics

from clips import SECONDS

GAP, HALT, FREEZE = 250, 400, 1000
JOIN_GRACE = 5000 # who shows nothing so long after the answer does not play; what TCP needs for offer and answer is in "first"
SCENE = SECONDS * 1000
SUB = 2

def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def captured(frame, began):
    """When the camera sent it: the latest moment at which it showed that place of the scene."""
    shown, place = frame[:2]
    return began + place + (shown + 20 - began - place) // SCENE * SCENE


def stream_changes(frames):
    """[(when, stream)]; a change counts from its first frame."""
    changes = []
    for frame in frames:
        if frame[2] is not None and (not changes or changes[-1][1] != frame[2]):
            changes.append((frame[0], frame[2]))
    return changes


def gaps(frames, start, end):
    """[(from, to)] longer than GAP within which nothing new was shown."""
    times = [start, *(f[0] for f in frames if start <= f[0] <= end), end]
    return [(a, b) for a, b in zip(times, times[1:]) if b - a > GAP]


def worst_minute(times):
    return max((sum(t <= u < t + 60000 for u in times) for t in times), default=0)


def pictures(frames):
    """Without what is no picture: the black frame that a browser shows before the first one. Its clock reads as nothing but zeros."""
    return [f for f in frames if f[2] != 0]


def flows(frames, at, end):
    """ms from `at` until pictures come again for a second without a gap worth a word."""
    times = [f[0] for f in frames if f[0] >= at]
    for i, begin in enumerate(times):
        following = [t for t in times[i:] if t <= begin + 1000] + [min(end, begin + 1000)]
        if all(b - a <= HALT for a, b in zip(following, following[1:])):
            return begin - at
    return end - at


def of_view(view, began, end):
    """view: {"frames", "events", "stats"} of one viewer that stays; began: when the camera's scene began."""
    frames = pictures(view["frames"])
    joined = view["events"][0][0]
    first = frames[0][0] if frames else None
    answered = next((at for at, what in view["events"] if what == "connecting"), joined)
    start = min(first or end, answered + JOIN_GRACE)
    holes = gaps(frames, start, end)
    times = [start, *(f[0] for f in frames), end]
    readable = [f for f in frames if f[1] is not None]
    late = [f[0] - captured(f, began) for f in readable]
    sent = [captured(f, began) for f in readable]
    changes = stream_changes(frames)
    on_sub = sum((b[0] if b else end) - a[0] for a, b in zip(changes, [*changes[1:], None]) if a[1] == SUB)
    out = {
        "first": first - joined if first else None,
        "playing": 100 * (1 - sum(b - a for a, b in holes) / max(1, end - start)),
        "unfrozen": 100 * (1 - sum(b - a for a, b in holes if b - a > FREEZE) / max(1, end - start)),
        "freezes": sum(b - a > FREEZE for a, b in holes),
        "halts": sum(b - a > HALT for a, b in holes),
        "longest": max(b - a for a, b in zip(times, times[1:])),
        "latency": statistics.median(late) if late else None,
        "latency95": percentile(late, 0.95),
        "fps": len(frames) * 1000 / max(1, end - start),
        "sub_share": 100 * on_sub / max(1, end - start),
        "switches": max(0, len(changes) - 1),
        "switches_minute": worst_minute([at for at, _ in changes[1:]]),
        "sessions": sum(what == "join" for _, what in view["events"]),
        "black": len([f for f in view["frames"] if f[2] == 0 and first and f[0] > first]),
        "backward": sum(b < a for a, b in zip(sent, sent[1:])),
        "unreadable": 100 * (1 - len(readable) / len(frames)) if frames else None,
    }
    stats = [s for s in view["stats"] if "bytesReceived" in s]
    if len(stats) > 1:
        a, b = stats[0], stats[-1]
        total = 0 # a session that follows another one counts from 0
        for x, y in zip(stats, stats[1:]):
            total += y["bytesReceived"] - (x["bytesReceived"] if y["bytesReceived"] >= x["bytesReceived"] else 0)
        out["received"] = total * 8 / max(1, b["at"] - a["at"]) / 1000
        out["lost"] = 100 * b["packetsLost"] / max(1, b["packetsReceived"] + b["packetsLost"])
    return out


def after_change(frames, at, stream, until):
    """ms from `at` to the first frame of the stream; None if there is none until then, 0 if it is shown already."""
    before = [f[2] for f in frames if f[0] < at and f[2] is not None]
    if before and before[-1] == stream:
        return 0
    return next((f[0] - at for f in frames if at <= f[0] < until and f[2] == stream), None)


def of_events(views, events, end):
    """Figures of what happened to the link: events [(when, words)]."""
    out = {}
    rates = [(at, float(words[2].removesuffix("mbit"))) for at, words in events if words[:2] == ["set", "--rate"]]
    if len(rates) == 2: # down and up again
        frames = pictures(views[0]["frames"])
        out["down_after"] = after_change(frames, rates[0][0], SUB, rates[1][0])
        after = min(end, rates[0][0] + 10000)
        out["drop_gaps"] = len(gaps(frames, rates[0][0], after))
        out["up_after"] = after_change(frames, rates[1][0], 1, end) if out["down_after"] is not None else None
    back = []
    for at, words in events:
        if words[0] == "outage":
            over = at + float(words[1]) * 1000
            for view in views:
                back.append(flows(pictures(view["frames"]), over, end))
    if back:
        out["back_after"] = max(back)
    return out


def of_run(run):
    """run: see thinlink.py. Of several viewers the worst counts."""
    per_view = [of_view(v, run["began"][v["camera"]], run["end"]) for v in run["views"]]
    worst = {"playing": min, "unfrozen": min, "fps": min}
    out = {}
    for name in per_view[0]:
        values = [v[name] for v in per_view if v.get(name) is not None]
        out[name] = worst.get(name, max)(values) if values else None
    if len(per_view) > 1:
        shares = [v.get("received") or 0 for v in per_view]
        out["spread"] = max(shares) / min(shares) if min(shares) else None
        out["received"] = sum(shares)
    out.update(of_events(run["views"], run["events"], run["end"]))
    out.update(of_machine(run))
    return out


def of_joins(run):
    """Of many that come and go: the median, and how many saw nothing."""
    shown = [(pictures(view["frames"]), view["events"][0][0]) for view in run["views"]]
    first = [frames[0][0] - joined for frames, joined in shown if frames]
    worst = max(first) if len(first) == len(run["views"]) else None
    return {"first": statistics.median(first) if first else None, "first_worst": worst, "joins": len(run["views"]),
            **of_machine(run)}


def of(run, scenario):
    return of_joins(run) if scenario.joins else of_run(run)


def of_machine(run):
    out, link, cpu = {}, run["link"], run["cpu"]
    if len(link) > 1:
        a, b = link[0], link[-1]
        dropped = sum(b[k] - a[k] for k in ("drop_queue", "drop_loss", "drop_outage"))
        out["dropped"] = 100 * dropped / max(1, b["in_pkts"] - a["in_pkts"])
        out["queue95"] = percentile([sample["queue_ms"] for sample in link], 0.95)
        rates = iter(link)
        sample, ratios = next(rates), []
        for entry in run["told"]:
            while sample and sample["at"] < entry["at"]:
                sample = next(rates, None)
            ratios += [v["estimate"] / sample["rate"] for v in entry["viewers"] if sample and sample["rate"] and v.get("estimate")]
        out["estimate"] = statistics.median(ratios) if ratios else None
        out["estimate95"] = percentile(ratios, 0.95)
    if len(cpu) > 1:
        a, b = cpu[len(cpu) // 3], cpu[-1] # when all have joined
        spent = (b["server"] - a["server"]) / max(1, b["at"] - a["at"]) * 1000
        out["server_cpu"] = 100 * spent
        if "idle" in run:
            out["viewer_cpu"] = 100 * (spent - run["idle"]) / (run["load"] + len(run["views"]))
        out["busy"] = 100 * (b["busy"] - a["busy"]) / max(1e-9, b["total"] - a["total"])
    return out
