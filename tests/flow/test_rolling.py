"""`paas daemons:restart`: new programs, the same apps, and no request lost."""

import os
import pathlib
import signal

import pytest

from load import Load
from platform_run import Platform, wait_until

DAEMONS = ["logd", "jail", "plan", "web", "gitd", "builder", "router"]


@pytest.fixture(scope="module")
def rolled(folder, script_files):
    p = Platform(folder + "/rolling")
    try:
        p.start()
        p.push(p.app("steady", script_files()))
        yield p
    finally:
        p.stop()


def restart(p, *names, check=True):
    return p.paas("daemons:restart", *names, "--state", p.state, check=check)


def instances(p):
    """The pids of the apps' processes, as their shims tell."""
    return sorted(f.read_text() for f in pathlib.Path(p.run).glob("i/*/s/pid"))


@pytest.mark.parametrize("name", DAEMONS)
def test_one_is_replaced_under_load_without_a_failed_request(rolled, name):
    before = {d: rolled.daemon_pid(d) for d in DAEMONS}
    apps = instances(rolled)
    with Load(rolled.port, f"steady.localhost:{rolled.port}") as load:
        wait_until(lambda: load.answers > 20, "requests are under way")
        assert f"restarted: {name}" in restart(rolled, name).stdout
        seen = load.answers
        wait_until(lambda: load.answers > seen + 20, "requests go on")
    after = {d: rolled.daemon_pid(d) for d in DAEMONS}
    assert [d for d in DAEMONS if before[d] != after[d]] == [name]
    assert load.failures == []
    assert instances(rolled) == apps


def test_all_are_replaced_under_load_super_too(rolled):
    before = {d: rolled.daemon_pid(d) for d in [*DAEMONS, "super"]}
    apps = instances(rolled)
    with Load(rolled.port, f"steady.localhost:{rolled.port}") as load:
        wait_until(lambda: load.answers > 20, "requests are under way")
        restart(rolled)
        seen = load.answers
        wait_until(lambda: load.answers > seen + 20, "requests go on")
    after = {d: rolled.daemon_pid(d) for d in [*DAEMONS, "super"]}
    assert [d for d in before if before[d] == after[d]] == []
    assert load.failures == []
    assert instances(rolled) == apps


def test_a_request_in_flight_ends_at_the_old_router(rolled, script_files):
    app = rolled.app("slow", script_files())
    rolled.paas("config:set", "PAUSE=3", cwd=app)
    rolled.push(app)
    with Load(rolled.port, f"slow.localhost:{rolled.port}", keepalive=4, fresh=4) as load:
        wait_until(lambda: load.answers > 8, "requests are under way")
        restart(rolled, "router")
        restart(rolled, "router")
        seen = load.answers
        wait_until(lambda: load.answers > seen + 16, "requests go on")
    assert load.failures == []


def test_an_unknown_name_is_refused_with_those_there_are(rolled):
    done = restart(rolled, "nginx", check=False)
    assert done.returncode == 2
    assert "no daemon nginx" in done.stderr
    assert "logd, jail, names, plan" in done.stderr


def test_without_a_platform_it_says_so(rolled, folder):
    done = rolled.paas("daemons:restart", "--state", folder + "/nowhere", check=False)
    assert done.returncode == 1
    assert "no platform runs" in done.stderr


def test_who_waits_is_told_when_super_dies_meanwhile(rolled):
    (rolled.run / "restart").write_text("web")  # as if its super had read it
    old = rolled.daemon_pid("super")
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: (rolled.run / "restarted").exists()
               and "try again" in (rolled.run / "restarted").read_text(), "it is said")
    assert not (rolled.run / "restart").exists()
    assert "restarted: web" in restart(rolled, "web").stdout


def test_pushes_and_the_cli_work_after_it(rolled, script_files):
    app = rolled.folder / "apps/steady"
    rolled.commit(app, files=script_files("v2"))
    rolled.push(app)
    wait_until(lambda: rolled.get("steady")[1].startswith("v2"), "v2 serves")
