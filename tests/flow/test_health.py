"""Declared health checks: startup gates a release, readiness, liveness."""

import json

import pytest

from load import Load
from platform_run import wait_until

SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\n";
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE'; my $t0 = time;
sub status { open(my $f, '<', '/tmp/status') or return START; my $n = <$f>; return $n + 0 }
while (my $c = $s->accept()) {
    my $pid = fork(); if ($pid) { close $c; next }
    my ($status, $body, $more) = (200, "VERSION $ENV{DYNO}\n", '');
    my ($path) = (<$c> // '') =~ m{^\S+ (\S+)};
    my %h; while (defined(my $l = <$c>)) { last if $l =~ /^\r?\n$/; $h{lc $1} = $2 if $l =~ /^([^:]+): (.*?)\r?\n/ }
    if ($path =~ m{^/set/(\d+)}) { open(my $f, '>', '/tmp/status'); print $f $1; close $f }
    if ($path eq '/health') { $status = status(); $body = "token is $h{'x-probe'}\n" if $h{'x-probe'} }
    if ($path eq '/moved') { $status = 301; $more = "Location: https://elsewhere.example/\r\n" }
    print $c "HTTP/1.1 $status X\r\n${more}Content-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    exit 0;
}
"""


def files(version, checks=None, start=200, procfile="web: perl server.pl\n", **more):
    all_files = {"Procfile": procfile,
                 "server.pl": SERVER.replace("VERSION", version).replace("START", str(start))}
    if checks is not None:
        all_files["app.json"] = json.dumps({"healthchecks": checks}, indent=1)
    return {**all_files, **more}


@pytest.fixture(scope="module")
def healthy(platform):
    app = platform.app("healthy", files=files("v1", {"web": [
        {"type": "startup", "name": "token", "path": "/health", "content": "token is 42",
         "httpHeaders": [{"name": "X-Probe", "value": "42"}]}]}))
    platform.push(app)
    return app


def refused(platform, app, new_files, *reasons):
    platform.commit(app, "broken", new_files)
    push = platform.push(app, check=False)
    assert push.returncode != 0, push.stderr
    for reason in reasons:
        assert reason in push.stderr, push.stderr
    assert platform.get("healthy")[1].startswith("v1 ")
    platform.git("reset", "-q", "--hard", "HEAD~1", cwd=app)
    return push.stderr


QUICK = {"attempts": 2, "interval": 1}


def test_a_declared_check_gates_the_release(platform, healthy):
    assert platform.get("healthy") [1].startswith("v1 ")
    refused(platform, healthy, files("v2", {"web": [{"path": "/health", "name": "db", **QUICK}]}, start=503),
            "startup check db failed: /health was answered with 503")


def test_missing_content_and_redirects_are_named(platform, healthy):
    refused(platform, healthy, files("v2", {"web": [{"path": "/", "content": "gold", **QUICK}]}),
            'the answer to / does not contain "gold"')
    refused(platform, healthy, files("v2", {"web": [{"path": "/moved", "content": "gold", **QUICK}]}),
            "301", "https://elsewhere.example/")


def test_readiness_gates_a_release_too(platform, healthy):
    refused(platform, healthy, files("v2", {"web": [{"type": "readiness", "path": "/health", **QUICK}]}, start=500),
            "readiness check failed: /health was answered with 500")


@pytest.mark.parametrize("checks, told", [
    ({"web": [{"paht": "/"}]}, 'unknown key "paht"'),
    ({"web": {"path": "/"}}, "has to be a list"),
    ({"web": [{"path": "health"}]}, "path has to begin with /"),
    ({"web": [{"path": "/", "timeout": "5s"}]}, "timeout has to be a whole number"),
    ({"web": [{"path": "/", "attempts": 0}]}, "attempts has to be"),
    ({"web": [{"type": "alive"}]}, "type has to be"),
    ({"web": [{"command": ["true"]}]}, "checks that run a command"),
    ({"nobody": [{"uptime": 3}]}, "no process type nobody"),
    ({"web": [{"path": "/"}] * 9}, "more than 8 checks"),
])
def test_a_wrong_declaration_fails_the_build(platform, healthy, checks, told):
    refused(platform, healthy, files("v2", checks), told)


def test_a_broken_app_json_fails_before_anything_is_built(platform, healthy):
    told = refused(platform, healthy, files("v2", **{"app.json": '{\n "name": "x",\n}'}),
                   "app.json", "line 3")
    assert "Procfile" not in told


def test_without_app_json_all_is_as_before(platform, healthy):
    platform.commit(healthy, "bare", files("v1", start=404))
    platform.git("rm", "-q", "app.json", cwd=healthy)
    platform.commit(healthy, "bare")
    platform.push(healthy)


def test_readiness_takes_one_out_and_brings_it_back(platform):
    app = platform.app("ready", files=files("v1", {"web": [
        {"type": "readiness", "path": "/health", "attempts": 2, "interval": 1}]}))
    platform.push(app)
    platform.paas("ps:scale", "web=2", "--app", "ready")

    def names(n=20):
        return {platform.get("ready")[1].split()[1] for _ in range(n)}
    wait_until(lambda: names() == {"web.1", "web.2"}, "two serve")
    sick = platform.get("ready", "/set/503")[1].split()[1]
    other = ({"web.1", "web.2"} - {sick}).pop()
    wait_until(lambda: names() == {other}, "the one that is not ready gets no requests")
    with Load(platform.port, f"ready.localhost:{platform.port}") as load:
        platform.get("ready", "/set/503")  # now none is ready: the app is served all the same
        wait_until(lambda: names() == {"web.1", "web.2"}, "both serve, though none is ready")
        seen = load.answers
        wait_until(lambda: load.answers > seen + 20, "requests are answered")
    assert load.failures == []
    logs = platform.paas("logs", "--app", "ready", "-n", "200").stdout
    assert f"dyno={sick}" in logs and "Not ready" in logs and "answered with 503" in logs
    # Whoever answers is told that all is well, until both are.
    wait_until(lambda: platform.get("ready", "/set/200") and "Ready again" in platform.paas(
        "logs", "--app", "ready", "-n", "200").stdout, "ready again")
    dynos = {d["name"]: d["state"] for d in platform.api("GET", "/apps/ready/dynos")[1]}
    assert dynos == {"web.1": "up", "web.2": "up"}


def test_liveness_restarts(platform):
    app = platform.app("alive", files=files("v1", {"web": [
        {"type": "liveness", "path": "/health", "attempts": 2, "interval": 1}]}))
    platform.push(app)
    first = platform.api("GET", "/apps/alive/dynos")[1][0]["id"]
    platform.get("alive", "/set/500")
    wait_until(lambda: [d for d in platform.api("GET", "/apps/alive/dynos")[1]
                        if d["id"] != first and d["state"] == "up"], "another one is up")
    assert platform.get("alive", "/health")[0] == 200
    logs = platform.paas("logs", "--app", "alive", "-n", "200").stdout
    assert "Restarting: the liveness check failed: /health was answered with 500" in logs
    assert "Stopping all processes with SIGTERM" in logs
    assert "State changed from up to crashed" in logs


def test_a_worker_proves_itself_by_staying_up(platform):
    procfile = "web: perl server.pl\nworker: sleep 1; echo done for; exit 3\n"
    app = platform.app("toiling", files=files("v1", {"worker": [{"uptime": 4}]}, procfile=procfile))
    platform.push(app)
    platform.paas("ps:scale", "worker=1", "--app", "toiling")
    platform.commit(app, "again", files("v2", {"worker": [{"uptime": 4}]}, procfile=procfile))
    push = platform.push(app, check=False)
    assert push.returncode != 0
    assert "exited with status 3" in push.stderr and "done for" in push.stderr
    assert platform.get("toiling")[1].startswith("v1 ")
