#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`sluice doctor` against the real launcher, with everything in between that keeps pictures away: it has to name the right cause. The
cases with a network in between run in namespaces of their own and need root. Ends with a table: case, cause that was found."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import BUILD, PASSWORD, ROOT, Process, Served, Skip, Sluice, Suite, free_port, note, until

INSIDE = "SLUICE_DOCTOR_NAMESPACE"
SUPPORT = ROOT / "tests/support"
EDGE, VIEWER = "10.78.0.1", "10.78.0.2"           # the cable between them
EDGE_LAN, VIEWER_LAN = "10.79.1.2", "10.79.2.2"    # each with a host in the middle, which forwards nothing
MIDDLE_EDGE, MIDDLE_VIEWER = "10.79.1.1", "10.79.2.1"
PORT = 8080
suite = Suite()
table = []
made = {}


def directory():
    return Path(suite.directory)


def once(name, make):
    if name not in made:
        made[name] = make()
    return made[name]


def sluice():
    def make():
        s = suite.keep(Sluice(suite.directory, {"front": {"main": "test:"}, "dead": {"main": "rtsp://127.0.0.1:1/x"}}))
        playing(lambda: s.get("/api/v1/cameras")[2])
        return s
    return once("sluice", make)


def playing(ask):
    def streams():
        body = ask()
        return body and json.loads(body)["cameras"][0]["state"] == "streaming"
    until(streams, 30, "the camera plays")


def relay(*options, port=None):
    served = Served("http_relay.py", "127.0.0.1", port or sluice().port, *options)
    suite.keep(served)
    return served.port


class Answer:
    def __init__(self, code, document, text):
        self.code, self.document, self.text = code, document, text
        self.steps = {s["step"]: s for s in document["steps"]}
        self.cause = document["cause"]

    def passed(self, *names):
        """As it should, or a little worse: a busy machine draws its test picture late."""
        for name in names:
            assert self.steps.get(name, {}).get("mark") in ("ok", "warn"), f"{name}: {self.steps.get(name)}: {self.text}"

    def step(self, name, mark):
        assert name in self.steps, f"no step {name}: {self.text}"
        assert self.steps[name]["mark"] == mark, f"{name} is {self.steps[name]}, wanted {mark}"
        return self.steps[name]


def doctor(url, *options, password=PASSWORD, user="admin", under=(), seconds=3, camera="front", patience=120):
    argv = [*under, BUILD / "launcher/sluice", "doctor", url, "--json", "--seconds", seconds]
    argv += ["--user", user] if user else []
    argv += ["--camera", camera] if camera else []
    argv += options
    environment = {**os.environ, **({"SLUICE_PASSWORD": password} if password else {})}
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, capture_output=True, env=environment, text=True,
                          timeout=patience, check=False)
    assert password is None or password not in done.stdout + done.stderr, "it says the password"
    assert done.stdout, f"exit code {done.returncode}: {done.stderr}"
    return Answer(done.returncode, json.loads(done.stdout), done.stdout + done.stderr)


def expect(case, answer, cause, code, step=None):
    found = answer.cause or "works"
    if not answer.cause:
        warned = [s["cause"] for s in answer.document["steps"] if s["mark"] == "warn" and s["cause"]]
        found += f" (warns: {', '.join(warned)})" if warned else ""
    table.append((case, cause or "works", found, answer.code))
    where = next((s for s in answer.document["steps"] if s["mark"] == "fail"), {})
    note(f"{case}: {found}, exit {answer.code}; {where.get('step', '-')}: {where.get('detail', answer.document['verdict'])}")
    assert answer.cause == cause and answer.code == code, answer.text
    if step:
        assert where.get("step") == step, f"failed at {where}, not at {step}"


# On this machine

@suite.case
def a_healthy_way_is_said_to_work():
    a = doctor(sluice().base, seconds=4)
    expect("healthy", a, None, 0)
    for name in ("name", "tcp", "http", "credentials", "rights", "websocket-events", "websocket-signalling", "camera", "whep", "ice",
                 "dtls", "first-frame", "path"):
        a.step(name, "ok")
    a.passed("media")
    media = a.steps["media"]["facts"]["video"]
    assert media["fps"] > 5 and media["lost"] == 0 and media["bitrate"] > 50_000, media
    assert a.steps["ice"]["facts"]["pair"]["remote"]["protocol"] == "udp", a.steps["ice"]
    assert a.steps["path"]["facts"]["passes"] == 1500, a.steps["path"]
    t = a.document["tested"]
    assert t["from"]["address"] == "127.0.0.1" and t["from"]["interface"] == "lo", t
    assert t["credentials"] == {"kind": "password", "user": "admin"} and t["camera"] == "front", t
    assert t["seen-as"]["http"] == "127.0.0.1", t
    watching = json.loads(sluice().get("/api/v1/viewers")[2])["viewers"]
    assert not watching, f"it has left a session behind: {watching}"


@suite.case
def the_text_has_a_line_for_each_step():
    done = subprocess.run([BUILD / "launcher/sluice", "doctor", sluice().base, "--user", "admin", "--seconds", "1"], capture_output=True,
                          text=True, env={**os.environ, "SLUICE_PASSWORD": PASSWORD}, stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert sum(line.startswith(("ok  ", "warn")) for line in lines) == 14, done.stdout
    assert lines[-2].startswith("verdict: it works") and lines[-1].startswith("tested:  from "), done.stdout
    for line in lines:
        note(line)


@suite.case
def wrong_password():
    expect("wrong password", doctor(sluice().base, password="not-the-password"), "credentials-wrong", 77, "credentials")


@suite.case
def no_credentials():
    expect("no credentials", doctor(sluice().base, user=None, password=None), "credentials-missing", 77, "credentials")


@suite.case
def a_token_that_is_not_known():
    file = directory() / "bad.token"
    file.write_text("0" * 64 + "\n")
    a = doctor(sluice().base, "--token-file", file, user=None, password=None)
    expect("unknown token", a, "credentials-wrong", 77, "credentials")
    assert "0" * 64 not in a.text


@suite.case
def a_token_that_is_known():
    token = subprocess.run([BUILD / "launcher/sluice", "token", "dashboard", "--state", sluice().state], capture_output=True, text=True,
                           check=False).stdout.strip()
    if not token:
        token = subprocess.run([BUILD / "launcher/sluice", "token", "create", "dashboard", "--state", sluice().state], capture_output=True,
                               text=True, check=True).stdout.strip().splitlines()[-1]
    file = directory() / "good.token"
    file.write_text(token + "\n")
    time.sleep(2.5) # a launcher that runs looks at the file every 2 s
    a = doctor(sluice().base, "--token-file", file, user=None, password=None, seconds=1)
    expect("token", a, None, 0)
    assert token not in a.text and a.document["tested"]["credentials"] == {"kind": "token", "user": None}, a.text


@suite.case
def rights_for_another_camera_only():
    help_text = subprocess.run([BUILD / "launcher/sluice", "passwd", "--help"], capture_output=True, text=True, check=False).stdout
    if "--camera" not in help_text:
        raise Skip("accounts have no rights of their own yet")
    file = directory() / "guest.pw"
    file.write_text("guest-Passw0rd\n")
    subprocess.run([BUILD / "launcher/sluice", "passwd", "add", "guest", "--camera", "dead", "--action", "view", "--password-file", file,
                    "--state", sluice().state], check=True, capture_output=True)
    time.sleep(2.5)
    expect("missing rights", doctor(sluice().base, user="guest", password="guest-Passw0rd"), "rights-missing", 77, "rights")


@suite.case
def no_such_camera():
    expect("unknown camera", doctor(sluice().base, camera="nowhere"), "camera-unknown", 69, "rights")


@suite.case
def camera_down():
    a = doctor(sluice().base, camera="dead")
    expect("camera down", a, "camera-down", 75, "camera")
    assert "refused" in a.step("camera", "fail")["detail"], a.text


@suite.case
def proxy_strips_authorization_on_upgrade():
    a = doctor(f"http://127.0.0.1:{relay('--strip-authorization-on-upgrade')}", seconds=1)
    expect("proxy strips Authorization on upgrade", a, "websocket-credentials-stripped", 76, "websocket-events")
    a.step("websocket-signalling", "fail")
    a.passed("media") # what does not need WebSockets is looked at all the same


@suite.case
def proxy_strips_authorization():
    expect("proxy strips Authorization everywhere", doctor(f"http://127.0.0.1:{relay('--strip-authorization')}"), "credentials-stripped",
           76, "credentials")


@suite.case
def proxy_strips_upgrade():
    a = doctor(f"http://127.0.0.1:{relay('--strip-upgrade')}", seconds=1)
    expect("proxy strips Upgrade", a, "websocket-upgrade-stripped", 76, "websocket-events")


@suite.case
def proxy_with_another_host():
    a = doctor(f"http://127.0.0.1:{relay('--host', 'edge.internal')}", seconds=1)
    expect("proxy changes Host", a, None, 0)
    assert a.step("websocket-events", "warn")["cause"] == "websocket-origin", a.text


@suite.case
def through_a_forward_proxy():
    port = relay("--forward")
    a = doctor(sluice().base, "--via", f"http://someone:s3cret-pw@127.0.0.1:{port}", seconds=1)
    expect("forward proxy", a, None, 0)
    assert a.document["tested"]["routing"]["via"] == f"http://127.0.0.1:{port}" and "s3cret-pw" not in a.text, a.text


@suite.case
def nobody_listens():
    expect("nobody listens", doctor(f"http://127.0.0.1:{free_port()}"), "tcp-refused", 69, "tcp")


@suite.case
def a_name_without_address():
    expect("unknown name", doctor("http://edge.invalid:8443"), "name-unknown", 69, "name")


@suite.case
def something_else_answers():
    server = suite.keep(Process([sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"], suite.directory, "other"))
    port = until(lambda: server.output().partition("port ")[2].partition(" ")[0], 10, "the other server's port")
    expect("not Sluice", doctor(f"http://127.0.0.1:{port}"), "not-sluice", 76, "http")


# TLS

def certificate(name, start, end, names="IP:127.0.0.1"):
    """Self-signed, valid from start to end (days from now)."""
    place = directory() / f"ca-{name}"
    place.mkdir()
    (place / "index.txt").write_text("")
    (place / "serial").write_text("01\n")
    (place / "conf").write_text(f"""[ca]
default_ca = d
[d]
dir = {place}
database = {place}/index.txt
serial = {place}/serial
new_certs_dir = {place}
default_md = sha256
policy = p
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = {names}
basicConstraints = critical, CA:true
[req]
distinguished_name = n
[n]
""")
    key, request, cert = place / "key.pem", place / "request.pem", place / "cert.pem"

    def run(*argv):
        subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True)

    def day(number):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + number * 86400))

    run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", request, "-subj",
        "/CN=edge", "-config", place / "conf")
    run("ca", "-selfsign", "-batch", "-notext", "-config", place / "conf", "-keyfile", key, "-in", request, "-out", cert,
        "-startdate", day(start), "-enddate", day(end))
    return cert, key


def over_tls(name, start, end, *options, names="IP:127.0.0.1", **more):
    cert, key = once(f"certificate {name}", lambda: certificate(name, start, end, names))
    port = relay("--tls", cert, key)
    return doctor(f"https://127.0.0.1:{port}", *(str(cert) if o == "CERT" else o for o in options), **more)


@suite.case
def expired_certificate():
    a = over_tls("expired", -30, -3, "--ca", "CERT")
    expect("expired certificate", a, "certificate-expired", 76, "tls")
    assert "3 days ago" in a.step("tls", "fail")["detail"], a.text


@suite.case
def certificate_of_nobody():
    expect("self-signed certificate", over_tls("good", -1, 90), "certificate-untrusted", 76, "tls")


@suite.case
def certificate_for_another_name():
    expect("certificate for another name", over_tls("other", -1, 90, "--ca", "CERT", names="DNS:edge.example"), "certificate-name", 76,
           "tls")


@suite.case
def trusted_certificate():
    a = over_tls("good", -1, 90, "--ca", "CERT", seconds=1)
    expect("self-signed certificate, trusted", a, None, 0)
    assert 88 <= a.step("tls", "ok")["facts"]["days-left"] <= 90, a.text


@suite.case
def forward_proxy_and_tls():
    cert, key = once("certificate good", lambda: certificate("good", -1, 90))
    port, proxy = relay("--tls", cert, key), relay("--forward")
    a = doctor(f"https://127.0.0.1:{port}", "--via", f"http://127.0.0.1:{proxy}", "--ca", cert, seconds=1)
    expect("forward proxy, TLS", a, None, 0)
    a.step("proxy", "ok")


@suite.case
def no_tls_at_that_port():
    expect("HTTP at an https address", doctor(sluice().base.replace("http:", "https:")), "tls-failed", 76, "tls")


# Ctrl-C

@suite.case
def interrupted_it_says_what_it_knows():
    p = subprocess.Popen([BUILD / "launcher/sluice", "doctor", sluice().base, "--user", "admin", "--json", "--seconds", "60"],
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env={**os.environ, "SLUICE_PASSWORD": PASSWORD})
    until(lambda: json.loads(sluice().get("/api/v1/viewers")[2])["viewers"], 20, "it watches")
    time.sleep(1.5)
    p.send_signal(signal.SIGINT)
    started = time.monotonic()
    out, _ = p.communicate(timeout=10)
    assert time.monotonic() - started < 5, "it does not end"
    a = Answer(p.returncode, json.loads(out), out)
    expect("Ctrl-C", a, "interrupted", 130)
    a.step("first-frame", "ok")
    until(lambda: not json.loads(sluice().get("/api/v1/viewers")[2])["viewers"], 5, "it has left")


# Networks

def inside(pid, *argv):
    return ["nsenter", "-t", str(pid), "-n", *map(str, argv)]


def ip(text, pid=None):
    subprocess.run([*(inside(pid) if pid else []), "ip", *text.split()], check=True)


class Lab:
    """edge ---cable--- viewer, and each with this namespace, which forwards nothing, in the middle."""

    def __init__(self):
        if not os.environ.get(INSIDE):
            raise Skip("network namespaces of its own need root (unshare -n)")
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise Skip("there is no /dev/net/tun")
        self.places = {n: suite.keep(Process(["unshare", "-n", "sleep", "1000"], suite.directory, n)) for n in ("edge", "viewer")}
        until(lambda: all(os.readlink(f"/proc/{p.pid}/ns/net") != os.readlink("/proc/self/ns/net") for p in self.places.values()), 10,
              "the namespaces")
        self.edge, self.viewer = self.places["edge"].pid, self.places["viewer"].pid
        for pid, here, there in ((self.edge, MIDDLE_EDGE, EDGE_LAN), (self.viewer, MIDDLE_VIEWER, VIEWER_LAN)):
            name = f"mid{pid}"
            ip("link set lo up", pid)
            ip(f"link add {name} type veth peer name eth0 netns {pid}")
            ip(f"addr add {here}/24 dev {name}")
            ip(f"link set {name} up")
            ip(f"addr add {there}/24 dev eth0", pid)
            ip("link set eth0 up", pid)
        ip(f"route add default via {MIDDLE_VIEWER}", self.viewer)
        self.cable = subprocess.Popen([sys.executable, SUPPORT / "cable.py", str(self.edge), str(self.viewer), EDGE, VIEWER],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        suite.keep(self)
        assert self.cable.stdout.readline() == "ready\n", "the cable is there"
        self.server = None

    def stop(self):
        self.cable.stdin.close()
        self.cable.wait(10)
        self.cable.stdout.close()

    def rule(self, text):
        self.cable.stdin.write(text + "\n")
        self.cable.stdin.flush()
        assert self.cable.stdout.readline() == "ok\n"

    def serve(self, **webrtc):
        """A launcher at the edge; with other settings another one."""
        if self.server and self.webrtc == webrtc:
            return
        if self.server:
            suite.close(self.server)
        self.webrtc = webrtc
        config, state = directory() / "lab.json", directory() / "lab-state"
        state.mkdir(mode=0o700, exist_ok=True)
        config.write_text(json.dumps({
            "version": 1, "server": {"address": "0.0.0.0", "port": PORT, "state": str(state), "webrtc": webrtc},
            "cameras": {"front": {"streams": {"main": {"url": "test:"}}}}}))
        self.server = suite.keep(Process(inside(self.edge, BUILD / "launcher/sluice", "run", config), suite.directory, "lab-sluice",
                                         {"SLUICE_ADMIN_PASSWORD": PASSWORD}))
        playing(lambda: subprocess.run(
            inside(self.edge, sys.executable, "-c", "import sys,urllib.request as u,base64 as b;"
                   "print(u.urlopen(u.Request(sys.argv[1],headers={'Authorization':'Basic '+b.b64encode(sys.argv[2].encode()).decode()}))"
                   ".read().decode())", f"http://127.0.0.1:{PORT}/api/v1/cameras", f"admin:{PASSWORD}"),
            capture_output=True, text=True, check=False).stdout)

    def doctor(self, *options, url=f"http://{EDGE}:{PORT}", **more):
        return doctor(url, *options, under=inside(self.viewer), **more)


def lab(rule, **webrtc):
    place = once("lab", Lab)
    place.rule("pass")
    place.serve(**webrtc)
    place.rule(rule)
    return place


VPN_ONLY = {"ice-addresses": [EDGE]}


@suite.case
def over_a_cable():
    a = lab("pass", **VPN_ONLY).doctor()
    expect("VPN, healthy", a, None, 0)
    t = a.document["tested"]
    assert t["from"] == {"host": os.uname().nodename, "address": VIEWER, "interface": "vpn0", "mtu": 1500, "tunnel": True}, t
    assert t["seen-as"]["http"] == VIEWER and t["seen-as"]["udp"].startswith(VIEWER + ":"), t


@suite.case
def udp_blocked():
    expect("UDP blocked", lab("no-udp", **VPN_ONLY).doctor(), "udp-blocked", 69, "ice")


@suite.case
def udp_blocked_and_tcp_offered():
    a = lab("no-udp", **VPN_ONLY, **{"ice-tcp": True}).doctor()
    expect("UDP blocked, the edge offers TCP", a, None, 0)
    ice = a.step("ice", "warn")
    assert ice["cause"] == "udp-blocked" and ice["facts"]["pair"]["remote"]["protocol"] == "tcp", ice
    a.passed("media")


@suite.case
def mtu_black_hole():
    a = lab("largest 1000", **VPN_ONLY).doctor()
    expect("MTU black hole", a, "mtu-black-hole", 69, "whep")


@suite.case
def mtu_black_hole_with_clamped_tcp():
    a = lab("largest 1000 udp", **VPN_ONLY).doctor()
    expect("MTU black hole, TCP clamped", a, "mtu-black-hole", 69)


@suite.case
def mtu_black_hole_for_large_media_only():
    a = lab("largest 1200 udp", **VPN_ONLY).doctor()
    expect("MTU black hole at 1200, TCP clamped", a, "mtu-black-hole", 69)


@suite.case
def mtu_black_hole_above_what_media_needs():
    a = lab("largest 1380 udp", **VPN_ONLY).doctor()
    expect("MTU black hole at 1380, no matter for media", a, None, 0)
    path = a.step("path", "warn")
    assert path["cause"] == "mtu-black-hole" and path["facts"]["passes"] == 1360, path


@suite.case
def mtu_that_is_told():
    a = lab("largest 1100 tell", **VPN_ONLY).doctor()
    expect("VPN with MTU 1100 that says so", a, None, 0)
    path = a.step("path", "warn")
    assert path["facts"]["signalled-mtu"] == 1100 and path["facts"]["fragments"] and not path["facts"]["black-hole"], path


@suite.case
def turn_needed():
    place = lab("nothing")
    served = suite.keep(Served("http_relay.py", EDGE_LAN, PORT, "--listen", MIDDLE_VIEWER))
    a = place.doctor(url=f"http://{MIDDLE_VIEWER}:{served.port}")
    expect("TURN needed", a, "turn-needed", 69, "ice")


@suite.case
def no_way_at_all():
    a = lab("nothing").doctor()
    expect("nothing passes", a, "tcp-timed-out", 69, "tcp")


def main():
    if not os.environ.get(INSIDE) and subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], check=False,
                                                     capture_output=True).returncode == 0:
        os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    if os.environ.get(INSIDE):
        ip("link set lo up")
    code = suite.main()
    for case, wanted, found, exit_code in table:
        note(f"{case:48} {wanted:32} {found:52} {exit_code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
