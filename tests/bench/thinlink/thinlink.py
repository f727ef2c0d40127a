#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers compared over a thin link, by what a person in front of the browser sees. See ../README.md.

    thinlink.py SCENARIO[,SCENARIO...] SERVER[,SERVER...] [--runs 5] [--seconds N] [--out DIRECTORY]

What is kept in DIRECTORY: runs.jsonl with the figures of each run, and of each one everything that was noted (JSON) and a plot (SVG).
Tables of all that: report.py DIRECTORY.
"""
import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import clips
import figures
import plot
import report
import servers
from lab import Lab, Sampler, cpu_of
from scenarios import SCENARIOS

HERE = Path(__file__).resolve().parent
CAMERAS = 4


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Watched(threading.Thread):
    """What a server says of its viewers, as it says it."""

    def __init__(self, program):
        super().__init__(daemon=True)
        self.program, self.lines = program, []

    def run(self):
        for line in self.program.p.stdout:
            self.lines.append(json.loads(line))


class Bench:
    def __init__(self, options):
        self.options = options
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        clips.make(self.out / "clips")
        self.lab = Lab(f"tl{os.getpid()}", options.vpn, self.out)
        self.open_things = []
        try:
            cameras = self.keep(self.lab.start("cam", [sys.executable, HERE / "cameras.py", self.out / "clips", CAMERAS,
                                                       servers.CAMERAS_PORT], "cameras", talks=True))
            self.began = cameras.read()
        except BaseException:
            self.close()
            raise

    def keep(self, thing):
        self.open_things.append(thing)
        return thing

    def end(self, thing):
        self.open_things.remove(thing)
        thing.stop()

    def close(self):
        for thing in reversed(self.open_things):
            thing.stop()
        self.lab.close()

    def load(self, server, addresses, seconds):
        """So many viewers more, without a browser."""
        if not os.environ.get("WHEPLOAD"):
            raise SystemExit("--load: name the program whepload in WHEPLOAD")
        arguments = ["-url", addresses["cam1"], "-n", self.options.load, "-iface", "eth0", "-hold", f"{seconds}s",
                     *(["-auth", server.authorization] if server.authorization else [])]
        return self.keep(self.lab.start("viewer", [os.environ["WHEPLOAD"], *arguments], "load"))

    # One run

    def link_is(self, scenario):
        self.lab.quiet("set", "--profile", scenario.profile, *scenario.settings)

    def run(self, scenario, server, seconds, seed):
        """{"start", "end", "began", "views", "events", "link", "cpu", "told"}: everything that was noted."""
        self.lab.quiet("set", "--profile", "none")
        started = self.keep(self.lab.start(server.node, server.command(self.out, scenario.cameras), "server", server.env))
        until(lambda: self.lab.accepts(server.node, server.port), 20, "the server listens")
        addresses = {c: server.whep(c) for c in list(self.began)[:scenario.cameras]}
        viewer_told = {"whep": addresses, "authorization": server.authorization, "buffer": self.options.buffer,
                       "page": server.page() if self.options.page else None}
        viewer = self.keep(self.lab.start("viewer", [sys.executable, HERE / "viewer.py", json.dumps(viewer_told)], "viewer", talks=True))
        viewer.read()
        # The server has its cameras' key frames, and one that pulls across the link meets the link as it will be.
        self.link_is(scenario)
        time.sleep(2)
        idle, since = cpu_of(started.p.pid), time.monotonic()
        time.sleep(4)
        idle = (cpu_of(started.p.pid) - idle) / (time.monotonic() - since)
        cpu = Sampler(self.lab, started.p.pid)
        more = self.load(server, addresses, seconds) if self.options.load else None
        told = watch = None
        if server.poll:
            watch = self.keep(self.lab.start(server.node, [sys.executable, HERE / "watch.py", server.port, server.poll,
                                                           *([server.authorization] if server.authorization else [])], "watch", talks=True))
            told = Watched(watch)
            told.start()
        cpu.start()
        try:
            run = self.joins(scenario, viewer, seed) if scenario.joins else self.stay(scenario, viewer, seconds, seed)
            if started.p.poll() is not None:
                run["server_ended"] = started.p.returncode
        finally:
            cpu.stop()
            for thing in (watch, viewer, more, started):
                if thing:
                    self.end(thing)
        return {"began": self.began, "idle": idle, "load": self.options.load, "link": cpu.link, "cpu": cpu.cpu, "told": told.lines if told else [], **run}

    def stay(self, scenario, viewer, seconds, seed):
        views = {}

        def take():
            for news in viewer.ask("take"):
                view = views.setdefault(news["camera"], {"camera": news["camera"], "frames": [], "events": [], "stats": []})
                for kind in ("frames", "events", "stats"):
                    view[kind] += news[kind]

        begin, start = time.monotonic(), time.time() * 1000
        viewer.ask("open " + ",".join(list(self.began)[:scenario.cameras]))
        events, happened = scenario.events(seconds, seed), []
        while (now := time.monotonic() - begin) < seconds:
            if events and events[0][0] <= now:
                words = events.pop(0)[1]
                happened.append((time.time() * 1000, words))
                self.lab.quiet(*words)
            else:
                take()
                following = min(events[0][0] if events else seconds, seconds, now + 1)
                time.sleep(max(0.0, begin + following - time.monotonic()))
        end = time.time() * 1000
        take()
        return {"start": start, "end": end, "views": list(views.values()), "events": happened}

    def joins(self, scenario, viewer, seed):
        """Each viewer is a fresh page, that comes anywhere in the GOP and goes when it has seen something."""
        views, start, number = [], time.time() * 1000, self.options.joins or scenario.joins
        for i in range(number):
            viewer.ask("leave")
            time.sleep(1 + (seed * 0.37 + i * 0.613) % 1 * clips.GOP)
            viewer.ask("open cam1")
            view = {"camera": "cam1", "frames": [], "events": [], "stats": []}
            end = time.monotonic() + 12
            while time.monotonic() < end and not figures.pictures(view["frames"]):
                time.sleep(0.25)
                news = viewer.ask("take")[0]
                for kind in ("frames", "events", "stats"):
                    view[kind] += news[kind]
            views.append(view)
        return {"start": start, "end": time.time() * 1000, "views": views, "events": []}

    # All runs

    def measure(self, name, server_name, number):
        scenario = SCENARIOS[name]
        seconds = self.options.seconds or scenario.seconds
        run = self.run(scenario, servers.SERVERS[server_name](), seconds, number)
        server_name = self.options.names.get(server_name, server_name)
        run.update(scenario=name, server=server_name, run=number, vpn=self.options.vpn)
        label = f"{name}-{server_name}-{number}"
        result = figures.of(run, scenario)
        (self.out / f"{label}.json").write_text(json.dumps(run))
        if not scenario.joins:
            (self.out / f"{label}.svg").write_text(plot.draw(run, f"{name}, {server_name}, run {number}"))
        with open(self.out / "runs.jsonl", "a", encoding="utf-8") as f:
            f.write(json.dumps({"scenario": name, "server": server_name, "run": number, "seconds": seconds,
                                "vpn": self.options.vpn, "figures": result}) + "\n")
        print(f"# {label}: " + ", ".join(f"{k} {v:.4g}" for k, v in result.items() if v is not None), file=sys.stderr, flush=True)
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", help=", ".join(SCENARIOS))
    parser.add_argument("servers", help=", ".join(servers.SERVERS))
    parser.add_argument("--as", dest="name", help="what the first server is called in results: which build it is")
    parser.add_argument("--page", action="store_true", help="Sluice's own page instead of the bench's, which asks by WHEP")
    parser.add_argument("--buffer", type=int, default=0, help="ms that the browser is asked to hold pictures back (jitterBufferTarget)")
    parser.add_argument("--load", type=int, default=0, help="so many viewers more, by peerbench's whepload (WHEPLOAD: its path)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="number of the first run; it is the seed, too")
    parser.add_argument("--seconds", type=float, help="instead of the scenario's own length")
    parser.add_argument("--joins", type=int, help="joins in a run of the scenario join")
    parser.add_argument("--vpn", default="none", choices=("none", "wireguard", "openvpn"))
    parser.add_argument("--out", default=str(servers.ROOT / "build/thinlink"), help="directory of results and clips")
    options = parser.parse_args()
    wanted, which = options.scenarios.split(","), options.servers.split(",")
    options.names = {which[0]: options.name} if options.name else {}
    for name, known in [(s, SCENARIOS) for s in wanted] + [(s, servers.SERVERS) for s in which]:
        if name not in known:
            parser.error(f"{name}: {', '.join(known)}")
    results = {name: {s: [] for s in which} for name in wanted}
    for number in (signal.SIGTERM, signal.SIGINT): # the lab is taken down, whoever ends this
        signal.signal(number, lambda *_: sys.exit(1))
    bench = Bench(options)
    try:
        for number in range(options.first, options.first + options.runs):
            for name in wanted:
                for server in which: # one after the other: what else the machine does is spread over all of them
                    results[name][server].append(bench.measure(name, server, number))
    finally:
        bench.close()
        for name in wanted:
            if any(results[name].values()):
                print(report.table(name, SCENARIOS[name], {options.names.get(s, s): r for s, r in results[name].items() if r}) + "\n",
                      flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
