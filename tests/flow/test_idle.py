"""Apps that rest: frozen, then stopped; the next request wakes them."""

import http.client
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

from load import Load
from platform_run import Platform, wait_until


@pytest.fixture(scope="module")
def quiet(folder):
    p = Platform(folder + "/idle")
    try:
        yield p.start()
    finally:
        p.stop()


@pytest.fixture(scope="module")
def app(quiet, script_files):
    folder = quiet.app("dozy", files={
        **script_files("v1"), "Procfile": "web: perl server.pl\nworker: while :; do echo tick; sleep 0.2; done\n"})
    quiet.push(folder)
    return folder


def state(platform, name="dozy"):
    return platform.api("GET", f"/apps/{name}/idle")[1]["state"]


def until(platform, what, name="dozy"):
    wait_until(lambda: state(platform, name) == what, f"{name} is {what}")


def frozen_groups(platform):
    """Instances whose group is frozen, as the kernel says."""
    for i in (platform.run / "i").iterdir():
        for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            f = pathlib.Path(top) / f"paas{platform.run.name}" / i.name / "cgroup.events"
            if f.exists() and "frozen 1" in f.read_text():
                yield i.name


def rest(platform, freeze, stop, name="dozy"):
    args = ["--freeze-after", str(freeze), "--stop-after", str(stop)]
    return platform.paas("idle:on", *args, "--app", name)


def test_it_never_rests_unless_told(quiet, app):
    assert "never rests" in quiet.paas("idle", cwd=app).stdout
    assert quiet.api("GET", "/apps/dozy/idle")[1] == {
        "freeze_after": None, "stop_after": None, "linked": False, "state": "awake"}


@pytest.mark.parametrize("body", [
    {"freeze_after": 0}, {"freeze_after": -5}, {"freeze_after": "x"}, {"freeze_after": 2592001},
    {"stop_after": 5}, {"freeze_after": 1.5}, {"freeze_after": True}])
def test_bad_times_change_nothing(quiet, app, body):
    status, answer = quiet.api("PATCH", "/apps/dozy/idle", body)
    assert status == 422 and answer["message"], answer
    assert quiet.api("GET", "/apps/dozy/idle")[1]["freeze_after"] is None
    for args in (["--freeze-after", "0"], ["--freeze-after", "abc"], ["--stop-after", "99999999"]):
        done = quiet.paas("idle:on", *args, cwd=app, check=False)
        assert done.returncode == 2 and args[0] in done.stderr


def test_frozen_and_awake_again(quiet, app):
    before = quiet.api("GET", "/apps/dozy/dynos")[1]
    out = rest(quiet, 1, 0).stdout
    assert "frozen after 1 s" in out
    until(quiet, "frozen")
    wait_until(lambda: list(frozen_groups(quiet)), "its processes stand still")
    assert quiet.api("GET", "/apps/dozy/dynos")[1][0]["state"] == "idle"
    assert re.search(r"web.1\s+idle", quiet.paas("ps", cwd=app).stdout)
    assert quiet.get("dozy")[0] == 200
    assert state(quiet) == "awake"
    after = quiet.api("GET", "/apps/dozy/dynos")[1]
    assert [d["id"] for d in after] == [d["id"] for d in before], "the same process goes on"
    log = quiet.paas("logs", "-n", "1500", cwd=app).stdout
    assert "State changed from up to idle" in log and "State changed from idle to up" in log


def test_all_who_wake_it_at_once_are_answered(quiet, app):
    for _ in range(5):
        until(quiet, "frozen")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(quiet.get("dozy")[0])) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert answers == [200] * 20


def test_a_request_at_the_very_moment_is_never_lost(quiet, app):
    """Requests a little over the time apart: each meets a freeze or a thaw."""
    with Load(quiet.port, f"dozy.localhost:{quiet.port}", keepalive=1, fresh=1, pause=1.0) as load:
        wait_until(lambda: load.answers > 30, "it was asked often enough")
    assert load.failures == []


def test_an_open_connection_keeps_it_awake(quiet, app, script_files):
    talk = quiet.app("talk", files={"Procfile": "web: perl talk.pl\n", "talk.pl": r"""
        use strict; use IO::Socket::INET;
        my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT}, Listen => 16, ReuseAddr => 1) or die;
        $SIG{CHLD} = 'IGNORE'; $| = 1;
        while (my $c = $s->accept()) {
            if (fork()) { close $c; next }
            my $up = 0;
            while (my $l = <$c>) { $up = 1 if $l =~ /^upgrade/i; last if $l =~ /^\r?\n$/ }
            if (!$up) { print $c "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"; exit 0 }
            print $c "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            $c->flush; while (sysread($c, my $b, 64)) { syswrite($c, $b) } exit 0;
        }
        """})
    quiet.push(talk)
    s = socket.create_connection(("127.0.0.1", quiet.port), timeout=30)
    s.sendall(f"GET / HTTP/1.1\r\nHost: talk.localhost:{quiet.port}\r\nConnection: Upgrade\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    assert b"101" in s.recv(4096)
    rest(quiet, 1, 0, "talk")
    until(quiet, "frozen")  # another app that rests at the same time has its moment
    for _ in range(40):
        s.sendall(b"ping")
        assert s.recv(64) == b"ping"
        assert state(quiet, "talk") == "awake"
        threading.Event().wait(0.05)
    s.close()
    until(quiet, "frozen", "talk")
    quiet.paas("idle:off", "--app", "talk")
    until(quiet, "awake", "talk")


def test_workers_never_rest(quiet, app):
    quiet.paas("ps:scale", "worker=1", cwd=app)
    until(quiet, "frozen")

    def ticks():
        return quiet.paas("logs", "-n", "1500", cwd=app).stdout.count("tick")
    seen = ticks()
    wait_until(lambda: ticks() > seen + 3, "the worker works")
    assert state(quiet) == "frozen"
    quiet.paas("ps:scale", "worker=0", cwd=app)


def test_what_others_are_linked_to_stays_awake(quiet, app, script_files):
    quiet.app("caller", files=script_files("v1"))
    until(quiet, "frozen")
    quiet.paas("links:add", "caller", "--to", "dozy")
    until(quiet, "awake")
    assert "linked" in quiet.paas("idle", cwd=app).stdout
    quiet.paas("links:remove", "caller", "--to", "dozy")
    until(quiet, "frozen")


@pytest.mark.parametrize("name", ["plan", "jail", "router", "web", "super"])
def test_a_kill_while_it_is_frozen(quiet, app, name):
    until(quiet, "frozen")
    old = quiet.daemon_pid(name)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: quiet.daemon_pid(name) not in (None, old), f"{name} is restarted")
    wait_until(lambda: asks(quiet) == 200, "it is woken and answers")
    until(quiet, "frozen")


def asks(platform, name="dozy"):
    try:
        return platform.get(name)[0]
    except (OSError, http.client.HTTPException):
        return 0


def test_a_deploy_of_a_resting_app(quiet, app, script_files):
    until(quiet, "frozen")
    quiet.commit(app, "v2", script_files("v2"))
    quiet.push(app)
    assert quiet.get("dozy")[1].startswith("v2 ")
    until(quiet, "frozen")
    quiet.paas("config:set", "COLOR=teal", cwd=app)
    wait_until(lambda: "teal" in quiet.get("dozy")[1], "the new config serves")
    wait_until(lambda: len(quiet.api("GET", "/apps/dozy/dynos")[1]) == 1, "the old one is gone")


def test_stopped_and_started_by_a_request(quiet, app):
    rest(quiet, 1, 1)
    until(quiet, "stopped")
    wait_until(lambda: quiet.api("GET", "/apps/dozy/dynos")[1] == [], "nothing runs")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(quiet.get("dozy")[0])) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [200] * 10
    assert state(quiet) == "awake"
    assert "the next request starts it" in quiet.paas("logs", "-n", "1500", cwd=app).stdout


def test_what_was_stopped_stays_so_over_a_restart(quiet, app):
    until(quiet, "stopped")
    wait_until(lambda: quiet.api("GET", "/apps/dozy/dynos")[1] == [], "nothing runs")
    old = quiet.daemon_pid("plan")
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: quiet.daemon_pid("plan") not in (None, old), "plan is restarted")
    until(quiet, "stopped")
    quiet.stop()
    quiet.start()
    until(quiet, "stopped")
    assert quiet.api("GET", "/apps/dozy/dynos")[1] == []
    assert quiet.get("dozy")[0] == 200


def test_off_again(quiet, app):
    quiet.paas("idle:off", cwd=app)
    until(quiet, "awake")
    wait_until(lambda: [d["state"] for d in quiet.api("GET", "/apps/dozy/dynos")[1]] == ["up"], "it runs")
