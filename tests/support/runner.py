#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds Sluice and runs its suites; called by ./tests/run. The last line is "N passed, N failed".

Every single case counts: GoogleTest cases and TAP lines through the JUnit file that meson writes, a check script
or any other program as one. A build that fails, or a suite that was asked for and ran nothing, is a failure too.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from functools import partial

from sides import ROOT, Behind, Front, end_on_signals

# Suites of the normal build, in the order of running: the cheap ones first.
MESON_SUITES = ["unit", "elements", "integration", "attack", "faults", "e2e"]
TABLES = {"faults": "fault-matrix", "attack": "attack-tables"} # where their programs write what they have measured
# Reports need line numbers; -O1 and no more debug information compile in two thirds of the time.
SANITIZED = ["-Doptimization=1", "-Ddebug=false", "-Db_lundef=false"] # libasan wants its symbols undefined in libraries
# Null, misaligned and too short objects double what is compiled; ASan and the fuzz targets see them, too.
SANITIZERS = {
    "asan": ("build-asan", ["-Db_sanitize=address,undefined", "-Dcpp_args=-g1 -fno-sanitize=null,alignment,object-size"]),
    "tsan": ("build-tsan", ["-Db_sanitize=thread", "-Dcpp_args=-g1"]),
}
LINE_NUMBERS = ["-Ddebug=false", "-Dcpp_args=-g1"] # a fifth less to compile; who debugs in a build directory wants more
LONG_SUITES = ["tidy", "clang", "soak"]
ALL_SUITES = ["checks", *MESON_SUITES, *SANITIZERS, "fuzz"]
FUZZ_SECONDS, LONG_FUZZ_SECONDS = 30, 600  # per target


def configure(side, directory, options, env=None, fresh=()):
    """meson setup, or again if the directory is there: new test files are found at configure time."""
    build = ROOT / directory
    again = ["--reconfigure"] if (build / "meson-private" / "coredata.dat").exists() else fresh
    if side.call(["meson", "setup", *again, directory, *options], stdout=subprocess.DEVNULL,
                 env={**os.environ, **(env or {})}) == 0:
        return True
    log = build / "meson-logs" / "meson-log.txt"
    if log.exists():
        side.write("\n".join(log.read_text(errors="replace").splitlines()[-30:]) + "\n")
    side.tally.fail(f"{directory}: configure")
    return False


def build(side, directory, targets=()):
    if side.call(["ninja", "-C", directory, "-j", side.jobs(), *side.quiet, *targets]) == 0:
        return True
    side.tally.fail(f"{directory}: build")
    return False


def count_junit(path, tally, prefix):
    """Adds what a JUnit file says; returns the names of the test programs in it that have a failure."""
    bad = set()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for case in suite.findall("testcase"):
            name = f"{prefix}{suite.get('name', '?')}: {case.get('classname', '')}.{case.get('name', '?')}"
            trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
            if trouble is not None:
                tally.fail(name, (trouble.get("message") or trouble.text or "").strip())
                # GoogleTest and TAP programs are suites of their own, others are cases of the project's suite.
                bad.update(n.split(" / ")[-1].split(".")[0] for n in (suite.get("name", ""), case.get("name", "")))
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                tally.skipped += 1
            else:
                tally.ok()
    return bad


def run_meson(side, directory, suites, prefix="", env=None, extra=()):
    tally = side.tally
    logs = ROOT / directory / "meson-logs"
    name = "-".join(["testlog", *(word.name for word in side.wrapper[1:])]) # as meson calls them
    junit, log = logs / f"{name}.junit.xml", logs / f"{name}.json"
    junit.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    argv = ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs", *side.wrapper, *extra]
    for suite in suites:
        argv += ["--suite", suite]
    side.call(argv, env={**os.environ, **(env or {})})
    before = tally.passed + len(tally.failures)
    if not junit.exists() or not log.exists():
        tally.fail(f"{prefix}{'+'.join(suites)}", "meson test wrote no result")
        return
    told = count_junit(junit, tally, prefix)
    # A program can fail after its last case passed (a leak found at exit, a timeout): that is one more failure.
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        result, name = entry["result"], entry["name"]
        if result in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        short = name.split(" / ")[-1]
        if short not in told:
            tally.fail(f"{prefix}{short}", f"{result}, exit status {entry.get('returncode')}")
    if tally.passed + len(tally.failures) == before:
        tally.fail(f"{prefix}{'+'.join(suites)}", "no test ran")


def run_checks(tally, which):
    """Every executable in .ci/checks is one check; exit status 0 is a pass."""
    found = 0
    for script in sorted((ROOT / ".ci" / "checks").iterdir()):
        if not script.is_file() or not os.access(script, os.X_OK):
            continue
        found += 1
        done = subprocess.run([str(script), *which.get(script.name, [])], cwd=ROOT, text=True, capture_output=True)
        if done.returncode == 0:
            print(f"   ok {script.name}", flush=True)
            tally.ok()
        else:
            print(f"   FAILED {script.name}\n{done.stdout}{done.stderr}", flush=True)
            tally.fail(f"check {script.name}", (done.stdout + done.stderr).strip().splitlines()[-1:] and
                       (done.stdout + done.stderr).strip().splitlines()[-1])
    if not found:
        tally.fail("checks", "no check found")


def show_tables(directory):
    """Lines that are as they should be are counted only: the files have them, and whoever looks here looks for the others."""
    for table in sorted((ROOT / "build" / directory).glob("*.txt")):
        lines = table.read_text().splitlines()
        shown = [line for line in lines if not line.startswith("ok ")]
        fine = len(lines) - len(shown)
        print(f"   {table.stem}" + (f": {fine} lines ok" if fine else ""))
        for line in shown if len(shown) > 1 else []: # not the heading alone
            print(f"      {line}")
    sys.stdout.flush()


def run_flap(side, seconds):
    side.say(f"flap, {seconds} s")
    run_meson(side, "build", ["soak"], "soak ", env={"SLUICE_SOAK_SECONDS": str(seconds)},
              extra=["--timeout-multiplier", "20", "flap"])


def run_sanitized(name, side):
    side.say(name)
    directory = SANITIZERS[name][0]
    if build(side, directory, ["sanitized"]):
        run_meson(side, directory, ["unit", "elements"], f"{name} ",
                  env={"THIN_LINK_SEEDS": "1"}, # other seeds run the same code
                  extra=["--timeout-multiplier", side.timeouts, "--num-processes", side.jobs()])


def configure_fuzz(side, seconds):
    """libFuzzer, which only clang has; the targets alone are built."""
    return configure(side, "build-fuzz", ["-Dfuzzers=true", f"-Dfuzz-seconds={seconds}", "-Dcpp_args=-g1", "-Ddebug=false",
                                          "-Db_sanitize=address,undefined", "-Db_lundef=false"], env={"CXX": "clang++"})


def run_fuzz(seconds, side):
    side.say(f"fuzz, {seconds} s per target")
    if build(side, "build-fuzz", ["fuzzers"]):
        run_meson(side, "build-fuzz", ["fuzz"], "fuzz ", extra=["--num-processes", side.jobs()])


def run_long(side, suites, soak_seconds):
    if "tidy" in suites:
        side.say("clang-tidy")
        if side.call([".ci/clang-tidy-all", "build"]) == 0:
            side.tally.ok()
        else:
            side.tally.fail("clang-tidy")
    if "clang" in suites:
        side.say("clang build")
        if configure(side, "build-clang", ["-Dtests=false", "-Dwerror=true"], env={"CXX": "clang++"}) and \
                build(side, "build-clang"):
            side.tally.ok()
    if "soak" in suites:
        side.say("soak")
        run_meson(side, "build", ["soak"], "soak ", extra=["--timeout-multiplier", "20"],
                  env={"SLUICE_SOAK_SECONDS": str(soak_seconds)})


def run_front(front, suites, flap, behind):
    """The suites of the normal build, one after the other; what ended behind them is told in between."""
    for suite in suites:
        front.say(suite)
        if suite in TABLES:
            shutil.rmtree(ROOT / "build" / TABLES[suite], ignore_errors=True)
        run_meson(front, "build", [suite])
        if suite in TABLES:
            show_tables(TABLES[suite])
        if behind:
            behind.show()
    if flap and suites:
        run_flap(front, flap)


def report(tally, started):
    print()
    for name, why in tally.failures:
        print(f"FAILED {name}" + (f": {why.splitlines()[0][:200]}" if why else ""))
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    print("seconds: " + ", ".join(f"{name} {seconds:.0f}" for name, seconds in tally.seconds))
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures or not tally.passed else 0


def arguments():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds Sluice and runs its tests.")
    parser.add_argument("--suite", action="append", metavar="NAME",
                        help=f"only this suite (may be repeated): {', '.join(ALL_SUITES + LONG_SUITES)}")
    parser.add_argument("--long", action="store_true", help="also clang-tidy, a clang build, more fuzzing and soak")
    parser.add_argument("--flap", type=int, metavar="SECONDS",
                        help="also 64 cameras that flap for so long, while viewers of others watch")
    parser.add_argument("--no-sanitizers", action="store_true", help="leave the suites asan and tsan out")
    parser.add_argument("--no-install", action="store_true", help="do not look for missing Debian packages")
    parser.add_argument("--werror", action="store_true", help="compiler warnings are errors")
    args = parser.parse_args()
    known = ALL_SUITES + LONG_SUITES
    for name in args.suite or []:
        if name not in known:
            parser.error(f"unknown suite '{name}', allowed are {', '.join(known)}")
    return args


def main():
    args = arguments()
    suites = args.suite or [s for s in ALL_SUITES if not (args.no_sanitizers and s in SANITIZERS)]
    if args.long and not args.suite:
        suites += LONG_SUITES
    end_on_signals()
    started = time.monotonic()
    front, behind = Front(), None
    common = ["-Dtests=true", f"-Dwerror={'true' if args.werror else 'false'}"]
    fuzz_seconds = LONG_FUZZ_SECONDS if args.long else FUZZ_SECONDS
    try:
        if "checks" in suites:
            front.say("checks")
            run_checks(front.tally, {})

        normal = [s for s in MESON_SUITES if s in suites]
        wants_build = bool(normal or {"soak", "tidy"} & set(suites))
        if wants_build or {*SANITIZERS, "fuzz"} & set(suites):
            front.say("configure")
        ready = wants_build and configure(front, "build", common, fresh=LINE_NUMBERS if args.werror else ())
        parts = [partial(run_sanitized, name) for name, (directory, options) in SANITIZERS.items() if name in suites and
                 configure(front, directory, [*common, *SANITIZED, *options])]
        if "fuzz" in suites and configure_fuzz(front, fuzz_seconds):
            parts.append(partial(run_fuzz, fuzz_seconds))

        if wants_build:
            front.say("build")
            ready = ready and build(front, "build")
        if ready and normal and parts:
            behind = Behind(parts)
        if ready:
            run_front(front, normal, args.flap, behind)
        if behind:
            front.say("waiting for what runs behind")
            behind.join()
        else:
            for part in parts:
                part(front)

        # Asked for by itself the soak is short enough for a change that waits for it.
        run_long(front, suites, 7200 if args.long else 600)
        front.note()
    finally:
        if behind:
            behind.stop()
    if behind:
        front.tally.add(behind.tally)
    return report(front.tally, started)


if __name__ == "__main__":
    sys.exit(main())
