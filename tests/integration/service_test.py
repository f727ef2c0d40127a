#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher as a service: the unit and what it locks up, the same restrictions around the real program, what it tells
the service manager, and how it ends."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

for place in ("e2e", "support"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / place))
# pylint: disable=wrong-import-position
from api import cameras, contains, equal  # noqa: E402
from churn import Watchers  # noqa: E402
from harness import BASIC, BUILD, PASSWORD, ROOT, Camera, Process, Skip, Sluice, Suite, note, until  # noqa: E402
from socket_client import WebSocket  # noqa: E402

suite = Suite()
case = suite.case
HERE = Path(suite.directory)
UNIT = BUILD / "packaging/sluice.service"
WORST = 1.5  # of 10, as systemd-analyze counts


def state(name):
    """Status that /proc tells of a process."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{name}/status").read_text().splitlines() if ":\t" in line)


@case
def the_unit_locks_up_what_is_not_needed():
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not here")
    told = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], capture_output=True, text=True)
    found = re.search(r"Overall exposure level for sluice.service: ([0-9.]+)", told.stdout)
    assert found, told.stdout + told.stderr
    note(f"exposure {found.group(1)} of 10")
    assert float(found.group(1)) <= WORST, told.stdout


@case
def the_unit_is_well_formed():
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not here")
    here = HERE / "sluice.service"
    here.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={BUILD}/launcher/sluice", UNIT.read_text(), flags=re.M))
    told = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", here], capture_output=True,
                          text=True, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    mine = [line for line in told.stderr.splitlines() if "sluice" in line]
    equal(mine, [], "complaints")


def sandbox(writable):
    if os.geteuid() != 0:
        raise Skip("only root can build the sandbox")
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze, which lists the system calls, is not here")
    probe = subprocess.run([sys.executable, ROOT / "tests/support/sandbox.py", "--writable", writable, "--", "/bin/cat",
                            BUILD / "launcher/sluice"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if probe.returncode:
        raise Skip("no sandbox here: " + (probe.stderr.strip().splitlines() or ["?"])[-1])
    return [sys.executable, ROOT / "tests/support/sandbox.py", "--writable", writable, "--"]


@case
def it_works_under_the_units_restrictions():
    HERE.chmod(0o711)
    place = HERE / "sandbox"
    place.mkdir(mode=0o755)
    under = sandbox(place)
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15"))
    secrets = place / "credentials"
    secrets.mkdir(mode=0o755)
    (secrets / "sluice_admin-password").write_text(PASSWORD + "\n")
    home = place / "state"
    home.mkdir(mode=0o700)
    shutil.chown(home, 65534, 65534)
    shutil.chown(place, 65534, 65534)
    s = suite.keep(Sluice(place, {"front": {"main": camera.url()}, "drawn": {"main": "test:ball"}}, state=home, under=under,
                          server={"tls": "self-signed"},
                          env={"SLUICE_ADMIN_PASSWORD": "", "CREDENTIALS_DIRECTORY": str(secrets), "TMPDIR": str(place),
                               "GST_REGISTRY": str(place / "registry.bin"), "G_SLICE": "always-malloc", "GSETTINGS_BACKEND": "memory"}))
    facts = state(s.pid)
    equal(facts["Uid"].split(), ["65534"] * 4)
    equal((facts["CapEff"], facts["CapBnd"], facts["NoNewPrivs"], facts["Seccomp"]), ("0" * 16, "0" * 16, "1", "2"))
    until(lambda: s.get("/readyz", auth=None)[0] == 200, 20, "it is ready")
    until(lambda: all(c["state"] == "streaming" for c in cameras(s).values()), 30, "both stream, one encoded here")
    for name in ("front", "drawn"):
        watchers = suite.keep(Watchers(s, name, 1))
        watchers.wait_for(10)
        suite.close(watchers)
    assert (place / "registry.bin").exists()
    maps = Path(f"/proc/{s.pid}/maps").read_text().splitlines()
    equal([m for m in maps if re.search(r" .?wx", m)], [], "writable and executable")
    note(f"{sum('orcexec' in m for m in maps)} mappings of ORC")
    equal([line for line in s.output().splitlines() if re.search("orc|denied|not permitted|Read-only", line, re.I)], [])
    equal(suite.close(s), 0, "SIGTERM ends in order")
    contains(s.output(), "closed")


@case
def the_service_manager_hears_of_it():
    address = str(HERE / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name="notify",
                              env={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}))
        contains(manager.recv(4096).decode(), "READY=1\nSTATUS=serving on http://127.0.0.1:")
        for _ in range(3):
            equal(manager.recv(4096), b"WATCHDOG=1")
        s.send(signal.SIGTERM)
        while (told := manager.recv(4096)) == b"WATCHDOG=1":
            pass
        equal(told, b"STOPPING=1")
        until(lambda: not s.running(), 10, "it ends")
        equal(suite.close(s), 0)


@case
def it_is_not_ready_while_it_ends():
    def asked_while_it_ends(name):
        s = suite.keep(Sluice(suite.directory, {"front": {"main": "rtsp://127.0.0.1:1/x"}}, name=name))
        equal(s.get("/readyz", auth=None)[::2], (200, b"ready\n"))
        # A page that does not answer the goodbye: it is waited for, 300 ms.
        with WebSocket(s.port, "/api/v1/events", "sluice.events.v1", BASIC) as page, \
                socket.create_connection(("127.0.0.1", s.port), 10) as late:
            late.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")
            page.expect("cameras")
            s.send(signal.SIGTERM)
            until(lambda: "closing" in s.output(), 15, "it ends")
            try:
                late.sendall(b"\r\n")
                answer = late.recv(4096).decode()
            except OSError:
                answer = ""
        until(lambda: not s.running(), 15, "it has ended")
        equal(suite.close(s), 0)
        assert "200" not in answer, answer
        return answer

    assert any("503" in asked_while_it_ends(f"ending-{i}") for i in range(5)), "too late five times"


@case
def the_first_password_does_not_stay_in_the_journal():
    home = HERE / "journal-state"
    home.mkdir(mode=0o700)
    config = HERE / "journal.json"
    config.write_text('{"version": 1, "server": {"address": "127.0.0.1", "port": 0}, "cameras": '
                      '{"front": {"streams": {"main": {"url": "rtsp://127.0.0.1:1/x"}}}}}')
    log = HERE / "journal.log"
    log.touch()
    info = log.stat()
    environment = {"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}", "STATE_DIRECTORY": str(home), "SLUICE_ADMIN_PASSWORD": ""}
    s = suite.keep(Process([BUILD / "launcher/sluice", "run", config], suite.directory, "journal", environment))
    until(lambda: "serves 1 camera" in s.output() or not s.running(), 20, "it runs")
    password = (home / "admin-password").read_text().strip()
    equal((home / "admin-password").stat().st_mode & 0o777, 0o600)
    assert len(password) >= 16 and password not in s.output(), s.output()
    contains(s.output(), f"with the password in {home}/admin-password")
    port = re.search(r"http://127\.0\.0\.1:(\d+)/", s.output()).group(1)
    s.base = f"http://127.0.0.1:{port}"
    equal(Sluice.get(s, "/api/v1/cameras", auth=("admin", password))[0], 200)
    equal(suite.close(s), 0)


if __name__ == "__main__":
    sys.exit(suite.main())
