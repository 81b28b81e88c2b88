"""Logs: form, filters, bounds, followers, drains; against real servers."""

import json
import os
import re
import signal
import subprocess
import threading

import pytest

from platform_run import PAAS, Platform, die_with_runner, wait_until
from receivers import HttpReceiver, SyslogReceiver, make_ca

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (app|heroku)\[([\w.-]+)\]: (.*)$")

SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\n";
$| = 1; $SIG{PIPE} = 'IGNORE';
print "up\n";
while (my $c = $s->accept()) {
    my $line = <$c> // '';
    while (defined(my $h = <$c>)) { last if $h =~ /^\r?\n$/ }
    my (undef, $what, $a, $b) = split m{[/ ]}, (split ' ', $line)[1] // '';
    if ($what eq 'lines') { print "$a $_\n" for 1 .. $b }
    if ($what eq 'raw') { print pack('H*', $a) }
    if ($what eq 'err') { print STDERR "$a\n" }
    if ($what eq 'flood') { my $x = ('x' x 99 . "\n") x 655; syswrite STDOUT, $x for 1 .. $a * 16; print "flood over\n" }
    if ($what eq 'long') { print 'y' x $a, "\n" }
    print $c "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    close $c;
}
"""
FILES = {"Procfile": "web: perl server.pl\nworker: perl -e '$|=1; print \"at work\\n\"; sleep'\n", "server.pl": SERVER}


@pytest.fixture(scope="module")
def certs(folder):
    path = os.path.join(folder, "logs-ca")
    os.mkdir(path, 0o755)
    made = make_ca(path)
    os.chmod(made[0], 0o644)
    return made


@pytest.fixture(scope="module")
def logs(folder, certs):
    flags = [f for s in ("drain_private=yes", f"outbound_ca={certs[0]}", "log_segment=256K", "log_segments=4",
                         "log_app=2M", "log_followers=3") for f in ("--set", s)]
    p = Platform(folder + "/logs", flags=flags)
    try:
        yield p.start()
    finally:
        p.stop()


@pytest.fixture(scope="module")
def app(logs):
    made = logs.app("talker", FILES)
    logs.push(made)
    return made


def lines(platform, *args, app="talker"):
    return platform.paas("logs", "-n", "1500", "--app", app, *args).stdout.splitlines()


def text_of(line):
    return LINE.match(line)[3]


def say(platform, path, app="talker"):
    assert platform.get(app, path)[0] == 200


@pytest.fixture
def drain(logs, app):
    """add(url) makes a drain; all are removed afterwards."""
    made = []

    def add(url):
        logs.paas("drains:add", url, "--app", "talker")
        made.append(url)

    yield add
    for url in made:
        logs.paas("drains:remove", url, "--app", "talker")


# --- drains ----------------------------------------------------------------


def numbers(receiver, prefix):
    return [int(t.split()[-1]) for t in receiver.texts(prefix + " ") if re.fullmatch(prefix + r" \d+", t)]


def all_came(receiver, prefix, n):
    """Each once at least, in order."""
    wait_until(lambda: len(numbers(receiver, prefix)) >= n, f"{n} lines at the receiver")
    assert numbers(receiver, prefix) == list(range(1, n + 1))


def kind_of(name, certs):
    if name == "https":
        r = HttpReceiver(certs)
        return r, f"https://user:se%40cret@127.0.0.1:{r.port}/in?x=1"
    if name == "http":
        r = HttpReceiver()
        return r, f"http://localhost:{r.port}/in"
    r = SyslogReceiver(certs if name == "syslog+tls" else None)
    return r, f"{name}://127.0.0.1:{r.port}"


@pytest.mark.parametrize("kind", ["https", "http", "syslog+tls", "syslog"])
def test_a_drain_gets_all_lines_in_logplex_form(logs, app, certs, drain, kind):
    receiver, url = kind_of(kind, certs)
    try:
        drain(url)
        say(logs, f"/lines/{kind[:5]}drain/2500")
        all_came(receiver, f"{kind[:5]}drain", 2500)
        wait_until(lambda: receiver.texts("heroku router"), "the router's line")
        token = logs.api("GET", "/apps/talker/log-drains")[1][0]["token"]
        assert re.fullmatch(r"d\.[0-9a-f-]{36}", token)
        http = kind.startswith("http")
        host, data = ("host", "-") if http else (token, "- -")
        time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
        one = next(m for m in receiver.messages if m.endswith("drain 1\n"))
        assert re.fullmatch(rf"<190>1 {time} {re.escape(host)} app web\.1 {data} {kind[:5].replace('+', '.')}drain 1\n", one)
        assert any(m.startswith("<158>1 ") for m in receiver.messages)
        if http:
            path, head = receiver.heads[0]
            assert head["Content-Type"] == "application/logplex-1"
            assert head["Logplex-Drain-Token"] == token and re.fullmatch("[0-9a-f]{32}", head["Logplex-Frame-Id"])
            assert path == ("/in?x=1" if kind == "https" else "/in")
        if kind == "https":
            assert head["Authorization"] == "Basic dXNlcjpzZUBjcmV0"
    finally:
        receiver.close()
