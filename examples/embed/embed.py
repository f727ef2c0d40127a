#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sluice inside a Python program: one camera, a watchdog, and a rule of its own for who may watch.

    embed.py rtsp://10.0.0.5/1 PORT     prints a token; the camera is at http://HOST:PORT/whep/door for any WHEP player that
                                        sends it (Authorization: Bearer TOKEN)

Needs python3-gi and gir1.2-gstreamer-1.0. What is asked and answered goes over properties and signals.
"""
import secrets
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402 pylint: disable=wrong-import-position

Gst.init(None)
if len(sys.argv) != 3:
    sys.exit(__doc__)
token = secrets.token_urlsafe(16)
pipeline = Gst.parse_launch(
    f"rtspsrc name=camera latency=0 ! rtph264depay ! h264parse config-interval=-1 ! stalldetect ! "
    f"webrtcserversink name=server camera=door port={int(sys.argv[2])}")
pipeline.get_by_name("camera").set_property("location", sys.argv[1])
loop = GLib.MainLoop()


def authorize(_server, request):
    if secrets.compare_digest(request.emit("header", "authorization") or "", f"Bearer {token}"):
        request.emit("accept", "whoever has the token", 0)
    else:
        request.emit("deny", False, "the token is wrong, or there is none")


def on_message(_bus, message):
    structure = message.get_structure()
    if message.type == Gst.MessageType.ERROR:
        print(message.parse_error().gerror.message, file=sys.stderr)
        loop.quit()
    elif message.type == Gst.MessageType.ELEMENT and structure.get_name() in ("stall", "recovered"):
        print(f"{structure.get_name()}: {structure.get_string('reason')}", file=sys.stderr)


pipeline.get_by_name("server").connect("authorize", authorize)
pipeline.get_by_name("server").connect("session-added", lambda _server, name: print("watches:", name, flush=True))
pipeline.get_bus().add_signal_watch()
pipeline.get_bus().connect("message", on_message)
for number in (signal.SIGINT, signal.SIGTERM):
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
    sys.exit("the pipeline does not play")
print(token, flush=True)
loop.run()
pipeline.set_state(Gst.State.NULL)
