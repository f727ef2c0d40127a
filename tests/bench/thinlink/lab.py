# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab of netlab, programs in it, and a sampler of the link and of the machine. NETLAB: netlab's path, default: in PATH."""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load_netlab():
    """Called in this process: a program of its own for each of five samples a second would be what is measured."""
    path = os.environ.get("NETLAB") or shutil.which("netlab")
    if not path:
        raise SystemExit("netlab is not found: name it in NETLAB")
    loader = importlib.machinery.SourceFileLoader("netlab", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("netlab", loader))
    loader.exec_module(module)
    return module


class Program:
    """A program in one of the lab's nodes. It answers line by line if it is asked to."""

    def __init__(self, argv, log, env=None, talks=False):
        self.log = open(log, "ab")
        self.p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                                  stdout=subprocess.PIPE if talks else self.log, stderr=self.log, text=True,
                                  env={**os.environ, **(env or {})})
        self.name = Path(log).name

    def read(self):
        line = self.p.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended")
        return json.loads(line)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.read()

    def stop(self):
        if self.p.poll() is None:
            if self.p.stdin:
                self.p.stdin.close()
            else:
                self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(15)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.log.close()


class Lab:
    def __init__(self, name, vpn, directory):
        self.netlab = load_netlab()
        self.name, self.directory = name, Path(directory)
        self.call("up", "--vpn", vpn)
        self.lab = self.netlab.Lab(name)

    def call(self, command, *arguments):
        # It talks; standard output is for tables.
        out, sys.stdout = sys.stdout, sys.stderr
        try:
            self.netlab.main([command, "--name", self.name, *map(str, arguments)])
        finally:
            sys.stdout = out

    def quiet(self, command, *arguments):
        self.netlab.main([command, "--name", self.name, *map(str, arguments)])

    def link(self):
        """Of the way from the edge to the hub."""
        return self.lab.ctl("wan", "stats")["ab"]

    def start(self, node, argv, name, env=None, talks=False):
        return Program(self.lab.wrap(node, argv), self.directory / f"{name}.log", env, talks)

    def accepts(self, node, port):
        """Somebody listens there."""
        pid = subprocess.run(["ip", "netns", "exec", self.lab.ns(node), "ss", "-Hltn", f"sport = :{port}"],
                             stdout=subprocess.PIPE, text=True, check=True)
        return bool(pid.stdout.strip())

    def close(self):
        self.call("down")


def cpu_of(pid):
    """Seconds that the process has had; its children's too, if it has waited for them."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


def machine():
    """(busy, total), in ticks of all cores."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


class Sampler(threading.Thread):
    """The link five times a second, CPU once."""

    def __init__(self, lab, pid):
        super().__init__(daemon=True)
        self.lab, self.pid, self.over = lab, pid, threading.Event()
        self.link, self.cpu = [], []

    def run(self):
        count, due = 0, time.monotonic()
        while not self.over.is_set():
            at, link = time.time() * 1000, self.lab.link()
            self.link.append({"at": at, **{k: link[k] for k in ("rate", "in_pkts", "in_bytes", "out_bytes", "queue_ms", "drop_queue",
                                                                "drop_loss", "drop_outage")}})
            if count % 5 == 0:
                busy, total = machine()
                self.cpu.append({"at": at, "server": cpu_of(self.pid), "busy": busy, "total": total})
            count, due = count + 1, due + 0.2
            self.over.wait(max(0.0, due - time.monotonic()))

    def stop(self):
        self.over.set()
        self.join()
