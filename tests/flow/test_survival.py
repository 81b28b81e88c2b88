"""kill -9 of each daemon: idle, under load and during a push."""

import os
import re
import signal
import threading
import time

import pytest

from load import Load
from platform_run import wait_until

DAEMONS = ["super", "router", "web", "gitd", "builder", "plan", "jail", "logd"]


@pytest.fixture(scope="module")
def app(platform, script_files):
    folder = platform.app("tough", files=script_files("v0"))
    platform.push(folder)
    return folder


def kill(platform, name):
    """SIGKILL a daemon and wait for its successor; the seconds it took."""
    old = wait_until(lambda: platform.daemon_pid(name), f"{name} runs")
    started = time.monotonic()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: platform.daemon_pid(name) not in (None, old), f"{name} is restarted")
    return started


def whole(platform):
    """App, API, repository and logs answer, and a new instance runs.

    That the builder builds is shown by a push.
    """
    def does(*command):
        return platform.paas(*command, check=False).returncode == 0
    try:
        return (platform.get("tough")[0] == 200
                and platform.api("GET", "/apps/tough/dynos")[0] == 200
                and platform.request(f"localhost:{platform.port}",
                                     "/tough.git/info/refs?service=git-upload-pack",
                                     headers={"Authorization": platform.basic()})[0] == 200
                and does("logs", "-n", "1", "--app", "tough")
                and does("run", "--app", "tough", "true"))
    except OSError:
        return False


@pytest.mark.parametrize("name", DAEMONS)
def test_killed_under_load(platform, app, name, capsys):
    instances = platform.api("GET", "/apps/tough/dynos")[1]
    with Load(platform.port, f"tough.localhost:{platform.port}") as load:
        wait_until(lambda: load.answers > 20, "the load runs")
        started = kill(platform, name)
        wait_until(lambda: whole(platform), "the platform is whole again")
        seconds = time.monotonic() - started
        seen = load.answers
        wait_until(lambda: load.answers > seen + 50, "the load goes on")
    with capsys.disabled():
        print(f"\n{name}: whole again after {seconds:.2f} s, "
              f"{len(load.failures)} of {load.answers} requests failed")
    if name == "router":
        # Only connections that were open in the killed router may fail: each
        # client loses at most the one it had.
        assert all(status == 0 for _, status, _ in load.failures), load.failures
        assert len(load.failures) <= 2 * len(load.threads), load.failures
    else:
        assert load.failures == []
    after = platform.api("GET", "/apps/tough/dynos")[1]
    assert [d["id"] for d in after] == [d["id"] for d in instances], "the same instances run on"


@pytest.mark.parametrize("name", DAEMONS)
def test_killed_during_a_push(platform, app, script_files, name, capsys):
    version = f"push-{name}"
    platform.commit(app, version, script_files(version))
    head = platform.git("rev-parse", "HEAD", cwd=app).stdout.strip()
    before = platform.api("GET", "/apps/tough/releases")[1][-1]["version"]
    result = {}

    def push():
        result["push"] = platform.push(app, check=False)
    thread = threading.Thread(target=push)
    thread.start()

    def building():
        status, builds = platform.api("GET", "/apps/tough/builds")
        return status == 200 and any(b["status"] == "pending" for b in builds)
    wait_until(lambda: building() or not thread.is_alive(), "the build has begun")
    kill(platform, name)
    thread.join(300)
    assert not thread.is_alive()
    succeeded = result["push"].returncode == 0
    wait_until(lambda: whole(platform), "the platform is whole again")

    def settled():
        builds = platform.api("GET", "/apps/tough/builds")[1]
        return all(b["status"] != "pending" for b in builds)
    wait_until(settled, "no build is left undecided")
    wait_until(lambda: platform.api("GET", "/apps/tough/releases")[1][-1]["status"] != "pending",
               "no release is left undecided")

    def remote_head():
        out = platform.git("ls-remote", "paas", "refs/heads/main", cwd=app, check=False).stdout
        return out.split()[0] if out else None
    newest = platform.api("GET", "/apps/tough/releases")[1][-1]
    if succeeded:
        assert newest["version"] > before and newest["status"] == "succeeded"
    live = newest["version"] > before and newest["status"] == "succeeded"
    if live:
        wait_until(lambda: remote_head() == head, "release and ref agree: both new")
        wait_until(lambda: platform.get("tough")[1].startswith(version + " "), "the new code serves")
    else:
        assert remote_head() != head, "release and ref agree: both old"
    # In any case the next push works.
    platform.commit(app, "next", script_files(version + "-next"))
    platform.push(app)
    assert platform.get("tough")[1].startswith(version + "-next ")
    with capsys.disabled():
        print(f"\n{name}: push {'succeeded' if succeeded else 'failed'}, release "
              f"{'live' if live else 'absent'}")


def test_no_log_line_is_lost_when_daemons_die(folder, platform):
    counter = platform.app("counter", files={
        "Procfile": "worker: n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done\n"})
    platform.push(counter)
    platform.paas("ps:scale", "worker=1", "--app", "counter")
    wait_until(lambda: "line 20" in platform.paas("logs", "-n", "1500", "--app", "counter").stdout,
               "the worker writes")
    for name in ("logd", "jail", "plan", "web", "super"):
        kill(platform, name)
    wait_until(lambda: whole(platform), "the platform is whole again")

    def numbers():
        done = platform.paas("logs", "-n", "1500", "--app", "counter", check=False)
        return [int(n) for n in re.findall(r": line (\d+)$", done.stdout, re.M)]
    wait_until(lambda: len(numbers()) > 60, "lines from before and after")
    got = numbers()
    assert got == list(range(got[0], got[0] + len(got)))
    platform.paas("ps:scale", "worker=0", "--app", "counter")
