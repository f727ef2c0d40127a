# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the link does, and what must hold then. Rates count IP packets on the WAN; one way each."""
import random

LINE = ["--rate", "6mbit", "--delay", "30", "--jitter", "5", "--queue", "300"] # a good line of an office


class Scenario:
    """profile, settings: of netlab, before the viewer joins. cameras: as many viewers, each of its own. must: figure -> (limit,
    "max" or "min"), see figures.py. joins: not one viewer that stays, but so many that come and go."""

    def __init__(self, what, seconds, profile="none", settings=(), cameras=1, events=None, must=None, joins=0):
        self.what, self.seconds, self.profile, self.settings = what, seconds, profile, list(settings)
        self.cameras, self.must, self.joins = cameras, must or {}, joins
        self.events = events or (lambda seconds, seed: [])


def steps(seconds, _seed):
    return [(seconds / 3, ["set", "--rate", "0.8mbit"]), (seconds * 2 / 3, ["set", "--rate", "6mbit"])]


def random_steps(seconds, seed):
    chance, at, events = random.Random(seed), 0.0, []
    while at < seconds:
        if at: # the first seconds are the join's
            events.append((at, ["set", "--rate", f"{chance.uniform(0.5, 8):.2f}mbit"]))
        at += chance.uniform(5, 20)
    return events


def outages(seconds, _seed):
    return [(at, ["outage", "3"]) for at in range(20, int(seconds) - 9, 25)]


SCENARIOS = {
    "clean": Scenario("100 Mbit/s, 10 ms: is the bench itself good enough?", 60, "clean",
                      must={"playing": (100, "min"), "longest": (100, "max")}),
    "flaky": Scenario("2 Mbit/s, 3 % loss in bursts, 120 ms, jitter", 300, "flaky",
                      must={"playing": (99, "min"), "longest": (1000, "max"), "latency": (600, "max"), "backward": (0, "max"), "black": (0, "max")}),
    "steps": Scenario("6, then 0.8, then 6 Mbit/s; 60 ms", 180, settings=LINE, events=steps,
                      must={"down_after": (2000, "max"), "drop_gaps": (1, "max"), "longest": (1000, "max"), "up_after": (15000, "max"),
                            "switches_minute": (4, "max"), "backward": (0, "max"), "black": (0, "max")}),
    "random": Scenario("0.5 to 8 Mbit/s, another rate each 5 to 20 s; 60 ms", 600, settings=LINE, events=random_steps,
                       must={"switches_minute": (4, "max"), "backward": (0, "max"), "black": (0, "max")}),
    "shared": Scenario("dsl, 2 Mbit/s: four viewers of different cameras", 120, "dsl", cameras=4,
                       must={"playing": (99, "min"), "spread": (2, "max")}),
    "outage": Scenario("6 Mbit/s, 60 ms; nothing comes through for 3 s, again and again", 100, settings=LINE, events=outages,
                       must={"back_after": (1000, "max"), "sessions": (1, "max")}),
    "lan": Scenario("no limits", 60, must={"playing": (100, "min"), "sub_share": (0, "max")}),
    "join": Scenario("first picture on flaky", 0, "flaky", joins=20, must={"first": (1000, "max")}),
}
