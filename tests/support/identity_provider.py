# SPDX-License-Identifier: LGPL-2.1-or-later
"""An identity provider and an authorization server, as small as tests need them. Keys and signatures are openssl's."""
import base64
import http.server
import json
import re
import subprocess
import threading
import time
from pathlib import Path


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key that signs tokens."""

    def __init__(self, directory, kid):
        self.kid = kid
        self.file = Path(directory) / f"{kid}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.file],
                       check=True, capture_output=True)
        said = subprocess.run(["openssl", "rsa", "-in", self.file, "-noout", "-modulus"], check=True, capture_output=True,
                              text=True).stdout
        self.modulus = bytes.fromhex(re.search(r"Modulus=([0-9A-F]+)", said)[1])

    def jwk(self):
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": coded(self.modulus), "e": "AQAB"}

    def token(self, claims, **header):
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid, **header}
        text = coded(json.dumps(head).encode()) + "." + coded(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.file], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return text + "." + coded(signature)


class Provider:
    """One HTTP server: /keys are public keys, /auth decides. What it does can be changed while it runs."""

    def __init__(self, port=0):
        self.keys = []
        self.asked = []  # (path, headers) of /auth
        self.fetched = 0
        self.stopped = False
        self.mode = "fine"  # or: hang, endless, redirect, broken, an HTTP status
        self.decide = lambda headers: (403, None)
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass

            def answer(self, status, body=b"", **fields):
                self.send_response(status)
                for name, value in {**fields, "Content-Length": str(len(body))}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):  # pylint: disable=invalid-name
                if self.path.startswith("/auth"):
                    provider.asked.append((self.path, dict(self.headers)))
                else:
                    provider.fetched += 1
                try:
                    self.respond()
                except OSError:
                    pass

            def respond(self):
                mode = provider.mode
                if provider.stopped: # a connection that was kept is no server
                    self.close_connection = True
                elif mode == "hang":
                    time.sleep(30)
                    self.close_connection = True
                elif mode == "endless":
                    self.send_response(200)
                    self.end_headers()
                    self.close_connection = True
                    while True:
                        self.wfile.write(b" " * 65536)
                elif mode == "redirect":
                    self.answer(302, Location=f"http://127.0.0.1:{provider.port}/elsewhere")
                elif mode == "broken":
                    self.wfile.write(b"nonsense\r\n\r\n")
                    self.close_connection = True
                elif isinstance(mode, int):
                    self.answer(mode)
                elif self.path == "/keys":
                    self.answer(200, json.dumps({"keys": [k.jwk() for k in provider.keys]}).encode())
                elif self.path == "/auth":
                    status, user = provider.decide(self.headers)
                    self.answer(status, b"", **({"X_Sluice_User": user} if user else {}))
                else:
                    self.answer(200)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()
