#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Templates of the user's own run in processes of their own: what crashes or hangs there costs that camera a moment, and
nobody else anything."""
import json
import os
import signal
import sys
import time
from pathlib import Path

from api import cameras
from fault_cameras import Host
from fault_viewers import Viewers
from harness import BUILD, ROOT, Sluice, Suite, children, until

suite = Suite()
sluice = host = viewers = None
HERE = Path(suite.directory)
PIPELINES = HERE / "pipelines"
CRASH = HERE / "crash"
SECRETS = {"OWN_PW": "env-Secret-4711", "SLUICE_OTHER_PASSWORD": "env-Secret-4712"}
FILE_SECRET = "file-Secret-4713"
LARGEST_GAP = 1.5 # s, of a camera that nothing has happened to


def template(name, pipeline, **more):
    (PIPELINES / f"{name}.json").write_text(json.dumps({"name": name, "parameters": {}, "pipeline": pipeline, **more}))


def templates():
    PIPELINES.mkdir()
    own = json.loads((ROOT / "pipelines/rtsp.json").read_text())
    del own["in-process"]
    (PIPELINES / "own.json").write_text(json.dumps({**own, "name": "own"}))
    template("crashes", ["videotestsrc is-live=true name=source ! video/x-raw,format=I420,width=320,height=180,framerate=25/1",
                         f"! fakeh264enc fault=crash when={CRASH} gop=25 ! h264parse config-interval=-1",
                         "! video/x-h264,stream-format=byte-stream,alignment=au ! fanout.sink_0",
                         "fanoutsink name=fanout key-unit-requests=true"])


def stream(camera):
    return cameras(sluice)[camera]["streams"][0]


def workers():
    """Of the launcher: {what they work for: pid}."""
    return {args.split()[-1]: pid for pid, args in children(sluice.pid) if "defunct" not in args}


def gone(pids):
    until(lambda: not any(Path(f"/proc/{p}").exists() for p in pids), 10, f"no process of {pids} is left")


def sources():
    def camera(name, **more):
        return {"url": host.camera(name).url(), **more}

    (HERE / "own.pw").write_text(FILE_SECRET)
    (HERE / "own.pw").chmod(0o600)
    return {"own": {"main": camera("own", template="own", user="viewer", password={"env": "OWN_PW"})},
            "file": {"main": camera("file", template="own", user="viewer", password={"file": str(HERE / "own.pw")})},
            "crashes": {"main": {"template": "crashes"}},
            "plain": {"main": camera("plain")}}


@suite.case
def a_template_of_the_users_own_plays_in_a_process_of_its_own():
    global sluice, host, viewers
    templates()
    host = suite.keep(Host(suite.directory, {"own": {"auth": "digest", "password": SECRETS["OWN_PW"], "sound": "PCMU"},
                                             "file": {"auth": "basic", "password": FILE_SECRET}, "plain": {"sound": "PCMU"}}))
    sluice = suite.keep(Sluice(suite.directory, sources(), env={
        **SECRETS, "SLUICE_PIPELINES": f"{PIPELINES}:{os.environ['SLUICE_PIPELINES']}",
        "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}",
        "GST_REGISTRY": str(HERE / "own.registry")}))
    until(lambda: all(c["state"] == "streaming" for c in cameras(sluice).values()), 60, "all stream")
    assert sorted(workers()) == ["crashes/main", "file/main", "own/main"], workers()
    viewers = suite.keep(Viewers(sluice))
    for name in sources():
        viewers.join(name, sound=name in ("own", "plain"))
    for name in ("plain", "own"):
        viewers.viewers[name].wait(lambda: viewers.viewers[name].sounds, 10, "sound")
    assert stream("own")["codec"] == "H264" and stream("own")["attempts"] == 1, stream("own")


@suite.case
def its_process_knows_no_secret_but_by_the_socket():
    told = [*SECRETS.values(), FILE_SECRET]
    environ = Path(f"/proc/{sluice.pid}/environ").read_text()
    assert all(s in environ for s in SECRETS.values()), "the launcher has them"
    assert sorted(workers()) == ["crashes/main", "file/main", "own/main"], workers()
    for name, pid in workers().items():
        for part in ("cmdline", "environ"):
            text = Path(f"/proc/{pid}/{part}").read_text()
            assert not [s for s in told if s in text], (name, part)
    assert not [s for s in told if s in sluice.output()], "nor does the log"


def comes_back(name, what, reason, seconds=20):
    """`what` ends the process of the camera: what its viewer and the one of the other camera see of that."""
    watching, other = viewers.viewers[name], viewers.viewers["plain"]
    sounds = len(watching.sounds)
    pid = workers()[f"{name}/main"]
    sluice.news()
    begin = time.monotonic()
    what(pid)
    until(lambda: workers().get(f"{name}/main", pid) != pid, seconds, "another process")
    last = time.monotonic()
    back = watching.picture_after(last, 10)
    assert watching.closed is None, watching.closed
    if sounds:
        watching.wait(lambda: watching.sounds[-1] > back, 10, "sound again")
    other.picture_after(back, 5)
    said = until(lambda: next((line for line in sluice.output().splitlines() if reason in line and f"{name}/main" in line), None),
                 5, f"the log says {reason!r}: {sluice.output()}")
    until(lambda: stream(name)["state"] == "streaming", 5, "the API, too")
    assert "CRITICAL" not in sluice.output(), sluice.output()
    print(f"# without a picture {watching.gap(begin, back) * 1000:.0f} ms, longest gap of another camera "
          f"{other.gap(begin) * 1000:.0f} ms; {said}")
    assert other.gap(begin) < LARGEST_GAP, other.gap(begin)
    gone([pid])


@suite.case
def killed_it_comes_back_under_the_same_session():
    comes_back("own", lambda pid: os.kill(pid, signal.SIGKILL), "the worker process is gone (killed by SIGKILL)")


@suite.case
def an_element_that_crashes_takes_nobody_else():
    def crash(_):
        CRASH.touch()
        until(lambda: "SIGSEGV" in (stream("crashes")["reason"] or ""), 10, "the API says why")
        CRASH.unlink()

    comes_back("crashes", crash, "the worker process is gone (killed by SIGSEGV)")


@suite.case
def one_that_hangs_is_ended():
    comes_back("own", lambda pid: os.kill(pid, signal.SIGSTOP), "stalled", 40)


@suite.case
def what_fails_there_is_said_as_if_it_were_here():
    host.camera("own").set(password="another")
    os.kill(workers()["own/main"], signal.SIGKILL)
    until(lambda: (stream("own")["reason"] or "").startswith("the camera refuses this user"), 20, f"its reason: {stream('own')}")
    assert stream("own")["failure"] == "unauthorised", stream("own")
    host.camera("own").set(password=SECRETS["OWN_PW"])
    viewers.viewers["own"].picture_after(time.monotonic(), 70)
    assert viewers.viewers["own"].closed is None


@suite.case
def a_camera_that_is_taken_away_takes_its_process_along_and_says_goodbye():
    pid = workers()["file/main"]
    config = json.loads(sluice.config.read_text())
    del config["cameras"]["file"]
    sluice.config.write_text(json.dumps(config))
    sluice.send(signal.SIGHUP)
    gone([pid])
    until(lambda: [what for _, what in host.camera("file").stats()["requests"]][-1] == "TEARDOWN", 5, "it says goodbye")
    assert "file/main" not in workers() and "own/main" in workers()


@suite.case
def none_outlives_the_launcher():
    global sluice
    pids = list(workers().values())
    assert len(pids) == 2, pids
    assert suite.close(sluice) == 0
    gone(pids)
    sluice = suite.keep(Sluice(suite.directory, {"crashes": sources()["crashes"]}, name="second", env={
        "SLUICE_PIPELINES": f"{PIPELINES}:{os.environ['SLUICE_PIPELINES']}",
        "GST_PLUGIN_PATH": f"{os.environ['GST_PLUGIN_PATH']}:{BUILD / 'tests/integration'}",
        "GST_REGISTRY": str(HERE / "own.registry")}))
    pids = list(until(workers, 10, "a process").values())
    sluice.send(signal.SIGKILL)
    gone(pids)


if __name__ == "__main__":
    sys.exit(suite.main())
