#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The elements without the launcher, as the README shows them: gst-launch-1.0, a real camera, a real browser."""
import base64
import http.server
import signal
import socket
import statistics
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from api import OFFER
from harness import BUILD, ROOT, Browser, Camera, Process, Suite, free_port, latencies, longest_gap, note, until

suite = Suite()
camera = server = browser = None
port = free_port()

# Joins like any WHEP player would, from a page of another server (CORS).
JOIN = """
const [path, auth, done] = arguments;
(async () => {
  document.body.innerHTML = '<video muted autoplay playsinline></video>';
  const pc = window.pc = new RTCPeerConnection();
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.ontrack = e => { document.querySelector('video').srcObject = new MediaStream([e.track]); };
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await fetch(path, {method: 'POST', body: pc.localDescription.sdp,
    headers: {'Content-Type': 'application/sdp', ...(auth ? {Authorization: auth} : {})}});
  if (answer.status == 201) await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  const location = answer.headers.get('Location');
  return [answer.status, location && new URL(location, path).pathname];
})().then(done, e => done(['' + e, null]));
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a player elsewhere</title>")

    def log_message(self, *args):
        pass


def join(auth):
    return browser.d.execute_async_script(JOIN, f"http://127.0.0.1:{port}/whep/front", auth)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@suite.case
def the_line_of_the_readme_starts():
    global camera, server, browser
    camera = suite.keep(Camera(suite.directory, "--gop", "10"))
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input="look-here\n", text=True, check=True,
                            capture_output=True).stdout.strip()
    viewers = Path(suite.directory, "viewers")
    viewers.write_text(f"anna:{hashed}\n")
    viewers.chmod(0o600)
    server = suite.keep(Process(
        ["gst-launch-1.0", "rtspsrc", f"location={camera.url()}", "latency=0", "buffer-mode=slave", "!", "rtph264depay",
         "!", "h264parse", "!", "fanoutsink", "channel=front/main", "webrtcserversink", "channels=*",
         "address=127.0.0.1", f"port={port}", f"credentials-file={viewers}"], suite.directory, "gst-launch"))

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    until(answers, 20, "the server of the element answers")
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    browser = suite.keep(Browser())
    browser.d.get(f"http://127.0.0.1:{pages.server_port}/")


@suite.case
def nobody_comes_in_without_the_right_password():
    for auth in ("", basic("anna", "wrong"), basic("nobody", "look-here"), "Bearer x"):
        status, _ = join(auth)
        assert status == 401, (auth, status)


@suite.case
def a_viewer_sees_the_live_picture():
    # The camera may not have sent a key frame since the start: 503 until then.
    status, location = until(
        lambda: (lambda r: r[0] != 503 and r)(join(basic("anna", "look-here"))),
        15, "the join is answered")
    assert status == 201 and "/whep/front/" in location, (status, location)
    browser.playing()
    browser.frames(1000)
    frames = browser.frames(2000)
    note(f"latency, ms: {statistics.median(latencies(frames)):.0f}")
    assert statistics.median(latencies(frames)) < 250 and longest_gap(frames) < 1500


@suite.case
def gst_launch_ends_by_ctrl_c():
    assert server.stop(signal.SIGINT) == 0, server.output()[-2000:]
    suite.open_things.remove(server)
    assert "CRITICAL" not in server.output(), server.output()[-2000:]


@suite.case
def an_application_with_the_element_inside():
    own_port = free_port()
    app = suite.keep(Process([BUILD / "examples/embed/embed", camera.url(), own_port], suite.directory, "embed"))
    address = until(lambda: app.output().strip() or not app.running(), 20, "the application prints its address")
    assert app.running(), app.output()
    for path, body, status in (("/?ticket=0", None, 404), ("/whep/door", b"v=0", 401), ("/ws", None, 400)):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{own_port}{path}", data=body, timeout=10)
            raise AssertionError(path)
        except urllib.error.HTTPError as error:
            assert error.code == status, (path, error.code)
    browser.d.get(address)
    browser.playing(30)
    frames = browser.frames(1500)
    assert statistics.median(latencies(frames)) < 250
    assert app.stop(signal.SIGTERM) == 0, app.output()[-2000:]
    suite.open_things.remove(app)
    assert "CRITICAL" not in app.output(), app.output()[-2000:]


@suite.case
def the_same_in_python():
    own_port = free_port()
    app = suite.keep(Process([ROOT / "examples/embed/embed.py", camera.url(), own_port], suite.directory, "embed-py"))
    token = until(lambda: app.output().strip() or not app.running(), 20, "the application prints its token")
    assert app.running(), app.output()

    def answer(headers):
        request = urllib.request.Request(f"http://127.0.0.1:{own_port}/whep/door", OFFER,
                                         {"Content-Type": "application/sdp", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    assert answer({}) == 401
    assert answer({"Authorization": "Bearer x"}) == 401
    until(lambda: answer({"Authorization": f"Bearer {token}"}) == 201, 20, "whoever has the token may watch")
    until(lambda: "watches: " in app.output(), 5, "the application is told")
    assert app.stop(signal.SIGTERM) == 0, app.output()[-2000:]
    suite.open_things.remove(app)
    assert "CRITICAL" not in app.output(), app.output()[-2000:]


if __name__ == "__main__":
    sys.exit(suite.main())
