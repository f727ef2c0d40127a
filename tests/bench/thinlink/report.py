#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py DIRECTORY [SCENARIO...]: the tables of all runs that are kept there, counted anew from what was noted."""
import json
import statistics
import sys
from pathlib import Path

import figures
from scenarios import SCENARIOS

# figure -> (words, decimals)
WORDS = {
    "first": ("first picture, ms", 0), "first_worst": ("the slowest of a run, ms", 0), "joins": ("joins", 0), "playing": ("playing time, %", 1), "unfrozen": ("time without freezes > 1 s, %", 1),
    "freezes": ("freezes > 1 s", 0),
    "halts": ("gaps > 400 ms", 0), "longest": ("longest gap, ms", 0), "latency": ("latency median, ms", 0), "latency95": ("latency p95, ms", 0),
    "fps": ("pictures/s", 1), "sub_share": ("time on sub, %", 0), "switches": ("switches", 0), "switches_minute": ("switches in the worst minute", 0),
    "down_after": ("sub after the drop, ms", 0), "drop_gaps": ("gaps > 250 ms within 10 s of the drop", 0), "up_after": ("main after the rise, ms", 0), "back_after": ("picture after the outage, ms", 0),
    "spread": ("greatest / least share", 2), "sessions": ("sessions per viewer", 0), "backward": ("pictures that go back", 0),
    "black": ("black pictures after the first", 0), "unreadable": ("pictures without a clock, %", 1), "received": ("received, Mbit/s", 2), "lost": ("packets lost, %", 1),
    "estimate": ("estimate / rate of the link, median", 2), "estimate95": ("the same, p95", 2), "queue95": ("queue of the link p95, ms", 0),
    "dropped": ("dropped by the link, %", 1), "server_cpu": ("CPU of the server, % of a core", 1), "viewer_cpu": ("CPU for each viewer, %", 2), "busy": ("machine busy, %", 0),
}


def worst_of(name, values, must):
    if name in must:
        return (min if must[name][1] == "min" else max)(values)
    return (min if name in ("playing", "unfrozen", "fps") else max)(values)


def table(scenario_name, scenario, results):
    """results: {server: [figures, ...]}. Each cell: median (worst), ! if the worst does not hold; what is missing in some run is so often "never"."""
    names = [n for n in WORDS if any(r.get(n) is not None for runs in results.values() for r in runs) or n in scenario.must]
    rows = [["", *(f"{s} x{len(r)}" for s, r in results.items()), "must hold"]]
    for name in names:
        words, decimals = WORDS[name]
        row = [words]
        for runs in results.values():
            values = [r[name] for r in runs if r.get(name) is not None]
            cell = "-"
            if values:
                cell = f"{statistics.median(values):.{decimals}f}"
                if len(runs) > 1:
                    cell += f" ({worst_of(name, values, scenario.must):.{decimals}f})"
                if name in scenario.must and worst_of(name, [scenario.must[name][0], *values], scenario.must) != scenario.must[name][0]:
                    cell += " !" # in some run
            if len(values) < len(runs) and (values or name in scenario.must):
                cell = f"never in {len(runs) - len(values)} of {len(runs)}" + (f", else {cell}" if values else "")
            row.append(cell)
        limit, way = scenario.must.get(name, (None, None))
        rows.append([*row, "" if limit is None else f"{'<=' if way == 'max' else '>='} {limit}"])
    widths = [max(len(str(r[i])) for r in rows) for i in range(len(rows[0]))]
    lines = [f"## {scenario_name}: {scenario.what}", ""]
    for number, row in enumerate(rows):
        lines.append("| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)) + " |")
        if number == 0:
            lines.append("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def main():
    results = {}
    for path in sorted(Path(sys.argv[1]).glob("*-*-*.json")):
        run = json.loads(path.read_text())
        if len(sys.argv) < 3 or run["scenario"] in sys.argv[2:]:
            results.setdefault(run["scenario"], {}).setdefault(run["server"], []).append(figures.of(run, SCENARIOS[run["scenario"]]))
    for name, by_server in results.items():
        print(table(name, SCENARIOS[name], by_server) + "\n")


if __name__ == "__main__":
    main()
