"""The whole platform stops and starts again; two run side by side."""

import os
import pathlib
import signal
import subprocess

import pytest

from platform_run import PAAS, Platform, wait_until


@pytest.fixture(scope="module")
def keeper(folder):
    p = Platform(folder + "/keeper")
    try:
        yield p.start()
    finally:
        if p.process is None:
            p.start()
        p.stop()


def test_a_restart_adopts_what_runs_and_loses_no_release(keeper, script_files):
    app = keeper.app("stay", files=script_files("v1"))
    keeper.push(app)
    dynos = keeper.api("GET", "/apps/stay/dynos")[1]
    releases = keeper.api("GET", "/apps/stay/releases")[1]
    keeper.stop(keep=True)
    keeper.start()
    assert keeper.api("GET", "/apps/stay/releases")[1] == releases
    wait_until(lambda: keeper.get("stay")[0] == 200, "the app serves")
    assert [d["id"] for d in keeper.api("GET", "/apps/stay/dynos")[1]] == [d["id"] for d in dynos]


def test_a_killed_holder_is_replaced_by_the_next_start(keeper, script_files):
    os.kill(keeper.process.pid, signal.SIGKILL)
    keeper.process.wait()
    keeper.process.stdout.close()
    keeper.process = None
    keeper.start()
    wait_until(lambda: keeper.get("stay")[0] == 200, "the app serves")


def test_the_same_state_folder_is_refused_twice(keeper):
    second = subprocess.run([PAAS, "server", "--state", keeper.state, "--listen", "127.0.0.1:1"],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert "in use" in second.stderr


def test_a_taken_port_is_named(keeper, folder):
    second = subprocess.run([PAAS, "server", "--state", folder + "/taken",
                             "--listen", f"127.0.0.1:{keeper.port}"],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert f"127.0.0.1:{keeper.port}" in second.stderr and "--listen" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_two_platforms_do_not_see_each_other(platform, keeper, node_app):
    names = {a["name"] for a in keeper.api("GET", "/apps")[1]}
    assert "hello" not in names
    status, _, _ = keeper.get("hello")
    assert status == 404
    assert platform.run != keeper.run
    assert platform.api("GET", "/apps", token=keeper.env()["PAAS_TOKEN"])[0] == 401


def test_a_full_stop_leaves_nothing_behind(folder, script_files):
    p = Platform(folder + "/gone")
    p.start()
    run, slot = p.run, p.run.name
    try:
        app = p.app("brief", files=script_files("v1"))
        p.push(app)
        pids = [int(d.name) for d in pathlib.Path("/proc").iterdir() if d.name.isdigit()]
    finally:
        p.stop()
    assert not run.exists()
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    assert str(p.state) not in mounts and str(run) not in mounts
    left = []
    for pid in pids:
        try:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(p.state).encode() in line or f"/run/paas/{slot}/".encode() in line:
            left.append(line)
    assert left == []
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    assert f"paas{slot}-" not in links
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    assert f"paas{slot}\n" not in tables
    for root, dirs, _ in os.walk("/sys/fs/cgroup"):
        assert f"paas{slot}" not in dirs, root


def test_detach_leaves_it_running_and_stop_ends_it(folder):
    p = Platform(folder + "/detached")

    def start(state):
        return subprocess.run([PAAS, "server", "--detach", "--state", state, "--domain", "paas.test",
                               "--listen", f"127.0.0.1:{p.port}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)

    done = start(p.state)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ready http://paas.test:{p.port}\n" in done.stdout
    assert "--stop" in done.stdout and "^C" not in done.stdout
    # The token goes over loopback, whatever the platform's name.
    assert p.env()["PAAS_URL"] == f"http://localhost:{p.port}"
    p.paas("create", "named")
    other = start(folder + "/other")
    assert other.returncode == 1 and "taken by another program" in other.stderr
    claimed = [f.read_text() for f in pathlib.Path("/run/paas").glob("[0-9]*/state")]
    assert folder + "/other" not in claimed
    stop = subprocess.run([PAAS, "server", "--stop", "--state", p.state],
                          capture_output=True, text=True, timeout=120)
    assert stop.returncode == 0, stop.stderr
    with pytest.raises(OSError):
        p.api("GET", "/apps")
