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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# suite -> build directory it runs in. Order is the order of running: the cheap ones first.
MESON_SUITES = {"unit": "build", "elements": "build", "integration": "build", "faults": "build", "e2e": "build"}
SANITIZERS = {
    "asan": ("build-asan", ["-Db_sanitize=address,undefined"]),
    "tsan": ("build-tsan", ["-Db_sanitize=thread"]),
}
LONG_SUITES = ["tidy", "clang", "fuzz", "soak"]
ALL_SUITES = ["checks", *MESON_SUITES, *SANITIZERS]


class Tally:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []

    def ok(self):
        self.passed += 1

    def fail(self, name, why=""):
        self.failures.append((name, why))


def say(text):
    print(f"== {text}", flush=True)


def call(argv, **kw):
    return subprocess.run([str(a) for a in argv], cwd=ROOT, **kw).returncode


def configure(directory, options, tally):
    """meson setup, or again if the directory is there: new test files are found at configure time."""
    build = ROOT / directory
    again = ["--reconfigure"] if (build / "meson-private" / "coredata.dat").exists() else []
    if call(["meson", "setup", *again, directory, *options], stdout=subprocess.DEVNULL) == 0:
        return True
    log = build / "meson-logs" / "meson-log.txt"
    if log.exists():
        print("\n".join(log.read_text(errors="replace").splitlines()[-30:]))
    tally.fail(f"{directory}: configure")
    return False


def build(directory, tally, targets=()):
    if call(["ninja", "-C", directory, *targets], stdout=subprocess.PIPE if targets == ("-n",) else None) == 0:
        return True
    tally.fail(f"{directory}: build")
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


def run_meson(directory, suites, tally, prefix="", env=None, extra=()):
    logs = ROOT / directory / "meson-logs"
    for name in ("testlog.junit.xml", "testlog.json"):
        (logs / name).unlink(missing_ok=True)
    argv = ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs", *extra]
    for suite in suites:
        argv += ["--suite", suite]
    call(argv, env={**os.environ, **(env or {})})
    before = tally.passed + len(tally.failures)
    junit, log = logs / "testlog.junit.xml", logs / "testlog.json"
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


def show_tables():
    """What the programs of the fault matrix have measured."""
    for table in sorted((ROOT / "build" / "fault-matrix").glob("*.txt")):
        print(f"   {table.stem}\n" + "".join(f"      {line}\n" for line in table.read_text().splitlines()), flush=True)


def run_long(suites, tally, soak_seconds):
    if "tidy" in suites:
        say("clang-tidy")
        if call([".ci/clang-tidy-all", "build"]) == 0:
            tally.ok()
        else:
            tally.fail("clang-tidy")
    if "clang" in suites:
        say("clang build")
        env = {**os.environ, "CXX": "clang++"}
        again = ["--reconfigure"] if (ROOT / "build-clang" / "meson-private" / "coredata.dat").exists() else []
        if call(["meson", "setup", *again, "build-clang", "-Dtests=false", "-Dwerror=true"], env=env,
                stdout=subprocess.DEVNULL) == 0 and call(["ninja", "-C", "build-clang"]) == 0:
            tally.ok()
        else:
            tally.fail("clang build")
    for suite in ("fuzz", "soak"):
        if suite in suites:
            say(suite)
            directory = "build"
            if suite == "fuzz":
                directory = "build-fuzz"
                env = {**os.environ, "CXX": "clang++"}
                again = ["--reconfigure"] if (ROOT / directory / "meson-private" / "coredata.dat").exists() else []
                if call(["meson", "setup", *again, directory, "-Dfuzzers=true", "-Db_sanitize=address,undefined",
                         "-Db_lundef=false"], env=env, stdout=subprocess.DEVNULL) != 0:
                    tally.fail("build-fuzz: configure")
                    continue
                if not build(directory, tally):
                    continue
            run_meson(directory, [suite], tally, f"{suite} ", extra=["--timeout-multiplier", "20"],
                      env={"SLUICE_SOAK_SECONDS": str(soak_seconds)})


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds Sluice and runs its tests.")
    parser.add_argument("--suite", action="append", metavar="NAME",
                        help=f"only this suite (may be repeated): {', '.join(ALL_SUITES + LONG_SUITES)}")
    parser.add_argument("--long", action="store_true", help="also clang-tidy, a clang build, fuzzing and soak")
    parser.add_argument("--no-sanitizers", action="store_true", help="leave the suites asan and tsan out")
    parser.add_argument("--no-install", action="store_true", help="do not look for missing Debian packages")
    parser.add_argument("--werror", action="store_true", help="compiler warnings are errors")
    args = parser.parse_args()
    known = ALL_SUITES + LONG_SUITES
    for name in args.suite or []:
        if name not in known:
            parser.error(f"unknown suite '{name}', allowed are {', '.join(known)}")
    suites = args.suite or [s for s in ALL_SUITES if not (args.no_sanitizers and s in SANITIZERS)]
    if args.long and not args.suite:
        suites += LONG_SUITES

    tally = Tally()
    started = time.monotonic()
    common = ["-Dtests=true", f"-Dwerror={'true' if args.werror else 'false'}"]

    if "checks" in suites:
        say("checks")
        run_checks(tally, {})

    normal = [s for s in MESON_SUITES if s in suites]
    if normal or {"soak", "tidy"} & set(suites):
        say("build")
        # libasan wants its symbols undefined in libraries, nobody else does.
        if configure("build", common, tally) and build("build", tally):
            for suite in normal:
                say(suite)
                if suite == "faults":
                    shutil.rmtree(ROOT / "build" / "fault-matrix", ignore_errors=True)
                run_meson("build", [suite], tally)
                if suite == "faults":
                    show_tables()

    for name, (directory, options) in SANITIZERS.items():
        if name in suites:
            say(name)
            if configure(directory, [*common, *options, "-Db_lundef=false", "-Doptimization=1"], tally) and \
                    build(directory, tally):
                run_meson(directory, ["unit", "elements"], tally, f"{name} ", extra=["--timeout-multiplier", "5"])

    # Asked for by itself the soak is short enough for a change that waits for it.
    run_long(suites, tally, 7200 if args.long else 600)

    print()
    for name, why in tally.failures:
        print(f"FAILED {name}" + (f": {why.splitlines()[0][:200]}" if why else ""))
    if tally.skipped:
        print(f"{tally.skipped} skipped")
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
