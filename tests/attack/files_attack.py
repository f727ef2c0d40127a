#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that are not what they should be: nothing hangs, nothing crashes, one clear line says which one it is; a full
disk loses nothing."""
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from attack import ADMIN, AttackSuite, SLUICE, request, tool
from api import cameras, delete, put # found through attack
from harness import PASSWORD, Process, Sluice, Skip, free_port, until

suite = AttackSuite()
table = suite.table
ONE = {"version": 1, "cameras": {"front": {"streams": {"main": {"url": "rtsp://127.0.0.1:1/x"}}}}}
SECRET = "hunter2-in-a-File"


def make(path, what):
    """In place of the file."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    if what == "a directory":
        path.mkdir()
    elif what == "a FIFO":
        os.mkfifo(path)
    elif what == "a symlink to itself":
        path.symlink_to(path.name)
    elif what == "a symlink to nothing":
        path.symlink_to("nothing")
    elif what == "a symlink to /dev/zero":
        path.symlink_to("/dev/zero")
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "noise":
        path.write_bytes(os.urandom(5000))
    elif what == "zeros":
        path.write_bytes(bytes(5000))
    elif what == "a line of 900 KB":
        path.write_bytes(b"a" * 900_000 + b"\n")
    elif what == "1 GB, sparse":
        with open(path, "wb") as f:
            f.truncate(1 << 30)
    elif what == "100,000 brackets":
        path.write_text("[" * 100_000)
    else:
        raise AssertionError(what)


KINDS = ("a directory", "a FIFO", "a symlink to itself", "a symlink to nothing", "a symlink to /dev/zero", "empty", "noise", "zeros",
         "a line of 900 KB", "1 GB, sparse", "100,000 brackets")


def outcome(argv, wanted, directory, seconds=8):
    """Ended by itself (status and what it said) or running after it has come so far: (status or None, text)."""
    env = {**os.environ, "SLUICE_ADMIN_PASSWORD": PASSWORD}
    log = directory / "log"
    with open(log, "wb") as out:
        p = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
        try:
            until(lambda: p.poll() is not None or b" serves " in log.read_bytes(), seconds, wanted)
            status = p.poll()
        except AssertionError:
            status = "HANGS"
        if p.poll() is None:
            p.kill()
            p.wait()
    return status, log.read_text(errors="replace")


def errors_of(text):
    return [line for line in text.splitlines() if "connection refused" not in line and " info " not in line and line.strip()]


@suite.case
def in_place_of_a_file():
    """The launcher starts, and says what it does not take; or ends, and says why. One line, with the file's name."""
    base = Path(suite.directory) / "files"
    base.mkdir()
    for name in ("config.json", "state/accounts", "state/tokens", "state/cameras.json", "camera.pw", "admin.pw"):
        for what in KINDS:
            directory = base / (name.replace("/", "-") + "-" + what.replace(" ", "-").replace("/", ""))
            state = directory / "state"
            state.mkdir(parents=True, mode=0o700)
            described = json.loads(json.dumps(ONE))
            described["server"] = {"port": free_port(), "address": "127.0.0.1", "state": str(state)}
            if name == "camera.pw":
                described["cameras"]["front"]["streams"]["main"].update(user="viewer", password={"file": str(directory / name)})
            (directory / "config.json").write_text(json.dumps(described))
            make(directory / name, what)
            more = ["--admin-password-file", directory / name] if name == "admin.pw" else []
            status, text = outcome([SLUICE, "run", *more, directory / "config.json"], "an end or a start", directory)
            said = errors_of(text)
            # Nothing there, or nothing in it: as on the first start. A hash is a hash.
            nothing = name in ("state/accounts", "state/tokens") and what == "empty" or \
                name.startswith("state/") and what == "a symlink to nothing"
            fine = (status is None and not said) if nothing else \
                status in (64, 66, 69, 78) and 1 <= len(said) <= 3 and Path(name).name in text
            fine |= status is None and len(said) == 1 and Path(name).name in said[0] # goes on, and has said so
            table.line(f"{name}: {what}", "as on the first start" if nothing else "one clear error",
                       f"{'runs' if status is None else status} {said[0].replace(str(directory), '')[:80] if said else ''}",
                       fine and status != "HANGS" and not any("assertion" in line for line in said))
            shutil.rmtree(directory)


@suite.case
def modes_of_files():
    """Of everything that is secret; 0600 is what is made."""
    directory = Path(suite.directory) / "modes"
    directory.mkdir()
    secret = directory / "camera.pw"
    secret.write_text(SECRET + "\n")
    described = json.loads(json.dumps(ONE))
    described["cameras"]["front"]["streams"]["main"].update(user="viewer", password={"file": str(secret)})
    config = directory / "config.json"
    config.write_text(json.dumps(described))
    for mode, word in ((0o600, None), (0o640, None), (0o644, "read"), (0o660, "change"), (0o666, "change")):
        secret.chmod(mode)
        status, out, err = tool("check", config)
        warned = [line for line in (out + err).splitlines() if "camera.pw" in line and "600" in line]
        table.line(f"a camera's password with mode {mode:o}", f"a warning: others may {word}" if word else "no word of it",
                   warned[0].replace(str(directory), "")[-60:] if warned else "none",
                   status == 0 and (len(warned) == 1 and word in warned[0] if word else not warned)
                   and SECRET not in out + err)
    os.umask(0)
    s = Sluice(directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="umask")
    try:
        put(s, "yard", {"streams": {"main": {"url": "rtsp://127.0.0.1:1/y"}}})
        for path in sorted(s.state.rglob("*")):
            mode = path.stat().st_mode & 0o777
            table.line(f"made with umask 0: {path.relative_to(s.state)}", "nobody else", f"{mode:o}", not mode & 0o077)
    finally:
        os.umask(0o022)
        s.stop()


@suite.case
def exchanged_while_it_runs():
    """Accounts and tokens become something else: those that were there stay, and it is said once."""
    s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="exchanged"))
    for name in ("accounts", "tokens"):
        path = s.state / name
        good = path.read_bytes() if path.exists() else None
        for what in ("a FIFO", "a directory", "noise", "1 GB, sparse", "a symlink to /dev/zero", "a symlink to itself"):
            s.news()
            make(path, what)
            time.sleep(0.3)
            health = request(s.port, "GET", "/healthz")
            known = request(s.port, "GET", "/api/v1/cameras", {"Authorization": ADMIN})
            stranger = request(s.port, "GET", "/api/v1/cameras", {"Authorization": "Bearer x"})
            said = [line for line in s.news().splitlines() if name in line and "connection refused" not in line]
            table.line(f"{name} becomes {what}", "200, 401, said once",
                       f"{health.status} {known.status} {stranger.status}, {len(said)} lines, {max(health.took, known.took):.2f} s",
                       (health.status, known.status, stranger.status) == (200, 200, 401) and len(said) <= 1
                       and max(health.took, known.took) < 1)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if good is not None:
            path.write_bytes(good)
            path.chmod(0o600)
    suite.close(s)


class SmallDisk(Sluice):
    """The launcher with a state directory on a disk of its own, which is small."""

    def __init__(self, directory, name):
        state = Path(directory) / f"{name}-state"
        state.mkdir()
        script = f'mount -t tmpfs -o size=64k,mode=700 tmpfs {state} && exec "$@"'
        super().__init__(directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name=name, state=state,
                         under=["unshare", "-m", "sh", "-c", script, "sh"])
        self.inside = Path(f"/proc/{self.pid}/root{state}")

    def within(self, *argv, text=""):
        return subprocess.run(["nsenter", "-m", "-t", str(self.pid), *map(str, argv)], input=text, text=True,
                              capture_output=True, timeout=30, check=False)


@suite.case
def no_room_on_the_disk():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        raise Skip("mount namespaces are not to be had here")
    s = suite.keep(SmallDisk(suite.directory, "full"))
    yard = {"streams": {"main": {"url": "rtsp://127.0.0.1:1/y"}}}
    table.equal("a camera while there is room", 201, put(s, "yard", yard)[0])
    files = {p.name: p.read_bytes() for p in s.inside.iterdir() if p.is_file() and p.name in ("accounts", "cameras.json")}
    fill = os.open(s.inside / "fill", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(fill, b"x" * 512):
            pass
    except OSError:
        pass
    os.close(fill)
    for attempt, answer in {"a camera more": put(s, "shed", yard), "another address": put(s, "yard", {
            "streams": {"main": {"url": "rtsp://127.0.0.1:1/" + "z" * 2000}}}), "a camera less": delete(s, "yard")}.items():
        told = json.loads(answer[2] or b"{}").get("detail", "")
        now = {p.name: p.read_bytes() for p in s.inside.iterdir() if p.name in files}
        # To remove one may fit where the old file was.
        fine = answer[0] == 500 and now == files
        table.line(f"full disk: {attempt}", "500, nothing changed", f"{answer[0]} {told[:70]}", fine or (
            "less" in attempt and answer[0] == 204))
        table.line("... what was there is there", "front, yard" if answer[0] == 500 else "front", ", ".join(sorted(cameras(s))),
                   sorted(cameras(s)) == (["front", "yard"] if answer[0] == 500 else ["front"]))
    done = s.within(SLUICE, "passwd", *(["add", "guest"] if "add" in tool("passwd", "--help")[1] else ["guest"]), "--state", s.state,
                    text="guest-Passw0rd\n")
    table.line("full disk: sluice passwd", "an error, the accounts as before", f"{done.returncode} {done.stderr.strip()[-60:]}",
               done.returncode != 0 and (s.inside / "accounts").read_bytes() == files["accounts"] and bool(done.stderr))
    left = [p.name for p in s.inside.iterdir() if "." in p.name and p.name not in ("cameras.json", "audit.log", "accounts.lock")]
    table.line("half-written files", "none", ", ".join(left) or "none", not left)
    answer = request(s.port, "POST", "/api/v1/login", {"Content-Type": "application/json"},
                     json.dumps({"user": "admin", "password": PASSWORD}).encode())
    table.equal("full disk: a login", 200, answer.status)
    (s.inside / "fill").unlink()
    table.equal("room again: a camera", 201, put(s, "shed", yard)[0])
    suite.close(s)


@suite.case
def a_state_directory_that_is_none():
    directory = Path(suite.directory)
    config = directory / "none.json"
    config.write_text(json.dumps(ONE))
    (directory / "a-file").write_text("x")
    for name, path in {"a file": directory / "a-file", "below a file": directory / "a-file/state", "/proc": "/proc/sluice",
                       "/dev/null": "/dev/null"}.items():
        status, text = outcome([SLUICE, "run", "--state", path, "--port", 0, config], "an end", directory)
        said = errors_of(text)
        table.line(f"the state directory is {name}", "78, one line", f"{status} {said[0][-70:] if said else ''}",
                   status == 78 and len(said) == 1)
    link = directory / "linked-state"
    link.mkdir(mode=0o700)
    victim = directory / "victim"
    victim.write_text("keep")
    (link / "lock").symlink_to(victim)
    status, text = outcome([SLUICE, "run", "--state", link, "--port", 0, config], "an end", directory)
    table.line("the lock is a symlink to another file", "refused, the file as it was", f"{status} {victim.read_text()}",
               status == 78 and victim.read_text() == "keep")


if __name__ == "__main__":
    raise SystemExit(suite.main())
