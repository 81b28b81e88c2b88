"""Random kills, and changes without end, under load.

`make test` takes a few of each; `make chaos KILLS=1000 CHANGES=200` takes as
many as the design asks for. SEED repeats the choices of a run.
"""

import collections
import contextlib
import http.client
import os
import pathlib
import random
import re
import socket
import statistics
import threading
import time

import pytest

from load import Load
from platform_run import wait_until
from traffic import Failure, Kill, Traffic

KILLS = int(os.environ.get("KILLS") or 40)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 31))
VICTIMS = ["super", "plan", "jail", "router", "web", "shim"]

COUNTER = """worker: T=$(cat /proc/sys/kernel/random/uuid); n=0; \
while true; do n=$((n+1)); echo count $T $n; sleep 0.1; done
"""


class Town:
    """Two apps, what should run of them, and a hand that changes it."""

    def __init__(self, platform, dice, script_files):
        self.platform, self.dice, self.script_files = platform, dice, script_files
        self.version = 0
        self.wild = platform.app("wild", files=script_files("v0"))
        self.tally = platform.app("tally", files={"Procfile": COUNTER})
        platform.paas("create", "still")
        platform.push(self.wild)
        platform.push(self.tally)
        platform.paas("ps:scale", "worker=2", "--app", "tally")
        platform.paas("ps:scale", "web=2", "--app", "wild")
        self.lines = collections.defaultdict(set)  # of each counter
        self.exits, self.expected = {}, {}  # of one-offs, by name
        self.ids, self.killed = {}, set()  # of one-offs by name; of those whose shim was killed
        self.read_at, self.told = 0, set()

    # --- changes --------------------------------------------------------

    def ask(self, traffic, kind, what, act):
        """Do it; where it fails it stands with the failures of the load."""
        begun = time.monotonic()
        try:
            status, answer = act()
        except (OSError, ValueError, http.client.HTTPException) as error:
            status, answer = 0, repr(error)
        if not 200 <= status < 300:
            traffic.note(kind, Failure(kind, what, begun, begun, status, str(answer)[-600:]))
            return None
        return answer

    def call(self, traffic, method, path, body=None):
        return self.ask(traffic, "api", f"{method} {path}", lambda: self.platform.api(method, path, body))

    def change(self, traffic):
        """One change at random: its kind, and the thread that makes it."""
        kind = self.dice.choices(["config", "scale", "restart", "rollback", "run", "push"],
                                 [30, 20, 10, 10, 20, 10])[0]
        app, process = self.dice.choice([("wild", "web"), ("tally", "worker")])
        n, code = self.dice.randrange(1, 4), self.dice.randrange(2, 100)
        self.version += 1
        version = self.version

        def run():
            made = self.call(traffic, "POST", "/apps/tally/dynos", {"command": f"exit {code}"})
            if made:
                self.expected[made["name"]], self.ids[made["name"]] = code, made["id"]

        def rollback():
            releases = self.call(traffic, "GET", "/apps/wild/releases") or []
            good = [r for r in releases if r["status"] == "succeeded" and r["image"]]
            if good:
                self.call(traffic, "POST", "/apps/wild/releases", {"release": good[-min(n, len(good))]["id"]})

        def push():
            self.platform.commit(self.wild, f"v{version}", self.script_files(f"v{version}"))

            def go():
                done = self.platform.git("push", "-f", "paas", "main", cwd=self.wild, check=False)
                return (200 if done.returncode == 0 else 1), done.stderr
            self.ask(traffic, "git", "git push", go)
        acts = {
            "config": lambda: self.call(traffic, "PATCH", f"/apps/{app}/config-vars", {"COLOR": str(version)}),
            "scale": lambda: self.call(traffic, "PATCH", f"/apps/{app}/formation/{process}", {"quantity": n}),
            "restart": lambda: self.call(traffic, "DELETE", f"/apps/{app}/dynos"),
            "rollback": rollback, "run": run, "push": push}
        thread = threading.Thread(target=acts[kind])
        thread.start()
        return kind, thread

    # --- observed = desired ---------------------------------------------

    def rests(self, app):
        """Nothing is under way in the app, and exactly what is wanted runs."""
        get = self.platform.api
        (s1, builds), (s2, releases) = get("GET", f"/apps/{app}/builds"), get("GET", f"/apps/{app}/releases")
        (s3, formation), (s4, dynos) = get("GET", f"/apps/{app}/formation"), get("GET", f"/apps/{app}/dynos")
        if (s1, s2, s3, s4) != (200,) * 4 or any(x["status"] == "pending" for x in builds + releases):
            return None
        live = [r["version"] for r in releases if r["status"] == "succeeded"][-1]
        want = {(f"{f['type']}.{n}", "up", live) for f in formation for n in range(1, f["quantity"] + 1)}
        have = [(d["name"], d["state"], d["release"]["version"]) for d in dynos]
        return {d["id"] for d in dynos} if len(have) == len(want) and set(have) == want else None

    def shims(self):
        """Those of both apps' instances: pid to the id that the API tells."""
        found, ours = {}, set()
        for folder in (self.platform.run / "i").iterdir():
            try:
                record = dict(line.split(" ", 1) for line in (folder / "record").read_text().splitlines()
                              if " " in line)
                pid = int((folder / "shim").read_text().split()[0])
                running = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"paas-shim\0")
            except (OSError, ValueError, IndexError):
                continue  # it ended meanwhile
            h = folder.name
            uuid = f"{h[:8]}-{h[8:12]}-4{h[12:15]}-8{h[15]}00-000000000000"
            if running:
                found[pid] = uuid, record["app"]
            if uuid in self.told:
                ours.add(record["app"])
        return {pid: uuid for pid, (uuid, app) in found.items() if app in ours}

    def at_rest(self):
        """What runs is what is told, and what is told is what is wanted."""
        try:
            told = [self.rests(app) for app in ("wild", "tally")]
            if None in told:
                return False
            self.told = set().union(*told)
            return self.told == set(self.shims().values()) and self.platform.get("wild")[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False

    # --- what was logged ------------------------------------------------

    def read_log(self):
        """Gather the counters' lines and how processes ended, before they are out of reach."""
        done = self.platform.paas("logs", "-n", "1500", "--app", "tally", check=False)
        for tag, n in re.findall(r": count (\S+) (\d+)$", done.stdout, re.M):
            self.lines[tag].add(int(n))
        for name, code in re.findall(r"heroku\[(run\.\d+)\]: Process exited with status (\d+)$", done.stdout, re.M):
            self.exits[name] = int(code)
        for name in re.findall(r"heroku\[(run\.\d+)\]: Process was lost", done.stdout):
            self.exits.setdefault(name, None)
        self.read_at = time.monotonic()
        return done.returncode == 0


def kill(town, dice, name):
    """SIGKILL one of that name, another one where it ended by itself meanwhile."""
    def victim():
        if name != "shim":
            return town.platform.daemon_pid(name)
        return dice.choice(sorted(town.shims()) or [None])

    def try_one():
        pid = wait_until(victim, f"{name} runs")
        whose = town.shims().get(pid)
        try:
            done = Kill(name, pid)
        except ProcessLookupError:
            return None
        town.killed.add(whose)
        return done
    return wait_until(try_one, f"{name} is killed")


@contextlib.contextmanager
def reported(capsys, times):
    try:
        yield
    finally:
        show(capsys, times)


def show(capsys, times):
    with capsys.disabled():
        print(f"\nat rest after a kill, in seconds (SEED={SEED}):")
        for name in VICTIMS:
            t = sorted(times[name])
            if t:
                print(f"  {name:7} n={len(t):<4} p50={statistics.median(t):.2f} "
                      f"p90={t[int(len(t) * .9)]:.2f} max={t[-1]:.2f}")


@pytest.fixture(scope="module")
def town(platform, script_files):
    return Town(platform, random.Random(SEED), script_files)


def test_random_kills(town, capsys):
    dice, times = town.dice, collections.defaultdict(list)
    kills = []  # a connection that one cut may be used, and fail, after the next
    wait_until(town.at_rest, "both apps are at rest")
    town.read_log()
    with reported(capsys, times), Traffic(town.platform, app="wild", calm="still", pause=0.03) as traffic:
        traffic.flows(1)
        for n in range(KILLS):
            kind, change = town.change(traffic)
            name = dice.choice(VICTIMS)
            # A moment at random, in what the change takes.
            change.join(dice.random() * (3 if kind == "push" else 0.4))
            killed = kill(town, dice, name)
            change.join()
            wait_until(town.at_rest, f"at rest after kill {n} of {name} at a {kind}, SEED={SEED}")
            killed.over = time.monotonic()
            times[name].append(killed.over - killed.sent)
            kills.append(killed)
            assert traffic.unexcused(*kills) == [], f"kill {n} of {name} at a {kind}, SEED={SEED}"
            traffic.failures.clear()
            if time.monotonic() - town.read_at > 15:
                town.read_log()
        traffic.flows(1)
    wait_until(town.read_log, "the log is read")
    for tag, lines in town.lines.items():
        assert lines == set(range(1, max(lines) + 1)), f"lines of {tag} are lost, SEED={SEED}"
    wait_until(lambda: town.read_log() and set(town.expected) <= set(town.exits), "each exit code is told")
    # Nobody saw the end of one whose shim was killed; of all others it is known.
    wrong = {k: town.exits[k] for k, v in town.expected.items()
             if town.exits[k] != v and not (town.exits[k] is None and town.ids[k] in town.killed)}
    assert wrong == {}, (town.expected, SEED)


# --- changes lose no request ------------------------------------------------

CHANGES = int(os.environ.get("CHANGES") or 20)

# Answers requests, takes uploads, and echoes on connections that were upgraded.
ALL_ROUND_SERVER = """
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\\n";
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
while (my $c = $s->accept()) {
    my $pid = fork(); if ($pid) { close $c; next }
    $c->autoflush(1);
    while (my $line = <$c>) {
        my ($length, $up) = (0, 0);
        while (defined(my $h = <$c>)) {
            last if $h =~ /^\\r?\\n$/;
            $length = $1 if $h =~ /^content-length: *(\\d+)/i;
            $up = 1 if $h =~ /^upgrade: *websocket/i;
        }
        if ($up) {
            print $c "HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n";
            while (defined(my $l = <$c>)) { print $c $l }
            exit 0;
        }
        my $got = 0;
        while ($got < $length) {
            my $n = read($c, my $buf, $length - $got > 65536 ? 65536 : $length - $got);
            exit 1 unless $n;
            $got += $n;
        }
        my $b = "VERSION $got\\n";
        print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\n\\r\\n$b";
    }
    exit 0;
}
"""


class Wires:
    """Uploads that last, and upgraded connections that echo, over every change.

    A connection is kept until it has outlived a change by ECHOES lines, which
    is within the time that it has to drain: the server may not end it.
    """

    SIZE, CHUNK, ECHOES = 3 << 20, 64 << 10, 20

    def __init__(self, port, host, echoing=3, uploading=2):
        self.port, self.host = port, host
        self.failures, self.echoes, self.outlived, self.uploads, self.changes = [], 0, 0, 0, 0
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.guarded, args=(what,))
                        for what in [self.echo] * echoing + [self.upload] * uploading]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()

    def guarded(self, once):
        while not self.stop.is_set():
            try:
                once()
            except (OSError, http.client.HTTPException, AssertionError) as error:
                with self.lock:
                    self.failures.append((once.__name__, repr(error)))

    def echo(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
            s.sendall(f"GET /wire HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            f = s.makefile("rb")
            status = f.readline()
            assert b" 101 " in status, status
            while f.readline().strip():
                pass
            opened, over = self.changes, 0
            while over < self.ECHOES and not self.stop.is_set():
                line = b"%d\n" % self.echoes
                s.sendall(line)
                back = f.readline()
                assert back == line, f"{line} came back as {back}"
                with self.lock:
                    self.echoes += 1
                over += self.changes > opened
                self.stop.wait(0.02)
            self.outlived += self.changes > opened

    def upload(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.putrequest("POST", "/upload", skip_host=True)
            c.putheader("Host", self.host)
            c.putheader("Content-Length", str(self.SIZE))
            c.endheaders()
            for _ in range(self.SIZE // self.CHUNK):
                c.send(b"x" * self.CHUNK)
                self.stop.wait(0.01)
            r = c.getresponse()
            text = r.read().decode(errors="replace")
            assert r.status == 200 and text.endswith(f" {self.SIZE}\n"), (r.status, text[:200])
            with self.lock:
                self.uploads += 1
        finally:
            c.close()


def test_changes_under_load_lose_no_request(platform, capsys):
    dice, files = random.Random(SEED), lambda v: {
        "Procfile": "web: perl server.pl\n", "server.pl": ALL_ROUND_SERVER.replace("VERSION", v)}
    app = platform.app("lively", files=files("v0"))
    platform.push(app)
    host = f"lively.localhost:{platform.port}"
    done, first = collections.Counter(), platform.api("GET", "/apps/lively/releases")[1][-1]["version"]
    versions, quantity = [first], 1

    def current():
        """The newest release serves, with all its instances and no others up."""
        releases, dynos = (platform.api("GET", f"/apps/lively/{what}")[1] for what in ("releases", "dynos"))
        up = sorted((d["name"], d["release"]["version"]) for d in dynos if d["state"] == "up")
        return releases[-1]["status"] == "succeeded" and up == [
            (f"web.{i}", releases[-1]["version"]) for i in range(1, quantity + 1)]
    begun = time.monotonic()
    with Load(platform.port, host, pause=0.02) as load, Wires(platform.port, host) as wires:
        wait_until(lambda: wires.uploads and wires.echoes > 20 and load.answers > 20, "the load runs")
        for n in range(1, CHANGES + 1):
            kind = dice.choices(["push", "config", "scale", "rollback"], [15, 35, 30, 20])[0]
            if kind == "push":
                platform.commit(app, f"v{n}", files(f"v{n}"))
                platform.push(app)
            elif kind == "config":
                assert platform.api("PATCH", "/apps/lively/config-vars", {"N": str(n)})[0] == 200
            elif kind == "scale":
                quantity = quantity % 3 + 1
                assert platform.api("PATCH", "/apps/lively/formation/web", {"quantity": quantity})[0] == 200
            else:
                back = dice.choice(versions[-5:])
                assert platform.api("POST", "/apps/lively/releases", {"release": f"v{back}"})[0] == 201
            wait_until(current, f"change {n}, a {kind}, is live, SEED={SEED}")
            versions.append(platform.api("GET", "/apps/lively/releases")[1][-1]["version"])
            done[kind] += 1
            wires.changes += 1
            assert load.failures == [] and wires.failures == [], f"change {n}, a {kind}, SEED={SEED}"
        seen = wires.outlived
        wait_until(lambda: wires.outlived > seen, "connections outlive the last change")
    seconds = time.monotonic() - begun
    with capsys.disabled():
        print(f"\n{CHANGES} changes ({', '.join(f'{n} {k}' for k, n in done.items())}) in {seconds:.1f} s: "
              f"{len(load.failures)} of {load.answers} requests failed, {len(wires.failures)} of {wires.uploads} uploads "
              f"and of {wires.echoes} echoes; {wires.outlived} upgraded connections outlived a change")
    assert load.failures == [] and wires.failures == []
    assert wires.uploads > 0 and wires.outlived > 0
