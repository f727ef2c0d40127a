#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""viewer.py '{"whep": {"camera": ADDRESS, ...}, ...}': a browser that plays. Runs where the viewer is. Obeys lines on its
standard input, answers each with one of JSON, and ends with it:

  open CAMERA[,CAMERA...]   a fresh page
  take                      what was shown, happened and was measured since, for each camera (record.js)
  leave                     an empty page

Also in its argument: "authorization", a header for WHEP; "buffer", ms that the browser is asked to hold pictures back; "page" with "base", "user" and "password": not WHEP but Sluice's own pages.
"""
import http.client
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading
import types
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))

TOLD = json.loads(sys.argv[1])
FILES = {"/": ("viewer.html", "text/html"), "/viewer.js": ("viewer.js", "text/javascript")}


class Site(http.server.BaseHTTPRequestHandler):
    """The page, and its way to the server: so the page needs no credentials, and is of the same origin as with any server's own."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self): # pylint: disable=invalid-name
        name, kind = FILES.get(self.path.split("?")[0], (None, "text/plain"))
        self.answer(200 if name else 404, kind, (HERE / name).read_bytes() if name else b"")

    def do_POST(self): # pylint: disable=invalid-name
        offer = self.rfile.read(int(self.headers["Content-Length"]))
        camera = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["camera"][0]
        url = urllib.parse.urlsplit(TOLD["whep"][camera])
        headers = {"Content-Type": "application/sdp", **({"Authorization": TOLD["authorization"]} if TOLD.get("authorization") else {})}
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        try:
            connection.request("POST", url.path + (f"?{url.query}" if url.query else ""), offer, headers)
            answer = connection.getresponse()
            self.answer(answer.status, "application/sdp", answer.read())
        except OSError as e:
            self.answer(502, "text/plain", str(e).encode())
        finally:
            connection.close()


def main():
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    home = tempfile.mkdtemp(prefix="thinlink-home-")
    os.environ["HOME"] = os.environ["XDG_RUNTIME_DIR"] = home
    from harness import Browser, until # pylint: disable=import-outside-toplevel
    browser = Browser()
    browser.d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": (HERE / "record.js").read_text()})
    own = TOLD.get("page")
    if own:
        browser.login(types.SimpleNamespace(base=own["base"]), own["password"], own["user"])
        until(lambda: not browser.find("input[type=password]"), 10, "logged in")
    cameras = []
    print(json.dumps({"ready": True}), flush=True)
    try:
        for line in sys.stdin:
            command, _, rest = line.strip().partition(" ")
            answer = {}
            if command == "open":
                cameras = rest.split(",")
                if not own:
                    browser.d.get(f"http://127.0.0.1:{site.server_port}/?cameras={rest}&buffer={TOLD.get('buffer', 0)}")
                else: # of several cameras: the page of all
                    browser.d.get(own["base"] + (f"/stream.html?src={rest}" if len(cameras) == 1 else "/"))
            elif command == "take":
                answer = [{"camera": c, **news} for c, news in zip(cameras, browser.js("return bench.take()"))]
            elif command == "leave":
                browser.d.get("about:blank")
            print(json.dumps(answer), flush=True)
    finally:
        browser.close()
        shutil.rmtree(home, ignore_errors=True)


main()
