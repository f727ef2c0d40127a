#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A camera that sends motion JPEG over HTTP (multipart/x-mixed-replace), for tests.

    mjpeg_server.py DIRECTORY [--fps N] [--basic | --digest] [--user NAME --password PASSWORD] [--certificate PEM]

Shows the *.jpg of the directory in turn. Prints its port, serves until its standard input is closed.
Paths: /video        the stream
       /picture      one JPEG, no stream
       /moved        a redirect to /video
       /end          ends the stream after ten pictures
"""
import argparse
import base64
import hashlib
import http.server
import re
import ssl
import sys
import threading
import time
from pathlib import Path

REALM = "camera"
NONCE = "0a4f113b"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options = None
    pictures = ()

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass

    def digest_fits(self, given):
        fields = {key: quoted or plain
                  for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))', given)}

        def md5(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        secret = md5(self.options.user, REALM, self.options.password)
        wanted = md5(secret, NONCE, *([fields["nc"], fields["cnonce"], fields["qop"]] if "qop" in fields else []),
                     md5(self.command, fields.get("uri", "")))
        return (fields.get("username"), fields.get("nonce"), fields.get("response")) == (self.options.user, NONCE, wanted)

    def let_in(self):
        given = self.headers.get("Authorization", "")
        if self.options.basic:
            plain = f"{self.options.user}:{self.options.password}".encode()
            return given == "Basic " + base64.b64encode(plain).decode()
        return not self.options.digest or (given.startswith("Digest ") and self.digest_fits(given[7:]))

    def refuse(self, status, name=None, value=None):
        self.send_response(status)
        if name:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):  # pylint: disable=invalid-name
        if not self.let_in():
            how = f'Basic realm="{REALM}"' if self.options.basic else \
                f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
            self.refuse(401, "WWW-Authenticate", how)
        elif self.path == "/moved":
            self.refuse(302, "Location", "/video")
        elif self.path == "/picture":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(self.pictures[0])))
            self.end_headers()
            self.wfile.write(self.pictures[0])
        elif self.path in ("/video", "/end"):
            self.stream(10 if self.path == "/end" else None)
        else:
            self.refuse(404)

    def stream(self, count):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        began, number = time.monotonic(), 0
        try:
            while number != count:
                picture = self.pictures[number % len(self.pictures)]
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture))
                self.wfile.write(picture + b"\r\n")
                number += 1
                time.sleep(max(0, began + number / self.options.fps - time.monotonic()))
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--fps", type=float, default=15)
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--user", default="viewer")
    parser.add_argument("--password", default="mjpeg-pw")
    parser.add_argument("--certificate")
    Handler.options = parser.parse_args()
    Handler.pictures = [p.read_bytes() for p in sorted(Handler.options.directory.glob("*.jpg"))]
    if not Handler.pictures:
        sys.exit("mjpeg_server.py: there is no *.jpg in the directory")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if Handler.options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Handler.options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
