"""How a release takes the place of the one before: beside it or after it, its command, its drain."""

import re
import socket
import threading
import time

import pytest

from load import Load
from platform_run import Platform, wait_until

SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
my $fat = ''; vec($fat, (FAT << 20) - 1, 8) = 1;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\n";
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE'; MORE
while (my $c = $s->accept()) {
    my $pid = fork(); if ($pid) { close $c; next }
    my $first = <$c> // ''; my $up = 0;
    while (defined(my $h = <$c>)) { last if $h =~ /^\r?\n$/; $up = 1 if $h =~ /^upgrade: *websocket/i }
    if ($up) {
        print $c "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        print $c $_ while <$c>;
        exit 0;
    }
    if ($first =~ m{^GET /slow }) { print "slow began\n"; sleep 3 }
    my $b = "VERSION\n";
    print $c "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . length($b) . "\r\n\r\n$b";
    exit 0;
}
"""


def files(version, fat=1, more="", release=None):
    procfile = "web: perl server.pl\n" + (f"release: {release}\n" if release else "")
    return {"Procfile": procfile, "server.pl": SERVER.replace("VERSION", version)
            .replace("FAT", str(fat)).replace("MORE", more)}


@pytest.fixture(scope="module")
def tight(folder):
    p = Platform(folder + "/strategy", flags=[
        "--set", "size=basic memory=96M", "--set", "host_memory=128M", "--set", "release_seconds=3",
        "--set", "drain_seconds=5", "--set", "stop_seconds=1"])
    try:
        yield p.start()
    finally:
        p.stop()


def lines(p, app, n=500):
    return p.paas("logs", "--app", app, "-n", str(n)).stdout.splitlines()


def positions(p, app, text):
    return [i for i, line in enumerate(lines(p, app)) if text in line]


def deploy(p, folder, new, check=True):
    p.commit(folder, "change", new)
    return p.push(folder, check=check)


def came_after(p, app):
    """Was the last process that started the successor of one that had been stopped?"""
    stops, starts = positions(p, app, "web.1]: Stopping all processes"), positions(p, app, "web.1]: Starting process")
    return bool(stops) and stops[-1] < starts[-1]


# --- stop first ------------------------------------------------------------


def test_the_strategy_is_shown_set_and_checked(tight):
    tight.app("choice")
    def strategy(*args, check=True):
        return tight.paas("deploy:strategy", *args, "--app", "choice", check=check)
    assert strategy().stdout == "rolling\n"
    assert strategy("stop-first").stdout == "stop-first\n"
    assert strategy().stdout == "stop-first\n"
    assert strategy("rolling").stdout == "rolling\n"
    bad = strategy("sideways", check=False)
    assert bad.returncode != 0 and "rolling or stop-first" in bad.stderr
    for body in ({"strategy": "sideways"}, {"strategy": None}, {}):
        assert tight.api("PATCH", "/apps/choice/strategy", body)[0] == 422
    assert tight.api("GET", "/apps/choice/strategy")[1] == {"strategy": "rolling"}


def test_by_strategy_the_old_one_ends_before_the_new_one_starts(tight):
    app = tight.app("ordered", files("v1"))
    tight.push(app)
    tight.paas("deploy:strategy", "stop-first", "--app", "ordered")
    with Load(tight.port, f"ordered.localhost:{tight.port}", keepalive=0, fresh=2) as load:
        push = deploy(tight, app, files("v2"))
    assert load.failures == [], "requests wait for the new one"
    assert re.search(r"Stopping v\d+ first \(deploy:strategy stop-first\)", push.stderr)
    wait_until(lambda: came_after(tight, "ordered"), "stopped, then started")
    assert tight.get("ordered")[1] == "v2\n"
    # It fails: the old one is back.
    push = deploy(tight, app, {"Procfile": "web: echo no; exit 3\n"}, check=False)
    assert push.returncode != 0 and "exited with status 3" in push.stderr
    assert tight.get("ordered")[1] == "v2\n"
    # Beside each other again: the new one starts first.
    tight.paas("deploy:strategy", "rolling", "--app", "ordered")
    push = deploy(tight, app, files("v3"))
    assert "first" not in push.stderr
    wait_until(lambda: not came_after(tight, "ordered")
               or positions(tight, "ordered", "web.1]: Stopping all processes")[-1]
               > positions(tight, "ordered", "web.1]: Starting process")[-1], "started, then stopped")
    assert tight.get("ordered")[1] == "v3\n"


def test_where_memory_lacks_the_old_one_ends_first_and_it_is_said(tight):
    app = tight.app("fat", files("v1", fat=70))
    tight.push(app)
    with Load(tight.port, f"fat.localhost:{tight.port}", keepalive=0, fresh=2) as load:
        push = deploy(tight, app, files("v2", fat=70))
    assert load.failures == []
    said = re.search(r"Not enough memory for both releases \((\d+) MiB needed, (\d+) MiB free\): "
                     r"stopping v\d+ first", push.stderr)
    assert said, push.stderr
    assert 70 <= int(said[1]) <= 96 and int(said[2]) < 58
    assert positions(tight, "fat", said[0]), "the log has it, too"
    wait_until(lambda: came_after(tight, "fat"), "stopped, then started")
    assert tight.get("fat")[1] == "v2\n"
    # One that fails brings the old one back.
    push = deploy(tight, app, {"Procfile": "web: echo broken; exit 4\n"}, check=False)
    assert push.returncode != 0
    assert "Not enough memory for both" in push.stderr and "exited with status 4" in push.stderr
    assert tight.get("fat")[1] == "v2\n"
    assert [d["state"] for d in tight.api("GET", "/apps/fat/dynos")[1]] == ["up"]
    # A small one follows, and the next has room beside it.
    deploy(tight, app, files("v3"))
    assert "Not enough memory" not in deploy(tight, app, files("v4")).stderr
    assert tight.get("fat")[1] == "v4\n"


# --- the release command ---------------------------------------------------


@pytest.fixture(scope="module")
def phased(tight):
    app = tight.app("phased", files("v1"))
    tight.push(app)
    return app


def test_nothing_is_started_before_the_release_command_has_ended(tight, phased):
    push = deploy(tight, phased, files("v2", release="sleep 1; echo migrated"))
    assert re.search(r"Running the release command.*migrated.*Launching", push.stderr, re.S)
    said = wait_until(lambda: positions(tight, "phased", "migrated"), "its output is in the log")
    assert said[-1] < positions(tight, "phased", "web.1]: Starting process")[-1]
    assert tight.get("phased")[1] == "v2\n"


@pytest.mark.parametrize("command, told", [
    ("echo half-way; exit 4", "the release command exited with status 4"),
    ("echo half-way; kill -SEGV $$", "the release command"),
    ("echo half-way; exec sleep 100", "the release command took more than 3 seconds (the setting release_seconds)"),
])
def test_a_release_command_that_fails_changes_nothing(tight, phased, command, told):
    before, starts = tight.get("phased")[1], positions(tight, "phased", "web.1]: Starting process")
    push = deploy(tight, phased, files("never", release=command), check=False)
    assert push.returncode != 0
    assert told in push.stderr and "half-way" in push.stderr and "goes on serving" in push.stderr
    assert [line for line in lines(tight, "phased") if "half-way" in line and "app[release." in line]
    assert positions(tight, "phased", "web.1]: Starting process") == starts
    assert tight.get("phased")[1] == before
    wait_until(lambda: [d["type"] for d in tight.api("GET", "/apps/phased/dynos")[1]] == ["web"], "it is gone")


# --- drain -----------------------------------------------------------------


def test_a_request_in_flight_ends_over_a_deploy(tight):
    app = tight.app("patient", files("v1"))
    tight.push(app)
    tight.commit(app, "change", files("v2"))
    answers = []
    begun = len(positions(tight, "patient", "slow began"))
    stop = threading.Event()

    def ask():  # one is always under way while the release changes
        while not stop.is_set():
            answers.append(tight.get("patient", "/slow")[:2])
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        wait_until(lambda: len(positions(tight, "patient", "slow began")) > begun, "a request is in flight")
        tight.push(app)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert {status for status, _ in answers} == {200}
    assert answers[0][1] == "v1\n"


def websocket(p, app):
    s = socket.create_connection(("127.0.0.1", p.port), timeout=60)
    s.sendall(f"GET /wire HTTP/1.1\r\nHost: {app}.localhost:{p.port}\r\nConnection: Upgrade\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    answer = s.recv(4096)
    assert b" 101 " in answer
    return s


def test_a_websocket_is_closed_after_its_time(tight):
    app = tight.app("wired", files("v1"))
    tight.push(app)
    with websocket(tight, "wired") as s:
        deploy(tight, app, files("v2"))
        live = time.monotonic()
        s.sendall(b"still there\n")
        assert s.recv(4096) == b"still there\n", "it goes on while the new release serves"
        assert tight.get("wired")[1] == "v2\n"
        assert s.recv(4096) == b"", "then it is closed"
        assert time.monotonic() - live > 1


def test_who_does_not_hear_sigterm_is_killed_and_named(tight):
    app = tight.app("stubborn", files("v1", more="$SIG{TERM} = 'IGNORE';"))
    tight.push(app)
    deploy(tight, app, files("v2"))
    wait_until(lambda: positions(tight, "stubborn", "Error R12 (Exit timeout) -> Process failed to exit within 1 seconds"),
               "R12")
    killed = wait_until(lambda: positions(tight, "stubborn", "Stopping process with SIGKILL"), "SIGKILL")
    assert killed[0] > positions(tight, "stubborn", "Stopping all processes with SIGTERM")[0]
    assert tight.get("stubborn")[1] == "v2\n"
