#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth_proxy.py PORT HOST HOSTPORT AUTHORIZATION COMMAND...: runs COMMAND, and on PORT passes HTTP on to HOST:HOSTPORT
with the Authorization header added. For a browser page that cannot log in. Ends with COMMAND, and ends it."""
import asyncio
import signal
import sys

port, host, host_port, authorization, command = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    try:
        up_reader, up_writer = await asyncio.open_connection(host, host_port)
    except OSError:
        writer.close()
        return
    back = asyncio.create_task(pump(up_reader, writer))
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = 0
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            body = await reader.readexactly(length)
            if not head.startswith("OPTIONS"):
                first, rest = head.split("\r\n", 1)
                head = f"{first}\r\nAuthorization: {authorization}\r\n{rest}"
            up_writer.write(head.encode("latin-1") + body)
            await up_writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        up_writer.close()
        await back


async def main():
    process = await asyncio.create_subprocess_exec(*command)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.terminate)
    for _ in range(200): # the port opens when what is behind it answers
        try:
            (await asyncio.open_connection(host, host_port))[1].close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    server = await asyncio.start_server(serve, "0.0.0.0", port)
    status = await process.wait()
    server.close()
    return status


sys.exit(asyncio.run(main()))
