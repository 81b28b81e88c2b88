"""Logs: form, filters, bounds, followers, drains; against real servers."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from own_net import ALLOWED, HOST, OwnNet
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


def test_a_server_that_fails_gets_all_later_once_and_in_order(logs, app, certs, drain):
    answers = {1: 503, 2: 429, 3: 302, 4: 401, 5: 500}
    receiver = HttpReceiver(answer=lambda n: answers.get(n, 200))
    try:
        drain(f"http://127.0.0.1:{receiver.port}/in")
        say(logs, "/lines/failing/300")
        all_came(receiver, "failing", 300)
        ids = [h["Logplex-Frame-Id"] for _, h in receiver.heads]
        assert len(set(ids[:6])) == 1, "a repeat has the name it had"
        assert [p for p, _ in receiver.heads if p != "/in"] == [], "no redirect is followed"
        told = [l for l in lines(logs, "--source", "heroku") if "Error L13" in l]
        assert any("it answered 503" in l for l in told)
    finally:
        receiver.close()


def test_a_batch_refused_for_good_is_told_and_left(logs, app, drain):
    receiver = HttpReceiver(answer=lambda n: 400 if n == 1 else 200)
    try:
        drain(f"http://127.0.0.1:{receiver.port}/in")
        wait_until(lambda: receiver.texts("Error L10 (output buffer overflow)"), "the loss line")
        say(logs, "/lines/left/10")
        all_came(receiver, "left", 10)
    finally:
        receiver.close()


@pytest.mark.parametrize("kind", ["https", "syslog+tls"])
def test_nothing_is_lost_while_receiver_outbound_and_logd_die(logs, app, certs, drain, kind):
    receiver, url = kind_of(kind, certs)
    prefix = "dying" + kind[0]
    old = []
    try:
        drain(url)
        for i in range(1, 13):
            say(logs, f"/lines/{prefix}.{i}/100")
            victims = [p for n, p in logs.processes() if n == ("paas-outbound" if i % 3 else "paas-logd")]
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                    os.kill(pid, signal.SIGKILL)
            if i == 5:  # the server goes away, with what it has not read
                receiver.close()
                old = receiver.messages
            if i == 8:
                port = receiver.port
                receiver = HttpReceiver(certs, port=port) if kind == "https" else SyslogReceiver(certs, port=port)
                receiver.messages = old

        def blocks():
            found = [tuple(int(n) for n in re.findall(r"\d+", t)) for t in receiver.texts(prefix + ".")
                     if re.fullmatch(prefix + r"\.\d+ \d+", t)]
            return found

        want = [(b, n) for b in range(1, 13) for n in range(1, 101)]
        wait_until(lambda: len(blocks()) >= len(want), "all lines")
        assert sorted(blocks()) == want
        assert blocks() == want
    finally:
        receiver.close()


def test_a_stream_broken_off_unread_is_sent_again(logs, app, drain):
    receiver = SyslogReceiver(die_after=20000)
    try:
        drain(f"syslog://127.0.0.1:{receiver.port}")
        say(logs, "/lines/brokenoff/3000")
        all_came(receiver, "brokenoff", 3000)
        assert receiver.streams > 1
    finally:
        receiver.close()


def test_outbound_ends_when_it_has_nothing_to_do(logs, app, drain):
    def running():
        return [p for n, p in logs.processes() if n == "paas-outbound"]

    receiver = HttpReceiver()
    try:
        drain(f"http://127.0.0.1:{receiver.port}/in")
        say(logs, "/lines/beforeidle/5")
        all_came(receiver, "beforeidle", 5)
        assert running()
        wait_until(lambda: not running(), "its end")
        say(logs, "/lines/afteridle/5")
        all_came(receiver, "afteridle", 5)
    finally:
        receiver.close()


def test_certificates_of_strangers_are_refused(logs, app, drain, folder):
    path = os.path.join(folder, "strange-ca")
    os.mkdir(path)
    receiver = HttpReceiver(make_ca(path))
    try:
        drain(f"https://127.0.0.1:{receiver.port}/in")
        say(logs, "/lines/stranger/1")
        wait_until(lambda: any("Error L14 (certificate validation)" in l for l in lines(logs, "-s", "heroku")), "the L14 line")
        assert receiver.messages == []
    finally:
        receiver.close()


def test_drains_are_bounded_and_bad_addresses_refused(logs, app, drain):
    for bad in ("logs.example", "ftp://logs.example", "syslog://u@logs.example", "https://a b", "http://x:99999"):
        done = logs.paas("drains:add", bad, "--app", "talker", check=False)
        assert done.returncode == 1 and "A drain is syslog://HOST:PORT" in done.stderr, done.stderr
    for i in range(5):
        drain(f"syslog://logs{i}.invalid")
    done = logs.paas("drains:add", "syslog://logs5.invalid", "--app", "talker", check=False)
    assert done.returncode == 1 and "no more are allowed" in done.stderr
    done = logs.paas("drains:add", "syslog://logs4.invalid", "--app", "talker", check=False)
    assert done.returncode == 1 and "already" in done.stderr
    assert "syslog://logs0.invalid" in logs.paas("drains", "--app", "talker").stdout


def test_passwords_of_drains_are_shown_to_nobody(logs, app, drain):
    receiver = HttpReceiver(answer=lambda n: 401)
    try:
        drain(f"http://me:s3cr3tword@127.0.0.1:{receiver.port}/in")
        say(logs, "/lines/secret/1")
        wait_until(lambda: receiver.heads, "a call")
        for pid in [p for n, p in logs.processes() if n in ("paas-outbound", "paas-logd")]:
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    assert b"s3cr3tword" not in f.read()
        assert "s3cr3tword" not in (logs.folder / "server.log").read_text(errors="replace")
        assert not any("s3cr3tword" in l for l in lines(logs))
        assert "me:***@" in logs.paas("drains", "--app", "talker").stdout
        for name in ("db", "logd", "logs"):
            for path in (logs.state / name).rglob("*"):
                assert path.is_dir() or b"s3cr3tword" not in path.read_bytes(), path
    finally:
        receiver.close()


def test_private_addresses_are_refused_unless_the_owner_allows(platform):
    app = platform.app("nodrain", FILES)
    for url in ("http://127.0.0.1:9/", "https://localhost/", "syslog://[::1]:514", "http://169.254.169.254/"):
        done = platform.paas("drains:add", url, cwd=app, check=False)
        assert done.returncode == 1 and "drain_private" in done.stderr


@contextlib.contextmanager
def net_of_its_own():
    net = OwnNet()
    try:
        with net.inside():
            yield net
    finally:
        net.close()


def test_no_drain_leads_to_what_else_listens_on_the_machine(folder):
    with net_of_its_own() as net:
        inner = HttpReceiver(address=HOST)  # a firewall would keep the internet from it
        with net.inside(net.internet):
            outer = HttpReceiver(address=ALLOWED)
        p = Platform(folder + "/own-net")
        try:
            p.start()
            app = p.app("posting")
            for receiver, address in ((inner, HOST), (outer, ALLOWED)):
                p.paas("drains:add", f"http://{address}:{receiver.port}/", cwd=app)
            wait_until(lambda: outer.texts("Drain"), "the control has lines")
            said = wait_until(lambda: [t for t in outer.texts("Error L13")], "a line about the other")
            assert "this machine" in said[0] and len(said) == 1
            assert not inner.heads
        finally:
            p.stop()
            inner.close()
            outer.close()


# --- reading ---------------------------------------------------------------


def test_lines_have_herokus_form_and_filters_hold(logs, app):
    say(logs, "/err/to-stderr")
    wait_until(lambda: any(l.endswith("app[web.1]: to-stderr") for l in lines(logs)), "the line")
    wait_until(lambda: any("heroku[router]: at=info" in l for l in lines(logs)), "the router's line")
    every = lines(logs)
    assert all(LINE.match(l) for l in every), [l for l in every if not LINE.match(l)]
    assert [l[:32] for l in every] == sorted(l[:32] for l in every)
    assert all(LINE.match(l)[1] == "app" for l in lines(logs, "--source", "app"))
    assert all(LINE.match(l)[1] == "heroku" for l in lines(logs, "-s", "heroku"))
    assert {LINE.match(l)[2] for l in lines(logs, "--dyno", "web.1")} == {"web.1"}
    assert {LINE.match(l)[2] for l in lines(logs, "-p", "web")} == {"web.1"}
    assert len(logs.paas("logs", "-n", "2", "--app", "talker").stdout.splitlines()) == 2
    one = json.loads(logs.paas("logs", "-n", "1", "--json", "-s", "app", "--app", "talker").stdout)
    assert set(one) == {"time", "source", "dyno", "text"} and one["source"] == "app"


@pytest.mark.parametrize("args, what", [
    (["-n", "1501"], "0 to 1500"), (["-n", "x"], "0 to 1500"), (["--source", "router"], "app"),
    (["--dyno", "web/1"], "web.1"), (["--dyno", "web", "--ps", "web"], "one of")])
def test_bad_options_say_what_is_right(logs, app, args, what):
    done = logs.paas("logs", *args, "--app", "talker", check=False)
    assert done.returncode == 2 and what in done.stderr


def test_bad_sessions_are_refused(logs, app):
    for body in ({"source": "router"}, {"dyno": "a/b"}, {"lines": "x"}, {"lines": -1}, {"tail": "yes"}):
        assert logs.api("POST", "/apps/talker/log-sessions", body)[0] == 422, body


def test_strange_bytes_and_long_lines_are_harmless(logs, app):
    say(logs, "/raw/" + b"bad \xff\xfe \x1b[2J\x1b]0;x\x07 end\n".hex())
    wait_until(lambda: any(" end" in l and "bad" in l for l in lines(logs)), "the line")
    line = next(text_of(l) for l in lines(logs) if "bad " in l)
    assert line == "bad \ufffd\ufffd \\x1b]0;x\\x07 end"
    say(logs, "/long/40000")
    wait_until(lambda: sum("yyyy" in l for l in lines(logs)) == 3, "three pieces")
    pieces = [text_of(l) for l in lines(logs) if "yyyy" in l]
    assert [len(p) for p in pieces] == [16384 + 6, 16384 + 6, 40000 - 2 * 16384]
    assert [p.endswith(" [...]") for p in pieces] == [True, True, False]


class Tail:
    """`paas logs --tail` in the background."""

    def __init__(self, platform, *args):
        self.process = subprocess.Popen(
            [PAAS, "logs", "--tail", "--app", "talker", *args], env=platform.env(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=die_with_runner)
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def close(self):
        self.process.kill()
        self.process.wait()


def test_a_tail_goes_on_without_gap_or_double_over_dead_daemons(logs, app):
    tail = Tail(logs, "-n", "0", "--source", "app", "--dyno", "web")
    try:
        say(logs, "/lines/tailing.0/3")
        wait_until(lambda: any("tailing.0 3" in l for l in tail.lines) or say(logs, "/lines/tailing.0/3"), "the tail")
        for i, name in enumerate(("logd", "web", "logd", "web"), 1):
            os.kill(wait_until(lambda n=name: logs.daemon_pid(n), name), signal.SIGKILL)
            say(logs, f"/lines/tailing.{i}/200")
            wait_until(lambda i=i: any(f"tailing.{i} 200" in l for l in tail.lines), f"round {i}")
        for i in range(1, 5):
            got = [int(l.split()[-1]) for l in tail.lines if f": tailing.{i} " in l]
            assert got == list(range(1, 201))
    finally:
        tail.close()


def reader(platform):
    """One that reads; a reader that was killed counts until the platform has noticed."""
    def started():
        t = Tail(platform, "-n", "1")
        wait_until(lambda: t.lines or t.process.poll() is not None, "an answer")
        return t if t.lines else t.close()
    return wait_until(started, "a reader")


def test_readers_of_an_app_are_bounded(logs, app):
    tails = []
    try:
        for _ in range(3):
            tails.append(reader(logs))
        done = logs.paas("logs", "--app", "talker", check=False)
        assert done.returncode == 1 and "has 3 readers" in done.stderr
    finally:
        for t in tails:
            t.close()
    wait_until(lambda: logs.paas("logs", "--app", "talker", check=False).returncode == 0, "room again")


# --- floods and bounds -----------------------------------------------------


def log_bytes(platform):
    return sum(f.stat().st_size for f in platform.state.glob("logs/*/*"))


def shim_kb(platform):
    out = {}
    for name, pid in platform.processes():
        if name == "paas-shim":
            with open(f"/proc/{pid}/status") as f:
                out[pid] = next(int(l.split()[1]) for l in f if l.startswith("VmRSS"))
    return out


def test_a_flood_is_bounded_told_and_hurts_nobody(logs, app):
    say(logs, "/flood/300")
    wait_until(lambda: any("of output dropped: more than" in l for l in lines(logs)), "what was dropped is told")
    wait_until(lambda: log_bytes(logs) < 4 << 20, "the bounds")
    assert all(kb < 200 for kb in shim_kb(logs).values()), shim_kb(logs)
    say(logs, "/lines/afterflood/3")
    wait_until(lambda: any("afterflood 3" in l for l in lines(logs)), "the app goes on")


def test_logs_outlive_releases_within_their_bounds(logs, app):
    say(logs, "/lines/beforerelease/3")
    for i in range(3):
        logs.paas("config:set", f"ROUND={i}", "--app", "talker")
    wait_until(lambda: sum(text_of(l) == "up" for l in lines(logs)) >= 2, "new instances")
    assert any("beforerelease 3" in l for l in lines(logs))
    assert log_bytes(logs) < 4 << 20


def test_a_destroyed_app_leaves_no_drain(logs):
    app = logs.app("leaving", FILES)
    logs.paas("drains:add", "syslog://logs.invalid", cwd=app)
    wait_until(lambda: list(logs.state.glob("logd/drain-*")), "its place")
    logs.paas("destroy", "leaving", "--confirm", "leaving")
    wait_until(lambda: not list(logs.state.glob("logd/*leaving*")) and not list(logs.state.glob("logd/drain-*")), "it is gone")
