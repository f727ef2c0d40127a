# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the end-to-end tests stand on: the real camera program, the real launcher, a real browser; cases as TAP."""
import base64
import fcntl
import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
PASSWORD = "e2e-Passw0rd"
BASIC = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}


def until(condition, seconds, what):
    """The first true value of condition(); fails after so many seconds. what: a text, or what gives one then."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def until_more(news, wanted, what, seconds=15):
    """Until so many more have come; news() says how many did since it was last asked."""
    news()
    come = 0

    def enough():
        nonlocal come
        come += news()
        return come >= wanted

    until(enough, seconds, f"{wanted} {what}")


def settled(value, seconds=30):
    """The least that value() comes down to: what is torn down takes its time."""
    least = value()

    def lower():
        nonlocal least
        least = min(least, value())
        return False

    try:
        until(lower, seconds, "")
    except AssertionError:
        pass
    return least


HELD = Path(tempfile.gettempdir(), f"sluice-test-ports-{os.getuid()}")
held = []  # files there, one for each port that this program has been given, locked until it ends


def free_port():
    """Nobody has it, the system gives it to nobody of itself before it is used, and no other test is given it."""
    HELD.mkdir(exist_ok=True)
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(11000, max(first_given, 20000)) # browsers refuse some below
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(type=kind) as s:
                    s.bind(("127.0.0.1", port))
            lock = open(HELD / str(port), "wb")
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        held.append(lock)
        return port


def children(parent):
    """Its processes, (pid, command line) each; those that have ended and are not reaped are "<defunct>"."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(parent)], stdout=subprocess.PIPE, text=True, check=False)
    return [(int(pid), args) for pid, args in (line.split(maxsplit=1) for line in listed.stdout.splitlines())]


def workers(sluice):
    """Children of a launcher: {what they work for: pid}."""
    return {args.split()[-1]: pid for pid, args in children(sluice.pid)}


@functools.lru_cache(maxsize=None)
def any_certificate():
    """A TLS context that takes also self-signed ones."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Process:
    """A program of ours: its output is kept, and it is ended by its pid."""

    def __init__(self, argv, directory, name, env=None):
        self.name = name
        self.told = 0
        self.log = Path(directory) / f"{name}.log"
        self.file = open(self.log, "ab")
        self.p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=self.file,
                                  stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        self.pid = self.p.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def news(self):
        """What it said since the last call."""
        text = self.output()
        new, self.told = text[self.told:], len(text)
        return new

    def running(self):
        return self.p.poll() is None

    def wait_ready(self, condition, seconds, what):
        """A program that is not ready by then, or has ended, is not left behind."""
        try:
            until(lambda: not self.running() or condition(), seconds, what)
            assert self.running(), self.output()
        except BaseException:
            self.stop()
            raise

    def send(self, number):
        self.p.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=15):
        """Exit status; None and a SIGKILL when it does not end."""
        status = self.p.poll()
        if status is None:
            self.p.send_signal(signal.SIGCONT)
            self.p.send_signal(number)
            try:
                status = self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.file.close()
        return status

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def resident(self):
        """MB"""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Camera(Process):
    def __init__(self, directory, *options, port=None, name="camera"):
        self.port = port or free_port()
        super().__init__([BUILD / "tests/support/sluice-simcam", "--port", self.port, *options], directory, name)
        self.wait_ready(lambda: "ready" in self.output(), 60, "the simulated camera is ready")

    def url(self, path="main"):
        return f"rtsp://127.0.0.1:{self.port}/{path}"


class Served:
    """A server of tests/support that prints its port and ends with its standard input."""

    def __init__(self, script, *arguments):
        self.p = subprocess.Popen([sys.executable, ROOT / "tests/support" / script, *map(str, arguments)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.p.stdout.readline())

    def stop(self):
        self.p.stdin.close()
        self.p.wait(10)
        self.p.stdout.close()


class Sluice(Process):
    """The launcher with a description of cameras: {name: {stream: url or object}},
    with "outputs" beside the streams if there are any. server: further fields of /server;
    under: what it is started by."""

    def __init__(self, directory, cameras, port=None, name="sluice", state=None, wait=True, under=(), server=None, env=None):
        self.port = port or free_port()
        self.state = Path(state or Path(directory) / f"{name}-state")
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.config = Path(directory) / f"{name}.json"
        described = {}
        for camera, parts in cameras.items():
            streams = {s: u if isinstance(u, dict) else {"url": u} for s, u in parts.items() if s != "outputs"}
            described[camera] = {"streams": streams, **({"outputs": parts["outputs"]} if "outputs" in parts else {})}
        self.config.write_text(json.dumps({
            "version": 1, "cameras": described,
            "server": {"address": "127.0.0.1", "port": self.port, "state": str(self.state),
                       **(server or {})}}))
        super().__init__([*under, BUILD / "launcher/sluice", "run", self.config], directory, name,
                         {"SLUICE_ADMIN_PASSWORD": PASSWORD, **(env or {})})
        self.base = f"{'https' if 'tls' in (server or {}) else 'http'}://127.0.0.1:{self.port}"
        if wait:
            self.wait_ready(lambda: self.get("/healthz", auth=None)[0] == 200, 60, "/healthz answers")

    def get(self, path, auth=("admin", PASSWORD), method="GET", body=None, headers=None):
        """(status, headers, body); status 0 and the reason as the body if nobody answers. Redirects are not followed."""
        request = urllib.request.Request(self.base + path, method=method, data=body, headers=headers or {})
        if auth:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(auth).encode()).decode())

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *args):
                return None

        try:
            with urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=any_certificate())).open(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as e:
            return 0, {}, repr(e).encode()


class Browser:
    def __init__(self, width=1280, height=900):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        from selenium.webdriver.common import utils

        class Here(Service):
            """By address: a bare system has no name for it."""

            @property
            def service_url(self):
                return f"http://127.0.0.1:{self.port}"

            def is_connectable(self):
                return utils.is_connectable(self.port, "127.0.0.1")

        self.data = tempfile.mkdtemp(prefix="sluice-e2e-chromium-")
        # Started here and not by the driver, which looks for it at "localhost": a bare system has no such name.
        self.p = subprocess.Popen(
            ["/usr/bin/chromium", "--remote-debugging-port=0", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-default-apps", "--disable-hang-monitor", "--disable-dev-shm-usage",
             "--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--password-store=basic",
             "--autoplay-policy=no-user-gesture-required", "--no-proxy-server", f"--window-size={width},{height}",
             "--user-data-dir=" + self.data, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        told = Path(self.data, "DevToolsActivePort")
        until(lambda: told.exists() and told.read_text().count("\n") or self.p.poll() is not None, 30, "Chromium starts")
        options = webdriver.ChromeOptions()
        options.debugger_address = "127.0.0.1:" + told.read_text().split()[0]
        self.d = webdriver.Chrome(options=options, service=Here("/usr/bin/chromedriver"))
        self.d.set_page_load_timeout(30)
        self.d.set_script_timeout(60)
        self.d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument",
                               {"source": (HERE / "picture_clock.js").read_text()})

    def close(self):
        try:
            self.d.quit()
        finally:
            self.kill()

    def kill(self):
        """Its pages say goodbye to nobody."""
        for pid in reversed(self.processes()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.p.wait()
        self.d.service.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def processes(self):
        """Process ids of the browser, all of them."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, rest = [], [self.p.pid]
        while rest:
            found.append(rest.pop())
            rest += parents.get(found[-1], [])
        return found

    def send(self, number):
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def js(self, code, *args):
        return self.d.execute_script(code, *args)

    def find(self, css):
        from selenium.webdriver.common.by import By
        return self.d.find_elements(By.CSS_SELECTOR, css)

    def login(self, sluice, password=PASSWORD, user="admin"):
        self.d.get(sluice.base + "/")
        until(lambda: self.find("input[type=password]"), 10, "the login page asks for a password")
        name = self.find("input:not([type=password]):not([type=hidden]):not([type=submit]):not([type=checkbox])")
        if name:
            name[0].clear()
            name[0].send_keys(user)
        self.find("input[type=password]")[0].send_keys(password)
        (self.find("button[type=submit], input[type=submit]") or self.find("form button"))[0].click()

    def playing(self, seconds=20, index=0):
        until(lambda: self.js("const v = document.querySelectorAll('video')[arguments[0]];"
                              "return !!v && v.videoWidth > 0 && window.probe && probe.firstFrames()[arguments[0]] != null", index),
              seconds, "the video plays")

    def window(self, width, height, scale=1, mobile=False):
        self.d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile})
        self.d.execute_async_script( # the page has heard of it and has been drawn again
            "requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(arguments[0])))")

    def colours(self, scheme):
        """light or dark"""
        self.d.execute_cdp_cmd("Emulation.setEmulatedMedia",
                               {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def screenshot(self, name):
        """Kept in the build directory, for people to look at."""
        directory = BUILD / "screenshots"
        directory.mkdir(exist_ok=True)
        self.d.save_screenshot(str(directory / f"{name}.png"))

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains
        for key in keys:
            ActionChains(self.d, duration=10).send_keys(key).perform()

    def tiles(self):
        """{camera: state}, as the page shows it."""
        return self.js("return Object.fromEntries([...document.querySelectorAll('.tile')]"
                       ".map(t => [t.querySelector('.name').textContent, t.dataset.status]))")

    def asked(self):
        """How often the page asked for the list of cameras."""
        return self.js("return performance.getEntriesByType('resource').filter(e => e.name.endsWith('/cameras')).length")

    def sockets(self):
        """Paths of the WebSockets that are open."""
        return sorted(self.js("return probe.sockets.filter(s => s.open).map(s => s.path)"))

    def frames(self, milliseconds, index=0):
        """What was shown, see picture_clock.js."""
        return self.d.execute_async_script(
            "const done = arguments[2]; const v = document.querySelectorAll('video')[arguments[1]];"
            "probe.frames(v, arguments[0]).then(done)", milliseconds, index)

    def choose_quality(self, name, index=0):
        """By the control of the page: auto, main or sub."""
        self.js("const s = document.querySelectorAll('select.quality')[arguments[1]]; s.value = arguments[0];"
                "s.dispatchEvent(new Event('change'))", name, index)

    def joins(self):
        """When the page asked for pictures, milliseconds since navigation."""
        return self.js("return probe.joins()")


def latencies(frames):
    """Milliseconds from drawing to showing, of every frame with a readable clock."""
    return [f["at"] - f["ms"] for f in frames if f["ms"] is not None]


def longest_gap(frames):
    times = [f["at"] for f in frames]
    return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


def note(text):
    print(f"# {text}", flush=True)


def complain(text):
    """meson shows what comes this way when a test fails, the notes it keeps to itself."""
    print(text, file=sys.stderr, flush=True)


def summary(values):
    values = sorted(values)
    return (f"median {statistics.median(values):.0f}, min {values[0]:.0f}, max {values[-1]:.0f} of {len(values)}"
            if values else "nothing")


class Skip(Exception):
    """This case cannot run here; why."""


class Suite:
    """Cases run in the order they were written and report as TAP; each file has one directory for logs and state."""

    def __init__(self):
        self.cases = []
        self.directory = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.open_things = []

    def case(self, function):
        self.cases.append(function)
        return function

    def keep(self, thing):
        """It is stopped or closed at the end, whatever happens."""
        self.open_things.append(thing)
        return thing

    def close(self, thing):
        if thing in self.open_things:
            self.open_things.remove(thing)
            return thing.stop() if hasattr(thing, "stop") else thing.close()
        return None

    @staticmethod
    def wanted():
        """Names of cases on the command line; none: all."""
        return sys.argv[1:]

    def main(self):
        wanted = self.wanted()
        cases = [c for c in self.cases if not wanted or c.__name__ in wanted]
        print(f"1..{len(cases)}", flush=True)
        failed = 0
        # Chromium and GLib want directories of their own, and the test has none to give but this.
        os.environ["HOME"] = os.environ["XDG_RUNTIME_DIR"] = self.directory
        os.environ.pop("XDG_CACHE_HOME", None)
        try:
            for number, case in enumerate(cases, 1):
                name = re.sub("_", " ", case.__name__)
                started = time.monotonic()
                try:
                    case()
                    print(f"ok {number} - {name}", flush=True)
                except Skip as e:
                    print(f"ok {number} - {name} # SKIP {e}", flush=True)
                except Exception:  # pylint: disable=broad-except
                    failed += 1
                    complain(f"{name}\n{traceback.format_exc()}")
                    for thing in self.open_things:
                        if isinstance(thing, Process):
                            for line in thing.news().splitlines()[-25:]:
                                complain(f"{thing.name}: {line[:300]}")
                            if not thing.running():
                                complain(f"{thing.name}: has ended with {thing.p.returncode}")
                    print(f"not ok {number} - {name}", flush=True)
                note(f"{name}: {time.monotonic() - started:.1f} s")
        finally:
            for thing in reversed(list(self.open_things)):
                try:
                    self.close(thing)
                except Exception:  # pylint: disable=broad-except
                    traceback.print_exc()
            shutil.rmtree(self.directory, ignore_errors=True)
        return 1 if failed else 0
