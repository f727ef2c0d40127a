#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""http_relay.py UPSTREAM-HOST UPSTREAM-PORT [OPTION...]: what stands between clients and Sluice and gets it wrong. Prints its port, ends with
its standard input.
  --listen ADDRESS, --port N
  --tls CERT KEY             speaks TLS to clients
  --strip-authorization-on-upgrade, --strip-authorization, --strip-upgrade, --host NAME
  --forward                  a forward proxy instead: CONNECT, and requests with a whole address
One request per connection, as Sluice closes each after its answer."""
import argparse
import asyncio
import ssl
import sys
from urllib.parse import urlsplit

MOST = 64 * 1024


async def pipe(reader, writer):
    try:
        while data := await reader.read(MOST):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


class Relay:
    def __init__(self, options):
        self.options = options

    def changed(self, lines):
        """The head as it goes on."""
        o = self.options
        upgrades = any(line.lower().startswith(b"upgrade:") for line in lines)

        def stays(line):
            name = line.split(b":")[0].lower()
            if name == b"authorization":
                return not (o.strip_authorization or upgrades and o.strip_authorization_on_upgrade)
            return not (o.strip_upgrade and name in (b"upgrade", b"connection"))

        out = [lines[0]] + [line for line in lines[1:] if stays(line)]
        if o.host:
            out = [b"Host: " + o.host.encode() if line.lower().startswith(b"host:") else line for line in out]
        return out

    async def serve(self, reader, writer):
        up_writer = None
        try:
            lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            host, port = self.options.upstream_host, self.options.upstream_port
            first = b""
            if self.options.forward:
                method, target, version = lines[0].split(b" ")
                if method == b"CONNECT":
                    host, port = target.decode().rsplit(":", 1)
                else:
                    address = urlsplit(target.decode())
                    host, port = address.hostname, address.port or 80
                    lines[0] = b" ".join((method, (address.path or "/").encode(), version))
                if method != b"CONNECT":
                    first = b"\r\n".join(lines) + b"\r\n\r\n"
            else:
                first = b"\r\n".join(self.changed(lines)) + b"\r\n\r\n"
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
            if first:
                up_writer.write(first)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pipe(reader, up_writer), pipe(up_reader, writer))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            for w in (writer, up_writer):
                if w:
                    w.close()


async def main():
    p = argparse.ArgumentParser()
    p.add_argument("upstream_host")
    p.add_argument("upstream_port", type=int)
    p.add_argument("--listen", default="127.0.0.1")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--tls", nargs=2)
    p.add_argument("--host")
    for flag in ("--strip-authorization-on-upgrade", "--strip-authorization", "--strip-upgrade", "--forward"):
        p.add_argument(flag, action="store_true")
    options = p.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    server = await asyncio.start_server(Relay(options).serve, options.listen, options.port, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
