# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real reverse proxy in a directory of the test: nginx, with TLS, in front of a launcher."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from harness import Process, free_port, until  # noqa: E402

UPGRADE = """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;"""
TELLS = UPGRADE + """
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;"""

CONFIG = """
{user}
daemon off;
worker_processes 1;
error_log stderr warn;
pid {here}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {here}/proxy.crt;
        ssl_certificate_key {here}/proxy.key;
{locations}
    }}
}}
"""


class Nginx(Process):
    """locations: {"/site-7/": directives}; what follows the prefix goes to the launcher's root."""

    def __init__(self, directory, target, locations, name="nginx", port=None):
        here = Path(directory) / name
        here.mkdir()
        self.port = port or free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=proxy", "-keyout", here / "proxy.key", "-out", here / "proxy.crt"],
                       check=True, capture_output=True)
        blocks = "".join(f"        location {prefix} {{\n            proxy_pass {target}/;{text}\n        }}\n"
                         for prefix, text in locations.items())
        (here / "nginx.conf").write_text(CONFIG.format(here=here, port=self.port, locations=blocks,
                                                       user="user root;" if os.geteuid() == 0 else ""))
        super().__init__(["/usr/sbin/nginx", "-p", here, "-c", here / "nginx.conf"], directory, name)
        until(lambda: (here / "nginx.pid").exists() or not self.running(), 10, "nginx runs")
        assert self.running(), self.output()
        self.base = f"https://127.0.0.1:{self.port}"
