#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`sluice hardware`: the real program with the encoders of this machine, and with one that fails on command."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import contains, equal  # noqa: E402
from harness import BUILD, ROOT, Suite  # noqa: E402

suite = Suite()
case = suite.case
FAULTS = {
    "start": "too many sessions",
    "error": "the driver was reset",
    "crash": "it crashed: ",
    "drop": "it stopped after ",
    "garbage": "it stopped after ",
    "late": "it holds back 3 pictures",
}


def hardware(directory, *arguments, limit=120):
    """(exit status, standard output, standard error); the limit is for machines under load."""
    env = {**os.environ, "SLUICE_HW": str(directory),
           "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}"}
    done = subprocess.run([BUILD / "launcher/sluice", "hardware", "--limit", str(limit), *arguments], text=True,
                          capture_output=True, env=env, timeout=280, check=False)
    return done.returncode, done.stdout, done.stderr


def fake(name, order=1, **settings):
    return {"name": name, "factory": "fakeh264enc", "codec": "h264", "kind": "hardware", "order": order, "device": "/dev/null",
            "convert": "videoconvert", "formats": ["I420"],
            "caps": "video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au",
            "bitrate": {"property": "bitrate", "unit": "kbit/s"}, "key-interval": {"property": "gop"},
            "settings": settings}


def profiles(name, *encoders):
    here = Path(suite.directory) / name / "encoders"
    here.mkdir(parents=True)
    for encoder in encoders:
        (here / f"{encoder['name']}.json").write_text(json.dumps(encoder))
    return here.parent


def by_name(stdout, kind="encoders"):
    return {e["name"]: e for e in json.loads(stdout)[kind]}


@case
def every_profile_has_its_line():
    code, stdout, stderr = hardware(ROOT / "hw", "--json")
    equal(code, 0, stderr)
    encoders, decoders = by_name(stdout), by_name(stdout, "decoders")
    equal(sorted(encoders), sorted(p.stem for p in (ROOT / "hw/encoders").glob("*.json")), "encoders")
    equal(sorted(decoders), sorted(p.stem for p in (ROOT / "hw/decoders").glob("*.json")), "decoders")
    x264 = encoders["x264enc"]
    equal(x264["tried"], "verified", x264["note"])
    equal((x264["present"], x264["key-units-on-request"], x264["bitrate-while-playing"]), (True, True, True), "x264enc")
    assert x264["latency-pictures"] <= 1 and x264["fps-720"] > 0 and x264["fps-1080"] > 0, x264
    assert 1_000_000 < x264["bitrate"] < 3_000_000, x264
    equal(sum(e["chosen"] for e in encoders.values()), 1, "one is chosen")
    for e in encoders.values():
        assert e["tried"] in ("verified", "failed", "absent", "unverified"), e
        assert e["note"], e
        if e["present"] and e["kind"] == "software":
            equal(e["tried"], "verified", e)
    if not Path("/dev/dri").exists():
        equal(encoders["vah264enc"]["tried"], "unverified", "no device, no verdict")
        contains(encoders["vah264enc"]["note"], "this machine has no /dev/dri/renderD*")
    equal(decoders["avdec_h264"]["tried"], "verified", decoders["avdec_h264"]["note"])


@case
def each_way_to_fail_is_told_apart_and_hurts_nobody():
    broken = [fake(f"fake-{fault}", fault=fault, after=0 if fault == "late" else 5) for fault in FAULTS]
    here = profiles("faults", *broken, fake("good", order=9))
    code, stdout, stderr = hardware(here, "--json")
    equal(code, 0, stderr)
    encoders = by_name(stdout)
    for fault, reason in FAULTS.items():
        equal(encoders[f"fake-{fault}"]["tried"], "failed", fault)
        contains(encoders[f"fake-{fault}"]["note"], reason)
    equal((encoders["good"]["tried"], encoders["good"]["chosen"]), ("verified", True), encoders["good"]["note"])


@case
def a_hanging_driver_costs_its_time_limit():
    code, stdout, stderr = hardware(profiles("hang", fake("fake-hang", fault="hang")), "--json", limit=1)
    equal(code, 69, stderr)
    contains(by_name(stdout)["fake-hang"]["note"], "it did not end within 1 s, and was killed")


@case
def an_encoder_is_added_by_a_file():
    here = profiles("added", fake("mine"))
    code, stdout, stderr = hardware(f"{here}:{ROOT / 'hw'}")
    equal(code, 0, stderr)
    lines = stdout.splitlines()
    contains(lines[0], "chosen, or why not")
    mine = next(line for line in lines if line.startswith("mine "))
    assert mine.endswith("  chosen"), mine
    x264 = next(line for line in lines if line.startswith("x264enc "))
    contains(x264, "works; mine comes first")
    equal(mine.index("hardware"), x264.index("software"), "columns stand under one another")


@case
def what_is_wrong_with_a_profile_is_said():
    here = profiles("absent", {**fake("gone"), "factory": "gonenc", "package": "gone-plugins"},
                    {**fake("bad"), "settings": {"nope": 1}}, {**fake("wrong"), "settings": {"after": "many"}})
    code, stdout, stderr = hardware(here, "--json")
    equal(code, 69, stderr)
    encoders = by_name(stdout)
    equal((encoders["gone"]["tried"], encoders["gone"]["present"]), ("absent", False), "gone")
    contains(encoders["gone"]["note"], "there is no element gonenc; package gone-plugins")
    contains(encoders["bad"]["note"], "encoder profile bad: fakeh264enc has no property nope")
    contains(encoders["wrong"]["note"], "its property after does not take many")
    typo = profiles("typo", {**fake("typo"), "oder": 1})
    code, stdout, stderr = hardware(typo)
    equal((code, stdout), (78, ""), stderr)
    contains(stderr, f"{typo}/encoders/typo.json: /oder: found an unknown field, allowed: name, ")
    code, _, stderr = hardware(Path(suite.directory) / "nothing")
    equal(code, 66, stderr)
    contains(stderr, "SLUICE_HW")
    equal(hardware(typo, limit=0)[0], 64, "no time at all")


if __name__ == "__main__":
    sys.exit(suite.main())
